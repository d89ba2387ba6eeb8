/* SPDX-License-Identifier: MIT */
/* checkpoint_file.h: where a clustering is (kmeans_keep.h), as a sealed file. */
#ifndef LPCAM_CHECKPOINT_FILE_H
#define LPCAM_CHECKPOINT_FILE_H

#include <mpi.h>

#include "lpcam/method/kmeans_keep.h"

/* One clustering and its file. */
struct checkpoint {
    char *path;
    const char *settings; /* borrowed                                      */
    struct kmeans_keep keep;
};

/* Keep an initialised km safe at path (takes it; NULL: out of memory), as often
 * as every_s of `how` says. *found: the file was there, and
 * kmeans_fit goes on from it; else km is to be given a start. Fails as
 * checkpoint_read does. c stays where it is, as km points into it. Collective
 * over comm; settings and path matter on rank 0. */
enum lp_status checkpoint_open(struct checkpoint *c, char *path,
                               const char *settings,
                               const struct kmeans_keep *how, struct kmeans *km,
                               bool *found, MPI_Comm comm);
/* The file stays. Also of a zeroed one. Local. */
void checkpoint_close(struct checkpoint *c);

/* Replace the file at path; the one before stays where that fails. settings are
 * those of the prototypes to come. Local. LP_EIO, LP_ENOMEM. */
enum lp_status checkpoint_write(const char *path, const char *settings,
                                const struct kmeans_past *past);

/* Fill the zeroed *past on every rank. It stays zeroed where there is no file,
 * and, with a warning, where the file is damaged. LP_EARG, naming the first
 * that differs, where it was made with other settings or for problems of
 * another size than km's. Collective over comm. */
enum lp_status checkpoint_read(const char *path, const char *settings,
                               const struct kmeans *km,
                               struct kmeans_past *past, MPI_Comm comm);

#endif
