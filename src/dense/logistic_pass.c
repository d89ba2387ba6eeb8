/* SPDX-License-Identifier: MIT */
/* Passes over the features: a panel of images becomes doubles, is multiplied by
 * the vectors of all classes, and what comes of that by the panel again. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/run/comm.h"

/* Images [first, first + m) as doubles, and 1 where there is a bias. */
static void fill_panel(struct problem *p, int64_t first, int m)
{
    const int d = p->s->d;
    for (int i = 0; i < m; ++i) {
        const float *x = p->s->x + (first + i) * d;
        double *row = p->panel + (int64_t)i * p->width;
        for (int j = 0; j < d; ++j)
            row[j] = (double)x[j];
        if (p->o->bias)
            row[d] = 1;
    }
}

static int panel_rows(const struct problem *p, int64_t first)
{
    const int64_t rest = p->s->n - first;
    return rest < PANEL ? (int)rest : PANEL;
}

/* The vectors of the classes at hand side by side, their sums at zero. */
static void collect(struct problem *p, const struct classes *at,
                    const double *from)
{
    const size_t bytes = (size_t)p->width * sizeof *from;
    for (int a = 0; a < at->n; ++a)
        memcpy(p->in + (int64_t)a * p->width,
               from + (int64_t)at->which[a] * p->width, bytes);
    memset(p->out, 0, (size_t)at->n * (bytes + 2 * sizeof *p->out));
}

/* score [m][n] = panel times the vectors. */
static void multiply(struct problem *p, int m, int n)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, p->width, 1,
                p->panel, p->width, p->in, p->width, 0, p->score, n);
}

/* out += score' panel, in rows of width + 2. */
static void gather(struct problem *p, int m, int n)
{
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, p->width, m, 1,
                p->score, n, p->panel, p->width, 1, p->out, p->width + 2);
}

/* Over the ranks. MPI does not promise the same bits on all of them, and
 * decisions are taken on these numbers: rank 0's count. */
static void sum_up(struct problem *p, int n)
{
    const int64_t numbers = (int64_t)n * (p->width + 2);
    comm_sum_f64(p->g->comm, p->out, numbers);
    comm_bcast(p->g->comm, p->out, numbers * (int64_t)sizeof *p->out);
    ++p->n_passes;
}

/* In place of the scores of image i, v (p - y); its loss and curvature. */
static void residuals(struct problem *p, const struct classes *at, int64_t i,
                      double *score)
{
    const int n_classes = p->s->n_classes;
    for (int a = 0; a < at->n; ++a) {
        const int c = at->which[a];
        const int y = p->s->y[i * n_classes + c] != 0;
        const double v = problem_counts(p, i) ? p->share[2 * c + y] : 0;
        const double away = y ? -score[a] : score[a];
        const double e = exp(-fabs(away)); /* does not overflow */
        const double wrong = (away > 0 ? 1 : e) / (1 + e);
        double *sums = p->out + (int64_t)a * (p->width + 2) + p->width;
        const double bend = v * e / ((1 + e) * (1 + e));
        sums[0] += v * (log1p(e) + (away > 0 ? away : 0));
        sums[1] += bend;
        p->curvature[i * n_classes + c] = (float)bend;
        score[a] = y ? -v * wrong : v * wrong;
    }
}

static double penalised(const struct problem *p, const double *w, double *g)
{
    double sum = 0;
    for (int j = 0; j < p->s->d; ++j) {
        g[j] += p->lambda * w[j];
        sum += w[j] * w[j];
    }
    return p->lambda / 2 * sum;
}

void logistic_gradient(struct problem *p, const struct classes *at,
                       const double *w, double *g, double *loss, double *bend)
{
    collect(p, at, w);
    for (int64_t first = 0; first < p->s->n; first += PANEL) {
        const int m = panel_rows(p, first);
        fill_panel(p, first, m);
        multiply(p, m, at->n);
        for (int i = 0; i < m; ++i)
            residuals(p, at, first + i, p->score + (int64_t)i * at->n);
        gather(p, m, at->n);
    }
    sum_up(p, at->n);
    for (int a = 0; a < at->n; ++a) {
        const int c = at->which[a];
        const double *sum = p->out + (int64_t)a * (p->width + 2);
        double *own = g + (int64_t)c * p->width;
        memcpy(own, sum, (size_t)p->width * sizeof *sum);
        loss[c] = sum[p->width] + penalised(p, w + (int64_t)c * p->width, own);
        bend[c] = sum[p->width + 1];
    }
}

void logistic_hessian(struct problem *p, const struct classes *at,
                      const double *v, double *hv)
{
    collect(p, at, v);
    for (int64_t first = 0; first < p->s->n; first += PANEL) {
        const int m = panel_rows(p, first);
        fill_panel(p, first, m);
        multiply(p, m, at->n);
        for (int i = 0; i < m; ++i) {
            const float *bend = p->curvature + (first + i) * p->s->n_classes;
            for (int a = 0; a < at->n; ++a)
                p->score[(int64_t)i * at->n + a] *= (double)bend[at->which[a]];
        }
        gather(p, m, at->n);
    }
    sum_up(p, at->n);
    for (int a = 0; a < at->n; ++a) {
        const int64_t c = at->which[a];
        memcpy(hv + c * p->width, p->out + (int64_t)a * (p->width + 2),
               (size_t)p->width * sizeof *hv);
        penalised(p, v + c * p->width, hv + c * p->width);
    }
}

int64_t logistic_held_scores(struct problem *p, const double *w, double *score,
                             uint8_t *truth)
{
    const int n = p->s->n_classes;
    int64_t n_held = 0;
    memcpy(p->in, w, (size_t)n * (size_t)p->width * sizeof *w);
    for (int64_t first = 0; first < p->s->n; first += PANEL) {
        const int m = panel_rows(p, first);
        fill_panel(p, first, m);
        multiply(p, m, n);
        for (int i = 0; i < m; ++i) {
            if (problem_counts(p, first + i))
                continue;
            memcpy(score + n_held * n, p->score + i * n,
                   (size_t)n * sizeof *score);
            memcpy(truth + n_held * n, p->s->y + (first + i) * n, (size_t)n);
            ++n_held;
        }
    }
    return n_held;
}

/* The length of v times the sum, `side` 1; of v times what of the total is not
 * in the sum, `side` 0. */
static double length(const struct problem *p, const double *total, int c,
                     int side)
{
    const double *sum = p->out + (int64_t)c * (p->width + 2);
    double square = 0;
    for (int j = 0; j < p->width; ++j) {
        const double x = side ? sum[j] : total[j] - sum[j];
        square += x * x;
    }
    return p->share[2 * c + side] * sqrt(square);
}

void logistic_scale(struct problem *p)
{
    const int n = p->s->n_classes, stride = p->width + 2;
    double *total = p->in; /* [width] */

    memset(p->out, 0, (size_t)n * (size_t)stride * sizeof *p->out);
    memset(total, 0, (size_t)p->width * sizeof *total);
    for (int64_t first = 0; first < p->s->n; first += PANEL) {
        const int m = panel_rows(p, first);
        fill_panel(p, first, m);
        for (int i = 0; i < m; ++i) {
            const double counts = problem_counts(p, first + i);
            const uint8_t *y = p->s->y + (first + i) * n;
            for (int c = 0; c < n; ++c)
                p->score[i * n + c] = y[c] ? counts : 0;
            cblas_daxpy(p->width, counts, p->panel + (int64_t)i * p->width, 1,
                        total, 1);
        }
        gather(p, m, n);
    }
    comm_sum_f64(p->g->comm, total, p->width);
    sum_up(p, n);
    for (int c = 0; c < n; ++c) {
        const double with = length(p, total, c, 1);
        const double without = length(p, total, c, 0);
        const bool all = p->n_pos[c] == p->n_images;
        p->scale[c] =
            all || (p->n_pos[c] > 0 && with < without) ? with : without;
    }
    comm_bcast(p->g->comm, p->scale, n * (int64_t)sizeof *p->scale);
}
