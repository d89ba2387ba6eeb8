/* SPDX-License-Identifier: MIT */
/* The bound kappa X'X + lambda I of the Hessian of all classes: formed once,
 * factored once a level of kappa, and solved for all classes at once. With kappa
 * = 1/4 it bounds every Hessian; next to the mean of a class's v p (1 - p) it is
 * the better metric. A few levels do for all classes: 16 apart they take no more
 * passes than a factor of its own for each class. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/run/comm.h"

int bound_level(const struct problem *p, double bend)
{
    const double kappa = bend / (double)p->n_images;
    const double steps = log2(0.25 / (kappa > DBL_MIN ? kappa : DBL_MIN)) / 4;
    const double level = LEVEL_OF_QUARTER + nearbyint(steps);
    return level < 0 ? 0 : level >= MOST_LEVELS ? MOST_LEVELS - 1 : (int)level;
}

static enum lp_status make_room(struct problem *p, struct matrix *f)
{
    return f->grid ? LP_OK
                   : matrix_init(f, p->g, p->width, p->width, MATRIX_BLOCK,
                                 MATRIX_BLOCK);
}

/* Is the smallest pivot none but rounding made? */
static bool depends(const struct matrix *f)
{
    double least[2] = {DBL_MAX, DBL_MAX}; /* the other end as its negative */
    for (int j = 0; j < f->local_columns; ++j) {
        const int i = matrix_local_row(f, matrix_column(f, j));
        if (i < 0)
            continue;
        const double pivot = f->value[(int64_t)j * f->lead + i];
        least[0] = fmin(least[0], pivot);
        least[1] = fmin(least[1], -pivot);
    }
    comm_min_f64(f->grid->comm, least, 2);
    return least[0] * least[0] <=
           least[1] * least[1] * DBL_EPSILON * (double)f->n_rows;
}

/* Lambda where a weight is; then the factor. */
static enum lp_status factor(struct problem *p, struct matrix *f)
{
    for (int j = 0; j < f->local_columns; ++j) {
        const int column = matrix_column(f, j);
        const int i = matrix_local_row(f, column);
        if (i >= 0 && column < p->s->d)
            f->value[(int64_t)j * f->lead + i] += p->lambda;
    }
    if (matrix_factor(f) == 0 && (p->lambda > 0 || !depends(f)))
        return LP_OK;
    return lp_fail_all(
        p->g->comm, LP_EARG,
        "some of the %d features are combinations of others, and "
        "with lambda = %g no weights are the best ones: set a "
        "larger lambda",
        p->s->d, p->lambda);
}

enum lp_status bound_prepare(struct problem *p, int level)
{
    enum lp_status status = LP_OK;
    const double kappa = ldexp(0.25, 4 * (LEVEL_OF_QUARTER - level));
    struct matrix *f = &p->factor[level];

    if (p->made[level])
        return LP_OK;
    LP_TRY(make_room(p, f));
    const int64_t n = (int64_t)f->lead * f->local_columns;
    for (int64_t i = 0; i < n; ++i)
        f->value[i] = kappa * p->gram.value[i];
    LP_TRY(factor(p, f));
    p->made[level] = true;
done:
    return status;
}

enum lp_status exact_prepare(struct problem *p, int c)
{
    enum lp_status status = LP_OK;

    LP_TRY(make_room(p, &p->factor[0]));
    LP_TRY(problem_gram(p, c, &p->factor[0]));
    LP_TRY(factor(p, &p->factor[0]));
done:
    return status;
}

void factor_solve(struct problem *p, const struct matrix *factor,
                  const struct classes *at, const double *r, double *z)
{
    const int64_t numbers = (int64_t)at->n * p->width;
    struct matrix b = matrix_narrow(&p->right, at->n);

    for (int j = 0; j < b.local_columns; ++j) {
        const double *from =
            r + (int64_t)at->which[matrix_column(&b, j)] * p->width;
        for (int i = 0; i < b.local_rows; ++i)
            b.value[(int64_t)j * b.lead + i] = from[matrix_row(&b, i)];
    }
    matrix_solve(factor, &b);
    memset(p->out, 0, (size_t)numbers * sizeof *p->out);
    for (int j = 0; j < b.local_columns; ++j)
        for (int i = 0; i < b.local_rows; ++i)
            p->out[(int64_t)matrix_column(&b, j) * p->width +
                   matrix_row(&b, i)] = b.value[(int64_t)j * b.lead + i];
    comm_sum_f64(p->g->comm, p->out, numbers); /* one rank's and zeros */
    for (int a = 0; a < at->n; ++a)
        memcpy(z + (int64_t)at->which[a] * p->width,
               p->out + (int64_t)a * p->width, (size_t)p->width * sizeof *z);
}

void bound_solve(struct problem *p, const struct classes *at, const int *level,
                 const double *r, double *z)
{
    for (int l = 0; l < MOST_LEVELS; ++l) {
        struct classes some = {0, p->which};
        for (int a = 0; a < at->n; ++a)
            if (level[at->which[a]] == l)
                some.which[some.n++] = at->which[a];
        if (some.n > 0)
            factor_solve(p, &p->factor[l], &some, r, z);
    }
}
