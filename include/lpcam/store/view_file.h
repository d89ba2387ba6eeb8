/* SPDX-License-Identifier: MIT */
/* view_file.h: views.h5: what a single pass over the photographs keeps of them
 * (run.passes = 1): a vector of length 1 for every cell at every scale, in the
 * dimensions of a basis, so that activate needs neither photographs nor network
 * (unit_rows.h). Photographs without labels, and broken ones, have no cells.
 *
 *   /view/vector  [cells][r] f16, view after view of a photograph
 *   /view/offset  [n * S + 1] i64   cells before each view
 *   /view/grid    [n][S][2] i64     h, w in cells
 *   /view/scale   [S] f64           size at which the photograph was seen
 *   /basis as in basis_file.h, where r are components of d channels
 *   and /image, /class, /run as in image_group.h and run_file.h */
#ifndef LPCAM_VIEW_FILE_H
#define LPCAM_VIEW_FILE_H

#include "lpcam/method/features.h"
#include "lpcam/run/config.h"
#include "lpcam/store/basis_file.h"
#include "lpcam/store/image_group.h"
#include "lpcam/store/run_file.h"

struct view_file {
    struct run_file file;
    int r, n_scales;
    int64_t n_images;
    int64_t *offset; /* [n_images * n_scales + 1]                           */
    int64_t *grid;   /* [n_images][n_scales][2]                             */
    int64_t *size;   /* [n_images][2] pixels, after view_file_load          */
    struct basis basis; /* after view_file_load                            */
};

/* Create, or open to go on. size [n][2] pixels; grid [n][S][2], 0 0 for views
 * that are not kept. Collective. */
enum lp_status view_file_open(struct view_file *vf, const char *path,
                              const struct run_about *about,
                              const struct dataset *d, const int64_t *size,
                              const int64_t *grid,
                              const struct number_list *scales,
                              const struct basis *basis, MPI_Comm comm);

/* Cells of an image, of all its views. Local. */
int64_t view_file_cells(const struct view_file *vf, int64_t image);

/* One image: rows [cells][r] of f16. Local in effect. */
enum lp_status view_file_write(struct view_file *vf, int64_t image,
                               const void *rows);

/* Open a whole file to read: tables and basis, the same on every rank. What is
 * left is released by the caller, also after a failure. Collective. LP_EFORMAT
 * names the data set and the index. */
enum lp_status view_file_load(struct view_file *vf, const char *path,
                              const char *settings, MPI_Comm comm);

/* Its rows, to be read block by block with features_block, images by their
 * numbers in the file; *f is filled but for wanted. At most about block_bytes
 * are held, twice. vf must stay open. Local; LP_ENOMEM. */
enum lp_status view_file_rows(struct view_file *vf, int64_t block_bytes,
                              struct features *f);

/* Close it and free the tables; safe on a zeroed struct. finish: flush and
 * rename, with report. Collective. */
enum lp_status view_file_close(struct view_file *vf, bool finish,
                               const char *report);

#endif
