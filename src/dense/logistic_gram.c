/* SPDX-License-Identifier: MIT */
/* X'X over all ranks: a panel of each rank at a time, as the columns of one
 * matrix that lies as it is, through pdsyrk; then to where it is factored. */
#include <math.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/run/comm.h"

/* This rank's images from `first` on as columns, each times the root of its
 * weight; zeros where there are none left. */
static void fill_slice(struct problem *p, int64_t first, int c)
{
    const int d = p->s->d;
    for (int i = 0; i < p->slice.local_columns; ++i) {
        double *column = p->slice.value + (int64_t)i * p->slice.lead;
        const int64_t image = first + i;
        if (image >= p->s->n) {
            memset(column, 0, (size_t)p->width * sizeof *column);
            continue;
        }
        const float *x = p->s->x + image * d;
        const double root =
            c < 0 ? 1 : sqrt((double)p->curvature[image * p->s->n_classes + c]);
        for (int j = 0; j < d; ++j)
            column[j] = root * (double)x[j];
        if (p->o->bias)
            column[d] = root;
    }
}

void problem_gram(struct problem *p, int c, struct matrix *to)
{
    int64_t most = p->s->n;
    comm_max_i64(p->g->comm, &most, 1);
    for (int64_t first = 0; first < most; first += PANEL) {
        fill_slice(p, first, c);
        matrix_syrk(1, &p->slice, first > 0, &p->sum);
    }
    matrix_redistribute(&p->sum, to);
    ++p->n_passes;
}
