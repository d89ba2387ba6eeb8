/* SPDX-License-Identifier: MIT */
/* deal.h: run after run of images to the ranks: to each its share of equal cost
 * (run.balance = static), or chunks to whoever comes for more (dynamic), for
 * nodes that are not equally fast. */
#ifndef LPCAM_DEAL_H
#define LPCAM_DEAL_H

#include "lpcam/run/comm_counter.h"
#include "lpcam/run/config.h"
#include "lpcam/run/shard.h"

struct deal {
    bool dynamic, begun; /* begun: this rank has got a run                 */
    int rank, n_ranks;
    struct shard share;         /* static: this rank's                     */
    int64_t n_images, n_chunks; /* dynamic:                                */
    int64_t *first;             /* [n_chunks + 1] image of each chunk      */
    struct comm_counter counter;
    double wait_s; /* spent waiting for runs                               */
};

/* cost [n_images] and balance (enum balance_rule) are the same on every rank.
 * Nothing is given twice before the close. Collective over comm. Fails on all
 * ranks or none with LP_ENOMEM; deal_close accepts what is left. */
enum lp_status deal_open(struct deal *d, const int64_t *cost, int64_t n_images,
                         int balance, MPI_Comm comm);

/* The next run of this rank, which may be empty. False: there are no more; not
 * to be called again. Local; may wait for rank 0, see comm_counter.h. */
bool deal_next(struct deal *d, struct shard *run);

/* Also when runs are left. Collective over the same comm; a struct of zeros is
 * let be. */
void deal_close(struct deal *d);

#endif
