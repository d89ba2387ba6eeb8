/* SPDX-License-Identifier: MIT */
/* Newton's method for all classes side by side: each step is found for all that
 * are still open (logistic_step.c) and halved for those whose loss it does not
 * lower. A class leaves when its gradient is small enough. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"

/* Halvings after which a step is given up: 2^-20 of it lowers nothing. */
#define MOST_HALVINGS 20

/* A loss is known to about this share, from rounding. */
#define ROUNDING 1e-12

static enum lp_status newton_init(struct newton *t, struct problem *p,
                                  double *w)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)p->s->n_classes, all = n * (size_t)p->width;

    *t = (struct newton){.p = p, .w = w};
    t->numbers =
        calloc(NEWTON_VECTORS * all + NEWTON_SCALARS * n, sizeof *t->numbers);
    t->integers = calloc(4 * n, sizeof *t->integers);
    if (!t->numbers || !t->integers || lp_fault("newton"))
        status =
            lp_fail(LP_ENOMEM, "no memory for Newton steps of %zu classes", n);
    LP_AGREE(p->g->comm);
    double **vector[NEWTON_VECTORS] = {&t->g,         &t->step, &t->trial,
                                       &t->trial_g,   &t->r,    &t->z,
                                       &t->direction, &t->bent};
    double **scalar[NEWTON_SCALARS] = {
        &t->loss,  &t->bend,   &t->trial_loss, &t->trial_bend,
        &t->slope, &t->length, &t->rz,         &t->aim};
    for (size_t i = 0; i < NEWTON_VECTORS; ++i)
        *vector[i] = t->numbers + i * all;
    for (size_t i = 0; i < NEWTON_SCALARS; ++i)
        *scalar[i] = t->numbers + NEWTON_VECTORS * all + i * n;
    t->open.which = t->integers;
    t->some.which = t->integers + n;
    t->running.which = t->integers + 2 * n;
    t->level = t->integers + 3 * n;
done:
    return status;
}

double newton_dot(const struct newton *t, const double *a, const double *b,
                  int c)
{
    const int64_t at = (int64_t)c * t->p->width;
    double sum = 0;
    for (int j = 0; j < t->p->width; ++j)
        sum += a[at + j] * b[at + j];
    return sum;
}

double newton_share(const struct newton *t, const double *g, int c)
{
    const double length = sqrt(newton_dot(t, g, g, c));
    return length > 0 ? length / t->p->scale[c] : 0;
}

static void tell(const struct newton *t)
{
    char fits[48] = "", fold[48] = "";
    const struct problem *p = t->p;
    if (p->n_fits > 0)
        snprintf(fits, sizeof fits, " %d of %d", p->n_begun, p->n_fits);
    if (p->held >= 0)
        snprintf(fold, sizeof fold, ", fold %d held out", p->held + 1);
    lp_status_line("fit%s: lambda %g%s, step %d, %d of %d classes go on", fits,
                   p->lambda, fold, t->n_steps, t->open.n, p->s->n_classes);
}

enum lp_status newton_pause(struct newton *t)
{
    enum lp_status status;
    LP_TRY(problem_pause(t->p));
    if (progress_due(&t->p->said_s, t->p->o->progress_s))
        tell(t);
done:
    return status;
}

/* Close what has converged, and what may take no more steps. */
static void close_classes(struct newton *t, struct logistic *l)
{
    int n = 0;
    for (int a = 0; a < t->open.n; ++a) {
        const int c = t->open.which[a];
        l->gradient[c] = newton_share(t, t->g, c);
        if (l->gradient[c] <= t->p->o->tol)
            l->state[c] = LOGISTIC_CONVERGED;
        else if (l->iterations[c] < t->p->o->max_iter && t->length[c] > 0)
            t->open.which[n++] = c;
    }
    t->open.n = n;
}

/* trial = w + length step */
static void try_lengths(struct newton *t, const struct classes *at)
{
    const int64_t width = t->p->width;
    for (int a = 0; a < at->n; ++a) {
        const int64_t c = at->which[a];
        for (int64_t j = c * width; j < (c + 1) * width; ++j)
            t->trial[j] = t->w[j] + t->length[c] * t->step[j];
    }
    logistic_gradient(t->p, at, t->trial, t->trial_g, t->trial_loss,
                      t->trial_bend);
}

static void accept(struct newton *t, int c)
{
    const int64_t at = (int64_t)c * t->p->width;
    const size_t bytes = (size_t)t->p->width * sizeof *t->w;
    memcpy(t->w + at, t->trial + at, bytes);
    memcpy(t->g + at, t->trial_g + at, bytes);
    t->loss[c] = t->trial_loss[c];
    t->bend[c] = t->trial_bend[c];
}

/* Go the steps, or what part of each lowers the loss; length 0 where none. */
static enum lp_status descend(struct newton *t)
{
    enum lp_status status = LP_OK;
    t->some.n = t->open.n;
    memcpy(t->some.which, t->open.which, (size_t)t->open.n * sizeof(int));
    for (int a = 0; a < t->open.n; ++a) {
        const int c = t->open.which[a];
        t->length[c] = 1;
        t->slope[c] = newton_dot(t, t->g, t->step, c);
    }
    for (int i = 0; t->some.n > 0 && i <= MOST_HALVINGS; ++i) {
        int n = 0;
        LP_TRY(newton_pause(t));
        try_lengths(t, &t->some);
        for (int a = 0; a < t->some.n; ++a) {
            const int c = t->some.which[a];
            const double most = t->loss[c] + 1e-4 * t->length[c] * t->slope[c] +
                                ROUNDING * fabs(t->loss[c]);
            if (t->trial_loss[c] <= most) {
                accept(t, c);
            } else {
                t->length[c] /= 2;
                t->some.which[n++] = c;
            }
        }
        t->some.n = n;
    }
    for (int a = 0; a < t->some.n; ++a)
        t->length[t->some.which[a]] = 0;
done:
    return status;
}

/* All classes with an optimum; the others get what the header says. */
static void begin(struct newton *t, struct logistic *l)
{
    const struct problem *p = t->p;
    for (int c = 0; c < l->n_classes; ++c) {
        l->iterations[c] = 0;
        l->gradient[c] = 0;
        l->state[c] = LOGISTIC_OPEN;
        t->length[c] = 1;
        if (!problem_one_sided(p, c)) {
            t->open.which[t->open.n++] = c;
            continue;
        }
        const double with = (double)p->n_pos[c];
        double *w = t->w + (int64_t)c * p->width;
        memset(w, 0, (size_t)p->width * sizeof *w);
        w[p->s->d] = log((with + 0.5) / ((double)p->n_images - with + 0.5));
        l->state[c] = LOGISTIC_ONE_SIDED;
    }
}

enum lp_status newton_fit(struct problem *p, struct logistic *l, double *w)
{
    enum lp_status status = LP_OK;
    struct newton t;

    LP_TRY(newton_init(&t, p, w));
    ++p->n_begun;
    begin(&t, l);
    if (t.open.n > 0)
        logistic_gradient(p, &t.open, w, t.g, t.loss, t.bend);
    for (close_classes(&t, l); t.open.n > 0; close_classes(&t, l)) {
        ++t.n_steps;
        LP_TRY(p->o->solver == LOGISTIC_EXACT ? newton_exact_step(&t)
                                              : newton_bound_step(&t));
        for (int a = 0; a < t.open.n; ++a)
            ++l->iterations[t.open.which[a]];
        LP_TRY(descend(&t));
    }
done:
    free(t.numbers);
    free(t.integers);
    return status;
}
