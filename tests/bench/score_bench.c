/* SPDX-License-Identifier: MIT */
/* Made-up maps and masks, written for score_peer.py, and the processor
 * time that scoring them takes: the largest class and all thresholds, with and without
 * enlarging the maps from stride 4, and from full-size seeds. A line a way and
 * round: its name and million pixels a second; then the counts for the peer.
 *
 * usage: score_bench FOLDER IMAGES CLASSES_PRESENT THRESHOLDS ROUNDS */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/seed_score.h"

/* A photograph as COCO's are, and its 80 classes. */
enum { H = 480, W = 640, N_PIXELS = H * W, N_CLASSES = 80, GRID = 16 };

struct picture {
    float *strided, *map; /* [present][stride 4], [present][H][W]          */
    uint8_t *truth, *best, *q;
    float *value;
    int32_t *label;
};

static float draw(uint64_t seed, int i)
{
    return (float)(hash_mix(seed, (uint64_t)i) >> 40) / (float)(1 << 24);
}

/* Maps as a network's are, smooth and mostly low; the truth is where a map is
 * high, with a border that does not count. */
static void make(struct picture *p, int present, uint64_t seed)
{
    const int sh = class_maps_strided(H), sw = class_maps_strided(W);
    float cell[GRID * GRID];
    for (int c = 0; c < present; ++c) {
        float *small = p->strided + (int64_t)c * sh * sw;
        for (int i = 0; i < GRID * GRID; ++i) {
            const float v = draw(seed * 64 + (uint64_t)c, i);
            cell[i] = v * v * v;
        }
        resize_bilinear(cell, GRID, GRID, small, sh, sw, sh, sw, false);
        class_maps_enlarge(small, sh, sw, p->map + (int64_t)c * N_PIXELS, H, W);
        p->label[c] = (int32_t)((seed * 7 + (uint64_t)c * 11) % 26) + c * 26;
    }
    seed_best(p->map, p->label, present, N_PIXELS, p->best, p->value);
    seed_quantise(p->value, N_PIXELS, p->q);
    for (int i = 0; i < N_PIXELS; ++i)
        p->truth[i] = p->value[i] > 0.35f   ? p->best[i]
                      : p->value[i] > 0.34f ? 255
                                            : 0;
}

static bool picture_new(struct picture *p, int present)
{
    const size_t n = N_PIXELS, m = (size_t)present;
    p->strided = malloc(n * m * sizeof *p->strided);
    p->map = malloc(n * m * sizeof *p->map);
    p->value = malloc(n * sizeof *p->value);
    p->label = malloc(m * sizeof *p->label);
    p->truth = malloc(n);
    p->best = malloc(n);
    p->q = malloc(n);
    return p->strided && p->map && p->value && p->label && p->truth &&
           p->best && p->q;
}

enum way { ARGMAX, ENLARGE, SEED, N_WAYS };
static const char *const way_name[] = {"argmax", "enlarged", "seed"};

static void score(enum way way, struct seed_score *s, struct picture *p,
                  int present)
{
    const int sh = class_maps_strided(H), sw = class_maps_strided(W);
    if (way == SEED) {
        seed_score_add_quantised(s, p->best, p->q, p->truth, N_PIXELS);
        return;
    }
    for (int c = 0; way == ENLARGE && c < present; ++c)
        class_maps_enlarge(p->strided + (int64_t)c * sh * sw, sh, sw,
                           p->map + (int64_t)c * N_PIXELS, H, W);
    seed_best(p->map, p->label, present, N_PIXELS, p->best, p->value);
    seed_score_add(s, p->best, p->value, p->truth, N_PIXELS);
}

/* images, present, thresholds; then labels, maps and truth of each. */
static bool write_pictures(const char *path, const struct picture *p, int n,
                           int present, int n_thresholds)
{
    const int32_t head[] = {n, present, n_thresholds, H, W, N_CLASSES};
    const size_t m = (size_t)present;
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(head, sizeof head, 1, f) == 1;
    for (int i = 0; i < n && good; ++i)
        good = fwrite(p[i].label, sizeof *p->label, m, f) == m &&
               fwrite(p[i].map, sizeof *p->map * N_PIXELS, m, f) == m &&
               fwrite(p[i].truth, N_PIXELS, 1, f) == 1;
    return f && fclose(f) == 0 && good;
}

/* Of this process: others on the core do not count. */
static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All counts of the last round of a way, for the peer to compare. */
static bool write_counts(const char *folder, enum way way,
                         const struct seed_score *s)
{
    const size_t n =
        (N_CLASSES + 1) * (N_CLASSES + 1) * ((size_t)s->n_thresholds + 1);
    char *path = text_format("%s/counts.%s", folder, way_name[way]);
    FILE *f = path ? fopen(path, "wb") : NULL;
    const bool good = f && fwrite(s->count, sizeof *s->count, n, f) == n;
    free(path);
    return f && fclose(f) == 0 && good;
}

static bool run(const char *folder, struct picture *p, int n, int present,
                const double *threshold, int n_thresholds, int rounds)
{
    bool good = true;
    for (int r = 0; r < rounds; ++r)
        for (int way = 0; way < N_WAYS && good; ++way) {
            struct seed_score s;
            good = seed_score_init(&s, N_CLASSES, true, threshold,
                                   n_thresholds) == LP_OK;
            const double t = processor_s();
            for (int i = 0; i < n && good; ++i)
                score((enum way)way, &s, &p[i], present);
            printf("%s %.1f\n", way_name[way],
                   1e-6 * N_PIXELS * n / (processor_s() - t));
            if (r == rounds - 1)
                good = good && write_counts(folder, (enum way)way, &s);
            seed_score_release(&s);
        }
    return good;
}

int main(int argc, char **argv)
{
    double threshold[200];
    if (argc != 6) {
        fprintf(stderr, "usage: score_bench FOLDER IMAGES CLASSES_PRESENT "
                        "THRESHOLDS ROUNDS\n");
        return 2;
    }
    const int n = atoi(argv[2]), present = atoi(argv[3]);
    const int n_thresholds = atoi(argv[4]), rounds = atoi(argv[5]);
    struct picture *p = n > 0 ? calloc((size_t)n, sizeof *p) : NULL;
    char *path = text_format("%s/pictures", argv[1]);
    bool good = p && path && present > 0 && present <= 3 && n_thresholds > 0 &&
                n_thresholds <= 200;
    for (int t = 0; good && t < n_thresholds; ++t)
        threshold[t] = 3 * (t + 1) / (5.0 * n_thresholds); /* to 0.60 */
    for (int i = 0; i < n && good; ++i) {
        good = picture_new(&p[i], present);
        if (good)
            make(&p[i], present, (uint64_t)i);
    }
    good = good && write_pictures(path, p, n, present, n_thresholds) &&
           run(argv[1], p, n, present, threshold, n_thresholds, rounds);
    return good ? 0 : 1;
}
