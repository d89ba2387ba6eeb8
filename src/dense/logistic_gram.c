/* SPDX-License-Identifier: MIT */
/* X'X over all ranks, a strip of its columns at a time: each rank multiplies its
 * own images, the strips are added up, and every rank keeps what of them is its
 * part of the matrix. pdsyrk does the same on images that lie as the columns of
 * one matrix; it took 1.2 times as long on one rank and 1.4 to 1.9 times on two,
 * whatever the blocks (tests/bench/fit.sh --solver), and the exact solver does
 * little else. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/run/comm.h"

/* Images from `first` on, their features from `column` on, each image times the
 * root of its weight. */
static void fill_weighted(struct problem *p, int64_t first, int m, int column,
                          int c)
{
    const int d = p->s->d;
    for (int i = 0; i < m; ++i) {
        const float *x = p->s->x + (first + i) * d;
        const float *bend = p->curvature + (first + i) * p->s->n_classes;
        double *row = p->panel + (int64_t)i * p->width;
        const double root = c < 0 ? 1 : sqrt((double)bend[c]);
        for (int j = column; j < d; ++j)
            row[j] = root * (double)x[j];
        if (p->o->bias)
            row[d] = root;
    }
}

/* What of n columns from `first` on, on and below the diagonal, is this rank's.
 * strip [n][width - first]. */
static void keep_own(const struct problem *p, int first, int n,
                     struct matrix *to)
{
    const int64_t rows = p->width - first;
    for (int j = 0; j < to->local_columns; ++j) {
        const int column = matrix_column(to, j) - first;
        if (column < 0 || column >= n)
            continue;
        for (int i = 0; i < to->local_rows; ++i) {
            const int row = matrix_row(to, i) - first;
            if (row >= column)
                to->value[(int64_t)j * to->lead + i] =
                    p->strip[column * rows + row];
        }
    }
}

enum lp_status problem_gram(struct problem *p, int c, struct matrix *to)
{
    enum lp_status status = LP_OK;
    const int width = p->width;
    for (int first = 0; first < width; first += STRIP) {
        const int rows = width - first, n = rows < STRIP ? rows : STRIP;
        const int64_t numbers = (int64_t)n * rows;
        const double *of = p->panel + first;
        LP_TRY(problem_pause(p));
        memset(p->strip, 0, (size_t)numbers * sizeof *p->strip);
        for (int64_t i = 0; i < p->s->n; i += PANEL) {
            const int m = p->s->n - i < PANEL ? (int)(p->s->n - i) : PANEL;
            fill_weighted(p, i, m, first, c);
            cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, n, m, 1, of,
                        width, 1, p->strip, rows);
            if (rows > n)
                cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, rows - n,
                            n, m, 1, of + n, width, of, width, 1, p->strip + n,
                            rows);
        }
        comm_sum_f64(p->g->comm, p->strip, numbers);
        keep_own(p, first, n, to);
    }
    ++p->n_passes;
done:
    return status;
}
