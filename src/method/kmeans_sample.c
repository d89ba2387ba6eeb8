/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"

/* What a drawn vector is sorted by, and its place among those that came. */
struct mark {
    struct comm_key key;
    int64_t at;
};

/* What this rank draws in a round, by solver: the rank that gets a problem. */
struct draw {
    const struct kmeans *km;
    struct features *f;
    const uint64_t *hash; /* [n_problems]                               */
    int first, n_solvers; /* solver s gets problem first + s            */
    uint64_t *limit;      /* [n_solvers] the largest hash that is drawn */
    int64_t *n_to;        /* [ranks] vectors drawn for each             */
    int64_t *next;        /* [ranks] where the next one goes            */
    struct mark *mark;    /* [sum of n_to]                              */
    float *x;             /* [sum of n_to][d]                           */
    int64_t row, at;      /* the vector read last, and where it went    */
};

/* Note a drawn vector; row counts the cells of this rank. */
static enum lp_status take(struct draw *draw, int solver, struct comm_key key,
                           int64_t row)
{
    const int64_t d = draw->km->d, at = draw->next[solver]++;
    draw->mark[at].key = key;
    if (draw->row != row) {
        draw->row = row;
        draw->at = at;
        return features_row(draw->f, row, draw->x + at * d);
    }
    memcpy(draw->x + at * d, draw->x + draw->at * d, (size_t)d * sizeof(float));
    return LP_OK;
}

/* Draw one cell for the problems of this round that it belongs to: count them,
 * or where there is room take them. */
static enum lp_status draw_cell(struct draw *draw, int64_t image, int64_t cell)
{
    enum lp_status status = LP_OK;
    const struct features *f = draw->f;
    for (int64_t p = f->pair_offset[image]; p < f->pair_offset[image + 1];
         ++p) {
        const int side = f->side[f->side_offset[p] + cell];
        const int problem = kmeans_problem(f->pair_class[p], side);
        const int s = problem - draw->first;
        if (side == SPLIT_NEITHER || s < 0 || s >= draw->n_solvers)
            continue;
        const uint64_t hash = hash_mix(
            hash_mix(draw->hash[problem], f->id_hash[image]), (uint64_t)cell);
        if (hash > draw->limit[s])
            continue;
        if (draw->x)
            LP_TRY(take(draw, s,
                        (struct comm_key){hash, f->first_image + image, cell},
                        f->offset[image] + cell));
        else
            ++draw->n_to[s];
    }
done:
    return status;
}

/* In the order of the cells, so that a file is read from front to back. */
static enum lp_status draw_all(struct draw *draw)
{
    enum lp_status status = LP_OK;
    const struct features *f = draw->f;
    for (int64_t i = 0; i < f->n_images; ++i)
        for (int64_t c = 0; c < f->offset[i + 1] - f->offset[i]; ++c)
            if (draw->km->length[f->offset[i] + c] > 0)
                LP_TRY(draw_cell(draw, i, c));
done:
    return status;
}

/* Everything a rank does alone before vectors travel. */
static enum lp_status draw_round(struct draw *draw, int m, int n_ranks)
{
    enum lp_status status = LP_OK;
    const size_t d = (size_t)draw->km->d;
    size_t n = 0;

    draw->limit = calloc((size_t)n_ranks, sizeof *draw->limit);
    draw->n_to = calloc((size_t)n_ranks, sizeof *draw->n_to);
    draw->next = calloc((size_t)n_ranks, sizeof *draw->next);
    if (!draw->limit || !draw->n_to || !draw->next || lp_fault("kmeans_sample"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to draw for %d ranks", n_ranks));
    for (int s = 0; s < draw->n_solvers; ++s) {
        const int64_t rows = draw->km->n_rows[draw->first + s];
        draw->limit[s] = rows <= m
                             ? UINT64_MAX
                             : (uint64_t)ldexp((double)m / (double)rows, 64);
    }
    LP_TRY(draw_all(draw));
    for (int r = 0; r < n_ranks; ++r) {
        draw->next[r] = (int64_t)n;
        n += (size_t)draw->n_to[r];
    }
    draw->mark = calloc(n + 1, sizeof *draw->mark);
    draw->x = malloc((n * d + 1) * sizeof *draw->x);
    if (!draw->mark || !draw->x)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a sample of %zu vectors", n));
    LP_TRY(draw_all(draw));
done:
    return status;
}

static void draw_release(struct draw *draw)
{
    free(draw->limit);
    free(draw->n_to);
    free(draw->next);
    free(draw->mark);
    free(draw->x);
    *draw = (struct draw){0};
}

static int compare(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    return comm_key_before(&y->key, &x->key) -
           comm_key_before(&x->key, &y->key);
}

/* The vectors x [n][d] that came, in the order of their keys. */
static enum lp_status sort(struct kmeans_sample *sample, struct mark *mark,
                           const float *x, int d)
{
    const int64_t n = sample->n;
    sample->x = malloc((size_t)(n * d + 1) * sizeof *sample->x);
    if (!sample->x)
        return lp_fail(LP_ENOMEM, "no memory for a sample of %lld vectors",
                       (long long)n);
    for (int64_t i = 0; i < n; ++i)
        mark[i].at = i;
    qsort(mark, (size_t)n, sizeof *mark, compare);
    for (int64_t i = 0; i < n; ++i)
        memcpy(sample->x + i * d, x + mark[i].at * d,
               (size_t)d * sizeof *sample->x);
    return LP_OK;
}

enum lp_status kmeans_sample_round(const struct kmeans *km, struct features *f,
                                   const uint64_t *hash, int first, int m,
                                   struct kmeans_sample *sample, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n_ranks = comm_size(comm), left = km->n_problems - first;
    struct draw draw = {.km = km, .f = f, .hash = hash, .first = first};
    void *mark = NULL, *x = NULL;

    *sample = (struct kmeans_sample){0};
    draw.n_solvers = left < n_ranks ? left : n_ranks;
    draw.row = -1;
    status = draw_round(&draw, m, n_ranks);
    LP_AGREE(comm);
    LP_TRY(comm_exchange_rows(comm, draw.mark, draw.n_to, sizeof *draw.mark,
                              &mark, &sample->n));
    LP_TRY(comm_exchange_rows(comm, draw.x, draw.n_to,
                              km->d * (int64_t)sizeof *draw.x, &x, &sample->n));
    draw_release(&draw);
    status = sort(sample, mark, x, km->d);
    LP_AGREE(comm);
done:
    draw_release(&draw);
    free(mark);
    free(x);
    return status;
}
