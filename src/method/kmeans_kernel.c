/* SPDX-License-Identifier: MIT */
#include "kmeans_kernel.h"

#include <stdint.h>
#include <string.h>

enum lp_status kmeans_kernel_find(const char *name,
                                  const struct kmeans_kernel **kernel)
{
    static const struct kmeans_kernel *const all[] = {
        &kmeans_kernel_avx512, &kmeans_kernel_avx2, &kmeans_kernel_plain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        if ((strcmp(name, "auto") == 0 || strcmp(name, all[i]->name) == 0) &&
            all[i]->runs()) {
            *kernel = all[i];
            return LP_OK;
        }
    return lp_fail(LP_EARG,
                   "kmeans.kernel is %s: set auto, or avx512, avx2 or plain "
                   "as this processor can",
                   name);
}

/* The group that leaves the fewest places of a tile unused. */
static int best_group(int k)
{
    int best = KMEANS_MOST_GROUP;
    for (int g = best - 1; g >= 4; --g)
        if ((k + g - 1) / g * g < (k + best - 1) / best * best)
            best = g;
    return best;
}

struct kmeans_shape kmeans_shape(const struct kmeans_kernel *kernel,
                                 enum lp_value type, int k, int d)
{
    const bool pairs = type == LP_BF16 && kernel->pairs();
    const int lanes = pairs ? 2 * KMEANS_LANES : KMEANS_LANES;
    const int group = best_group(k);
    return (struct kmeans_shape){
        .type = type,
        .pairs = pairs,
        .k = k,
        .d = d,
        .group = group,
        .n_groups = (k + group - 1) / group,
        .lanes = lanes,
        .n_steps = (d + lanes - 1) / lanes,
    };
}

int64_t kmeans_packed_floats(const struct kmeans_shape *s)
{
    return (int64_t)s->n_groups * s->group * s->n_steps * KMEANS_LANES;
}

int64_t kmeans_acc_floats(const struct kmeans_shape *s)
{
    return (int64_t)s->n_groups * s->group * KMEANS_BLOCK * KMEANS_LANES;
}

static int slice_steps(const struct kmeans_shape *s, int first_step)
{
    const int left = s->n_steps - first_step;
    return left < KMEANS_SLICE ? left : KMEANS_SLICE;
}

/* [slice][group][step of the slice][centre of the group][lane] */
void kmeans_pack(const struct kmeans_shape *s, int c, const float *unit,
                 float *packed)
{
    const int g = c / s->group, j = c % s->group;
    for (int step = 0; step < s->n_steps; ++step) {
        const int first = step / KMEANS_SLICE * KMEANS_SLICE;
        const int n = s->d - step * s->lanes;
        float *to =
            packed +
            ((int64_t)first * s->n_groups * s->group +
             ((int64_t)g * slice_steps(s, first) + (step - first)) * s->group +
             j) *
                KMEANS_LANES;
        value_from_f32(s->pairs ? LP_BF16 : LP_F32, unit + step * s->lanes,
                       n < s->lanes ? n : s->lanes, to);
    }
}

void kmeans_dots(const struct kmeans_kernel *kernel,
                 const struct kmeans_shape *s, const char **row, int n,
                 const float *packed, float *acc, float *dot,
                 struct kmeans_ahead *ahead)
{
    const int64_t places = (int64_t)s->n_groups * s->group;
    const int64_t tile = places * KMEANS_TILE * KMEANS_LANES;
    const int n_tiles = (n + KMEANS_TILE - 1) / KMEANS_TILE;

    for (int r = n; r < (n_tiles + 1) * KMEANS_TILE; ++r)
        row[r] = row[n - 1];
    for (int step = 0; step < s->n_steps; step += KMEANS_SLICE)
        for (int i = 0; i < n_tiles; ++i)
            kernel->panel(s, row + i * KMEANS_TILE, step, slice_steps(s, step),
                          packed + step * places * KMEANS_LANES, acc + i * tile,
                          dot + i * KMEANS_TILE, ahead);
}
