/* SPDX-License-Identifier: MIT */
#include "lpcam/dense/grid.h"

#include "lpcam/run/comm.h"
#include "scalapack.h"

/* BLACS' name for: combine in an order that does not depend on which message
 * comes first. */
#define BLACS_REPEATABLE 15

static int square_root(int n)
{
    int root = 1;
    while ((root + 1) * (root + 1) <= n)
        ++root;
    return root;
}

enum lp_status grid_init(struct grid *g, int n_rows, int n_columns,
                         MPI_Comm comm)
{
    const int n_ranks = comm_size(comm);

    *g = (struct grid){0};
    if (n_rows == 0 && n_columns == 0) {
        n_rows = square_root(n_ranks);
        n_columns = n_ranks / n_rows;
    }
    if (n_rows < 1 || n_columns < 1 || n_rows > n_ranks / n_columns)
        return lp_fail_all(comm, LP_EARG,
                           "a grid of %d x %d ranks cannot be made of %d ranks",
                           n_rows, n_columns, n_ranks);
    *g = (struct grid){.comm = comm};
    /* All grids of a communicator share its handle, so none gives it back. */
    g->everyone = g->context = Csys2blacs_handle(comm);
    Cblacs_gridinit(&g->everyone, "Row", 1, n_ranks);
    Cblacs_gridinit(&g->context, "Row", n_rows, n_columns);
    g->row = g->column = -1;
    if (comm_rank(comm) < n_rows * n_columns) {
        const int yes = 1;
        Cblacs_gridinfo(g->context, &n_rows, &n_columns, &g->row, &g->column);
        Cblacs_set(g->context, BLACS_REPEATABLE, &yes);
    } else {
        g->context = -1;
    }
    g->n_rows = n_rows;
    g->n_columns = n_columns;
    return LP_OK;
}

void grid_release(struct grid *g)
{
    if (g->n_rows == 0)
        return;
    PB_freebuf_();
    if (g->row >= 0)
        Cblacs_gridexit(g->context);
    Cblacs_gridexit(g->everyone);
    *g = (struct grid){0};
}
