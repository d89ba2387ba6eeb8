/* SPDX-License-Identifier: MIT */
/* grid.h: the ranks as rows and columns, over which matrix.h spreads matrices.
 * All functions are Collective over comm and their arguments agree. */
#ifndef LPCAM_GRID_H
#define LPCAM_GRID_H

#include <mpi.h>

#include "lpcam/base/status.h"

struct grid {
    MPI_Comm comm;         /* borrowed: all ranks, in the grid or not         */
    int n_rows, n_columns; /* rank r stands at (r / n_columns, r % n_columns) */
    int row, column;       /* of this rank; -1 where it is outside the grid   */
    int context;           /* BLACS': of the grid, -1 outside                 */
    int everyone;          /* BLACS': of all ranks of comm                    */
};

/* A grid of n_rows x n_columns of the ranks of comm, which may leave ranks
 * over. 0 x 0 asks for the squarest: floor(sqrt(ranks)) rows of as many columns
 * as there are, with fewer ranks than rows left over. LP_EARG where the shape
 * has more places than comm has ranks. */
enum lp_status grid_init(struct grid *g, int n_rows, int n_columns,
                         MPI_Comm comm);

/* Accepts a zeroed grid. Its matrices need it no more, except to be used. */
void grid_release(struct grid *g);

#endif
