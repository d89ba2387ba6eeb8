/* SPDX-License-Identifier: MIT */
/* comm_counter.h: a number on rank 0 that every rank counts up alone, by
 * one-sided messages. Where the ranks share memory or the network has atomics
 * rank 0 takes no part; over plain TCP it answers when it next calls MPI, for
 * which comm_serve is there. */
#ifndef LPCAM_COMM_COUNTER_H
#define LPCAM_COMM_COUNTER_H

#include <mpi.h>
#include <stdint.h>

struct comm_counter {
    MPI_Win window; /* one int64_t on rank 0                              */
};

/* The count begins at 0. Collective over comm. */
void comm_counter_init(struct comm_counter *c, MPI_Comm comm);

/* 0, 1, 2, ... over all ranks, each given once. Local; waits for rank 0 as said
 * above. */
int64_t comm_counter_next(struct comm_counter *c);

/* Collective over the same comm. */
void comm_counter_release(struct comm_counter *c);

#endif
