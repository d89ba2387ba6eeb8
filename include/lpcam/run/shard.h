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

/* Contiguous chunks to be handed out one after the other to whichever rank is
 * free: each about a quarter of an equal share of what is then left, at least
 * one image, so that a rank may be four times as slow as the others and still
 * end with them. first [n_global + 1] becomes the first image of each chunk and
 * behind the last one n_global. Returns how many chunks there are, none where
 * nothing costs anything. */
int64_t shard_chunks(const int64_t *cost, int64_t n_global, int n_ranks,
                     int64_t *first);

#endif
