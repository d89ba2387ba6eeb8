/* SPDX-License-Identifier: MIT */
#include "lpcam/method/kmeans_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kmeans_parts.h"
#include "lpcam/base/pages.h"

/* Rows of the measurement: more than the caches hold. */
#define MEASURE_BYTES  ((int64_t)64 << 20)
#define MEASURE_PASSES 5

/* The share of the rank with the most images: where there are few a rank,
 * their sizes and numbers of classes do not even out. Images vary by about
 * half of their mean. */
static double imbalance(double images_a_rank)
{
    return 1 + 0.5 / sqrt(images_a_rank);
}

/* The problems a rank has rows of: an image has a class with the mean
 * probability, whatever classes the other images have. */
static double problems_here(const struct kmeans_work *w, double images_a_rank)
{
    const double classes = w->n_problems / 2.0;
    const double share = fmin(w->rows / w->cells / classes, 1);
    return w->n_problems * (1 - pow(1 - share, images_a_rank));
}

/* Bytes of all sums, and of all centres. */
static double sum_bytes(const struct kmeans_work *w)
{
    return (double)w->n_problems * w->k * w->d * sizeof(int64_t);
}

/* In a node: all ranks show their sums, all read them once, and take the
 * centres. Between nodes: reduce-scatter, then allgather. */
static double messages(const struct kmeans_work *w,
                       const struct kmeans_machine *m, double n_nodes,
                       double n_local)
{
    const double sums = sum_bytes(w), centers = sums / 2;
    const double hops = ceil(log2(n_nodes * n_local));
    const double inside =
        n_local > 1 ? n_local * (2 * sums + 2 * centers) / m->memory_bytes_s
                    : 0;
    const double outside =
        (sums + centers) * (1 - 1 / n_nodes) / m->network_bytes_s;
    return inside + outside + 4 * hops * m->latency_s;
}

struct kmeans_times kmeans_model(const struct kmeans_work *w,
                                 const struct kmeans_machine *m, double n_nodes,
                                 double n_local)
{
    struct kmeans_times t;
    const double ranks = n_nodes * n_local;
    const double busy = fmin(ranks, w->images);
    const double shared = fmax(n_local / m->ranks, 1);
    const double images_a_rank = w->images / busy;
    const double bytes =
        w->cells * w->d * value_bytes(w->type) / fmin(n_nodes, w->images);
    const double rows_s =
        w->rows / busy * m->row_s * imbalance(images_a_rank) * shared;

    t.compute =
        rows_s + problems_here(w, images_a_rank) * w->k * m->center_s * shared;
    t.memory = fmax(bytes / m->memory_bytes_s - rows_s, 0);
    t.messages = messages(w, m, n_nodes, n_local);
    return t;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct room {
    char *rows;
    float *packed, *acc, *dot, *center, *unit;
    int32_t *sum;
};

static enum lp_status make_room(struct room *r, const struct kmeans_shape *s,
                                int64_t n)
{
    const size_t bytes =
        (size_t)n * (size_t)s->d * (size_t)value_bytes(s->type);
    const size_t packed = (size_t)kmeans_packed_floats(s) * sizeof(float);
    const size_t acc = (size_t)kmeans_acc_floats(s) * sizeof(float);
    r->rows = malloc(bytes);
    r->packed = pages_new((int64_t)packed);
    r->acc = pages_new((int64_t)acc);
    r->dot = malloc(acc / KMEANS_LANES);
    r->center = malloc((size_t)s->d * sizeof *r->center);
    r->unit = malloc((size_t)s->d * sizeof *r->unit);
    r->sum = calloc((size_t)s->d, sizeof *r->sum);
    if (!r->rows || !r->packed || !r->acc || !r->dot || !r->center ||
        !r->unit || !r->sum)
        return lp_fail(LP_ENOMEM, "no memory to measure the clustering");
    for (size_t i = 0; i < bytes; ++i) /* small numbers in every type */
        r->rows[i] = (char)(i % 2 ? 0x30 + i % 7 : i % 251);
    memset(r->packed, 0, packed);
    for (int i = 0; i < s->d; ++i)
        r->center[i] = 0.01f;
    return LP_OK;
}

static void release_room(struct room *r)
{
    free(r->rows);
    free(r->packed);
    free(r->acc);
    free(r->dot);
    free(r->center);
    free(r->unit);
    free(r->sum);
}

/* All centres of a problem packed once. */
static double pack_s(const struct kmeans_shape *s, struct room *r)
{
    const double start = now_s();
    for (int c = 0; c < s->k; ++c) {
        kmeans_unit(r->center, s->d, r->unit);
        kmeans_pack(s, c, r->unit, r->packed);
    }
    return now_s() - start;
}

/* One pass over n rows; every eighth joins a sum. */
static double pass_s(const struct kmeans_kernel *kernel,
                     const struct kmeans_shape *s, struct room *r, int64_t n)
{
    const int64_t step = (int64_t)s->d * value_bytes(s->type);
    const double start = now_s();
    for (int64_t first = 0; first < n; first += KMEANS_BLOCK) {
        const char *row[KMEANS_ROWS], *end = r->rows + n * step;
        struct kmeans_ahead ahead = {r->rows + (first + KMEANS_BLOCK) * step,
                                     end};
        for (int i = 0; i < KMEANS_BLOCK; ++i)
            row[i] = r->rows + (first + i) * step;
        kmeans_dots(kernel, s, row, KMEANS_BLOCK, r->packed, r->acc, r->dot,
                    &ahead);
        kernel->add(s, row, KMEANS_BLOCK / 8, KMEANS_BLOCK / 8, 10, r->sum);
    }
    return now_s() - start;
}

enum lp_status kmeans_measure(const struct kmeans_work *w, const char *name,
                              struct kmeans_machine *m)
{
    enum lp_status status = LP_OK;
    const struct kmeans_kernel *kernel;
    struct room room = {0};

    LP_TRY(kmeans_kernel_find(name, &kernel));
    const struct kmeans_shape s = kmeans_shape(kernel, w->type, w->k, w->d);
    int64_t n = MEASURE_BYTES / ((int64_t)w->d * value_bytes(w->type));
    n = (n / KMEANS_BLOCK + 1) * KMEANS_BLOCK;
    LP_TRY(make_room(&room, &s, n));
    m->row_s = m->center_s = INFINITY;
    for (int i = 0; i < MEASURE_PASSES; ++i) {
        m->center_s = fmin(m->center_s, pack_s(&s, &room) / s.k);
        m->row_s = fmin(m->row_s, pass_s(kernel, &s, &room, n) / (double)n);
    }
done:
    release_room(&room);
    return status;
}
