/* SPDX-License-Identifier: MIT */
/* image_group.h: the /image and /class groups of every per-image file.
 *
 *   /image/id    [n] text           /image/label_offset [n + 1] i64
 *   /image/size  [n][2] i64 h, w    /image/label        [pairs] i32 class index
 *   /image/state [n] u8 (0 to do, 1 done, 2 bad)
 *   /class/name  [N] text */
#ifndef LPCAM_IMAGE_GROUP_H
#define LPCAM_IMAGE_GROUP_H

#include <mpi.h>
#include <stdint.h>

#include "lpcam/data/dataset.h"
#include "lpcam/store/h5.h"

enum image_state { IMAGE_TO_DO = 0, IMAGE_DONE = 1, IMAGE_BAD = 2 };

/* Structure of all of it, or of /image/id and /class/name only. Collective. */
enum lp_status image_group_define(struct h5 *h5, const struct dataset *d);
enum lp_status name_group_define(struct h5 *h5, const struct dataset *d);

/* Their values, called by rank 0 alone; every state becomes to do. size
 * [n][2] pixels. Local. */
enum lp_status image_group_write(struct h5 *h5, const struct dataset *d,
                                 const int64_t *size);
enum lp_status name_group_write(struct h5 *h5, const struct dataset *d);

/* Do the photographs still have the sizes of the file? LP_EARG names one that
 * has not. Collective over comm. */
enum lp_status image_group_check(struct h5 *h5, const struct dataset *d,
                                 const int64_t *size, MPI_Comm comm);

/* IDs, labels and class names into a zeroed *d: no paths, no masks. Collective
 * over comm. LP_EFORMAT names the data set; dataset_release takes what is
 * left. */
enum lp_status image_group_read(struct h5 *h5, struct dataset *d,
                                MPI_Comm comm);

/* Sizes [n][2] of the n photographs of a file that is read, *size the caller's
 * to free; and /image/state, where there is one, is of n. Collective over comm.
 * LP_EFORMAT names the photograph. */
enum lp_status image_group_sizes(struct h5 *h5, int64_t n, int64_t **size,
                                 MPI_Comm comm);

/* Mark rows [first, first + n) with state [n] after their data: sync, write,
 * sync. Local in effect. */
enum lp_status image_group_mark(struct h5 *h5, int64_t first, int64_t n,
                                const uint8_t *state);
/* Read state [n] of images from first; all are done in a file from elsewhere
 * that has none. Local in effect. */
enum lp_status image_group_states(struct h5 *h5, int64_t first, int64_t n,
                                  uint8_t *state);

#endif
