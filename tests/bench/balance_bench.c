/* SPDX-License-Identifier: MIT */
/* balance_bench.c: how evenly extract keeps many ranks busy, without running
 * it: the program's own shares and chunks over as many photographs as COCO 2014
 * train has, of its sizes, and a clock for every rank.
 * usage: balance_bench RANKS FOLDER_OF_PHOTOGRAPHS */
#define _XOPEN_SOURCE 700
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/data/image.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/deal.h"

enum { N_IMAGES = 82783 };

/* About what a core takes with ResNet-50 at stride 16, and what no model of cost
 * knows beforehand: at most such a share of the pixels' time, by photograph. */
#define PIXEL_S 1.1e-6 /* of a pass                                      */
#define EACH_S  0.005  /* decode, write                                  */
#define SHAPE_S 0.010  /* first photograph of a size, each scale         */
#define LABEL_S 1.2e-8 /* maps, of a pixel, a label and a scale          */
#define UNKNOWN 0.10

struct photograph {
    int h, w, labels, number;
};

/* Share of COCO's photographs in thousandths: h, w. The rest is like the
 * folder's. */
static const int common[][3] = {
    {215, 480, 640}, {124, 427, 640}, {69, 640, 480}, {46, 426, 640},
    {43, 375, 500},  {36, 640, 427},  {26, 428, 640}, {26, 425, 640},
    {20, 612, 612},  {16, 500, 375}};
/* Photographs of 0, 1, 2, ... labels; 9 stands for more. */
static const int with_labels[] = {702,  18016, 25337, 16363, 9554,
                                  5638, 3230,  1860,  978,   1105};

struct bench {
    struct config config;
    struct photograph photo[N_IMAGES], *order;
    int64_t cost[N_IMAGES], first[N_IMAGES + 1];
    int n_ranks;
    double *speed, *end_s;   /* [n_ranks]                                 */
    struct photograph *last; /* [n_ranks] done last                       */
};

static int draw_labels(uint64_t h)
{
    int n = 0;
    for (int64_t at = (int64_t)(h % N_IMAGES); at >= with_labels[n]; ++n)
        at -= with_labels[n];
    return n;
}

static void draw_photographs(struct bench *b, const glob_t *found)
{
    char why[256];
    for (int i = 0; i < N_IMAGES; ++i) {
        struct photograph *p = &b->photo[i];
        int at = (int)(hash_mix(1, (uint64_t)i) % 1000);
        size_t c = 0;
        const size_t n = sizeof common / sizeof common[0];
        for (; c < n && at >= common[c][0]; ++c)
            at -= common[c][0];
        p->number = i;
        p->labels = draw_labels(hash_mix(2, (uint64_t)i));
        if (c < n) {
            p->h = common[c][1];
            p->w = common[c][2];
        } else if (image_read_size(found->gl_pathv[hash_mix(3, (uint64_t)i) %
                                                   found->gl_pathc],
                                   &p->h, &p->w, why) != LP_OK) {
            fprintf(stderr, "balance_bench: %s\n", why);
            exit(1);
        }
        b->cost[i] =
            cost_photograph(&b->config, (int64_t)p->h * p->w, p->labels, true);
    }
}

static int compare(const void *a, const void *b)
{
    const struct photograph *x = a, *y = b;
    if (x->h != y->h)
        return x->h < y->h ? -1 : 1;
    if (x->w != y->w)
        return x->w < y->w ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static double seconds(const struct bench *b, const struct photograph *p,
                      const struct photograph *before)
{
    const struct number_list *scales = &b->config.cam.scales;
    const double pixels = (double)p->h * p->w;
    const double unknown =
        UNKNOWN *
        ((double)(hash_mix(4, (uint64_t)p->number) % 2001) / 1000 - 1);
    const int n = p->labels > 0 ? scales->n : 1;
    double passes = p->labels > 0 ? 0 : 1;
    for (int i = 0; i < scales->n && p->labels > 0; ++i)
        passes += 2 * scales->v[i] * scales->v[i];
    return EACH_S + pixels * passes * PIXEL_S * (1 + unknown) +
           pixels * p->labels * n * LABEL_S +
           (p->h != before->h || p->w != before->w ? n * SHAPE_S : 0);
}

/* A rank does a run as the program does: by size. */
static void do_run(struct bench *b, int rank, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        b->order[i] = b->photo[first + i];
    qsort(b->order, (size_t)n, sizeof *b->order, compare);
    for (int64_t i = 0; i < n; ++i) {
        b->end_s[rank] +=
            seconds(b, &b->order[i], &b->last[rank]) / b->speed[rank];
        b->last[rank] = b->order[i];
    }
}

static void simulate(struct bench *b, bool dynamic)
{
    for (int r = 0; r < b->n_ranks; ++r) {
        b->end_s[r] = 0;
        b->last[r] = (struct photograph){0};
    }
    if (!dynamic) {
        for (int r = 0; r < b->n_ranks; ++r) {
            const struct shard s =
                shard_by_cost(b->cost, N_IMAGES, r, b->n_ranks);
            do_run(b, r, s.first, s.n_local);
        }
        return;
    }
    const int64_t n = shard_chunks(b->cost, N_IMAGES, b->n_ranks, b->first);
    for (int64_t c = 0; c < n; ++c) {
        int who = c < b->n_ranks ? (int)c : 0;
        for (int r = 1; c >= b->n_ranks && r < b->n_ranks; ++r)
            who = b->end_s[r] < b->end_s[who] ? r : who;
        do_run(b, who, b->first[c], b->first[c + 1] - b->first[c]);
    }
}

/* "static_even 1.0032 1.0035": max/mean busy, end against that of a perfect
 * share of the same work. */
static void report(struct bench *b, const char *name, bool dynamic, int n_slow)
{
    double max = 0, sum = 0, work = 0, speed = 0;
    for (int r = 0; r < b->n_ranks; ++r)
        b->speed[r] = r < n_slow ? 0.5 : 1;
    simulate(b, dynamic);
    for (int r = 0; r < b->n_ranks; ++r) {
        max = b->end_s[r] > max ? b->end_s[r] : max;
        sum += b->end_s[r];
        work += b->end_s[r] * b->speed[r];
        speed += b->speed[r];
    }
    printf("%s %.4f %.4f\n", name, max / (sum / b->n_ranks),
           max / (work / speed));
}

int main(int argc, char **argv)
{
    struct bench *b = calloc(1, sizeof *b);
    char *pattern = argc == 3 ? text_format("%s/*.jpg", argv[2]) : NULL;
    glob_t found;
    if (!b || !pattern || glob(pattern, 0, NULL, &found) != 0) {
        fprintf(stderr, "usage: balance_bench RANKS FOLDER_OF_PHOTOGRAPHS\n");
        return 2;
    }
    const size_t n = (size_t)(b->n_ranks = atoi(argv[1]));
    b->config.cam.scales = (struct number_list){4, {1, 0.5, 1.5, 2}};
    b->config.cam.flip = true;
    b->order = malloc(N_IMAGES * sizeof *b->order);
    b->speed = malloc(n * sizeof *b->speed);
    b->end_s = malloc(n * sizeof *b->end_s);
    b->last = malloc(n * sizeof *b->last);
    draw_photographs(b, &found);

    report(b, "static_even", false, 0);
    report(b, "dynamic_even", true, 0);
    report(b, "static_slow", false, b->n_ranks / 8);
    report(b, "dynamic_slow", true, b->n_ranks / 8);
    free(b->order);
    free(b->speed);
    free(b->end_s);
    free(b->last);
    free(b);
    free(pattern);
    globfree(&found);
    return 0;
}
