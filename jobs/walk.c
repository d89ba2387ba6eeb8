/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/deal.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "lpcam/store/image_group.h"

/* At most this much work is redone after a kill, or run.checkpoint_s. */
enum { MARK_SECONDS = 10, MARK_IMAGES = 256 };

struct sized {
    int64_t image, h, w;
};

/* One rank's part of a walk. */
struct round {
    struct walk *walk;
    struct deal deal;
    int64_t n_todo;      /* photographs to do, of all ranks                 */
    struct sized *order; /* [n] what is to do of it, by size                */
    int64_t n, room;
    struct image img;
    int64_t n_bad, n_unmarked;
    double marked_s;
    struct progress progress;
};

/* By size, so that the network sees few changes of shape; then by number. */
static int compare_sized(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;
    if (x->h != y->h)
        return x->h < y->h ? -1 : 1;
    if (x->w != y->w)
        return x->w < y->w ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

/* What is to do, to be dealt out. Collective over the session's comm. */
static enum lp_status share(struct round *r)
{
    enum lp_status status = LP_OK;
    const struct session *s = r->walk->session;
    const int64_t n = s->data.n_images;
    const int32_t *label;
    int64_t *cost = calloc((size_t)n + 1, sizeof *cost);

    if (!cost || lp_fault("walk_share"))
        status =
            lp_fail(LP_ENOMEM, "no memory to share %lld images", (long long)n);
    LP_AGREE(s->comm);
    for (int64_t i = 0; i < n; ++i) {
        if (r->walk->state[i] == IMAGE_DONE)
            continue;
        const int n_labels =
            r->walk->plain ? 0 : dataset_labels(&s->data, i, &label);
        cost[i] = r->walk->cost
                      ? r->walk->cost[i]
                      : cost_photograph(
                            &s->config, s->size[2 * i] * s->size[2 * i + 1],
                            n_labels, r->walk->plain || r->walk->features);
        ++r->n_todo;
    }
    LP_TRY(deal_open(&r->deal, cost, n, s->config.run.balance, s->comm));
done:
    free(cost);
    return status;
}

/* What is to do of the run at hand, in the order to do it. Alone. */
static enum lp_status put_in_order(struct round *r)
{
    const struct session *s = r->walk->session;
    const struct shard *run = &r->walk->run;
    if (run->n_local > r->room) {
        free(r->order);
        r->room = run->n_local;
        r->order = malloc((size_t)r->room * sizeof *r->order);
        if (!r->order || lp_fault("walk_order"))
            return lp_fail(LP_ENOMEM, "no memory to order %lld images",
                           (long long)r->room);
    }
    r->n = 0;
    for (int64_t i = run->first; i < run->first + run->n_local; ++i)
        if (r->walk->state[i] != IMAGE_DONE)
            r->order[r->n++] =
                (struct sized){i, s->size[2 * i], s->size[2 * i + 1]};
    if (r->n > 0 && !r->walk->cost)
        qsort(r->order, (size_t)r->n, sizeof *r->order, compare_sized);
    return LP_OK;
}

/* All of the run: what others do of their runs is theirs to mark. */
static enum lp_status acknowledge(struct round *r)
{
    struct walk *w = r->walk;
    double t = phase_now_s();
    enum lp_status status = LP_OK;
    if (r->n_unmarked > 0)
        status = w->mark(w->arg, w->run.first, w->run.n_local,
                         w->state + w->run.first);
    r->n_unmarked = 0;
    r->marked_s = phase_add(PHASE_WRITE, t);
    return status;
}

static bool is_due(const struct round *r)
{
    const double every_s = r->walk->session->config.run.checkpoint_s;
    return r->n_unmarked >= MARK_IMAGES ||
           phase_now_s() - r->marked_s >=
               (every_s < MARK_SECONDS ? every_s : MARK_SECONDS);
}

/* A broken photograph is told, counted and left; too many are an error. */
static enum lp_status pass_over(struct round *r, int64_t image, const char *why)
{
    const struct session *s = r->walk->session;
    const double most = s->config.data.max_bad * (double)s->data.n_images;
    lp_warn("image %s is left out: %s (%s)", dataset_id(&s->data, image), why,
            dataset_path(&s->data, image));
    r->walk->state[image] = IMAGE_BAD;
    if ((double)++r->n_bad > most)
        return lp_fail(LP_EFORMAT,
                       "%lld broken %s more than "
                       "data.max_bad = %g of %lld: mend them, "
                       "take them from the list, or raise it",
                       (long long)r->n_bad,
                       text_count(r->n_bad, "photograph is", "photographs are"),
                       s->config.data.max_bad, (long long)s->data.n_images);
    return LP_OK;
}

/* The photograph, or its size where it was kept in a file. LP_EDATA: why. */
static enum lp_status look(struct round *r, int64_t image, char why[256])
{
    const struct session *s = r->walk->session;
    const int64_t *size = s->size + 2 * image;
    if (r->walk->cost) {
        r->img.h = (int)size[0];
        r->img.w = (int)size[1];
        return LP_OK;
    }
    double t = phase_now_s();
    const enum lp_status status =
        image_read(dataset_path(&s->data, image), &r->img, why);
    phase_add(PHASE_DECODE, t);
    if (status != LP_OK || (r->img.h == size[0] && r->img.w == size[1]))
        return status;
    snprintf(why, 256, "it changed while the program ran");
    return LP_EDATA;
}

static enum lp_status do_one(struct round *r, int64_t image)
{
    enum lp_status status;
    struct walk *w = r->walk;
    char why[256] = "it was broken when it was extracted";

    status = look(r, image, why);
    if (status == LP_OK)
        status = w->each(w->arg, image, &r->img);
    if (status == LP_EDATA)
        return pass_over(r, image, why);
    if (status == LP_OK)
        w->state[image] = IMAGE_DONE;
    return status;
}

/* The run at hand, marked before another one is; *go_on is false when all are
 * to leave. Alone. */
static enum lp_status do_run(struct round *r, bool *go_on)
{
    enum lp_status status;
    LP_TRY(put_in_order(r));
    for (int64_t i = 0; i < r->n && *go_on; ++i) {
        const int64_t image = r->order[i].image;
        if (lp_fault("walk_each"))
            LP_TRY(lp_fail(LP_EIO, "asked to fail at image %lld",
                           (long long)image));
        LP_TRY(do_one(r, image));
        ++r->n_unmarked;
        if (is_due(r))
            LP_TRY(acknowledge(r));
        *go_on = progress_step(&r->progress);
    }
    status = acknowledge(r);
done:
    return status;
}

/* All of this rank's photographs. Alone; progress carries word of others. */
static enum lp_status go_round(struct round *r)
{
    enum lp_status status = LP_OK;
    bool go_on = true;
    r->marked_s = phase_now_s();
    while (go_on && status == LP_OK && deal_next(&r->deal, &r->walk->run))
        status = do_run(r, &go_on);
    r->progress.idle_s = r->deal.wait_s;
    return status;
}

enum lp_status walk_photographs(struct walk *w)
{
    enum lp_status status = LP_OK;
    MPI_Comm comm = w->session->comm;
    struct round r = {.walk = w};

    LP_TRY(share(&r));
    progress_begin(&r.progress, w->what, comm_rank(comm) == 0 ? r.n_todo : 0,
                   w->session->config.run.progress_s, comm);
    status = go_round(&r);
    status = progress_end(&r.progress, status);
    LP_AGREE(comm);

    w->n_bad = comm_total(comm, r.n_bad);
    if ((double)w->n_bad >
        w->session->config.data.max_bad * (double)w->session->data.n_images)
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "%lld of %lld photographs %s broken, more than "
                           "data.max_bad = %g",
                           (long long)w->n_bad,
                           (long long)w->session->data.n_images,
                           text_count(w->n_bad, "is", "are"),
                           w->session->config.data.max_bad));
done:
    deal_close(&r.deal);
    free(r.order);
    image_release(&r.img);
    return status;
}
