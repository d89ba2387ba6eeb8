/* SPDX-License-Identifier: MIT */
#include "lpcam/run/comm_counter.h"

#include "lpcam/run/comm.h"

void comm_counter_init(struct comm_counter *c, MPI_Comm comm)
{
    const bool root = comm_rank(comm) == 0;
    const MPI_Aint bytes = root ? (MPI_Aint)sizeof(int64_t) : 0;
    int64_t *count;

    MPI_Win_allocate(bytes, (int)sizeof *count, MPI_INFO_NULL, comm, &count,
                     &c->window);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, c->window);
    if (root)
        *count = 0;
    MPI_Win_sync(c->window);
    MPI_Barrier(comm); /* nobody counts before the zero is there */
}

/* Asked for ahead, the number would not come sooner: Open MPI 4.1 sends the
 * question with the flush; MPI_Rget_accumulate, which it sends at once, was seen
 * to wait for seconds where several ranks of rank 0's node asked. */
int64_t comm_counter_next(struct comm_counter *c)
{
    const int64_t one = 1;
    int64_t number;
    MPI_Fetch_and_op(&one, &number, MPI_INT64_T, 0, 0, MPI_SUM, c->window);
    MPI_Win_flush(0, c->window);
    return number;
}

void comm_counter_release(struct comm_counter *c)
{
    MPI_Win_unlock_all(c->window);
    MPI_Win_free(&c->window);
}
