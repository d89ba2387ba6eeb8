/* SPDX-License-Identifier: MIT */
/* The kernel for any processor, and what the others must equal. */
#include <math.h>
#include <string.h>

#include "kmeans_kernel.h"

static bool always(void)
{
    return true;
}

static bool never(void)
{
    return false;
}

/* n channels of a row from `first` on; zeros up to `room`. */
static void load(const struct kmeans_shape *s, const char *row, int first,
                 int n, int room, float *x)
{
    value_to_f32(s->type, row + (int64_t)first * value_bytes(s->type), n, x);
    for (int i = n; i < room; ++i)
        x[i] = 0;
}

static float add_lanes(const float *lane)
{
    float a[KMEANS_LANES];
    memcpy(a, lane, sizeof a);
    for (int half = KMEANS_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i)
            a[i] += a[i + half];
    return a[0];
}

/* A row's slice times one centre, whose steps are `stride` floats apart. */
static void multiply(const float *x, int n_steps, const float *c, int stride,
                     float *a)
{
    for (int t = 0; t < n_steps; ++t, x += KMEANS_LANES, c += stride)
        for (int i = 0; i < KMEANS_LANES; ++i)
            a[i] = fmaf(x[i], c[i], a[i]);
}

static void panel(const struct kmeans_shape *s, const char *const *row,
                  int first_step, int n_steps, const float *centers, float *acc,
                  float *dot, struct kmeans_ahead *ahead)
{
    float x[KMEANS_SLICE * KMEANS_LANES];
    const int first = first_step * KMEANS_LANES, room = n_steps * KMEANS_LANES;
    const int n = s->d - first < room ? s->d - first : room;
    const int stride = s->group * KMEANS_LANES;
    const bool last = kmeans_last_slice(s, first_step, n_steps);

    (void)ahead;
    for (int r = 0; r < KMEANS_TILE; ++r) {
        load(s, row[r], first, n, room, x);
        for (int c = 0; c < s->n_groups * s->group; ++c) {
            const int g = c / s->group, j = c % s->group;
            float *a = acc + (g * KMEANS_TILE + r) * stride + j * KMEANS_LANES;
            if (first_step == 0)
                memset(a, 0, KMEANS_LANES * sizeof *a);
            multiply(x, n_steps,
                     centers + (int64_t)g * n_steps * stride + j * KMEANS_LANES,
                     stride, a);
            if (last)
                dot[c * KMEANS_BLOCK + r] = add_lanes(a);
        }
    }
}

static void add(const struct kmeans_shape *s, const char *const *row, int n_in,
                int n, int bits, int32_t *sum)
{
    enum { CHUNK = 64 };
    const float magic = ldexpf(1.5f, 23 - bits);
    int32_t zero, whole;
    memcpy(&zero, &magic, sizeof zero);
    for (int first = 0; first < s->d; first += CHUNK) {
        const int width = s->d - first < CHUNK ? s->d - first : CHUNK;
        for (int r = 0; r < n; ++r) {
            float x[CHUNK];
            load(s, row[r], first, width, width, x);
            for (int i = 0; i < width; ++i) {
                const float shifted = x[i] + magic;
                memcpy(&whole, &shifted, sizeof whole);
                sum[first + i] += r < n_in ? whole - zero : zero - whole;
            }
        }
    }
}

const struct kmeans_kernel kmeans_kernel_plain = {
    .name = "plain",
    .runs = always,
    .pairs = never,
    .panel = panel,
    .add = add,
};
