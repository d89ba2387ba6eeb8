/* SPDX-License-Identifier: MIT */
/* plan_nodes.c: memory and time of the stages on so many nodes, foretold from
 * two photographs and one pass of the clustering's kernel, and what to ask of
 * Slurm. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/data/image.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/unit_rows.h"
#include "lpcam/method/views.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/stop.h"
#include "plan.h"

/* A rank that has seen photographs of many sizes takes about this much more
 * than one that saw the largest: blocks of other sizes lie between. 1.95 was
 * measured after 167 photographs of COCO at four scales. */
#define SIZES_MARGIN 2

/* What is asked for beyond what is foretold. */
#define MEMORY_MARGIN 1.1
#define TIME_MARGIN   1.25
#define TIME_MORE_S   600
#define TIME_STEP_S   600

/* Of a measurement; the last one counts. */
enum { PASSES = 2 };

/* Seconds of the stages on all ranks, and what a rank takes that has seen the
 * largest photograph. */
struct stage_times {
    double start; /* of each stage: lists, headers, model, proof          */
    double extract, cluster, activate;
    int64_t bytes;
};

/* Of the photographs that can be read and have classes. */
struct sample {
    int64_t mean;    /* the one whose pixels are nearest to the mean         */
    int64_t largest; /* and the one with the most; -1: there is none         */
    double pixels;   /* of all                                               */
};

/* 0 where the photograph is none of them. */
static double pixels_of(const struct session *s, int64_t i)
{
    const int32_t *label;
    const bool any = dataset_labels(&s->data, i, &label) > 0;
    return any ? (double)(s->size[2 * i] * s->size[2 * i + 1]) : 0;
}

static struct sample choose_photographs(const struct session *s)
{
    struct sample at = {-1, -1, 0};
    double n = 0, most = 0, least = INFINITY;
    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const double here = pixels_of(s, i);
        at.pixels += here;
        n += here > 0;
        at.largest = here > most ? i : at.largest;
        most = fmax(here, most);
    }
    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const double here = pixels_of(s, i);
        const double off = fabs(here - at.pixels / n);
        at.mean = here > 0 && off < least ? i : at.mean;
        least = here > 0 ? fmin(off, least) : least;
    }
    return at;
}

/* How far the timing of the network is. */
struct timing {
    const struct session *session;
    double said_s;
    int n_done, n; /* photographs at a scale                               */
};

/* A scale is done. Nobody but rank 0 is at work: word from others is not to be
 * waited for. */
static enum lp_status tell(void *arg, const struct view *view)
{
    struct timing *t = arg;
    (void)view;
    ++t->n_done;
    if (progress_due(&t->said_s, t->session->config.run.progress_s))
        lp_status_line("plan: the network is timed, %d of %d views", t->n_done,
                       t->n);
    return stop_asked() ? LP_STOP : LP_OK;
}

/* Seconds of a rank to read photograph i and see it at all scales, the second
 * time: the first prepares the network for these sizes. */
static enum lp_status measure_photograph(struct session *s, int64_t i,
                                         struct timing *timing, double *seconds)
{
    enum lp_status status = LP_OK;
    struct views views;
    struct image img = {0};
    char why[256];

    views_init(&views, &s->net, &s->config);
    for (int pass = 0; pass < PASSES; ++pass) {
        const double start_s = phase_now_s();
        status = image_read(dataset_path(&s->data, i), &img, why);
        if (status == LP_EDATA)
            status = lp_fail(LP_EFORMAT, "cannot measure on %s: %s",
                             dataset_path(&s->data, i), why);
        if (status != LP_OK)
            goto done;
        LP_TRY(views_each(&views, &img, tell, timing));
        *seconds = phase_now_s() - start_s;
    }
done:
    views_release(&views);
    image_release(&img);
    return status;
}

/* Seconds of a rank to make the maps of photograph i from rows of zeros, which
 * take as long as those of views.h5, the second time. */
static enum lp_status measure_kept(const struct session *s, int64_t i,
                                   double *seconds)
{
    enum lp_status status = LP_OK;
    const int n_scales = s->config.cam.scales.n, r = plan_channels(s);
    const int64_t cells = plan_view_cells(s, i);
    struct unit_rows unit = {0};
    struct class_maps maps = {0};
    const int32_t *label;
    const int n = dataset_labels(&s->data, i, &label);
    uint16_t *rows = calloc((size_t)cells * (size_t)r, sizeof *rows);
    float *vector = calloc((size_t)s->data.n_classes * (size_t)r, 4);

    if (!rows || !vector)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to measure a photograph"));
    for (int pass = 0; pass < PASSES; ++pass) {
        const double start_s = phase_now_s();
        LP_TRY(class_maps_begin(&maps, n, (int)s->size[2 * i],
                                (int)s->size[2 * i + 1], s->config.maps.seed));
        for (int64_t v = i * n_scales; v < (i + 1) * n_scales; ++v) {
            const int64_t *grid = s->view_grid + 2 * v;
            LP_TRY(unit_rows_act(&unit, rows, grid[0] * grid[1], r, vector,
                                 label, n));
            class_maps_add(&maps, unit.raw, (int)grid[0], (int)grid[1]);
        }
        class_maps_finish(&maps, 0);
        *seconds = phase_now_s() - start_s;
    }
done:
    unit_rows_release(&unit);
    class_maps_release(&maps);
    free(rows);
    free(vector);
    return status;
}

/* The passes over the photographs and all iterations that clustering may do.
 * Photographs are not split: ranks beyond their number have none. */
static enum lp_status foretell(struct session *s, int n_nodes,
                               struct stage_times *t)
{
    enum lp_status status = LP_OK;
    const struct config *c = &s->config;
    const struct kmeans_work work = plan_work(s);
    struct kmeans_machine machine = {0};
    struct timing timing = {.session = s, .n = 2 * PASSES * c->cam.scales.n};
    double photograph_s, kept_s;
    const double start_s = phase_s[PHASE_INPUT] + phase_s[PHASE_MODEL];

    const struct sample at = choose_photographs(s);
    const int64_t i = at.mean;
    if (i < 0)
        LP_TRY(lp_fail(LP_EFORMAT,
                       "no photograph of %s that can be read has classes",
                       c->data.root));
    LP_TRY(measure_photograph(s, at.largest, &timing, &photograph_s));
    LP_TRY(measure_photograph(s, i, &timing, &photograph_s));
    kept_s = photograph_s;
    if (c->run.passes == 1)
        LP_TRY(measure_kept(s, i, &kept_s));
    t->bytes = plan_program_bytes();
    LP_TRY(kmeans_measure(&work, c->kmeans.kernel, &machine));
    machine = plan_machine(c, machine);

    const double ranks = n_nodes * machine.ranks;
    const double here = (double)(s->size[2 * i] * s->size[2 * i + 1]);
    const double all = at.pixels / here * plan_copies(s);
    const struct kmeans_times one =
        kmeans_model(&work, &machine, n_nodes, machine.ranks);
    t->start = start_s;
    t->extract = photograph_s * all / fmin(ranks, work.images);
    t->activate = kept_s * all / fmin(ranks, work.images);
    t->cluster = (one.compute + one.memory + one.messages) *
                 c->kmeans.max_iter * c->kmeans.starts;
    lp_log("plan, %d nodes of %g ranks with %d threads each; measured here: "
           "%.3g s a photograph of %lld x %lld pixels, %.3g s an iteration of "
           "the clustering",
           n_nodes, machine.ranks, c->model.threads, photograph_s,
           (long long)s->size[2 * i + 1], (long long)s->size[2 * i],
           one.compute + one.memory + one.messages);
done:
    return status;
}

/* As sbatch takes it, "12:30:00"; the caller frees. */
static char *time_limit(const struct stage_times *t)
{
    const double sum_s = 3 * t->start + t->extract + t->cluster + t->activate;
    const double limit_s = TIME_MARGIN * sum_s + TIME_MORE_S;
    const int64_t steps = (int64_t)ceil(limit_s / TIME_STEP_S);
    const int64_t minutes = steps * (TIME_STEP_S / 60);
    return text_format("%02lld:%02lld:00", (long long)(minutes / 60),
                       (long long)(minutes % 60));
}

/* A word of bash that stands for s; what is not visible as $'\x1b'. */
static bool add_word(struct text_buffer *b, const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/=:,@%+";
    bool ok = text_add(b, " ");
    if (*s && s[strspn(s, plain)] == 0)
        return ok && text_add(b, "%s", s);
    ok = ok && text_add(b, "'");
    for (int n; *s; s += n > 0 ? n : 1) {
        n = text_visible(s);
        ok = ok && (n == 0 ? text_add(b, "'$'\\x%02x''", (unsigned char)*s)
                    : *s == '\'' ? text_add(b, "'\\''")
                                 : text_add(b, "%.*s", n, s));
    }
    return ok && text_add(b, "'");
}

static enum lp_status print_command(const struct session *s,
                                    const struct job_args *args, int ranks,
                                    int64_t node_bytes,
                                    const struct stage_times *t)
{
    struct text_buffer b = {0};
    char *limit = time_limit(t);
    const int64_t gib = (int64_t)1 << 30;
    bool ok =
        limit && text_add(&b,
                          "sbatch --nodes=%d --ntasks-per-node=%d "
                          "--cpus-per-task=%d --mem=%lldG --time=%s "
                          "slurm/run.sbatch",
                          args->n_nodes, ranks, s->config.model.threads,
                          (long long)((node_bytes + gib - 1) / gib), limit);
    ok = ok && add_word(&b, args->file[0]);
    for (int i = 0; i < args->n_set; ++i)
        ok = ok && text_add(&b, " --set") && add_word(&b, args->set[i]);
    if (ok)
        puts(b.s);
    free(limit);
    free(b.s);
    return ok ? LP_OK : lp_fail(LP_ENOMEM, "no memory for the line of sbatch");
}

enum lp_status plan_nodes(struct session *s, const struct job_args *args)
{
    enum lp_status status = LP_OK;
    struct stage_times t = {0};
    char each[32], node[32], own[32];

    LP_TRY(foretell(s, args->n_nodes, &t));
    const int local = plan_node_ranks(&s->config);
    const struct plan p =
        plan_make(s, (double)args->n_nodes * local, plan_copies(s));
    const int64_t working = (int64_t)(SIZES_MARGIN * (double)t.bytes);
    const int64_t clustering = p.rank_features + p.sums;
    const int64_t rank =
        working + (p.basis > clustering ? p.basis : clustering);
    const int64_t bytes = (int64_t)(MEMORY_MARGIN * (double)(rank * local));
    lp_log("plan, memory of a node: %d ranks of %s, %s of it the program with "
           "network and photographs (measured here); with a margin %s",
           local, text_size(rank, each), text_size(working, own),
           text_size(bytes, node));
    lp_log("plan, time foretold, if nodes are like this one and disks keep up: "
           "start %.0f s a stage, extract %.0f s, cluster at most %.0f s (%d "
           "iterations), activate %.0f s; a job that needs longer is stopped "
           "in time and goes on",
           t.start, t.extract, t.cluster,
           s->config.kmeans.max_iter * s->config.kmeans.starts, t.activate);
    LP_TRY(print_command(s, args, local, bytes, &t));
done:
    return status;
}
