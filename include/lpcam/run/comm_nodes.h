/* SPDX-License-Identifier: MIT */
/* comm_nodes.h: which ranks share memory, and a piece of memory they share.
 *
 *            place 0   1   2   3
 *   node 0   rank  0   1   2   3      local:  the ranks of a line
 *   node 1   rank  4   5   6          column: the ranks below each other, one
 *   node 2   rank  7   8   9                  of each node, as many columns as
 *                                             the smallest node has ranks
 * Here three columns; rank 3 stands in none. */
#ifndef LPCAM_COMM_NODES_H
#define LPCAM_COMM_NODES_H

#include <mpi.h>
#include <stdint.h>

#include "lpcam/base/status.h"

struct comm_nodes {
    int n_nodes, n_columns; /* the same on every rank                      */
    int most_local;         /* ranks of the largest node                   */
    int n_local, place;     /* ranks of this node, this one's place in it  */
    int node;               /* this rank's number in its column, -1: none  */
    MPI_Comm local, column; /* column MPI_COMM_NULL: none                  */
    int64_t bytes;          /* of a segment                                */
    MPI_Win window;
    char **segment; /* [n_local] two segments of every rank               */
    int turn;       /* which of the two is shown                          */
};

/* Find the nodes: every node_ranks ranks that follow each other, 0: the ranks
 * that MPI says share memory. Ranks that don't share memory are never put
 * together. Each rank of a node of several gets two segments of this many
 * bytes. Collective over comm, all arguments agree. Fails with LP_ENOMEM; but a
 * node without room for the segments (/dev/shm) aborts the job, as comm.h says
 * of MPI's failures. kmeans.reduce = scatter needs no such room. */
enum lp_status comm_nodes_init(struct comm_nodes *n, int node_ranks,
                               int64_t bytes, MPI_Comm comm);
/* Collective over the same comm; a struct of zeros is let be. */
void comm_nodes_release(struct comm_nodes *n);

/* The segment this rank may write, until the next turn. Local. */
void *comm_nodes_mine(const struct comm_nodes *n);

/* Show what was written since the last turn to the node, and get the other
 * segment to write. Collective over n->local. */
void comm_nodes_turn(struct comm_nodes *n);

/* What the rank at a place of this node showed at the last turn; to be read
 * before the next. Local. */
const void *comm_nodes_shown(const struct comm_nodes *n, int place);

#endif
