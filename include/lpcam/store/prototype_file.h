/* SPDX-License-Identifier: MIT */
/* prototype_file.h: prototypes.h5 (design.md section 4): centres, which of
 * them are prototypes, the cells nearest to each, and the one vector a class
 * they amount to.
 *
 *   /object, /context: center [N][K][D] f32, size [N][K] i64,
 *       probability [N][K] f32, selected [N][K] u8, weight [N][K] f64,
 *       nearest [N][K][8][3] i64 (image, row, column; -1: none),
 *       similarity [N][K][8] f32
 *   /start_1/object ... the further starts of kmeans.starts > 1, same shapes
 *   /method/vector [N][D] f32 (mean over the starts), /method/lambda [N] f64
 *   /history/iterations [starts][2N] i64, why [starts][2N] u8,
 *       rows [2N] i64, zero_rows [2N] i64,
 *       moved, objective, shift2 [starts][steps][2N]; problem = 2 class + side
 *   /class/name, /image/id as in image_group.h, /run as in run_file.h */
#ifndef LPCAM_PROTOTYPE_FILE_H
#define LPCAM_PROTOTYPE_FILE_H

#include "lpcam/method/basis.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/method/prototypes.h"
#include "lpcam/store/image_group.h"
#include "lpcam/store/run_file.h"

/* Result of one start. */
struct prototype_start {
    const struct kmeans *kmeans;
    const struct prototypes *prototypes;
    const struct kmeans_near *nearest; /* [2N][K][8] */
};

/* Write the file whole (partial, flush, rename): small, rank 0 writes.
 * vector [N][d], lambda [N]. What has d dimensions was clustered as components
 * of basis and is written in D; D = d where that changes nothing.
 * Collective. */
enum lp_status
prototype_file_write(const char *path, const struct run_about *about,
                     const struct dataset *d, const struct basis *basis,
                     const struct prototype_start *start, int n_starts,
                     const float *vector, const double *lambda,
                     const char *report, MPI_Comm comm);

/* Read M: *vector [n][d], the caller's to free; the classes must be those of
 * data, in order, d the network's, and all values finite. settings as in
 * run_file_read.
 * Collective. */
enum lp_status prototype_file_read(const char *path, const char *settings,
                                   const struct dataset *data, int d,
                                   float **vector, MPI_Comm comm);

#endif
