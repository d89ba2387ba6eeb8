/* SPDX-License-Identifier: MIT */
#include "lpcam/method/seed_score.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"

#define MOST_CLASSES 254 /* 255 in a mask means: not counted */

enum lp_status seed_score_init(struct seed_score *s, int n_classes,
                               bool background, const double *threshold,
                               int n_thresholds)
{
    *s = (struct seed_score){.n_classes = n_classes,
                             .background = background,
                             .n_thresholds = n_thresholds,
                             .threshold = threshold};
    if (n_classes > MOST_CLASSES)
        return lp_fail(LP_EARG,
                       "masks can tell %d classes apart, not %d: give the "
                       "model's classes that are to be scored",
                       MOST_CLASSES, n_classes);
    const size_t n = (size_t)n_classes + 1, bins = (size_t)n_thresholds + 1;
    s->count = calloc(n * n * bins, sizeof *s->count);
    s->edge = calloc(bins, sizeof *s->edge);
    if (!s->count || !s->edge) {
        seed_score_release(s);
        return lp_fail(LP_ENOMEM, "no memory to score %d classes", n_classes);
    }
    for (int t = 0; t < n_thresholds; ++t)
        s->edge[t] = (float)threshold[t];
    return LP_OK;
}

void seed_score_release(struct seed_score *s)
{
    free(s->count);
    free(s->edge);
    memset(s, 0, sizeof *s);
}

void seed_best(const float *map, const int32_t *label, int n, int64_t n_pixels,
               uint8_t *best_class, float *best_value)
{
    for (int64_t i = 0; i < n_pixels; ++i) {
        best_class[i] = 0;
        best_value[i] = 0;
    }
    for (int j = 0; j < n; ++j, map += n_pixels) {
        const uint8_t c = (uint8_t)(label[j] + 1);
        for (int64_t i = 0; i < n_pixels; ++i) {
            best_class[i] = map[i] > best_value[i] ? c : best_class[i];
            best_value[i] = map[i] > best_value[i] ? map[i] : best_value[i];
        }
    }
}

/* The value that q must exceed: j/200 as a threshold of that text is. */
static float step_edge(int j)
{
    return (float)((double)j / SEED_SCORE_STEPS);
}

void seed_quantise(const float *value, int64_t n_pixels, uint8_t *q)
{
    float edge[SEED_SCORE_STEPS];
    for (int j = 0; j < SEED_SCORE_STEPS; ++j)
        edge[j] = step_edge(j);
    for (int64_t i = 0; i < n_pixels; ++i) {
        /* The product rounded down is never above q; the edges decide. */
        const float v = value[i] > 0 ? value[i] < 1 ? value[i] : 1 : 0;
        int j = (int)(v * SEED_SCORE_STEPS);
        while (j < SEED_SCORE_STEPS && value[i] > edge[j])
            ++j;
        q[i] = (uint8_t)j;
    }
}

/* The counts of a pixel's ground truth and largest class, by how many
 * thresholds are exceeded. */
static int64_t *bins_of(const struct seed_score *s, int truth, int best)
{
    const int n = s->n_classes + 1;
    return s->count + ((int64_t)truth * n + best) * (s->n_thresholds + 1);
}

void seed_score_add(struct seed_score *s, const uint8_t *best_class,
                    const float *best_value, const uint8_t *truth,
                    int64_t n_pixels)
{
    for (int64_t i = 0; i < n_pixels; ++i) {
        if (truth[i] > s->n_classes)
            continue;
        assert(best_class[i] <= s->n_classes);
        int exceeded = 0;
        while (exceeded < s->n_thresholds && best_value[i] > s->edge[exceeded])
            ++exceeded;
        ++bins_of(s, truth[i], best_class[i])[exceeded];
    }
    ++s->n_images;
}

void seed_score_add_quantised(struct seed_score *s, const uint8_t *best_class,
                              const uint8_t *q, const uint8_t *truth,
                              int64_t n_pixels)
{
    int exceeded[UINT8_MAX + 1];
    for (int v = 0; v <= UINT8_MAX; ++v) {
        /* q = v exceeds the thresholds below step v. */
        exceeded[v] = 0;
        while (exceeded[v] < s->n_thresholds &&
               s->edge[exceeded[v]] < step_edge(v))
            ++exceeded[v];
    }
    for (int64_t i = 0; i < n_pixels; ++i) {
        if (truth[i] > s->n_classes)
            continue;
        assert(best_class[i] <= s->n_classes);
        ++bins_of(s, truth[i], best_class[i])[exceeded[q[i]]];
    }
    ++s->n_images;
}

void seed_score_sum(struct seed_score *s, MPI_Comm comm)
{
    const int64_t n = s->n_classes + 1;
    comm_sum_i64(comm, s->count, n * n * (s->n_thresholds + 1));
    s->n_images = comm_total(comm, s->n_images);
}

/* Pixels of one ground truth that are predicted as class c at threshold t. */
static int64_t predicted(const struct seed_score *s, int t, int truth, int c)
{
    int64_t n = 0;
    for (int best = 0; best <= s->n_classes; ++best) {
        const int64_t *bins = bins_of(s, truth, best);
        if (best == c)
            for (int k = t + 1; k <= s->n_thresholds; ++k)
                n += bins[k];
        if (c == 0)
            for (int k = 0; k <= t; ++k)
                n += bins[k];
    }
    return n;
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

void seed_score_class(const struct seed_score *s, int t, int c,
                      struct seed_class *out)
{
    *out = (struct seed_class){.iou = -1};
    for (int truth = 0; truth <= s->n_classes; ++truth)
        out->predicted_pixels += predicted(s, t, truth, c);
    const int64_t row = (int64_t)(s->n_classes + 1) * (s->n_thresholds + 1);
    for (int64_t i = 0; i < row; ++i)
        out->truth_pixels += bins_of(s, c, 0)[i];

    const int64_t both = predicted(s, t, c, c);
    const int64_t either = out->truth_pixels + out->predicted_pixels - both;
    if (either > 0)
        out->iou = share(both, either);
    out->precision = share(both, out->predicted_pixels);
    out->recall = share(both, out->truth_pixels);
    out->false_positive = share(out->predicted_pixels - both, either);
    out->false_negative = share(out->truth_pixels - both, either);
}

double seed_score_mean(const struct seed_score *s, int t)
{
    double sum = 0;
    int n = 0;
    for (int c = s->background ? 0 : 1; c <= s->n_classes; ++c) {
        struct seed_class one;
        seed_score_class(s, t, c, &one);
        if (one.iou < 0)
            continue;
        sum += one.iou;
        ++n;
    }
    return n > 0 ? sum / n : 0;
}
