/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise */
#include "bench_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lpcam/method/split.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/shard.h"

enum { IMAGE_ROWS = 512, GRID_W = 32, HUGE_PAGE = 1 << 21 };

static void *huge_alloc(int64_t n_bytes)
{
    void *memory = NULL;
    const size_t n = ((size_t)n_bytes / HUGE_PAGE + 1) * HUGE_PAGE;
    if (posix_memalign(&memory, HUGE_PAGE, n) != 0)
        return NULL;
    madvise(memory, n, MADV_HUGEPAGE);
    return memory;
}

/* The tables of images of IMAGE_ROWS rows, the classes in turn. */
static enum lp_status matrix_tables(struct features *f, const struct matrix *m)
{
    const int64_t n_global = (m->n + IMAGE_ROWS - 1) / IMAGE_ROWS;
    const struct shard mine = shard_by_count(
        n_global, comm_rank(MPI_COMM_WORLD), comm_size(MPI_COMM_WORLD));
    const size_t n = (size_t)mine.n_local;

    *f = (struct features){.d = m->d,
                           .type = m->type,
                           .n_classes = m->n_classes,
                           .n_images = mine.n_local,
                           .first_image = mine.first};
    f->offset = calloc(n + 1, sizeof *f->offset);
    f->grid_w = calloc(n + 1, sizeof *f->grid_w);
    f->id_hash = calloc(n + 1, sizeof *f->id_hash);
    f->pair_offset = calloc(n + 1, sizeof *f->pair_offset);
    f->pair_class = calloc(n + 1, sizeof *f->pair_class);
    f->side_offset = calloc(n + 1, sizeof *f->side_offset);
    f->side = malloc(n * IMAGE_ROWS + 1);
    if (!f->offset || !f->grid_w || !f->id_hash || !f->pair_offset ||
        !f->pair_class || !f->side_offset || !f->side)
        return lp_fail(LP_ENOMEM, "no memory for %zu images", n);
    memset(f->side, SPLIT_OBJECT, n * IMAGE_ROWS);
    for (int64_t i = 0; i < mine.n_local; ++i) {
        const int64_t left = m->n - (mine.first + i) * IMAGE_ROWS;
        f->offset[i + 1] =
            f->offset[i] + (left < IMAGE_ROWS ? left : IMAGE_ROWS);
        f->grid_w[i] = GRID_W;
        f->id_hash[i] = (uint64_t)(mine.first + i);
        f->pair_class[i] = (int32_t)((mine.first + i) % m->n_classes);
        f->pair_offset[i + 1] = i + 1;
        f->side_offset[i + 1] = f->offset[i + 1];
    }
    return LP_OK;
}

/* This rank's rows of the matrix. */
static enum lp_status matrix_rows(struct features *f, const char *path)
{
    enum lp_status status = LP_OK;
    const int64_t row = (int64_t)f->d * value_bytes(f->type);
    const off_t begin =
        (off_t)f->first_image * IMAGE_ROWS * f->d * (off_t)sizeof(float);
    float *x = malloc(IMAGE_ROWS * (size_t)f->d * sizeof *x);
    FILE *file = fopen(path, "rb");

    f->value = huge_alloc(f->offset[f->n_images] * row + 1);
    if (!x || !f->value)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the rows of %s", path));
    if (!file || fseeko(file, begin, SEEK_SET) != 0)
        LP_TRY(lp_fail(LP_EIO, "cannot read %s", path));
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t n = (f->offset[i + 1] - f->offset[i]) * f->d;
        if (fread(x, sizeof *x, (size_t)n, file) != (size_t)n)
            LP_TRY(lp_fail(LP_EIO, "%s is shorter than its shape", path));
        value_from_f32(f->type, x, n, (char *)f->value + f->offset[i] * row);
    }
done:
    if (file)
        fclose(file);
    free(x);
    return status;
}

enum lp_status matrix_load(const struct matrix *m, struct features *f)
{
    enum lp_status status;
    LP_TRY(matrix_tables(f, m));
    LP_TRY(matrix_rows(f, m->path));
done:
    return status;
}

enum lp_status features_convert(struct features *f, enum lp_value type)
{
    enum lp_status status = LP_OK;
    const int64_t n = f->offset[f->n_images], had = f->d * value_bytes(f->type),
                  has = f->d * value_bytes(type);
    char *to = huge_alloc(n * has + 1);
    float *x = malloc((size_t)f->d * sizeof *x);

    if (!to || !x || !f->value)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld rows", (long long)n));
    for (int64_t r = 0; r < n; ++r) {
        value_to_f32(f->type, (const char *)f->value + r * had, f->d, x);
        value_from_f32(type, x, f->d, to + r * has);
    }
    free(f->value);
    f->value = to;
    f->type = type;
    to = NULL;
done:
    free(to);
    free(x);
    return status;
}
