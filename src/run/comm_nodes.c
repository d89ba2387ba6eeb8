/* SPDX-License-Identifier: MIT */
#include "lpcam/run/comm_nodes.h"

#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"

/* The ranks of this rank's node. */
static MPI_Comm split_local(int node_ranks, MPI_Comm comm)
{
    const int rank = comm_rank(comm);
    MPI_Comm shared, local;
    MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL,
                        &shared);
    if (node_ranks == 0)
        return shared;
    MPI_Comm_split(shared, rank / node_ranks, rank, &local);
    MPI_Comm_free(&shared);
    return local;
}

/* Two segments for every rank of this node, each on pages of its own so that
 * they lie in the memory next to the rank that writes them first. Without room
 * MPI aborts: were it to return the error, Open MPI would give it to the node's
 * first rank alone, and the others would wait in the call for ever. */
static void open_window(struct comm_nodes *n)
{
    MPI_Info info;
    MPI_Aint bytes;
    int unit;
    void *own;

    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", "true");
    MPI_Win_allocate_shared((MPI_Aint)(2 * n->bytes), 1, info, n->local, &own,
                            &n->window);
    MPI_Info_free(&info);
    for (int p = 0; p < n->n_local; ++p)
        MPI_Win_shared_query(n->window, p, &bytes, &unit, &n->segment[p]);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, n->window);
}

enum lp_status comm_nodes_init(struct comm_nodes *n, int node_ranks,
                               int64_t bytes, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    int64_t most[2];

    *n = (struct comm_nodes){.bytes = bytes, .window = MPI_WIN_NULL};
    n->local = split_local(node_ranks, comm);
    n->n_local = comm_size(n->local);
    n->place = comm_rank(n->local);
    n->n_nodes = (int)comm_total(comm, n->place == 0);
    most[0] = n->n_local;
    most[1] = -n->n_local;
    comm_max_i64(comm, most, 2);
    n->most_local = (int)most[0];
    n->n_columns = (int)-most[1];
    MPI_Comm_split(comm, n->place < n->n_columns ? n->place : MPI_UNDEFINED,
                   comm_rank(comm), &n->column);
    n->node = n->column == MPI_COMM_NULL ? -1 : comm_rank(n->column);

    n->segment = calloc((size_t)n->n_local, sizeof *n->segment);
    if (!n->segment || lp_fault("comm_nodes"))
        status = lp_fail(LP_ENOMEM, "no memory for the %d ranks of a node",
                         n->n_local);
    LP_AGREE(comm);
    if (n->n_local > 1)
        open_window(n);
done:
    if (status != LP_OK)
        comm_nodes_release(n);
    return status;
}

void comm_nodes_release(struct comm_nodes *n)
{
    if (n->n_nodes == 0)
        return;
    if (n->window != MPI_WIN_NULL) {
        MPI_Win_unlock_all(n->window);
        MPI_Win_free(&n->window);
    }
    if (n->column != MPI_COMM_NULL)
        MPI_Comm_free(&n->column);
    MPI_Comm_free(&n->local);
    free(n->segment);
    *n = (struct comm_nodes){0};
}

void *comm_nodes_mine(const struct comm_nodes *n)
{
    return n->segment[n->place] + !n->turn * n->bytes;
}

/* One barrier is enough: who writes a segment again has passed the turn that
 * showed the other one, which nobody passes before having read this one. */
void comm_nodes_turn(struct comm_nodes *n)
{
    if (n->n_local > 1) {
        MPI_Win_sync(n->window);
        MPI_Barrier(n->local);
        MPI_Win_sync(n->window);
    }
    n->turn = !n->turn;
}

const void *comm_nodes_shown(const struct comm_nodes *n, int place)
{
    return n->segment[place] + n->turn * n->bytes;
}
