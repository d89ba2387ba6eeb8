/* SPDX-License-Identifier: MIT */
#include "lpcam/dense/matrix.h"

#include <assert.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/size.h"
#include "lpcam/run/comm.h"
#include "scalapack.h"

static const int one = 1; /* where every matrix begins, for Fortran */

/* Of n rows in blocks, those of place p of so many. */
static int64_t share(int64_t n, int64_t block, int p, int n_places)
{
    const int64_t n_blocks = n / block, rest = n_blocks % n_places;
    int64_t own = n_blocks / n_places * block;
    if (p < rest)
        own += block;
    else if (p == rest)
        own += n % block;
    return own;
}

int64_t matrix_bytes(const struct grid *g, int64_t n_rows, int64_t n_columns,
                     int64_t block_rows, int64_t block_columns)
{
    int64_t bytes = share(n_rows, block_rows, 0, g->n_rows);
    if (!size_multiply(&bytes,
                       share(n_columns, block_columns, 0, g->n_columns)) ||
        !size_multiply(&bytes, (int64_t)sizeof(double)))
        return INT64_MAX;
    return bytes;
}

static bool countable(const struct grid *g, int64_t n_rows, int64_t n_columns,
                      int64_t block_rows, int64_t block_columns)
{
    return n_rows > 0 && n_columns > 0 && block_rows > 0 && block_columns > 0 &&
           n_rows <= INT32_MAX && n_columns <= INT32_MAX &&
           block_rows <= INT32_MAX && block_columns <= INT32_MAX &&
           matrix_bytes(g, n_rows, n_columns, block_rows, block_columns) /
                   (int64_t)sizeof(double) <=
               INT32_MAX;
}

/* ScaLAPACK's own form: dense, its context, sizes, blocks, first block on the
 * first rank, and the distance of columns. */
static void describe(struct matrix *m)
{
    const int descriptor[] = {1,
                              m->grid->context,
                              m->n_rows,
                              m->n_columns,
                              m->block_rows,
                              m->block_columns,
                              0,
                              0,
                              m->lead};
    for (int i = 0; i < 9; ++i)
        m->descriptor[i] = descriptor[i];
}

enum lp_status matrix_init(struct matrix *m, const struct grid *g,
                           int64_t n_rows, int64_t n_columns,
                           int64_t block_rows, int64_t block_columns)
{
    enum lp_status status = LP_OK;

    *m = (struct matrix){0};
    if (!countable(g, n_rows, n_columns, block_rows, block_columns))
        return lp_fail_all(
            g->comm, LP_EARG,
            "a matrix of %lld x %lld cannot be dealt out to %d x "
            "%d ranks: each must get fewer than 2^31 elements, "
            "and some one",
            (long long)n_rows, (long long)n_columns, g->n_rows, g->n_columns);
    *m = (struct matrix){.grid = g,
                         .n_rows = (int)n_rows,
                         .n_columns = (int)n_columns,
                         .block_rows = (int)block_rows,
                         .block_columns = (int)block_columns};
    if (g->row >= 0) {
        m->local_rows = (int)share(n_rows, block_rows, g->row, g->n_rows);
        m->local_columns =
            (int)share(n_columns, block_columns, g->column, g->n_columns);
    }
    m->lead = m->local_rows > 1 ? m->local_rows : 1;
    describe(m);
    m->value = calloc((size_t)m->lead * (size_t)m->local_columns + 1,
                      sizeof *m->value);
    if (!m->value || lp_fault("matrix"))
        status = lp_fail(LP_ENOMEM, "no memory for a matrix of %d x %d here",
                         m->local_rows, m->local_columns);
    LP_AGREE(g->comm);
done:
    if (status != LP_OK)
        matrix_release(m);
    return status;
}

struct matrix matrix_narrow(const struct matrix *m, int n_columns)
{
    struct matrix narrow = *m;
    assert(n_columns > 0 && n_columns <= m->n_columns);
    narrow.n_columns = n_columns;
    if (m->grid->row >= 0)
        narrow.local_columns = (int)share(n_columns, m->block_columns,
                                          m->grid->column, m->grid->n_columns);
    describe(&narrow);
    return narrow;
}

void matrix_release(struct matrix *m)
{
    free(m->value);
    *m = (struct matrix){0};
}

static int global(int local, int block, int p, int n_places)
{
    return (local / block * n_places + p) * block + local % block;
}

static int local(int index, int block, int p, int n_places)
{
    const int at = index / block;
    return at % n_places == p ? at / n_places * block + index % block : -1;
}

int matrix_row(const struct matrix *m, int local_row)
{
    return global(local_row, m->block_rows, m->grid->row, m->grid->n_rows);
}

int matrix_column(const struct matrix *m, int local_column)
{
    return global(local_column, m->block_columns, m->grid->column,
                  m->grid->n_columns);
}

int matrix_local_row(const struct matrix *m, int row)
{
    return local(row, m->block_rows, m->grid->row, m->grid->n_rows);
}

int matrix_local_column(const struct matrix *m, int column)
{
    return local(column, m->block_columns, m->grid->column, m->grid->n_columns);
}

static bool outside(const struct matrix *m)
{
    return m->grid->row < 0;
}

void matrix_syrk(double alpha, const struct matrix *a, double beta,
                 struct matrix *c)
{
    assert(a->grid == c->grid && a->n_rows == c->n_rows &&
           c->n_rows == c->n_columns);
    if (!outside(c))
        pdsyrk_("L", "N", &c->n_rows, &a->n_columns, &alpha, a->value, &one,
                &one, a->descriptor, &beta, c->value, &one, &one,
                c->descriptor);
}

/* What the grid found, also on the ranks outside. */
static int agreed(const struct grid *g, int info)
{
    int64_t found = info;
    assert(info >= 0); /* no wrong argument */
    comm_max_i64(g->comm, &found, 1);
    return (int)found;
}

int matrix_factor(struct matrix *a)
{
    int info = 0;
    assert(a->n_rows == a->n_columns && a->block_rows == a->block_columns);
    if (!outside(a))
        pdpotrf_("L", &a->n_rows, a->value, &one, &one, a->descriptor, &info);
    return agreed(a->grid, info);
}

void matrix_solve(const struct matrix *factor, struct matrix *b)
{
    int info = 0;
    assert(factor->grid == b->grid && factor->n_rows == b->n_rows &&
           factor->block_rows == b->block_rows);
    if (!outside(b))
        pdpotrs_("L", &b->n_rows, &b->n_columns, factor->value, &one, &one,
                 factor->descriptor, b->value, &one, &one, b->descriptor,
                 &info);
    assert(info == 0);
}

/* pdsyevd's work space: of what its three parts need by their descriptions, the
 * most. Its own answer forgets pdormtr, which then leaves the eigenvectors as
 * they are and says so only on the terminal. */
static int64_t eigen_work(const struct matrix *a)
{
    const int64_t n = a->n_rows, block = a->block_rows;
    const int64_t np = share(n, block, 0, a->grid->n_rows);
    const int64_t nq = share(n, block, 0, a->grid->n_columns);
    const int64_t part[] = {1 + 6 * n + 2 * np * nq,  /* pdstedc */
                            3 * n + block * (np + 3), /* pdsytrd */
                            block * (np + nq + 3 * block) /* pdormtr */};
    int64_t most = part[0];
    for (int i = 1; i < 3; ++i)
        most = part[i] > most ? part[i] : most;
    return most + 4 * n;
}

enum lp_status matrix_eigen(struct matrix *a, double *value,
                            struct matrix *vector)
{
    enum lp_status status = LP_OK;
    const int64_t wanted = eigen_work(a);
    const int n_work = (int)wanted;
    /* 7 n + 8 columns of the grid + 2, by its description */
    const int n_iwork =
        (int)(7 * (int64_t)a->n_rows + 8 * a->grid->n_columns + 2);
    double *work = NULL;
    int *iwork = NULL, info = 0;

    assert(a->grid == vector->grid && a->n_rows == a->n_columns &&
           a->block_rows == a->block_columns && a->lead == vector->lead);
    if (wanted > INT32_MAX)
        return lp_fail_all(a->grid->comm, LP_EARG,
                           "the eigenvectors of a matrix of %d x %d need more "
                           "than 2^31 numbers on a rank: use more ranks",
                           a->n_rows, a->n_rows);
    if (!outside(a)) {
        work = malloc((size_t)n_work * sizeof *work);
        iwork = malloc((size_t)n_iwork * sizeof *iwork);
        if (!work || !iwork || lp_fault("matrix_eigen"))
            status =
                lp_fail(LP_ENOMEM, "no memory for the eigenvectors of %d x %d",
                        a->n_rows, a->n_rows);
    }
    LP_AGREE(a->grid->comm);
    if (!outside(a))
        pdsyevd_("V", "L", &a->n_rows, a->value, &one, &one, a->descriptor,
                 value, vector->value, &one, &one, vector->descriptor, work,
                 &n_work, iwork, &n_iwork, &info);
    if (agreed(a->grid, info) != 0)
        LP_TRY(lp_fail_all(a->grid->comm, LP_EARG,
                           "ScaLAPACK found no eigenvectors of a matrix of "
                           "%d x %d",
                           a->n_rows, a->n_rows));
    comm_bcast(a->grid->comm, value, a->n_rows * (int64_t)sizeof *value);
done:
    free(work);
    free(iwork);
    return status;
}

void matrix_redistribute(const struct matrix *from, struct matrix *to)
{
    assert(from->n_rows == to->n_rows && from->n_columns == to->n_columns &&
           from->grid->comm == to->grid->comm);
    pdgemr2d_(&from->n_rows, &from->n_columns, from->value, &one, &one,
              from->descriptor, to->value, &one, &one, to->descriptor,
              &from->grid->everyone);
}
