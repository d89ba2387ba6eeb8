/* SPDX-License-Identifier: MIT */
/* score.c: seeds of cams.h5 and maps.h5 against the masks (method.md step 8). */
#include "score.h"

#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/data/truth.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/deal.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "lpcam/store/map_file.h"
#include "stages.h"

/* One file against the masks, this rank's share. */
struct count {
    const struct session *session;
    struct scored *scored;
    struct map_file file;
    struct dataset maps; /* what the file says                         */
    uint8_t *state;      /* [file images] enum image_state             */
    int64_t *file_image; /* [images of the data set] where in the file */
    int32_t *class_of;   /* [file classes] class index of the data set */
    struct truth truth;
    float *strided, *map, *value; /* of one image                          */
    uint8_t *best_class, *q;
    int32_t *label;
    int64_t n_skipped; /* broken photographs, images without mask    */
};

/* Where the data set's images and classes are in the file; *missing is the
 * first name that the file lacks, or NULL. The same on every rank. */
static enum lp_status match(struct count *c, const char **missing)
{
    const struct dataset *d = &c->session->data;
    struct dataset_index index = {0};
    enum lp_status status = dataset_index_init(&index, &c->maps);

    *missing = NULL;
    for (int64_t i = 0; i < d->n_images && status == LP_OK && !*missing; ++i) {
        c->file_image[i] = dataset_index_find(&index, dataset_id(d, i));
        if (c->file_image[i] < 0)
            *missing = dataset_id(d, i);
    }
    for (int k = 0; k < c->maps.n_classes && !*missing; ++k) {
        c->class_of[k] = dataset_find_class(d, dataset_class(&c->maps, k));
        if (c->class_of[k] < 0)
            *missing = dataset_class(&c->maps, k);
    }
    dataset_index_release(&index);
    return status;
}

/* Buffers for the largest image and the one with the most maps. Alone. */
static enum lp_status reserve(struct count *c)
{
    int64_t strided = 0, maps = 0, pixels = 0, labels = 0;
    const struct map_file *f = &c->file;
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t first = f->pair_offset[i], end = f->pair_offset[i + 1];
        const int64_t cells = f->map_offset[end] - f->map_offset[first];
        const int64_t area = f->size[2 * i] * f->size[2 * i + 1];
        strided = cells > strided ? cells : strided;
        pixels = area > pixels ? area : pixels;
        labels = end - first > labels ? end - first : labels;
        maps = area * (end - first) > maps ? area * (end - first) : maps;
    }
    c->strided = malloc((size_t)(strided + 1) * sizeof *c->strided);
    c->map = malloc((size_t)(maps + 1) * sizeof *c->map);
    c->value = malloc((size_t)(pixels + 1) * sizeof *c->value);
    c->best_class = malloc((size_t)pixels + 1);
    c->q = malloc((size_t)pixels + 1);
    c->label = malloc((size_t)(labels + 1) * sizeof *c->label);
    if (!c->strided || !c->map || !c->value || !c->best_class || !c->q ||
        !c->label)
        return lp_fail(LP_ENOMEM,
                       "no memory for the maps of one image of "
                       "%lld pixels",
                       (long long)pixels);
    return LP_OK;
}

static enum lp_status prepare(struct count *c, const char *path,
                              const char **missing)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    const size_t n = (size_t)s->data.n_images;

    c->state = calloc((size_t)c->file.n_images + 1, 1);
    c->file_image = calloc(n + 1, sizeof *c->file_image);
    c->class_of = calloc((size_t)c->maps.n_classes + 1, sizeof *c->class_of);
    if (!c->state || !c->file_image || !c->class_of ||
        lp_fault("score_prepare"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to score %s", path));
    LP_TRY(match(c, missing));
    LP_TRY(reserve(c));
    LP_TRY(image_group_states(c->file.file.h5, 0, c->file.n_images, c->state));
    LP_TRY(seed_score_init(&c->scored->score, s->data.n_classes,
                           s->data.background, s->config.score.thresholds.v,
                           s->config.score.thresholds.n));
done:
    return status;
}

/* The seed of image `at` of the file from its stride-4 maps. */
static enum lp_status enlarge(struct count *c, int64_t at)
{
    const struct map_file *f = &c->file;
    const int h = (int)f->size[2 * at], w = (int)f->size[2 * at + 1];
    const int sh = class_maps_strided(h), sw = class_maps_strided(w);
    const int64_t first = f->pair_offset[at];
    const int n = (int)(f->pair_offset[at + 1] - first);
    enum lp_status status = map_file_read(&c->file, at, c->strided);
    if (status != LP_OK)
        return status;
    for (int k = 0; k < n; ++k) {
        c->label[k] = c->class_of[f->label[first + k]];
        class_maps_enlarge(c->strided + (int64_t)k * sh * sw, sh, sw,
                           c->map + (int64_t)k * h * w, h, w);
    }
    seed_best(c->map, c->label, n, (int64_t)h * w, c->best_class, c->value);
    return LP_OK;
}

/* Has the image a map and a mask? */
static bool is_scored(const struct count *c, int64_t image)
{
    return c->state[c->file_image[image]] == IMAGE_DONE &&
           truth_has(&c->session->data, image);
}

static enum lp_status count_one(struct count *c, int64_t image)
{
    enum lp_status status = LP_OK;
    const int64_t at = c->file_image[image];
    const int64_t n = c->file.size[2 * at] * c->file.size[2 * at + 1];

    if (!is_scored(c, image)) {
        ++c->n_skipped;
        return LP_OK;
    }
    LP_TRY(truth_read(&c->truth, &c->session->data, image, c->file.size[2 * at],
                      c->file.size[2 * at + 1]));
    if (!c->file.seed) {
        LP_TRY(enlarge(c, at));
        seed_score_add(&c->scored->score, c->best_class, c->value,
                       c->truth.mask.value, n);
        goto done;
    }
    LP_TRY(map_file_read_seed(&c->file, at, c->best_class, c->q));
    for (int64_t i = 0; i < n; ++i)
        if (c->best_class[i] > 0)
            c->best_class[i] = (uint8_t)(c->class_of[c->best_class[i] - 1] + 1);
    seed_score_add_quantised(&c->scored->score, c->best_class, c->q,
                             c->truth.mask.value, n);
done:
    return status;
}

/* Collective over the session's comm. */
static enum lp_status share(const struct count *c, struct deal *deal)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    const struct map_file *f = &c->file;
    const int64_t n = s->data.n_images;
    int64_t *cost = malloc((size_t)(n + 1) * sizeof *cost);
    if (!cost || lp_fault("score_share"))
        status =
            lp_fail(LP_ENOMEM, "no memory to share %lld images", (long long)n);
    LP_AGREE(s->comm);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t at = c->file_image[i];
        cost[i] =
            is_scored(c, i)
                ? cost_score(f->size[2 * at] * f->size[2 * at + 1],
                             (int)(f->pair_offset[at + 1] - f->pair_offset[at]))
                : 1;
    }
    LP_TRY(deal_open(deal, cost, n, s->config.run.balance, s->comm));
done:
    free(cost);
    return status;
}

/* All of this rank's images. Alone; progress carries word of others. */
static enum lp_status count_mine(struct count *c, struct deal *deal,
                                 struct progress *progress)
{
    enum lp_status status = LP_OK;
    struct shard run;
    bool go_on = true;
    while (go_on && status == LP_OK && deal_next(deal, &run))
        for (int64_t i = 0; i < run.n_local && go_on && status == LP_OK; ++i) {
            status = count_one(c, run.first + i);
            go_on = progress_step(progress);
        }
    progress->idle_s = deal->wait_s;
    return status;
}

static enum lp_status count_all(struct count *c)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    struct progress progress;
    struct deal deal = {0};

    LP_TRY(share(c, &deal));
    progress_begin(&progress, "score",
                   comm_rank(s->comm) == 0 ? s->data.n_images : 0,
                   s->config.run.progress_s, s->comm);
    status = count_mine(c, &deal, &progress);
    status = progress_end(&progress, status);
    LP_AGREE(s->comm);
    seed_score_sum(&c->scored->score, s->comm);
    c->n_skipped = comm_total(s->comm, c->n_skipped);
    if (c->n_skipped > 0)
        lp_log("score: %lld images without a mask or a map are left out",
               (long long)c->n_skipped);
done:
    deal_close(&deal);
    return status;
}

static void release(struct count *c)
{
    map_file_close(&c->file, false, NULL);
    dataset_release(&c->maps);
    truth_release(&c->truth);
    free(c->state);
    free(c->file_image);
    free(c->class_of);
    free(c->strided);
    free(c->map);
    free(c->value);
    free(c->best_class);
    free(c->q);
    free(c->label);
}

/* A file of other images or classes is passed over: a folder may hold the CAM
 * of one list and the LPCAM of another. */
static enum lp_status count_file(const struct session *s, const char *path,
                                 struct scored *scored)
{
    enum lp_status status = LP_OK;
    struct count c = {.session = s, .scored = scored};
    const char *missing = NULL;
    double t = phase_now_s();
    LP_TRY(map_file_load(&c.file, path, NULL, &c.maps, s->comm));
    status = prepare(&c, path, &missing);
    LP_AGREE(s->comm);
    if (missing) {
        lp_log("score: %s is left out: it and the data set do not both have "
               "%s",
               path, missing);
        goto done;
    }
    LP_TRY(count_all(&c));
    scored->there = true;
    phase_add(PHASE_SCORE, t);
done:
    release(&c);
    return status;
}

static bool any_truth(const struct dataset *d)
{
    for (int64_t i = 0; i < d->n_images; ++i)
        if (truth_has(d, i))
            return true;
    return false;
}

enum lp_status stage_score(struct session *s)
{
    enum lp_status status = LP_OK;
    struct scored kind[] = {{.name = "cam"}, {.name = "lpcam"}};
    const enum output file[] = {OUT_CAMS, OUT_MAPS};
    char *path = NULL;

    if (s->data.n_classes > 254) {
        lp_log("score: masks hold 254 classes, the model has %d: not scored",
               s->data.n_classes);
        return LP_OK;
    }
    if (!any_truth(&s->data)) {
        lp_log("score: no masks in %s: nothing to score", s->config.data.masks);
        return LP_OK;
    }
    for (int i = 0; i < 2; ++i)
        if (session_has(s, file[i]))
            LP_TRY(count_file(s, s->out[file[i]], &kind[i]));
    if (!kind[0].there && !kind[1].there)
        LP_TRY(
            lp_fail_all(s->comm, LP_EIO,
                        "neither %s nor %s is there for this list: run lpcam "
                        "extract or lpcam activate first",
                        s->out[OUT_CAMS], s->out[OUT_MAPS]));
    if (comm_rank(s->comm) == 0) {
        path = text_path(s->config.run.out, "score.json");
        status = path ? score_report(kind, 2, &s->data, &s->config, path)
                      : LP_ENOMEM;
    }
    LP_AGREE(s->comm);
done:
    for (int i = 0; i < 2; ++i)
        seed_score_release(&kind[i].score);
    free(path);
    return status;
}

enum lp_status job_score(const struct job_args *args)
{
    return stage_alone(args, NEED_DATA, stage_score);
}
