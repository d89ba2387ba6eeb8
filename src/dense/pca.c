/* SPDX-License-Identifier: MIT */
#include "lpcam/dense/pca.h"

#include <math.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/dense/matrix.h"
#include "lpcam/run/comm.h"

/* Rows of a rank that are multiplied at once. */
#define BATCH 512

/* Integers up to here are exact in a double. */
#define MOST_EXACT 0x1p53

/* How rows become integers: x 2^shift, rounded. */
struct rounding {
    int64_t n, most; /* rows of all ranks, and of the rank with the most     */
    double largest;  /* |entry|                                              */
    int shift;
};

static struct rounding choose_rounding(const float *x, int64_t n_local, int d,
                                       MPI_Comm comm)
{
    struct rounding r = {.n = comm_total(comm, n_local), .most = n_local};
    int exponent = 0, bits = 0;
    for (int64_t i = 0; i < n_local * d; ++i)
        r.largest = fmax(r.largest, fabs((double)x[i]));
    comm_max_f64(comm, &r.largest, 1);
    comm_max_i64(comm, &r.most, 1);
    frexp(r.largest, &exponent); /* largest < 2^exponent */
    while (r.n > 0 && ldexp((double)r.n, 2 * (bits + 1)) <= MOST_EXACT)
        ++bits;
    r.shift = bits - exponent;
    return r;
}

/* The batch that begins at row first, a column of a [d][ranks BATCH] a row;
 * zeros behind the last. Local. */
static void fill_batch(const float *x, int64_t n_local, int64_t first,
                       int shift, struct matrix *a)
{
    const int64_t d = a->n_rows, size = d * a->local_columns;
    const int64_t left = (n_local - first) * d;
    for (int64_t i = 0; i < size; ++i)
        a->value[i] =
            i < left ? rint(ldexp((double)x[first * d + i], shift)) : 0;
}

/* The lower triangle of c [d][d] = sum of x x' over all rows, as integers; each
 * rank brings its own rows. */
static enum lp_status add_products(const float *x, int64_t n_local,
                                   const struct rounding *r, struct matrix *c)
{
    enum lp_status status;
    const struct grid *g = c->grid;
    struct matrix a = {0};
    LP_TRY(matrix_init(&a, g, c->n_rows, (int64_t)g->n_columns * BATCH,
                       c->n_rows, BATCH));
    for (int64_t first = 0; first < r->most; first += BATCH) {
        fill_batch(x, n_local, first, r->shift, &a);
        matrix_syrk(1, &a, 1, c);
    }
done:
    matrix_release(&a);
    return status;
}

/* Sums of products into mean squares, falling. Returns the share of the first
 * r in their sum, 1 where that is 0. Local. */
static double order_values(const double *ascending, int d, int r, double unit,
                           double *value)
{
    double all = 0, kept = 0;
    for (int i = 0; i < d; ++i) {
        value[i] = fmax(ascending[d - 1 - i], 0) * unit;
        all += value[i];
        kept += i < r ? value[i] : 0;
    }
    return all > 0 ? kept / all : 1;
}

/* One eigenvector, with its sign. Local. */
static void take_vector(const double *from, int d, float *to)
{
    int largest = 0;
    for (int i = 1; i < d; ++i)
        largest = fabs(from[i]) > fabs(from[largest]) ? i : largest;
    const double sign = from[largest] < 0 ? -1 : 1;
    for (int i = 0; i < d; ++i)
        to[i] = (float)(sign * from[i]);
}

/* The last r columns of vector, from the last one on, to every rank. */
static enum lp_status share_vectors(const struct matrix *vector,
                                    struct basis *b)
{
    enum lp_status status;
    const int64_t d = b->d;
    struct grid alone = {0};
    struct matrix all = {0};
    LP_TRY(grid_init(&alone, 1, 1, vector->grid->comm));
    LP_TRY(matrix_init(&all, &alone, d, d, d, d));
    matrix_redistribute(vector, &all);
    for (int64_t k = 0; k < b->r && alone.row == 0; ++k)
        take_vector(all.value + (d - 1 - k) * d, b->d, b->vector + k * d);
    comm_bcast(alone.comm, b->vector, b->r * d * (int64_t)sizeof *b->vector);
done:
    matrix_release(&all);
    grid_release(&alone);
    return status;
}

/* Eigenvectors of sum [d][d] on the ranks of g. */
static enum lp_status solve(const struct matrix *sum, const struct grid *g,
                            const struct rounding *r, struct basis *b)
{
    enum lp_status status = LP_OK;
    struct matrix c = {0}, vector = {0};
    double *ascending = malloc((size_t)b->d * sizeof *ascending);
    if (!ascending || lp_fault("pca_solve"))
        status = lp_fail(LP_ENOMEM, "no memory for %d eigenvalues", b->d);
    LP_AGREE(g->comm);
    LP_TRY(matrix_init(&c, g, b->d, b->d, MATRIX_BLOCK, MATRIX_BLOCK));
    LP_TRY(matrix_init(&vector, g, b->d, b->d, MATRIX_BLOCK, MATRIX_BLOCK));
    matrix_redistribute(sum, &c);
    LP_TRY(matrix_eigen(&c, ascending, &vector));
    matrix_release(&c);
    b->loss.energy =
        order_values(ascending, b->d, b->r,
                     ldexp(1 / (double)r->n, -2 * r->shift), b->value);
    LP_TRY(share_vectors(&vector, b));
done:
    matrix_release(&c);
    matrix_release(&vector);
    free(ascending);
    return status;
}

static void take_units(struct basis *b)
{
    for (int64_t k = 0; k < b->r; ++k)
        b->vector[k * b->d + k] = 1;
    b->loss.energy = 1;
}

/* From rows that are not all zero. */
static enum lp_status learn(const float *x, int64_t n_local,
                            const struct grid *g, const struct rounding *r,
                            struct basis *b)
{
    enum lp_status status;
    struct grid row = {0};
    struct matrix sum = {0};
    LP_TRY(grid_init(&row, 1, comm_size(g->comm), g->comm));
    LP_TRY(matrix_init(&sum, &row, b->d, b->d, MATRIX_BLOCK, MATRIX_BLOCK));
    LP_TRY(add_products(x, n_local, r, &sum));
    status = solve(&sum, g, r, b);
done:
    matrix_release(&sum);
    grid_release(&row);
    return status;
}

enum lp_status pca_learn(const float *x, int64_t n_local, const struct grid *g,
                         struct basis *b)
{
    enum lp_status status = LP_OK;
    const size_t d = (size_t)b->d;

    b->vector = calloc((size_t)b->r * d, sizeof *b->vector);
    b->value = calloc(d, sizeof *b->value);
    if (!b->vector || !b->value || lp_fault("pca_learn"))
        status =
            lp_fail(LP_ENOMEM, "no memory for %d components of %d", b->r, b->d);
    LP_AGREE(g->comm);
    const struct rounding r = choose_rounding(x, n_local, b->d, g->comm);
    b->loss.n_rows = r.n;
    if (r.largest > 0)
        status = learn(x, n_local, g, &r, b);
    else
        take_units(b);
done:
    return status;
}
