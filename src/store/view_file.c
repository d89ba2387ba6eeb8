/* SPDX-License-Identifier: MIT */
#include "lpcam/store/view_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/size.h"
#include "lpcam/run/comm.h"

/* What the structure is made from. */
struct plan {
    const struct view_file *vf;
    const struct dataset *d;
    const int64_t *size;
    const struct number_list *scales;
    const struct basis *basis;
};

/* Where each view's cells begin. Local. */
static enum lp_status build_tables(struct view_file *vf, const int64_t *grid)
{
    const int64_t n = vf->n_images * vf->n_scales;
    vf->offset = calloc((size_t)n + 1, sizeof *vf->offset);
    vf->grid = calloc((size_t)n + 1, 2 * sizeof *vf->grid);
    if (!vf->offset || !vf->grid)
        return lp_fail(LP_ENOMEM, "no memory for the tables of %lld views",
                       (long long)n);
    memcpy(vf->grid, grid, (size_t)n * 2 * sizeof *grid);
    for (int64_t i = 0; i < n; ++i)
        vf->offset[i + 1] = vf->offset[i] + grid[2 * i] * grid[2 * i + 1];
    return LP_OK;
}

/* Rank 0 writes all that is known from the start. Local. */
static enum lp_status write_tables(const struct plan *plan, struct h5 *h5)
{
    enum lp_status status;
    const struct view_file *vf = plan->vf;
    LP_TRY(image_group_write(h5, plan->d, plan->size));
    LP_TRY(h5_write(h5, "/view/offset", H5_I64, 0,
                    vf->n_images * vf->n_scales + 1, vf->offset));
    LP_TRY(h5_write(h5, "/view/grid", H5_I64, 0, vf->n_images, vf->grid));
    LP_TRY(
        h5_write(h5, "/view/scale", H5_F64, 0, vf->n_scales, plan->scales->v));
done:
    return status;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    enum lp_status status;
    const struct plan *plan = arg;
    const struct view_file *vf = plan->vf;
    const int64_t n = vf->n_images, scales = vf->n_scales;
    const int64_t offsets = n * scales + 1, grid[3] = {n, scales, 2};
    const int64_t vector[2] = {vf->offset[n * scales], vf->r};

    LP_TRY(image_group_define(h5, plan->d));
    LP_TRY(h5_define(h5, "/view/vector", H5_F16, 2, vector,
                     "features of the photograph and its mirror image, added, "
                     "of length 1 in all channels; a row a cell, the cells of "
                     "a view row-major, the views of a photograph in the order "
                     "of /view/scale",
                     "", NULL));
    LP_TRY(h5_define(h5, "/view/offset", H5_I64, 1, &offsets,
                     "cells before each view, photograph after photograph; the "
                     "last is their number",
                     "cells", "/view/vector"));
    LP_TRY(h5_define(h5, "/view/grid", H5_I64, 3, grid,
                     "height and width of the photograph's views", "cells",
                     NULL));
    LP_TRY(h5_define(h5, "/view/scale", H5_F64, 1, &scales,
                     "size at which the photograph was seen", "its own size",
                     NULL));
    if (plan->basis->vector)
        LP_TRY(basis_group_define(h5, plan->basis));
    status = write_tables(plan, h5);
done:
    return status;
}

enum lp_status view_file_open(struct view_file *vf, const char *path,
                              const struct run_about *about,
                              const struct dataset *d, const int64_t *size,
                              const int64_t *grid,
                              const struct number_list *scales,
                              const struct basis *basis, MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    struct plan plan = {vf, d, size, scales, basis};
    int64_t shape[2];

    *vf = (struct view_file){
        .r = basis->r, .n_scales = scales->n, .n_images = d->n_images};
    status = build_tables(vf, grid);
    LP_AGREE(comm);
    LP_TRY(run_file_open(&vf->file, path, about, define, &plan, comm));
    if (vf->file.found != FILE_ABSENT)
        LP_TRY(image_group_check(vf->file.h5, d, size, comm));
    shape[0] = vf->offset[vf->n_images * vf->n_scales];
    shape[1] = vf->r;
    LP_TRY(h5_expect(vf->file.h5, "/view/vector", 2, shape, &type));
done:
    if (status != LP_OK)
        view_file_close(vf, false, NULL);
    return status;
}

/* Cells before an image; before the one behind the last, all. */
static int64_t first_cell(const struct view_file *vf, int64_t image)
{
    return vf->offset[image * vf->n_scales];
}

int64_t view_file_cells(const struct view_file *vf, int64_t image)
{
    return first_cell(vf, image + 1) - first_cell(vf, image);
}

enum lp_status view_file_write(struct view_file *vf, int64_t image,
                               const void *rows)
{
    return h5_write(vf->file.h5, "/view/vector", H5_F16, first_cell(vf, image),
                    view_file_cells(vf, image), rows);
}

/* Do grids and offsets tell the same numbers of cells? Local. */
static enum lp_status check_tables(const struct view_file *vf, int64_t n_rows)
{
    const char *path = h5_path(vf->file.h5);
    const int64_t n = vf->n_images * vf->n_scales;
    if (vf->n_scales < 1 || vf->offset[0] != 0)
        return lp_fail(LP_EFORMAT,
                       "/view/grid of %s must be of 1 to %d scales, and "
                       "/view/offset begin with 0",
                       path, CONFIG_MAX_LIST);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t h = vf->grid[2 * i], w = vf->grid[2 * i + 1];
        int64_t end = vf->offset[i], cells = h;
        if (h < 0 || w < 0 || h > INT_MAX || w > INT_MAX ||
            !size_multiply(&cells, w) || cells > INT_MAX ||
            !size_add(&end, cells) || vf->offset[i + 1] != end)
            return lp_fail(LP_EFORMAT,
                           "/view/offset[%lld] of %s is %lld after %lld, where "
                           "/view/grid has %lld x %lld cells",
                           (long long)i + 1, path, (long long)vf->offset[i + 1],
                           (long long)vf->offset[i], (long long)h,
                           (long long)w);
    }
    if (vf->offset[n] != n_rows || vf->r < 1)
        return lp_fail(LP_EFORMAT,
                       "/view/vector of %s has %lld rows of %d channels, where "
                       "/view/offset ends with %lld",
                       path, (long long)n_rows, vf->r,
                       (long long)vf->offset[n]);
    return LP_OK;
}

enum lp_status view_file_load(struct view_file *vf, const char *path,
                              const char *settings, MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    struct h5 *h5;
    int64_t vector[2] = {-1, -1}, grid[3] = {-1, -1, 2}, n;
    void *table = NULL;

    *vf = (struct view_file){0};
    LP_TRY(run_file_read(&vf->file, path, settings, "extract", comm));
    h5 = vf->file.h5;
    LP_TRY(h5_expect(h5, "/view/vector", 2, vector, &type));
    LP_TRY(h5_read_shared(h5, "/view/grid", H5_I64, 3, grid, &table));
    vf->grid = table;
    vf->n_images = grid[0];
    vf->n_scales = grid[1] > CONFIG_MAX_LIST ? 0 : (int)grid[1];
    vf->r = vector[1] > INT_MAX ? 0 : (int)vector[1];
    n = grid[0] * grid[1] + 1;
    LP_TRY(h5_read_shared(h5, "/view/offset", H5_I64, 1, &n, &table));
    vf->offset = table;
    LP_TRY(image_group_sizes(h5, vf->n_images, &vf->size, comm));
    if (comm_rank(comm) == 0)
        status = check_tables(vf, vector[0]);
    LP_AGREE(comm);
    LP_TRY(basis_group_read(h5, vf->r, 0, &vf->basis, comm));
done:
    return status;
}

/* features.read */
static enum lp_status read_rows(void *file, int64_t first, int64_t n,
                                void *rows)
{
    struct view_file *vf = file;
    return h5_read(vf->file.h5, "/view/vector", H5_F16, first, n, rows);
}

enum lp_status view_file_rows(struct view_file *vf, int64_t block_bytes,
                              struct features *f)
{
    const int64_t n = vf->n_images;
    const int64_t at = h5_offset(vf->file.h5, "/view/vector", H5_F16);
    *f = (struct features){.d = vf->r,
                           .type = LP_F16,
                           .n_images = n,
                           .read = read_rows,
                           .file = vf,
                           .block_bytes = block_bytes};
    f->offset = malloc((size_t)(n + 1) * sizeof *f->offset);
    if (!f->offset)
        return lp_fail(LP_ENOMEM, "no memory for the tables of %lld images",
                       (long long)n);
    for (int64_t i = 0; i <= n; ++i)
        f->offset[i] = first_cell(vf, i);
    if (at >= 0 && at % value_bytes(LP_F16) == 0) {
        f->path = h5_path(vf->file.h5);
        f->at = at;
    }
    return LP_OK;
}

enum lp_status view_file_close(struct view_file *vf, bool finish,
                               const char *report)
{
    enum lp_status status = LP_OK;
    if (finish)
        status = run_file_finish(&vf->file, report);
    run_file_close(&vf->file);
    free(vf->offset);
    free(vf->grid);
    free(vf->size);
    basis_release(&vf->basis);
    *vf = (struct view_file){0};
    return status;
}
