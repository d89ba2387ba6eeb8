/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/method/average_precision.h"
#include "lpcam/run/comm.h"

/* Only images of nearly the same score change places from here on. */
#define PATH_TOL 1e-7

struct path {
    struct problem p;
    struct logistic_options o;
    struct logistic l; /* how the last fit went; its weights are not used */
    int n_folds;
    double *w;      /* [n_folds][N][width] of the last lambda          */
    double *score;  /* [held][N] of this rank's images of a fold       */
    uint8_t *truth; /* [held][N]                                       */
    int64_t n_held;
    struct ranked *send; /* [held] a rank                                   */
    int64_t *n_to;       /* [ranks]                                         */
    double *ap;          /* [N] of a fold                                   */
    double *sum;         /* [N] of the folds                                */
    int *n_judged;       /* [N] folds with the class                        */
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
    bool good = n_folds >= 2 && n_wrong == 0;
    for (int f = 0; f < n_folds && good; ++f)
        good = n[f] > 0;
    return good ? LP_OK
                : lp_fail_all(comm, LP_EARG,
                              "cross-validation needs two folds or more, each "
                              "with an image or more, and got %d: set fewer",
                              n_folds);
}

static enum lp_status path_init(struct path *t, int n_folds,
                                const struct samples *s,
                                const struct logistic_options *o,
                                const struct grid *g)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)s->n_classes;
    const size_t n_ranks = (size_t)comm_size(g->comm);
    int64_t held;

    *t = (struct path){.o = *o, .n_folds = n_folds};
    t->o.tol = o->tol > PATH_TOL ? o->tol : PATH_TOL;
    LP_TRY(count_folds(s, n_folds, &held, g->comm));
    LP_TRY(problem_init(&t->p, s, &t->o, g));
    LP_TRY(logistic_init(&t->l, s, g->comm));
    t->w = calloc((size_t)n_folds * n * (size_t)t->p.width, sizeof *t->w);
    t->score = malloc(((size_t)held * n + 1) * sizeof *t->score);
    t->truth = malloc((size_t)held * n + 1);
    t->send = malloc(((size_t)held * n_ranks + 1) * sizeof *t->send);
    t->n_to = malloc(n_ranks * sizeof *t->n_to);
    t->ap = malloc(n * sizeof *t->ap);
    t->sum = malloc(n * sizeof *t->sum);
    t->n_judged = malloc(n * sizeof *t->n_judged);
    if (!t->w || !t->score || !t->truth || !t->send || !t->n_to || !t->ap ||
        !t->sum || !t->n_judged || lp_fault("logistic_path"))
        status = lp_fail(LP_ENOMEM,
                         "no memory to cross-validate %zu classes in %d folds",
                         n, n_folds);
    LP_AGREE(g->comm);
done:
    return status;
}

static void path_release(struct path *t)
{
    problem_release(&t->p);
    logistic_release(&t->l);
    free(t->w);
    free(t->score);
    free(t->truth);
    free(t->send);
    free(t->n_to);
    free(t->ap);
    free(t->sum);
    free(t->n_judged);
}

/* Average precision of n_ranks classes from `first` on, each on its rank, into
 * t->ap there. */
static enum lp_status judge_round(struct path *t, int first)
{
    enum lp_status status = LP_OK;
    const int n = t->p.s->n_classes;
    const MPI_Comm comm = t->p.g->comm;
    const int own = first + comm_rank(comm);
    struct ranked *at = t->send;
    void *rows = NULL;
    int64_t n_rows;

    for (int r = 0; r < comm_size(comm); ++r) {
        const int c = first + r;
        t->n_to[r] = c < n ? t->n_held : 0;
        for (int64_t i = 0; i < t->n_to[r]; ++i)
            *at++ = (struct ranked){t->score[i * n + c], t->truth[i * n + c]};
    }
    LP_TRY(comm_exchange_rows(comm, t->send, t->n_to, sizeof *t->send, &rows,
                              &n_rows));
    if (own < n)
        t->ap[own] = average_precision(rows, n_rows);
done:
    free(rows);
    return status;
}

/* Learn without the fold, judge with it. */
static enum lp_status take_fold(struct path *t, double lambda, int fold,
                                struct logistic_point *point)
{
    enum lp_status status = LP_OK;
    struct problem *p = &t->p;
    const int n = p->s->n_classes, n_ranks = comm_size(p->g->comm);
    double *w = t->w + (int64_t)fold * n * p->width;

    LP_TRY(problem_choose(p, lambda, fold));
    LP_TRY(newton_fit(p, &t->l, w));
    for (int c = 0; c < n; ++c)
        point->n_open += t->l.state[c] == LOGISTIC_OPEN;
    t->n_held = logistic_held_scores(p, w, t->score, t->truth);
    memset(t->ap, 0, (size_t)n * sizeof *t->ap);
    for (int first = 0; first < n; first += n_ranks)
        LP_TRY(judge_round(t, first));
    comm_sum_f64(p->g->comm, t->ap, n); /* one rank's and zeros */
    for (int c = 0; c < n; ++c)
        if (t->ap[c] >= 0) {
            t->sum[c] += t->ap[c];
            ++t->n_judged[c];
        }
done:
    return status;
}

static enum lp_status take_point(struct path *t, struct logistic_point *point,
                                 double *ap)
{
    enum lp_status status = LP_OK;
    const int n = t->p.s->n_classes;
    int n_judged = 0;

    point->mean_ap = 0;
    point->n_open = 0;
    memset(t->sum, 0, (size_t)n * sizeof *t->sum);
    memset(t->n_judged, 0, (size_t)n * sizeof *t->n_judged);
    for (int fold = 0; fold < t->n_folds; ++fold)
        LP_TRY(take_fold(t, point->lambda, fold, point));
    for (int c = 0; c < n; ++c) {
        const bool judged = t->n_judged[c] > 0;
        const double mean = judged ? t->sum[c] / t->n_judged[c] : -1;
        if (ap)
            ap[c] = mean;
        point->mean_ap += judged ? mean : 0;
        n_judged += judged;
    }
    if (n_judged > 0)
        point->mean_ap /= n_judged;
done:
    return status;
}

/* Does point i come after point j on the path, from large lambdas to small? */
static bool after(const struct logistic_point *point, int i, int j)
{
    return j < 0 || point[i].lambda < point[j].lambda ||
           (point[i].lambda == point[j].lambda && i > j);
}

/* The first point after `last` (-1: the first of all), -1 behind the end. */
static int next_point(const struct logistic_point *point, int n, int last)
{
    int next = -1;
    for (int i = 0; i < n; ++i)
        if (after(point, i, last) && (next < 0 || after(point, next, i)))
            next = i;
    return next;
}

enum lp_status logistic_path(struct logistic_point *point, int n_points,
                             int n_folds, int *best, double *ap,
                             const struct samples *s,
                             const struct logistic_options *o,
                             const struct grid *g)
{
    enum lp_status status = LP_OK;
    struct path t = {0};

    LP_TRY(path_init(&t, n_folds, s, o, g));
    t.p.n_fits = n_points * n_folds;
    *best = -1;
    for (int i = -1; (i = next_point(point, n_points, i)) >= 0;) {
        LP_TRY(take_point(&t, &point[i],
                          ap ? ap + (int64_t)i * s->n_classes : NULL));
        if (*best < 0 || point[i].mean_ap > point[*best].mean_ap)
            *best = i;
    }
done:
    path_release(&t);
    return status;
}
