/* SPDX-License-Identifier: MIT */
#include "lpcam/method/seed_score.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"

#define MOST_CLASSES 254 /* 255 in a mask means: not counted */

/* Pixels done together: what is known of them stays in the first cache. */
#define BLOCK 1024

/* The loops below are comparisons and table look-ups: wider instructions give
 * the same. The compiler makes both, the program takes what it can run. */
#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* A value's bucket, of 1 / BUCKETS each, says nearly how many thresholds it
 * exceeds. A power of 2, so that the multiplication does not round. */
#define BUCKETS 1024

/* Neighbouring pixels mostly fall into the same bin; where one after the other
 * adds to the same word, each waits for the one before. So they take turns in
 * the banks of a bin. */
#define BANKS 4

/* The pairs of ground truth and largest class of a photograph are few: each
 * gets a slot when it first comes. Slot 0 is for pixels that do not count. */
enum { DROPPED = 0, N_SLOTS = 64, NO_SLOT = 255 };

struct seed_tally {
    int32_t exceeded[BUCKETS + 1]; /* by every value of the bucket, at least */
    bool single; /* no bucket has more than one threshold within          */
    uint8_t slot[256][256]; /* of a pair of ground truth and class    */
    uint8_t truth[N_SLOTS], best[N_SLOTS]; /* the pair of a slot              */
    int n_slots;
    uint32_t count[]; /* [N_SLOTS][BANKS][n_thresholds + 1]                   */
};

/* The counts of a pixel's ground truth and largest class, by how many
 * thresholds are exceeded. */
static int64_t *bins_of(const struct seed_score *s, int truth, int best)
{
    const int n = s->n_classes + 1;
    return s->count + ((int64_t)truth * n + best) * (s->n_thresholds + 1);
}

static struct seed_tally *tally_new(const struct seed_score *s)
{
    const size_t bins = (size_t)s->n_thresholds + 1;
    struct seed_tally *t =
        calloc(1, sizeof *t + N_SLOTS * BANKS * bins * sizeof *t->count);
    if (!t)
        return NULL;
    t->n_slots = DROPPED + 1;
    for (int truth = 0; truth <= s->n_classes; ++truth)
        memset(t->slot[truth], NO_SLOT, sizeof t->slot[truth]);
    /* All of bucket b >= 1 exceeds what lies below b / BUCKETS; bucket 0 also
     * holds negative values, the last one all from 1 on. */
    for (int b = 1; b <= BUCKETS; ++b) {
        int k = t->exceeded[b - 1];
        while (s->edge[k] < (float)b / BUCKETS)
            ++k;
        t->single = (b == 1 || t->single) && k - t->exceeded[b - 1] <= 1;
        t->exceeded[b] = k;
    }
    t->single = t->single && s->n_thresholds - t->exceeded[BUCKETS] <= 1;
    return t;
}

/* Add what was tallied to the counts, and begin again. */
static void tally_flush(struct seed_score *s)
{
    struct seed_tally *t = s->tally;
    const int n_bins = s->n_thresholds + 1;
    for (int slot = DROPPED + 1; slot < t->n_slots; ++slot) {
        int64_t *bins = bins_of(s, t->truth[slot], t->best[slot]);
        uint32_t *count = t->count + slot * BANKS * n_bins;
        for (int i = 0; i < BANKS * n_bins; ++i)
            bins[i % n_bins] += count[i];
        memset(count, 0, sizeof *count * BANKS * (size_t)n_bins);
        t->slot[t->truth[slot]][t->best[slot]] = NO_SLOT;
    }
    t->n_slots = DROPPED + 1;
}

static int tally_slot(struct seed_score *s, uint8_t truth, uint8_t best)
{
    struct seed_tally *t = s->tally;
    assert(best <= s->n_classes);
    if (t->n_slots == N_SLOTS)
        tally_flush(s);
    const int slot = t->n_slots++;
    t->truth[slot] = truth;
    t->best[slot] = best;
    t->slot[truth][best] = (uint8_t)slot;
    return slot;
}

/* n pixels, of which bin [n] says how many thresholds they exceed. */
static void tally_add(struct seed_score *s, const uint8_t *best,
                      const int32_t *bin, const uint8_t *truth, int n)
{
    struct seed_tally *t = s->tally;
    const int n_bins = s->n_thresholds + 1;
    for (int i = 0; i < n; ++i) {
        int slot = t->slot[truth[i]][best[i]];
        if (slot == NO_SLOT)
            slot = tally_slot(s, truth[i], best[i]);
        ++t->count[(slot * BANKS + i % BANKS) * n_bins + bin[i]];
    }
}

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
    s->edge[n_thresholds] = INFINITY;
    s->tally = tally_new(s);
    if (!s->tally) {
        seed_score_release(s);
        return lp_fail(LP_ENOMEM, "no memory to score %d classes", n_classes);
    }
    return LP_OK;
}

void seed_score_release(struct seed_score *s)
{
    free(s->count);
    free(s->edge);
    free(s->tally);
    memset(s, 0, sizeof *s);
}

/* n <= BLOCK pixels of a further class. */
WIDE static void best_of(const float *restrict map, int32_t c, int n,
                         int32_t *restrict best, float *restrict value)
{
    for (int i = 0; i < n; ++i) {
        best[i] = map[i] > value[i] ? c : best[i];
        value[i] = map[i] > value[i] ? map[i] : value[i];
    }
}

void seed_best(const float *map, const int32_t *label, int n, int64_t n_pixels,
               uint8_t *best_class, float *best_value)
{
    int32_t best[BLOCK];
    for (int64_t at = 0; at < n_pixels; at += BLOCK) {
        const int m = n_pixels - at < BLOCK ? (int)(n_pixels - at) : BLOCK;
        for (int i = 0; i < m; ++i) {
            best[i] = 0;
            best_value[at + i] = 0;
        }
        for (int j = 0; j < n; ++j)
            best_of(map + j * n_pixels + at, label[j] + 1, m, best,
                    best_value + at);
        for (int i = 0; i < m; ++i)
            best_class[at + i] = (uint8_t)best[i];
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

void seed_dequantise(const uint8_t *q, int64_t n_pixels, float *value)
{
    float edge[UINT8_MAX + 1];
    for (int v = 0; v <= UINT8_MAX; ++v)
        edge[v] = step_edge(v);
    for (int64_t i = 0; i < n_pixels; ++i)
        value[i] = edge[q[i]];
}

/* How many thresholds are exceeded by each of n <= BLOCK values: first as if
 * each bucket had one within. */
WIDE static void exceed_one(const struct seed_tally *t,
                            const float *restrict edge,
                            const float *restrict value, int n,
                            int32_t *restrict bin)
{
    for (int i = 0; i < n; ++i) {
        const float v = value[i] > 0 ? value[i] < 1 ? value[i] : 1 : 0;
        const int32_t k = t->exceeded[(int32_t)(v * BUCKETS)];
        bin[i] = k + (value[i] > edge[k] ? 1 : 0);
    }
}

static void exceed(const struct seed_score *s, const float *value, int n,
                   int32_t *bin)
{
    exceed_one(s->tally, s->edge, value, n, bin);
    for (int i = 0; i < n && !s->tally->single; ++i)
        while (value[i] > s->edge[bin[i]])
            ++bin[i];
}

void seed_score_add(struct seed_score *s, const uint8_t *best_class,
                    const float *best_value, const uint8_t *truth,
                    int64_t n_pixels)
{
    int32_t bin[BLOCK];
    for (int64_t at = 0; at < n_pixels; at += BLOCK) {
        const int m = n_pixels - at < BLOCK ? (int)(n_pixels - at) : BLOCK;
        exceed(s, best_value + at, m, bin);
        tally_add(s, best_class + at, bin, truth + at, m);
    }
    tally_flush(s);
    ++s->n_images;
}

void seed_score_add_quantised(struct seed_score *s, const uint8_t *best_class,
                              const uint8_t *q, const uint8_t *truth,
                              int64_t n_pixels)
{
    int32_t exceeded[UINT8_MAX + 1], bin[BLOCK];
    for (int v = 0; v <= UINT8_MAX; ++v) {
        /* q = v exceeds the thresholds below step v. */
        exceeded[v] = v > 0 ? exceeded[v - 1] : 0;
        while (s->edge[exceeded[v]] < step_edge(v))
            ++exceeded[v];
    }
    for (int64_t at = 0; at < n_pixels; at += BLOCK) {
        const int m = n_pixels - at < BLOCK ? (int)(n_pixels - at) : BLOCK;
        for (int i = 0; i < m; ++i)
            bin[i] = exceeded[q[at + i]];
        tally_add(s, best_class + at, bin, truth + at, m);
    }
    tally_flush(s);
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
