/* SPDX-License-Identifier: MIT */
/* shard.h: which rank does which images. Pure arithmetic. Local. */
#ifndef LPCAM_SHARD_H
#define LPCAM_SHARD_H

#include <stdint.h>

struct shard {
    int64_t n_global; /* images of the data set                            */
    int64_t first;    /* global number of this rank's first image          */
    int64_t n_local;  /* images of this rank, may be 0                     */
};

/* Contiguous runs of nearly equal number: for work before sizes are known. */
struct shard shard_by_count(int64_t n_global, int rank, int n_ranks);

/* Contiguous runs of nearly equal cost. cost [n_global] >= 0, the same on
 * every rank. The runs tile [0, n_global); their sum over ranks is exact. */
struct shard shard_by_cost(const int64_t *cost, int64_t n_global, int rank,
                           int n_ranks);

#endif
