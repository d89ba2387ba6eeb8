/* SPDX-License-Identifier: MIT */
/* matrix.h: dense matrices of doubles spread over a grid in blocks that are
 * dealt out cyclically, and what ScaLAPACK does with them. Collective over the
 * grid's comm, unless a function says Local, and the arguments agree on every
 * rank. Ranks outside the grid take part and hold nothing. Values are finite.
 *
 * Sums depend in their last bits on the grid and on the block, and on nothing
 * else: a second run gives the same. */
#ifndef LPCAM_MATRIX_H
#define LPCAM_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/dense/grid.h"

struct matrix {
    const struct grid *grid;       /* borrowed                               */
    int n_rows, n_columns;         /* of the whole matrix                    */
    int block_rows, block_columns; /* of a block                             */
    int local_rows, local_columns; /* on this rank                           */
    int lead;                      /* local_rows, at least 1                 */
    double *value;                 /* [local_columns][lead]: column by column */
    int descriptor[9];             /* ScaLAPACK's                            */
};

/* On two ranks within 3 % of the fastest block, 32, which is slower on one rank
 * (tests/bench/fit.sh --scaling). */
#define MATRIX_BLOCK 64

/* A zero matrix. LP_EARG where it is empty or ScaLAPACK's 32-bit integers cannot
 * number the elements of a rank; LP_ENOMEM. */
enum lp_status matrix_init(struct matrix *m, const struct grid *g,
                           int64_t n_rows, int64_t n_columns,
                           int64_t block_rows, int64_t block_columns);

/* The first columns of m as a matrix that borrows its values. Local. */
struct matrix matrix_narrow(const struct matrix *m, int n_columns);

/* Local. Accepts a zeroed matrix. */
void matrix_release(struct matrix *m);

/* Bytes of a rank for such a matrix, at most. Local. */
int64_t matrix_bytes(const struct grid *g, int64_t n_rows, int64_t n_columns,
                     int64_t block_rows, int64_t block_columns);

/* Where a local row or column stands in the whole matrix; and back, -1 where it
 * is another rank's. Local. */
int matrix_row(const struct matrix *m, int local_row);
int matrix_column(const struct matrix *m, int local_column);
int matrix_local_row(const struct matrix *m, int row);
int matrix_local_column(const struct matrix *m, int column);

/* The lower triangle of c [n][n]: alpha a a' + beta c, where a is [n][any]. The
 * same grid for both. */
void matrix_syrk(double alpha, const struct matrix *a, double beta,
                 struct matrix *c);

/* The lower triangle becomes L of a = L L'; square blocks. Returns 0, or the
 * order of the first leading minor that is not positive: then the matrix is
 * lost. */
int matrix_factor(struct matrix *a);

/* b [n][any] becomes the solution x of L L' x = b; the same grid, and b's
 * block_rows those of the factor. */
void matrix_solve(const struct matrix *factor, struct matrix *b);

/* Eigenvalues [n], ascending, on every rank, and their eigenvectors as columns
 * of vector, which is laid out like a; a's lower triangle is used and lost.
 * Square blocks. Takes about another two matrices of memory. LP_ENOMEM, or
 * LP_EARG where ScaLAPACK does not find them or cannot number its work space. */
enum lp_status matrix_eigen(struct matrix *a, double *value,
                            struct matrix *vector);

/* to = from, between any two grids of the same comm. */
void matrix_redistribute(const struct matrix *from, struct matrix *to);

#endif
