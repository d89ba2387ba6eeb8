/* SPDX-License-Identifier: MIT */
#include "lpcam/method/features.h"

#include <stdlib.h>

static int64_t row_bytes(const struct features *f)
{
    return (int64_t)f->d * value_bytes(f->type);
}

/* Room for block_bytes, or for the largest image where that needs more. */
static enum lp_status reserve_block(struct features *f)
{
    int64_t room = f->block_bytes > row_bytes(f) ? f->block_bytes : 1;
    if (f->block)
        return LP_OK;
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t bytes = (f->offset[i + 1] - f->offset[i]) * row_bytes(f);
        room = bytes > room ? bytes : room;
    }
    f->block = malloc((size_t)room);
    if (!f->block)
        return lp_fail(LP_ENOMEM,
                       "no memory for a block of features, %lld bytes: lower "
                       "run.memory or start fewer ranks on a node",
                       (long long)room);
    return LP_OK;
}

enum lp_status features_block(struct features *f, int64_t i, int64_t *end,
                              const void **rows)
{
    enum lp_status status = LP_OK;
    const int64_t first = f->offset[i];
    int64_t e = i + 1;

    if (f->value) {
        *end = f->n_images;
        *rows = (const char *)f->value + first * row_bytes(f);
        return LP_OK;
    }
    while (e < f->n_images &&
           (f->offset[e + 1] - first) * row_bytes(f) <= f->block_bytes)
        ++e;
    LP_TRY(reserve_block(f));
    if (f->offset[e] > first)
        LP_TRY(f->read(f->file, first, f->offset[e] - first, f->block));
    *end = e;
    *rows = f->block;
done:
    return status;
}

enum lp_status features_row(struct features *f, int64_t cell, float *x)
{
    enum lp_status status = LP_OK;
    const void *row = (const char *)f->value + cell * row_bytes(f);
    if (!f->value) {
        LP_TRY(reserve_block(f));
        LP_TRY(f->read(f->file, cell, 1, f->block));
        row = f->block;
    }
    value_to_f32(f->type, row, f->d, x);
done:
    return status;
}

void features_release(struct features *f)
{
    free(f->offset);
    free(f->grid_w);
    free(f->id_hash);
    free(f->pair_offset);
    free(f->pair_class);
    free(f->side_offset);
    free(f->side);
    free(f->value);
    free(f->block);
    *f = (struct features){.file = f->file};
}
