/* SPDX-License-Identifier: MIT */
/* basis_file.h: basis.h5, the principal components that features.dims keeps.
 *
 *   /basis/vector [r][D] f32, /basis/value [D] f64, and as attributes of /basis
 *   what struct basis_loss says: rows, energy, map_mean, map_error_mean,
 *   map_error_max; /run as in run_file.h
 *
 * features.h5 holds the same group, so that it stands alone; features from
 * elsewhere need the vectors only. */
#ifndef LPCAM_BASIS_FILE_H
#define LPCAM_BASIS_FILE_H

#include "lpcam/method/basis.h"
#include "lpcam/store/run_file.h"

/* Structure and values of the group in a file that is being made, by the rank
 * that makes it. Local. */
enum lp_status basis_group_define(struct h5 *h5, const struct basis *b);

/* The group of an open file into a zeroed *b: r components of d channels, 0:
 * any number; where it has none, a basis that changes nothing, of r channels.
 * Collective. LP_EFORMAT, also where a number is not finite. */
enum lp_status basis_group_read(struct h5 *h5, int r, int d, struct basis *b,
                                MPI_Comm comm);

/* Make the file whole: b is what was learnt; not looked at where the file is
 * there, whole or not. Collective. */
enum lp_status basis_file_write(const char *path, const struct run_about *about,
                                const struct basis *b, MPI_Comm comm);

/* A whole file into a zeroed *b: r components of d channels, 0: any number.
 * Collective. LP_EFORMAT. */
enum lp_status basis_file_read(const char *path, int r, int d, struct basis *b,
                               MPI_Comm comm);

#endif
