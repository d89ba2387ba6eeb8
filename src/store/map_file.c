/* SPDX-License-Identifier: MIT */
#include "lpcam/store/map_file.h"

#include <stdlib.h>

#include "lpcam/run/comm.h"

/* What the structure is made from. */
struct plan {
    const struct map_file *mf;
    const struct dataset *d;
};

static int64_t map_cells(const struct map_file *mf, int64_t image, int side)
{
    const int64_t pixels = mf->size[2 * image + side];
    return pixels > 0 ? class_maps_strided((int)pixels) : 0;
}

/* Where each pair's map and each image's seed begin. Local. */
static enum lp_status build_tables(struct map_file *mf, const struct dataset *d,
                                   const int64_t *size)
{
    const int64_t n = d->n_images, n_pairs = d->label_offset[n];
    mf->size = calloc((size_t)n + 1, 2 * sizeof *mf->size);
    mf->pair_offset = calloc((size_t)n + 1, sizeof *mf->pair_offset);
    mf->label = calloc((size_t)n_pairs + 1, sizeof *mf->label);
    mf->map_offset = calloc((size_t)n_pairs + 1, sizeof *mf->map_offset);
    mf->seed_offset = calloc((size_t)n + 1, sizeof *mf->seed_offset);
    if (!mf->size || !mf->pair_offset || !mf->label || !mf->map_offset ||
        !mf->seed_offset)
        return lp_fail(LP_ENOMEM, "no memory for the tables of %lld images",
                       (long long)n);
    for (int64_t i = 0; i < 2 * n; ++i)
        mf->size[i] = size[i];
    for (int64_t p = 0; p < n_pairs; ++p)
        mf->label[p] = d->label[p];
    for (int64_t i = 0; i < n; ++i) {
        const int64_t cells = map_cells(mf, i, 0) * map_cells(mf, i, 1);
        mf->pair_offset[i + 1] = d->label_offset[i + 1];
        for (int64_t p = d->label_offset[i]; p < d->label_offset[i + 1]; ++p)
            mf->map_offset[p + 1] = mf->map_offset[p] + cells;
        mf->seed_offset[i + 1] =
            mf->seed_offset[i] + size[2 * i] * size[2 * i + 1];
    }
    return LP_OK;
}

/* Rank 0 writes all that is known from the start. Local. */
static enum lp_status write_tables(const struct plan *plan, struct h5 *h5)
{
    enum lp_status status;
    const struct map_file *mf = plan->mf;
    const int64_t n = mf->n_images, n_pairs = mf->pair_offset[n];
    int64_t *grid = malloc((size_t)(n + 1) * 2 * sizeof *grid);

    if (!grid)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld grids", (long long)n));
    for (int64_t i = 0; i < 2 * n; ++i)
        grid[i] = map_cells(mf, i / 2, (int)(i % 2));
    LP_TRY(image_group_write(h5, plan->d, mf->size));
    LP_TRY(h5_write(h5, "/map/offset", H5_I64, 0, n_pairs + 1, mf->map_offset));
    LP_TRY(h5_write(h5, "/map/grid", H5_I64, 0, n, grid));
    if (mf->seed)
        LP_TRY(h5_write(h5, "/seed/offset", H5_I64, 0, n + 1, mf->seed_offset));
done:
    free(grid);
    return status;
}

static enum lp_status define_seed(const struct map_file *mf, struct h5 *h5)
{
    enum lp_status status;
    const int64_t offsets = mf->n_images + 1;
    const int64_t *pixels = &mf->seed_offset[mf->n_images];
    LP_TRY(h5_define(h5, "/seed/class", H5_U8, 1, pixels,
                     "class index + 1 of the largest map at every pixel, 0 "
                     "where there is none",
                     "", NULL));
    LP_TRY(h5_define(h5, "/seed/score", H5_U8, 1, pixels,
                     "q: its value exceeds j / 200 exactly when q > j",
                     "1 / 200", NULL));
    LP_TRY(h5_define(h5, "/seed/offset", H5_I64, 1, &offsets,
                     "pixels before each photograph; the last is their number",
                     "pixels", "/seed/class"));
done:
    return status;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    enum lp_status status;
    const struct plan *plan = arg;
    const struct map_file *mf = plan->mf;
    const int64_t n = mf->n_images, n_pairs = mf->pair_offset[n];
    const int64_t offsets = n_pairs + 1, grid[2] = {n, 2};

    LP_TRY(image_group_define(h5, plan->d));
    LP_TRY(h5_define(h5, "/map/value", h5_type_of(mf->type), 1,
                     &mf->map_offset[n_pairs],
                     "activation maps at stride 4, row-major, one for every "
                     "entry of /image/label",
                     mf->type == LP_U8 ? "1 / 255 of the map's maximum"
                                       : "share of the map's maximum",
                     NULL));
    LP_TRY(h5_define(h5, "/map/offset", H5_I64, 1, &offsets,
                     "cells before each entry of /image/label; the last is "
                     "their number",
                     "cells", "/map/value"));
    LP_TRY(h5_define(h5, "/map/maximum", H5_F32, 1, &n_pairs,
                     "largest value of the map before it was divided by it; 0: "
                     "a zero map",
                     "sum over the scales", NULL));
    LP_TRY(h5_define(h5, "/map/grid", H5_I64, 2, grid,
                     "height and width of the photograph's maps", "cells",
                     NULL));
    if (mf->seed)
        LP_TRY(define_seed(mf, h5));
    LP_TRY(map_preview_define(&mf->preview, h5, plan->d));
    status = write_tables(plan, h5);
done:
    return status;
}

/* Are the data sets as long as the tables say? */
static enum lp_status check_shapes(const struct map_file *mf)
{
    enum lp_status status;
    enum h5_type type;
    struct h5 *h5 = mf->file.h5;
    int64_t cells = mf->map_offset[mf->pair_offset[mf->n_images]];
    int64_t pixels = mf->seed_offset[mf->n_images];
    LP_TRY(h5_expect(h5, "/map/value", 1, &cells, &type));
    if (mf->seed) {
        LP_TRY(h5_expect(h5, "/seed/class", 1, &pixels, &type));
        LP_TRY(h5_expect(h5, "/seed/score", 1, &pixels, &type));
    }
done:
    return status;
}

enum lp_status map_file_open(struct map_file *mf, const char *path,
                             const struct run_about *about,
                             const struct dataset *d, const int64_t *size,
                             enum lp_value type, bool seed, MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type stored;
    struct plan plan = {mf, d};
    int64_t n_pairs = d->label_offset[d->n_images];

    *mf = (struct map_file){.type = type,
                            .seed = seed,
                            .n_images = d->n_images,
                            .n_classes = d->n_classes};
    status = build_tables(mf, d, size);
    LP_AGREE(comm);
    map_preview_plan(&mf->preview, d, size);
    LP_TRY(run_file_open(&mf->file, path, about, define, &plan, comm));
    if (mf->file.found != FILE_ABSENT)
        LP_TRY(image_group_check(mf->file.h5, d, size, comm));
    LP_TRY(check_shapes(mf));
    LP_TRY(h5_expect(mf->file.h5, "/map/maximum", 1, &n_pairs, &stored));
    LP_TRY(map_preview_check(&mf->preview, mf->file.h5));
done:
    if (status != LP_OK)
        map_file_close(mf, false, NULL);
    return status;
}

enum lp_status map_file_load(struct map_file *mf, const char *path,
                             const char *settings, struct dataset *d,
                             MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    struct dataset own = {0};
    struct dataset *into = d ? d : &own;
    int64_t *size = NULL, cells = -1;

    *mf = (struct map_file){0};
    *into = (struct dataset){0};
    LP_TRY(run_file_read(&mf->file, path, settings,
                         "activate (extract for cams.h5)", comm));
    LP_TRY(image_group_read(mf->file.h5, into, comm));
    mf->n_images = into->n_images;
    mf->n_classes = into->n_classes;
    LP_TRY(image_group_sizes(mf->file.h5, mf->n_images, &size, comm));
    LP_TRY(h5_expect(mf->file.h5, "/map/value", 1, &cells, &type));
    mf->type = type == H5_F16    ? LP_F16
               : type == H5_BF16 ? LP_BF16
               : type == H5_U8   ? LP_U8
                                 : LP_F32;
    mf->seed = h5_has(mf->file.h5, "/seed/class");
    status = build_tables(mf, into, size);
    LP_AGREE(comm);
    LP_TRY(check_shapes(mf));
done:
    dataset_release(&own);
    free(size);
    if (status != LP_OK)
        map_file_close(mf, false, NULL);
    return status;
}

/* Room for one image's maps as stored. Local. */
static enum lp_status reserve(struct map_file *mf, int64_t n_cells)
{
    const int64_t bytes = n_cells * value_bytes(mf->type);
    if (bytes <= mf->cells_room)
        return LP_OK;
    void *cells = realloc(mf->cells, (size_t)bytes);
    if (!cells)
        return lp_fail(LP_ENOMEM,
                       "no memory for the maps of an image, %lld "
                       "bytes",
                       (long long)bytes);
    mf->cells = cells;
    mf->cells_room = bytes;
    return LP_OK;
}

/* Where an image's maps begin. */
static int64_t first_cell(const struct map_file *mf, int64_t image)
{
    return mf->map_offset[mf->pair_offset[image]];
}

enum lp_status map_file_write(struct map_file *mf, int64_t image,
                              const struct class_maps *m,
                              const uint8_t *best_class, const uint8_t *q)
{
    enum lp_status status = LP_OK;
    const int64_t first = first_cell(mf, image);
    const int64_t n = first_cell(mf, image + 1) - first;
    const int64_t pixel = mf->seed_offset[image];
    const int64_t n_pixels = mf->seed_offset[image + 1] - pixel;
    const int64_t pair = mf->pair_offset[image];

    if ((int64_t)m->n * m->sh * m->sw != n)
        return lp_fail(LP_EARG,
                       "image %lld has %d maps of %d x %d, but %lld cells in "
                       "%s: the photograph changed while the job ran",
                       (long long)image, m->n, m->sh, m->sw, (long long)n,
                       h5_path(mf->file.h5));
    if (n > 0) {
        LP_TRY(reserve(mf, n));
        value_from_f32(mf->type, m->strided, n, mf->cells);
        LP_TRY(h5_write(mf->file.h5, "/map/value", h5_type_of(mf->type), first,
                        n, mf->cells));
        LP_TRY(h5_write(mf->file.h5, "/map/maximum", H5_F32, pair, m->n,
                        m->strided_max));
        LP_TRY(map_preview_write(&mf->preview, mf->file.h5,
                                 mf->pair_offset[image], m));
    }
    if (mf->seed) {
        LP_TRY(h5_write(mf->file.h5, "/seed/class", H5_U8, pixel, n_pixels,
                        best_class));
        LP_TRY(h5_write(mf->file.h5, "/seed/score", H5_U8, pixel, n_pixels, q));
    }
done:
    return status;
}

enum lp_status map_file_read(struct map_file *mf, int64_t image, float *strided)
{
    enum lp_status status;
    const int64_t first = first_cell(mf, image);
    const int64_t n = first_cell(mf, image + 1) - first;
    if (n == 0)
        return LP_OK;
    LP_TRY(reserve(mf, n));
    LP_TRY(h5_read(mf->file.h5, "/map/value", h5_type_of(mf->type), first, n,
                   mf->cells));
    value_to_f32(mf->type, mf->cells, n, strided);
done:
    return status;
}

enum lp_status map_file_read_seed(struct map_file *mf, int64_t image,
                                  uint8_t *best_class, uint8_t *q)
{
    enum lp_status status;
    const int64_t first = mf->seed_offset[image];
    const int64_t n = mf->seed_offset[image + 1] - first;
    LP_TRY(h5_read(mf->file.h5, "/seed/class", H5_U8, first, n, best_class));
    LP_TRY(h5_read(mf->file.h5, "/seed/score", H5_U8, first, n, q));
    for (int64_t i = 0; i < n; ++i)
        if (best_class[i] > mf->n_classes)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "/seed/class[%lld] of %s is %d, but there are %d "
                           "classes",
                           (long long)(first + i), h5_path(mf->file.h5),
                           best_class[i], mf->n_classes));
done:
    return status;
}

enum lp_status map_file_close(struct map_file *mf, bool finish,
                              const char *report)
{
    enum lp_status status = LP_OK;
    if (finish)
        status = run_file_finish(&mf->file, report);
    run_file_close(&mf->file);
    free(mf->size);
    free(mf->pair_offset);
    free(mf->label);
    free(mf->map_offset);
    free(mf->seed_offset);
    free(mf->cells);
    *mf = (struct map_file){0};
    return status;
}
