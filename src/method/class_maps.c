/* SPDX-License-Identifier: MIT */
#include "lpcam/method/class_maps.h"

#include <stdlib.h>
#include <string.h>

/* Columns resized together: their indices, weights and two source rows stay
 * in the first cache. */
#define STRIP 512

/* Lanes of a maximum, so that it is found with vector instructions. */
#define LANES 16

int class_maps_strided(int side)
{
    return (side - 1) / 4 + 1;
}

static int padded(int side)
{
    return (side + 15) / 16 * 16;
}

enum lp_status class_maps_begin(struct class_maps *m, int n, int h, int w,
                                bool want_high_res)
{
    m->n = n, m->h = h, m->w = w;
    m->sh = class_maps_strided(h), m->sw = class_maps_strided(w);
    const int64_t small = (int64_t)n * m->sh * m->sw;
    const int64_t large = want_high_res ? (int64_t)n * h * w : 0;
    const int64_t bytes = (small + large + 2 * n) * (int64_t)sizeof(float);
    if (bytes > m->room) {
        free(m->memory);
        m->room = 0;
        m->memory = malloc((size_t)bytes);
        if (!m->memory)
            return lp_fail(LP_ENOMEM,
                           "no memory for the maps of %d classes of a "
                           "photograph of %d x %d pixels",
                           n, w, h);
        m->room = bytes;
    }
    if (bytes > 0)
        memset(m->memory, 0, (size_t)bytes);
    m->strided = m->memory;
    m->high_res = want_high_res ? m->strided + small : NULL;
    m->strided_max = m->strided + small + large;
    m->high_res_max = m->strided_max + n;
    return LP_OK;
}

void class_maps_release(struct class_maps *m)
{
    free(m->memory);
    memset(m, 0, sizeof *m);
}

/* What an output index reads: two neighbours and the weight of the second. */
struct tap {
    int first, second;
    float weight;
};

/* In float and in this order, as torch computes it. */
static struct tap tap_at(int i, int n_in, int n_out)
{
    const float scale = (float)n_in / (float)n_out;
    const float at = scale * ((float)i + 0.5f) - 0.5f;
    struct tap t = {0, 0, 0.0f};
    if (at > 0) {
        t.first = (int)at < n_in - 1 ? (int)at : n_in - 1;
        t.weight = at - (float)t.first < 1 ? at - (float)t.first : 1;
    }
    t.second = t.first < n_in - 1 ? t.first + 1 : t.first;
    return t;
}

struct strip {
    int n;
    int first[STRIP], second[STRIP];
    float weight[STRIP];
};

static void strip_plan(struct strip *s, int from, int n, int n_in, int n_out)
{
    s->n = n;
    for (int x = 0; x < n; ++x) {
        const struct tap t = tap_at(from + x, n_in, n_out);
        s->first[x] = t.first;
        s->second[x] = t.second;
        s->weight[x] = t.weight;
    }
}

static void strip_row(const struct strip *s, const float *in, float *out)
{
    for (int x = 0; x < s->n; ++x)
        out[x] = (1 - s->weight[x]) * in[s->first[x]] +
                 s->weight[x] * in[s->second[x]];
}

static void blend(const float *upper, const float *lower, float weight, int n,
                  bool add, float *out)
{
    const float rest = 1 - weight;
    if (add)
        for (int x = 0; x < n; ++x)
            out[x] += rest * upper[x] + weight * lower[x];
    else
        for (int x = 0; x < n; ++x)
            out[x] = rest * upper[x] + weight * lower[x];
}

/* Neighbouring source rows differ in parity, so two slots hold the pair in
 * use, and each row is widened once. */
void resize_bilinear(const float *in, int ih, int iw, float *out, int oh,
                     int ow, int ch, int cw, bool add)
{
    struct strip strip;
    float row[2][STRIP];
    for (int from = 0; from < cw; from += STRIP) {
        int held[2] = {-1, -1};
        strip_plan(&strip, from, cw - from < STRIP ? cw - from : STRIP, iw, ow);
        for (int y = 0; y < ch; ++y) {
            const struct tap t = tap_at(y, ih, oh);
            const int source[2] = {t.first, t.second};
            for (int k = 0; k < 2; ++k) {
                const int slot = source[k] % 2;
                if (held[slot] != source[k])
                    strip_row(&strip, in + (int64_t)source[k] * iw, row[slot]);
                held[slot] = source[k];
            }
            blend(row[t.first % 2], row[t.second % 2], t.weight, strip.n, add,
                  out + (int64_t)y * cw + from);
        }
    }
}

void class_maps_add(struct class_maps *m, const float *raw, int fh, int fw)
{
    for (int i = 0; i < m->n; ++i) {
        const float *map = raw + (int64_t)i * fh * fw;
        resize_bilinear(map, fh, fw, m->strided + (int64_t)i * m->sh * m->sw,
                        m->sh, m->sw, m->sh, m->sw, true);
        if (m->high_res)
            resize_bilinear(map, fh, fw, m->high_res + (int64_t)i * m->h * m->w,
                            padded(m->h), padded(m->w), m->h, m->w, true);
    }
}

static float largest(const float *map, int64_t n)
{
    float lane[LANES] = {0}, max = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; ++j)
            lane[j] = map[i + j] > lane[j] ? map[i + j] : lane[j];
    for (; i < n; ++i)
        max = map[i] > max ? map[i] : max;
    for (int j = 0; j < LANES; ++j)
        max = lane[j] > max ? lane[j] : max;
    return max;
}

/* Returns what the map was divided by. */
static float divide(float *map, int64_t n, float epsilon)
{
    const float max = largest(map, n);
    if (max <= 0)
        return 0;
    for (int64_t i = 0; i < n; ++i)
        map[i] /= max + epsilon;
    return max + epsilon;
}

void class_maps_finish(struct class_maps *m, float epsilon)
{
    const int64_t small = (int64_t)m->sh * m->sw, large = (int64_t)m->h * m->w;
    for (int i = 0; i < m->n; ++i) {
        m->strided_max[i] = divide(m->strided + i * small, small, epsilon);
        if (m->high_res)
            m->high_res_max[i] =
                divide(m->high_res + i * large, large, epsilon);
    }
}

void class_maps_enlarge(const float *strided, int sh, int sw, float *out, int h,
                        int w)
{
    resize_bilinear(strided, sh, sw, out, padded(h), padded(w), h, w, false);
}
