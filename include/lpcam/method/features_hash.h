/* SPDX-License-Identifier: MIT */
/* features_hash.h: are these the same features? */
#ifndef LPCAM_FEATURES_HASH_H
#define LPCAM_FEATURES_HASH_H

#include <mpi.h>

#include "lpcam/method/features.h"

/* Hash of all that clustering takes from the features of all ranks: type,
 * vectors, their norms, grids, classes and sides, each with its place in the
 * data set. The same for any number of ranks and threads, in memory or read in
 * blocks; it finds what changed by accident, not by intent. One pass.
 * Collective over comm; fails on all ranks with what reading fails with. */
enum lp_status features_hash(struct features *f, int n_threads, uint64_t *hash,
                             MPI_Comm comm);

#endif
