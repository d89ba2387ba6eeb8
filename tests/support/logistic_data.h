/* SPDX-License-Identifier: MIT */
/* logistic_data.h: made-up images with labels, and shares of them. */
#ifndef LPCAM_LOGISTIC_DATA_H
#define LPCAM_LOGISTIC_DATA_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/dense/logistic.h"
#include "lpcam/run/comm.h"

/* A number between 0 and 1 of a position. */
static inline double made_up(uint64_t seed, uint64_t i, uint64_t j)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u +
                 j * 0x94d049bb133111ebu;
    for (int round = 0; round < 3; ++round) {
        x ^= x >> 31;
        x *= 0xd6e8feb86659fd93u;
    }
    return (double)(x >> 11) * 0x1p-53;
}

/* n images; the first class is in half of them, the last in few. Features are
 * positive and of falling size; labels go by some of them and by chance. */
static inline struct samples samples_made(int64_t n, int d, int n_classes,
                                          uint64_t seed)
{
    float *x = calloc((size_t)(n * d) + 1, sizeof *x);
    uint8_t *y = calloc((size_t)(n * n_classes) + 1, 1);
    for (int64_t i = 0; i < n; ++i)
        for (int j = 0; j < d; ++j)
            x[i * d + j] =
                (float)((0.5 + made_up(seed, (uint64_t)i, (uint64_t)j)) /
                        sqrt(1 + 0.2 * j));
    for (int64_t i = 0; i < n; ++i)
        for (int c = 0; c < n_classes; ++c) {
            const double a = (double)x[i * d + c % d] * sqrt(1 + 0.2 * (c % d));
            const double b = made_up(seed + 1, (uint64_t)i, (uint64_t)c);
            y[i * n_classes + c] = a - 0.5 + b > 1 + 0.15 * c;
        }
    return (struct samples){
        .n = n, .d = d, .n_classes = n_classes, .x = x, .y = y};
}

static inline void samples_release(struct samples *s)
{
    free((void *)(uintptr_t)s->x);
    free((void *)(uintptr_t)s->y);
    free((void *)(uintptr_t)s->fold);
}

/* A rank's rows of `all`, copied: 0 equal shares, 1 all on the last rank, 2 more
 * on higher ranks and none on the first where there are others. */
enum { SHARES = 3 };
struct share {
    struct samples s;
    int64_t first;
    float *x;
    uint8_t *y, *fold;
};

static inline int64_t share_begin(int64_t n, int mode, int rank, int n_ranks)
{
    if (mode == 1)
        return rank < n_ranks ? 0 : n;
    if (mode == 2 && n_ranks > 1)
        return rank == 0 ? 0
                         : n * (rank - 1) * rank / (n_ranks * (n_ranks - 1));
    return n * rank / n_ranks;
}

static inline struct share share_of(const struct samples *all, int mode)
{
    const int rank = comm_rank(MPI_COMM_WORLD);
    const int n_ranks = comm_size(MPI_COMM_WORLD);
    struct share mine = {.first = share_begin(all->n, mode, rank, n_ranks)};
    const int64_t end = share_begin(all->n, mode, rank + 1, n_ranks);
    const size_t n = (size_t)(end - mine.first), d = (size_t)all->d;
    const size_t classes = (size_t)all->n_classes;

    mine.x = malloc(n * d * sizeof *mine.x + 1);
    mine.y = malloc(n * classes + 1);
    memcpy(mine.x, all->x + mine.first * all->d, n * d * sizeof *mine.x);
    memcpy(mine.y, all->y + mine.first * all->n_classes, n * classes);
    if (all->fold) {
        mine.fold = malloc(n + 1);
        memcpy(mine.fold, all->fold + mine.first, n);
    }
    mine.s = (struct samples){.n = (int64_t)n,
                              .d = all->d,
                              .n_classes = all->n_classes,
                              .x = mine.x,
                              .y = mine.y,
                              .fold = mine.fold};
    return mine;
}

static inline void share_release(struct share *mine)
{
    free(mine->x);
    free(mine->y);
    free(mine->fold);
}

/* Fit the share of this rank on a grid of comm; a release is the caller's. */
static inline enum lp_status fit(struct logistic *l, const struct samples *s,
                                 const struct logistic_options *o, int n_rows,
                                 int n_columns, MPI_Comm comm)
{
    struct grid g;
    enum lp_status status = grid_init(&g, n_rows, n_columns, comm);
    *l = (struct logistic){0};
    if (status == LP_OK)
        status = logistic_fit(l, s, o, &g);
    grid_release(&g);
    return status;
}

/* To the tol of 1e-12 that the tests ask for. */
static inline bool all_converged(const struct logistic *l)
{
    bool all = true;
    for (int c = 0; c < l->n_classes; ++c)
        all = all && l->state[c] == LOGISTIC_CONVERGED &&
              l->gradient[c] <= 1e-12 && l->iterations[c] > 0;
    return all;
}

/* The gradient of class c by plain loops, as a share of lambda |w|. */
static inline double slope(const struct logistic *l, const struct samples *s,
                           int c, const struct logistic_options *o)
{
    const int d = s->d;
    const double *w = l->weight + (int64_t)c * d;
    double *g = calloc((size_t)d + 1, sizeof *g), length = 0,
           penalty_length = 0;
    double n_pos = 0;
    for (int64_t i = 0; i < s->n; ++i)
        n_pos += s->y[i * s->n_classes + c];
    for (int64_t i = 0; i < s->n; ++i) {
        const int y = s->y[i * s->n_classes + c];
        const double n = (double)s->n, n_side = y ? n_pos : n - n_pos;
        double score = l->bias[c];
        for (int j = 0; j < d; ++j)
            score += w[j] * (double)s->x[i * d + j];
        const double away =
            (o->balanced ? n / (2 * n_side) : 1) * (1 / (1 + exp(-score)) - y);
        for (int j = 0; j < d; ++j)
            g[j] += away * (double)s->x[i * d + j];
        g[d] += o->bias ? away : 0;
    }
    for (int j = 0; j <= d; ++j) {
        const double pull = j < d ? o->lambda * w[j] : 0;
        length += (g[j] + pull) * (g[j] + pull);
        penalty_length += pull * pull;
    }
    free(g);
    return sqrt(length / penalty_length);
}

#endif
