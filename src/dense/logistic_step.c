/* SPDX-License-Identifier: MIT */
/* The step H^-1 (-g) of each open class. With the bound: conjugate gradients for
 * all classes side by side under the bound's factor, a pass over the features an
 * iteration, as far as pays at that distance from the optimum (S. Eisenstat and
 * H. Walker, SIAM J. Optim. 4, 1994). Exact: the Hessian itself, class after
 * class. */
#include <math.h>
#include <string.h>

#include "logistic_parts.h"

/* Iterations for one step. */
#define MOST_ITERATIONS 1000

/* Residuals as a share of the gradient: at first; and what is never needed. */
#define FIRST_AIM 0.1
#define LAST_AIM  0.3

static double *of(const struct newton *t, double *x, int c)
{
    return x + (int64_t)c * t->p->width;
}

/* x = a x + y */
static void scale_add(const struct newton *t, double a, double *x,
                      const double *y)
{
    for (int j = 0; j < t->p->width; ++j)
        x[j] = a * x[j] + y[j];
}

static enum lp_status begin(struct newton *t)
{
    enum lp_status status = LP_OK;
    t->running.n = t->open.n;
    for (int a = 0; a < t->open.n; ++a) {
        const int c = t->open.which[a];
        const double share = newton_share(t, t->g, c);
        const double aim = fmax(fmin(FIRST_AIM, sqrt(share)),
                                fmin(LAST_AIM * t->p->o->tol / share, 0.5));
        t->running.which[a] = c;
        t->aim[c] = aim * aim * newton_dot(t, t->g, t->g, c);
        t->level[c] = bound_level(t->p, t->bend[c]);
        LP_TRY(bound_prepare(t->p, t->level[c]));
        memset(of(t, t->step, c), 0, (size_t)t->p->width * sizeof(double));
        memset(of(t, t->direction, c), 0, (size_t)t->p->width * sizeof(double));
        for (int j = 0; j < t->p->width; ++j)
            of(t, t->r, c)[j] = -of(t, t->g, c)[j];
        t->rz[c] = 1;
    }
done:
    return status;
}

/* The next direction of each running class: z, made conjugate to the last. */
static void turn(struct newton *t)
{
    bound_solve(t->p, &t->running, t->level, t->r, t->z);
    for (int a = 0; a < t->running.n; ++a) {
        const int c = t->running.which[a];
        const double rz = newton_dot(t, t->r, t->z, c);
        scale_add(t, rz / t->rz[c], of(t, t->direction, c), of(t, t->z, c));
        t->rz[c] = rz;
    }
}

/* Along the directions to where the quadratic is least; what has come near
 * enough, or finds no curvature any more, runs no longer. */
static void advance(struct newton *t)
{
    int n = 0;
    for (int a = 0; a < t->running.n; ++a) {
        const int c = t->running.which[a];
        const double bent = newton_dot(t, t->direction, t->bent, c);
        if (!(bent > 0))
            continue;
        const double length = t->rz[c] / bent;
        double *step = of(t, t->step, c), *r = of(t, t->r, c);
        for (int j = 0; j < t->p->width; ++j) {
            step[j] += length * of(t, t->direction, c)[j];
            r[j] -= length * of(t, t->bent, c)[j];
        }
        if (newton_dot(t, t->r, t->r, c) > t->aim[c])
            t->running.which[n++] = c;
    }
    t->running.n = n;
}

enum lp_status newton_bound_step(struct newton *t)
{
    enum lp_status status = LP_OK;

    LP_TRY(begin(t));
    for (int i = 0; i < MOST_ITERATIONS && t->running.n > 0; ++i) {
        LP_TRY(newton_pause(t));
        turn(t);
        logistic_hessian(t->p, &t->running, t->direction, t->bent);
        advance(t);
    }
done:
    return status;
}

enum lp_status newton_exact_step(struct newton *t)
{
    enum lp_status status = LP_OK;
    for (int a = 0; a < t->open.n; ++a) {
        int c = t->open.which[a];
        const struct classes one = {1, &c};
        LP_TRY(newton_pause(t));
        LP_TRY(exact_prepare(t->p, c));
        for (int j = 0; j < t->p->width; ++j)
            of(t, t->r, c)[j] = -of(t, t->g, c)[j];
        factor_solve(t->p, &t->p->factor[0], &one, t->r, t->step);
    }
done:
    return status;
}
