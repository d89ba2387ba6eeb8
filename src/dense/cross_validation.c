/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/method/average_precision.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"

/* Only images of nearly the same score change places from here on. */
#define PATH_TOL 1e-7

struct path {
    struct problem p;
    struct logistic_options o;
    struct logistic l; /* how the last fit went; its weights are not used */
    const struct logistic_keep *keep; /* or NULL                           */
    int n_points, n_folds;
    int *order; /* [n_points] from large lambdas to small                  */
    double *w;  /* [n_folds][N][width] of the last lambda                  */
    double *sum, *n_judged;     /* [N] of the folds; folds with the class     */
    double *mean_ap, *n_open;   /* [n_points] as in struct logistic_point    */
    double *point_ap;           /* [n_points][N] as logistic_path's ap       */
    double *number;             /* [n] all of these, to go on from           */
    int64_t n, n_done, n_saved; /* fits that are done, and saved           */
    double saved_s;
    double *before; /* [N][width] w of a fold before the fit at hand       */
    double *ap;     /* [N] of a fold                                       */
    double *score;  /* [held][N] of this rank's images of a fold           */
    uint8_t *truth; /* [held][N]                                           */
};

/* Images of the largest fold on this rank; all folds hold some, and no others
 * are named. */
static enum lp_status count_folds(const struct samples *s, int n_folds,
                                  int64_t *most, MPI_Comm comm)
{
    int64_t n[256] = {0}, n_wrong = 0;
    *most = 0;
    for (int64_t i = 0; i < s->n; ++i)
        ++n[s->fold[i]];
    for (int f = 0; f < 256; ++f) {
        *most = n[f] > *most ? n[f] : *most;
        n_wrong += f < n_folds ? 0 : n[f];
    }
    comm_sum_i64(comm, n, 256);
    n_wrong = comm_total(comm, n_wrong);
    int64_t n_all = 0;
    int empty = -1;
    for (int f = n_folds - 1; f >= 0; --f) {
        n_all += n[f];
        empty = n[f] == 0 ? f : empty;
    }
    if (n_folds >= 2 && n_wrong == 0 && empty < 0)
        return LP_OK;
    return lp_fail_all(comm, LP_EARG,
                       "cross-validation needs two folds or more that each "
                       "hold an image out; of %d folds of %lld images number "
                       "%d holds none: set fewer fit.folds, or another "
                       "run.seed",
                       n_folds, (long long)n_all, empty + 1);
}

static int64_t n_fits(const struct path *t)
{
    return (int64_t)t->n_points * t->n_folds;
}

/* One block of all that a later start needs. */
static bool place_numbers(struct path *t)
{
    const int64_t n = t->p.s->n_classes, points = t->n_points;
    double **part[] = {&t->w,       &t->sum,    &t->n_judged,
                       &t->mean_ap, &t->n_open, &t->point_ap};
    const int64_t size[] = {
        t->n_folds * n * t->p.width, n, n, points, points, points * n};

    for (size_t i = 0; i < sizeof size / sizeof *size; ++i)
        t->n += size[i];
    t->number = calloc((size_t)t->n, sizeof *t->number);
    if (!t->number)
        return false;
    double *at = t->number;
    for (size_t i = 0; i < sizeof size / sizeof *size; at += size[i++])
        *part[i] = at;
    return true;
}

/* Does point i come after point j on the path, from large lambdas to small? */
static bool after(const struct logistic_point *point, int i, int j)
{
    return point[i].lambda < point[j].lambda ||
           (point[i].lambda == point[j].lambda && i > j);
}

static void sort_points(struct path *t, const struct logistic_point *point)
{
    for (int i = 0; i < t->n_points; ++i) {
        int at = i;
        for (; at > 0 && after(point, t->order[at - 1], i); --at)
            t->order[at] = t->order[at - 1];
        t->order[at] = i;
    }
}

static enum lp_status go_on(struct path *t)
{
    const struct logistic_past *past = &t->keep->past;
    if (past->n != t->n || past->n_done > n_fits(t))
        return lp_fail_all(t->p.g->comm, LP_EARG,
                           "what was kept of cross-validation is of another "
                           "one: remove its file");
    memcpy(t->number, past->number, (size_t)past->n * sizeof *past->number);
    t->n_done = past->n_done;
    return LP_OK;
}

static enum lp_status path_init(struct path *t,
                                const struct logistic_point *point,
                                const struct samples *s,
                                const struct logistic_options *o,
                                const struct grid *g)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)s->n_classes;
    int64_t held;

    t->o = *o;
    t->o.tol = o->tol > PATH_TOL ? o->tol : PATH_TOL;
    LP_TRY(count_folds(s, t->n_folds, &held, g->comm));
    LP_TRY(problem_init(&t->p, s, &t->o, g));
    LP_TRY(logistic_init(&t->l, s, g->comm));
    t->order = malloc((size_t)t->n_points * sizeof *t->order);
    t->before = malloc(n * (size_t)t->p.width * sizeof *t->before);
    t->score = malloc(((size_t)held * n + 1) * sizeof *t->score);
    t->truth = malloc((size_t)held * n + 1);
    t->ap = malloc(n * sizeof *t->ap);
    if (!place_numbers(t) || !t->order || !t->before || !t->score ||
        !t->truth || !t->ap || lp_fault("logistic_path"))
        status = lp_fail(LP_ENOMEM,
                         "no memory to cross-validate %zu classes in %d folds",
                         n, t->n_folds);
    LP_AGREE(g->comm);
    sort_points(t, point);
    if (t->keep && t->keep->past.n_done > 0)
        LP_TRY(go_on(t));
    t->n_saved = t->n_done;
    t->p.n_begun = (int)t->n_done;
    t->p.n_fits = (int)n_fits(t);
    t->saved_s = phase_now_s();
done:
    return status;
}

static void path_release(struct path *t)
{
    problem_release(&t->p);
    logistic_release(&t->l);
    free(t->order);
    free(t->number);
    free(t->before);
    free(t->ap);
    free(t->score);
    free(t->truth);
}

/* The mean of the classes that were judged in any fold. */
static void close_point(struct path *t, int point)
{
    const int n = t->p.s->n_classes;
    double *ap = t->point_ap + (int64_t)point * n;
    int n_judged = 0;

    for (int c = 0; c < n; ++c) {
        ap[c] = t->n_judged[c] > 0 ? t->sum[c] / t->n_judged[c] : -1;
        if (t->n_judged[c] > 0) {
            t->mean_ap[point] += ap[c];
            ++n_judged;
        }
    }
    if (n_judged > 0)
        t->mean_ap[point] /= n_judged;
    memset(t->sum, 0, (size_t)n * sizeof *t->sum);
    memset(t->n_judged, 0, (size_t)n * sizeof *t->n_judged);
}

static void add_fold(struct path *t, int point)
{
    for (int c = 0; c < t->p.s->n_classes; ++c) {
        t->n_open[point] += t->l.state[c] == LOGISTIC_OPEN;
        if (t->ap[c] >= 0) {
            t->sum[c] += t->ap[c];
            ++t->n_judged[c];
        }
    }
    if (++t->n_done % t->n_folds == 0)
        close_point(t, point);
}

/* Rank 0 alone. */
static void save(struct path *t)
{
    if (!t->keep || comm_rank(t->p.g->comm) != 0 || t->n_saved == t->n_done)
        return;
    const struct logistic_past past = {t->n_done, t->n, t->number};
    if (t->keep->save(t->keep->arg, &past) != LP_OK)
        lp_warn("fit goes on, but would be resumed from an earlier fit than "
                "%lld of %d",
                (long long)t->n_done, t->p.n_fits);
    t->n_saved = t->n_done;
    t->saved_s = phase_now_s();
}

/* Learn without the next fold, judge with it. */
static enum lp_status take_fold(struct path *t,
                                const struct logistic_point *point)
{
    enum lp_status status = LP_OK;
    struct problem *p = &t->p;
    const int n = p->s->n_classes;
    const int i = t->order[t->n_done / t->n_folds];
    const int fold = (int)(t->n_done % t->n_folds);
    const size_t n_w = (size_t)n * (size_t)p->width;
    double *w = t->w + (size_t)fold * n_w;

    memcpy(t->before, w, n_w * sizeof *w);
    LP_TRY(problem_choose(p, point[i].lambda, fold));
    LP_TRY(newton_fit(p, &t->l, w));
    const int64_t n_held = logistic_held_scores(p, w, t->score, t->truth);
    LP_TRY(
        average_precisions(t->score, t->truth, n_held, n, t->ap, p->g->comm));
    add_fold(t, i);
    if (t->n_done == n_fits(t) ||
        (t->keep && phase_now_s() - t->saved_s >= t->keep->every_s))
        save(t);
done:
    if (status != LP_OK) {
        memcpy(w, t->before, n_w * sizeof *w);
        save(t);
    }
    return status;
}

enum lp_status logistic_path(struct logistic_point *point, int n_points,
                             int n_folds, int *best, double *ap,
                             const struct samples *s,
                             const struct logistic_options *o,
                             const struct logistic_keep *keep,
                             const struct grid *g)
{
    enum lp_status status = LP_OK;
    struct path t = {.keep = keep, .n_points = n_points, .n_folds = n_folds};

    LP_TRY(path_init(&t, point, s, o, g));
    while (t.n_done < n_fits(&t))
        LP_TRY(take_fold(&t, point));
    for (int i = 0; i < n_points; ++i) {
        point[i].mean_ap = t.mean_ap[i];
        point[i].n_open = (int)t.n_open[i];
    }
    *best = t.order[0];
    for (int i = 1; i < n_points; ++i)
        if (t.mean_ap[t.order[i]] > t.mean_ap[*best])
            *best = t.order[i];
    if (ap)
        memcpy(ap, t.point_ap,
               (size_t)n_points * (size_t)s->n_classes * sizeof *ap);
done:
    path_release(&t);
    return status;
}
