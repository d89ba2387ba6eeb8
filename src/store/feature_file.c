/* SPDX-License-Identifier: MIT */
#include "lpcam/store/feature_file.h"

#include <stdlib.h>

#include "lpcam/run/comm.h"

/* What the structure is made from. */
struct plan {
    const struct feature_file *ff;
    const struct dataset *d;
    const struct head *head;
    const struct basis *basis; /* or NULL */
    const int64_t *size, *grid;
};

/* Where each image's and each pair's cells begin. Local. */
static enum lp_status build_tables(struct feature_file *ff,
                                   const struct dataset *d, const int64_t *grid)
{
    const int64_t n = d->n_images, n_pairs = d->label_offset[n];
    ff->offset = calloc((size_t)n + 1, sizeof *ff->offset);
    ff->grid = calloc((size_t)n + 1, 2 * sizeof *ff->grid);
    ff->pair_offset = calloc((size_t)n + 1, sizeof *ff->pair_offset);
    ff->side_offset = calloc((size_t)n_pairs + 1, sizeof *ff->side_offset);
    if (!ff->offset || !ff->grid || !ff->pair_offset || !ff->side_offset)
        return lp_fail(LP_ENOMEM, "no memory for the tables of %lld images",
                       (long long)n);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t cells = grid[2 * i] * grid[2 * i + 1];
        ff->grid[2 * i] = grid[2 * i];
        ff->grid[2 * i + 1] = grid[2 * i + 1];
        ff->offset[i + 1] = ff->offset[i] + cells;
        ff->pair_offset[i + 1] = d->label_offset[i + 1];
        for (int64_t p = d->label_offset[i]; p < d->label_offset[i + 1]; ++p)
            ff->side_offset[p + 1] = ff->side_offset[p] + cells;
    }
    return LP_OK;
}

/* Rank 0 writes all that is known from the start. Local. */
static enum lp_status write_tables(const struct plan *plan, struct h5 *h5)
{
    enum lp_status status;
    const struct feature_file *ff = plan->ff;
    const int64_t n = ff->n_images, n_pairs = ff->pair_offset[n];
    LP_TRY(image_group_write(h5, plan->d, plan->size));
    LP_TRY(h5_write(h5, "/feature/offset", H5_I64, 0, n + 1, ff->offset));
    LP_TRY(h5_write(h5, "/feature/grid", H5_I64, 0, n, ff->grid));
    LP_TRY(
        h5_write(h5, "/split/offset", H5_I64, 0, n_pairs + 1, ff->side_offset));
    LP_TRY(h5_write(h5, "/classifier/weight", H5_F32, 0, plan->head->n,
                    plan->head->weight));
    LP_TRY(h5_write(h5, "/classifier/bias", H5_F32, 0, plan->head->n,
                    plan->head->bias));
done:
    return status;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    enum lp_status status;
    const struct plan *plan = arg;
    const struct feature_file *ff = plan->ff;
    const int64_t n = ff->n_images, n_pairs = ff->pair_offset[n];
    const int64_t vector[2] = {ff->offset[n], ff->d}, grid[2] = {n, 2};
    const int64_t weight[2] = {plan->head->n, plan->head->d};
    const int64_t offsets = n + 1, sides = n_pairs + 1;

    LP_TRY(image_group_define(h5, plan->d));
    LP_TRY(h5_define(h5, "/feature/vector", h5_type_of(ff->type), 2, vector,
                     plan->basis ? "unpooled features at scale 1 as products "
                                   "with the rows of /basis/vector, a row a "
                                   "cell, the cells of a photograph row-major"
                                 : "unpooled features at scale 1, a row a "
                                   "cell, the cells of a photograph row-major",
                     "feature units", NULL));
    if (plan->basis) {
        LP_TRY(h5_define(h5, "/feature/norm", H5_F32, 1, vector,
                         "lengths of the whole features", "feature units",
                         NULL));
        LP_TRY(basis_group_define(h5, plan->basis));
    }
    LP_TRY(h5_define(h5, "/feature/offset", H5_I64, 1, &offsets,
                     "cells before each photograph; the last is their number",
                     "cells", "/feature/vector"));
    LP_TRY(h5_define(h5, "/feature/grid", H5_I64, 2, grid,
                     "height and width of the photograph's features", "cells",
                     NULL));
    LP_TRY(h5_define(h5, "/split/side", H5_U8, 1, &ff->side_offset[n_pairs],
                     "0 neither, 1 object, 2 context: of every cell, for every "
                     "class present",
                     "", NULL));
    LP_TRY(h5_define(h5, "/split/offset", H5_I64, 1, &sides,
                     "cells before each entry of /image/label; the last is "
                     "their number",
                     "cells", "/split/side"));
    LP_TRY(h5_define(h5, "/classifier/weight", H5_F32, 2, weight,
                     "the linear layer of the classifier",
                     "logit per feature unit", NULL));
    LP_TRY(h5_define(h5, "/classifier/bias", H5_F32, 1, weight,
                     "its bias, zeros where it has none", "logit", NULL));
    LP_TRY(h5_set_default(h5, "classifier", "weight"));
    /* As a picture the few classes would be a line of dots. */
    LP_TRY(h5_set_attribute(h5, "/classifier/weight", "interpretation",
                            "spectrum"));
    status = write_tables(plan, h5);
done:
    return status;
}

enum lp_status feature_file_open(struct feature_file *ff, const char *path,
                                 const struct run_about *about,
                                 const struct dataset *d, const int64_t *size,
                                 const int64_t *grid, const struct head *head,
                                 const struct basis *basis, enum lp_value type,
                                 MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type stored;
    struct plan plan = {ff, d, head, basis, size, grid};
    int64_t shape[2];

    *ff = (struct feature_file){.d = basis ? basis->r : head->d,
                                .norms = basis != NULL,
                                .type = type,
                                .n_images = d->n_images};
    status = build_tables(ff, d, grid);
    LP_AGREE(comm);
    LP_TRY(run_file_open(&ff->file, path, about, define, &plan, comm));
    if (ff->file.found != FILE_ABSENT)
        LP_TRY(image_group_check(ff->file.h5, d, size, comm));
    shape[0] = ff->offset[d->n_images];
    shape[1] = ff->d;
    LP_TRY(h5_expect(ff->file.h5, "/feature/vector", 2, shape, &stored));
    if (ff->norms)
        LP_TRY(h5_expect(ff->file.h5, "/feature/norm", 1, shape, &stored));
    shape[0] = ff->side_offset[d->label_offset[d->n_images]];
    LP_TRY(h5_expect(ff->file.h5, "/split/side", 1, shape, &stored));
done:
    if (status != LP_OK)
        feature_file_close(ff, false, NULL);
    return status;
}

enum lp_status feature_file_write(struct feature_file *ff, int64_t image,
                                  const void *vectors, const float *norm,
                                  const uint8_t *side)
{
    enum lp_status status;
    const int64_t first = ff->offset[image];
    const int64_t n = ff->offset[image + 1] - first;
    const int64_t at = ff->side_offset[ff->pair_offset[image]];
    const int64_t end = ff->side_offset[ff->pair_offset[image + 1]];
    LP_TRY(h5_write(ff->file.h5, "/feature/vector", h5_type_of(ff->type), first,
                    n, vectors));
    if (ff->norms)
        LP_TRY(h5_write(ff->file.h5, "/feature/norm", H5_F32, first, n, norm));
    LP_TRY(h5_write(ff->file.h5, "/split/side", H5_U8, at, end - at, side));
done:
    return status;
}

enum lp_status feature_file_close(struct feature_file *ff, bool finish,
                                  const char *report)
{
    enum lp_status status = LP_OK;
    if (finish)
        status = run_file_finish(&ff->file, report);
    run_file_close(&ff->file);
    free(ff->offset);
    free(ff->grid);
    free(ff->pair_offset);
    free(ff->side_offset);
    *ff = (struct feature_file){0};
    return status;
}
