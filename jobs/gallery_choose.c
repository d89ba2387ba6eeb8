/* SPDX-License-Identifier: MIT */
/* How good every class of every image is, and which images are shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"

#define SCALE 1e9 /* shares travel as whole numbers, so that sums are exact */

/* What is measured of one kind of maps. */
struct measure {
    struct gallery *gallery;
    struct map_source *maps;
    struct seed_score *all, one; /* counts of all images, of the one at hand */
    int64_t first_pair;          /* of this rank's images                    */
    float *iou;                  /* [pairs of this rank][thresholds]         */
    int64_t *share;              /* [pairs] SCALE times the share, plus 1; 0:
                                    none                                     */
    int64_t *truth; /* [images] hash of the ground truth that was measured  */
};

static const struct dataset *data_of(const struct gallery *g)
{
    return &g->session->data;
}

static struct shard shard_of(const struct gallery *g, int64_t n)
{
    MPI_Comm comm = g->session->comm;
    return shard_by_count(n, comm_rank(comm), comm_size(comm));
}

/* The pair of an image and a class in the data set, -1: it lacks the label. */
static int64_t pair_of(const struct dataset *d, int64_t image, int class_index)
{
    for (int64_t p = d->label_offset[image]; p < d->label_offset[image + 1];
         ++p)
        if (d->label[p] == class_index)
            return p;
    return -1;
}

/* The share of the cells of each map that lies above score.threshold. */
static void measure_area(struct measure *m, int64_t image)
{
    const struct map_source *maps = m->maps;
    const int64_t n = (int64_t)maps->sh * maps->sw;
    const float threshold = (float)m->gallery->session->config.score.threshold;
    for (int k = 0; k < maps->n; ++k) {
        const int64_t pair =
            pair_of(data_of(m->gallery), image, maps->label[k]);
        int64_t above = 0;
        for (int64_t i = 0; i < n; ++i)
            above += maps->strided[k * n + i] > threshold;
        if (pair >= 0)
            m->share[pair] = llrint(SCALE * (double)above / (double)n) + 1;
    }
}

/* The IoU of each class at all thresholds; the counts go to those of all. */
static enum lp_status measure_iou(struct measure *m, int64_t image)
{
    enum lp_status status;
    struct map_source *maps = m->maps;
    struct seed_score *one = &m->one;
    struct truth *truth = &m->gallery->mask;
    const int n_classes = one->n_classes + 1, n_steps = one->n_thresholds;
    const int64_t n_counts = (int64_t)n_classes * n_classes * (n_steps + 1);
    const int64_t n = (int64_t)maps->h * maps->w;

    LP_TRY(truth_read(truth, data_of(m->gallery), image, maps->h, maps->w));
    m->truth[image] = (int64_t)hash_bytes(0, truth->mask.value, n);
    if (!maps->file.seed)
        map_source_enlarge(maps);
    LP_TRY(map_source_seed(maps, image));
    memset(one->count, 0, (size_t)n_counts * sizeof *one->count);
    if (maps->file.seed)
        seed_score_add_quantised(one, maps->best_class, maps->q,
                                 truth->mask.value, n);
    else
        seed_score_add(one, maps->best_class, maps->value, truth->mask.value,
                       n);
    for (int64_t i = 0; i < n_counts; ++i)
        m->all->count[i] += one->count[i];
    ++m->all->n_images;
    for (int k = 0; k < maps->n; ++k) {
        const int64_t pair =
            pair_of(data_of(m->gallery), image, maps->label[k]);
        for (int t = 0; t < n_steps && pair >= 0; ++t) {
            struct seed_class c;
            seed_score_class(one, t, maps->label[k] + 1, &c);
            m->iou[(pair - m->first_pair) * n_steps + t] = (float)c.iou;
        }
    }
done:
    return status;
}

static enum lp_status measure_one(struct gallery *g, void *arg, int64_t image)
{
    enum lp_status status = LP_OK;
    struct measure *m = arg;
    if (!map_source_has(m->maps, image) ||
        (g->truth && !truth_has(data_of(g), image)))
        return LP_OK;
    LP_TRY(map_source_read(m->maps, image));
    if (g->truth)
        LP_TRY(measure_iou(m, image));
    else
        measure_area(m, image);
done:
    return status;
}

/* From the IoU at all thresholds to that at the best one of all images. */
static void keep_best(struct measure *m, double *threshold)
{
    const struct gallery *g = m->gallery;
    const struct dataset *d = data_of(g);
    const int best = score_best_threshold(m->all), n = m->all->n_thresholds;
    const struct shard mine = shard_of(g, d->n_images);
    *threshold = m->all->threshold[best];
    for (int64_t i = mine.first; i < mine.first + mine.n_local; ++i)
        for (int64_t p = d->label_offset[i]; p < d->label_offset[i + 1]; ++p) {
            const double iou = (double)m->iou[(p - m->first_pair) * n + best];
            if (iou >= 0 && map_source_has(m->maps, i) && truth_has(d, i))
                m->share[p] = llrint(SCALE * iou) + 1;
        }
}

/* Memory of a measure. Alone. */
static enum lp_status measure_init(struct measure *m, int kind)
{
    enum lp_status status = LP_OK;
    struct gallery *g = m->gallery;
    const struct session *s = g->session;
    const struct dataset *d = &s->data;
    const struct number_list *steps = &s->config.score.thresholds;
    const struct shard mine = shard_of(g, d->n_images);
    const int64_t n_local = d->label_offset[mine.first + mine.n_local] -
                            d->label_offset[mine.first];

    m->maps = &g->maps[kind];
    m->all = &g->kind[kind].score;
    m->first_pair = d->label_offset[mine.first];
    m->share =
        calloc((size_t)d->label_offset[d->n_images] + 1, sizeof *m->share);
    m->truth = calloc((size_t)d->n_images + 1, sizeof *m->truth);
    m->iou = calloc((size_t)n_local + 1, (size_t)steps->n * sizeof *m->iou);
    if (!m->share || !m->truth || !m->iou || lp_fault("gallery_measure"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to compare %lld maps",
                       (long long)n_local));
    if (g->truth) {
        LP_TRY(seed_score_init(m->all, d->n_classes, d->background, steps->v,
                               steps->n));
        LP_TRY(seed_score_init(&m->one, d->n_classes, d->background, steps->v,
                               steps->n));
    }
done:
    return status;
}

/* One kind of maps: share [pairs] of all images, on every rank, the caller's to
 * free, and the fingerprint of their ground truth. Collective. */
static enum lp_status measure(struct gallery *g, int kind, int64_t **share)
{
    enum lp_status status;
    const struct dataset *d = data_of(g);
    MPI_Comm comm = g->session->comm;
    struct measure m = {.gallery = g};

    status = measure_init(&m, kind);
    LP_AGREE(comm);
    g->threshold[kind] = g->session->config.score.threshold;
    LP_TRY(gallery_each(g, "gallery, look", PHASE_SCORE, d->n_images,
                        measure_one, &m));
    if (g->truth) {
        seed_score_sum(m.all, comm);
        keep_best(&m, &g->threshold[kind]);
    }
    comm_sum_i64(comm, m.share, d->label_offset[d->n_images]);
    comm_sum_i64(comm, m.truth, d->n_images);
    hash_sha256(m.truth, (size_t)d->n_images * sizeof *m.truth, g->truth_sha);
    *share = m.share;
    m.share = NULL;
done:
    seed_score_release(&m.one);
    free(m.share);
    free(m.truth);
    free(m.iou);
    return status;
}

/* By class, then from the worst to the best, then by image. */
static int compare_shots(const void *a, const void *b)
{
    const struct gallery_shot *x = a, *y = b;
    if (x->class_index != y->class_index)
        return x->class_index < y->class_index ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

static double share_of(const int64_t *share, int64_t pair)
{
    return share && share[pair] > 0 ? (double)(share[pair] - 1) / SCALE : -1;
}

/* Every pair that was measured, in order. Alone. */
static enum lp_status list_pairs(struct gallery *g, int64_t *const *share)
{
    const struct dataset *d = data_of(g);
    const int64_t n = d->label_offset[d->n_images];
    g->shot = malloc((size_t)(n + 1) * sizeof *g->shot);
    g->by_image = malloc((size_t)(n + 1) * sizeof *g->by_image);
    g->class_shot = calloc((size_t)d->n_classes + 1, sizeof *g->class_shot);
    g->class_images = calloc((size_t)d->n_classes + 1, sizeof *g->class_images);
    if (!g->shot || !g->by_image || !g->class_shot || !g->class_images ||
        lp_fault("gallery_list"))
        return lp_fail(LP_ENOMEM, "no memory to choose from %lld maps",
                       (long long)n);
    for (int64_t i = 0; i < d->n_images; ++i)
        for (int64_t p = d->label_offset[i]; p < d->label_offset[i + 1]; ++p) {
            struct gallery_shot *s = &g->shot[g->n_shots];
            *s = (struct gallery_shot){.image = i, .class_index = d->label[p]};
            for (int k = 0; k < N_KINDS; ++k)
                s->share[k] = share_of(share[k], p);
            s->order = s->share[g->main];
            g->n_shots += s->order >= 0;
            ++g->class_images[d->label[p]];
        }
    qsort(g->shot, (size_t)g->n_shots, sizeof *g->shot, compare_shots);
    return LP_OK;
}

/* Of each class the worst half of `most` and the best; all where there are no
 * more. */
static void keep_extremes(struct gallery *g, int64_t most)
{
    const int64_t n_all = g->n_shots;
    int64_t at = 0, kept = 0;
    for (int c = 0; c < data_of(g)->n_classes; ++c) {
        int64_t end = at;
        g->class_shot[c] = kept;
        while (end < n_all && g->shot[end].class_index == c)
            ++end;
        const int64_t left_out = end - at > most ? end - at - most : 0;
        const int64_t worst = most / 2;
        for (int64_t i = at; i < end; ++i)
            if (i - at < worst || i - at >= worst + left_out)
                g->shot[kept++] = g->shot[i];
        at = end;
    }
    g->class_shot[data_of(g)->n_classes] = g->n_shots = kept;
}

/* Shots whose order of images is sorted: qsort has no argument for it. */
struct place {
    int64_t image, shot;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    return x->shot < y->shot ? -1 : 1;
}

/* Alone. */
static enum lp_status order_by_image(struct gallery *g)
{
    struct place *place = malloc((size_t)(g->n_shots + 1) * sizeof *place);
    if (!place)
        return lp_fail(LP_ENOMEM, "no memory to order %lld maps",
                       (long long)g->n_shots);
    for (int64_t i = 0; i < g->n_shots; ++i)
        place[i] = (struct place){g->shot[i].image, i};
    qsort(place, (size_t)g->n_shots, sizeof *place, compare_places);
    for (int64_t i = 0; i < g->n_shots; ++i)
        g->by_image[i] = place[i].shot;
    free(place);
    return LP_OK;
}

enum lp_status gallery_choose(struct gallery *g)
{
    enum lp_status status = LP_OK;
    int64_t *share[N_KINDS] = {NULL};

    for (int k = 0; k < N_KINDS; ++k) /* the main one last */
        if (g->kind[k].there)
            LP_TRY(measure(g, k, &share[k]));
    status = list_pairs(g, share);
    if (status == LP_OK) {
        keep_extremes(g, g->session->config.export.gallery_images);
        status = order_by_image(g);
    }
    LP_AGREE(g->session->comm);
done:
    for (int k = 0; k < N_KINDS; ++k)
        free(share[k]);
    return status;
}
