/* SPDX-License-Identifier: MIT */
/* score.c: seeds of cams.h5 and maps.h5 against the masks (method.md step 8). */
#include "score.h"

#include <stdlib.h>

#include "charts.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/data/truth.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/deal.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "map_source.h"
#include "stages.h"

/* One file against the masks, this rank's share. */
struct count {
    const struct session *session;
    struct scored *scored;
    struct map_source maps;
    struct truth truth;
    int64_t n_skipped; /* broken photographs, images without mask    */
};

/* Has the image a map and a mask? */
static bool is_scored(const struct count *c, int64_t image)
{
    return map_source_has(&c->maps, image) &&
           truth_has(&c->session->data, image);
}

static enum lp_status count_one(struct count *c, int64_t image)
{
    enum lp_status status = LP_OK;
    struct map_source *m = &c->maps;
    const int64_t n = map_source_pixels(m, image);

    if (!is_scored(c, image)) {
        ++c->n_skipped;
        return LP_OK;
    }
    LP_TRY(map_source_read(m, image));
    LP_TRY(truth_read(&c->truth, &c->session->data, image, m->h, m->w));
    if (!m->file.seed)
        map_source_enlarge(m);
    LP_TRY(map_source_seed(m, image));
    if (m->file.seed)
        seed_score_add_quantised(&c->scored->score, m->best_class, m->q,
                                 c->truth.mask.value, n);
    else
        seed_score_add(&c->scored->score, m->best_class, m->value,
                       c->truth.mask.value, n);
done:
    return status;
}

/* Collective over the session's comm. */
static enum lp_status share(const struct count *c, struct deal *deal)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    const int64_t n = s->data.n_images;
    int64_t *cost = malloc((size_t)(n + 1) * sizeof *cost);
    if (!cost || lp_fault("score_share"))
        status =
            lp_fail(LP_ENOMEM, "no memory to share %lld images", (long long)n);
    LP_AGREE(s->comm);
    for (int64_t i = 0; i < n; ++i)
        cost[i] = is_scored(c, i) ? cost_score(map_source_pixels(&c->maps, i),
                                               map_source_labels(&c->maps, i))
                                  : 1;
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

/* A file of other images or classes is passed over: a folder may hold the CAM
 * of one list and the LPCAM of another. */
static enum lp_status count_file(const struct session *s, const char *path,
                                 struct scored *scored)
{
    enum lp_status status = LP_OK;
    struct count c = {.session = s, .scored = scored};
    double t = phase_now_s();
    LP_TRY(map_source_open(&c.maps, path, &s->data, s->comm));
    if (c.maps.missing) {
        lp_log("score: %s is left out: it and the data set do not both have "
               "%s",
               path, c.maps.missing);
        goto done;
    }
    status = seed_score_init(&c.scored->score, s->data.n_classes,
                             s->data.background, s->config.score.thresholds.v,
                             s->config.score.thresholds.n);
    LP_AGREE(s->comm);
    LP_TRY(count_all(&c));
    scored->there = true;
    phase_add(PHASE_SCORE, t);
done:
    map_source_close(&c.maps);
    truth_release(&c.truth);
    return status;
}

static bool any_truth(const struct dataset *d)
{
    for (int64_t i = 0; i < d->n_images; ++i)
        if (truth_has(d, i))
            return true;
    return false;
}

/* score.svg. Rank 0. */
static enum lp_status draw(const struct session *s, const struct scored *kind,
                           int n)
{
    struct text_buffer b = {0};
    enum lp_status status;
    char *path = text_path(s->config.run.out, "score.svg");
    if (path && chart_scores(&b, kind, n))
        status = text_write(path, b.s, b.n);
    else
        status = lp_fail(LP_ENOMEM, "no memory for score.svg");
    free(b.s);
    free(path);
    return status;
}

/* If there is nothing to score, says why: a warning where the score itself was
 * asked for. */
static bool is_scorable(const struct session *s, bool asked)
{
    const char *masks = s->config.data.masks;
    char *why;
    if (s->data.n_classes > 254)
        why = text_format("masks hold 254 classes, the model has %d: not "
                          "scored",
                          s->data.n_classes);
    else if (!any_truth(&s->data))
        why = text_format("no masks%s%s: nothing to score",
                          *masks ? " in " : "", masks);
    else
        return true;
    if (!asked)
        lp_log("score: %s", why ? why : "nothing to score");
    else if (comm_rank(s->comm) == 0)
        lp_warn("score: %s", why ? why : "nothing to score");
    free(why);
    return false;
}

static enum lp_status score(struct session *s)
{
    enum lp_status status = LP_OK;
    struct scored kind[] = {{.name = "cam"}, {.name = "lpcam"}};
    const enum output file[] = {OUT_CAMS, OUT_MAPS};
    char *path = NULL;

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
        if (status == LP_OK)
            status = draw(s, kind, 2);
    }
    LP_AGREE(s->comm);
done:
    for (int i = 0; i < 2; ++i)
        seed_score_release(&kind[i].score);
    free(path);
    return status;
}

enum lp_status stage_score(struct session *s)
{
    return is_scorable(s, false) ? score(s) : LP_OK;
}

static enum lp_status score_alone(struct session *s)
{
    return is_scorable(s, true) ? score(s) : LP_OK;
}

enum lp_status job_score(const struct job_args *args)
{
    return stage_alone(args, NEED_DATA, score_alone);
}
