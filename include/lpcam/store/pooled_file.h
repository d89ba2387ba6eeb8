/* SPDX-License-Identifier: MIT */
/* pooled_file.h: pooled.h5: means of the unpooled features of every labelled
 * photograph, what `lpcam fit` learns from.
 *
 *   /pooled/vector [n][views][d] f32: the windows of pool.h, of the photograph,
 *       then of its mirror image; zeros where there are none
 *   and /image, /class, /run as in image_group.h and run_file.h */
#ifndef LPCAM_POOLED_FILE_H
#define LPCAM_POOLED_FILE_H

#include "lpcam/store/image_group.h"
#include "lpcam/store/run_file.h"

struct pooled_file {
    struct run_file file;
    int views, d;
};

/* Create, or open to go on. size [n][2] of the photographs. Collective. */
enum lp_status pooled_file_open(struct pooled_file *pf, const char *path,
                                const struct run_about *about,
                                const struct dataset *d, const int64_t *size,
                                int views, int channels, MPI_Comm comm);

/* One photograph: vectors [views][d]. Local in effect. */
enum lp_status pooled_file_write(struct pooled_file *pf, int64_t image,
                                 const float *vectors);

/* Those of photographs [first, first + n), one behind the other; n may differ
 * by rank. Local in effect. */
enum lp_status pooled_file_read(struct pooled_file *pf, int64_t first,
                                int64_t n, float *vectors);

/* finish: flush and rename, with report. Safe on a zeroed struct. Collective. */
enum lp_status pooled_file_close(struct pooled_file *pf, bool finish,
                                 const char *report);

/* Open a finished file to be read; *d gets its IDs, labels and class names.
 * Collective. LP_EFORMAT names the data set that is not as it should be. */
enum lp_status pooled_file_load(struct pooled_file *pf, const char *path,
                                struct dataset *d, MPI_Comm comm);

#endif
