/* SPDX-License-Identifier: MIT */
#include "lpcam/dense/logistic.h"

#include <stdlib.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/method/average_precision.h"
#include "lpcam/run/comm.h"

static enum lp_status allocate(struct logistic *l, const struct samples *s)
{
    const size_t n = (size_t)s->n_classes, d = (size_t)s->d;

    *l = (struct logistic){.n_classes = s->n_classes, .d = s->d};
    l->weight = calloc(n * d, sizeof *l->weight);
    l->bias = calloc(n, sizeof *l->bias);
    l->gradient = calloc(n, sizeof *l->gradient);
    l->iterations = calloc(n, sizeof *l->iterations);
    l->state = calloc(n, sizeof *l->state);
    if (!l->weight || !l->bias || !l->gradient || !l->iterations || !l->state)
        return lp_fail(LP_ENOMEM, "no memory for %zu x %zu weights", n, d);
    return LP_OK;
}

enum lp_status logistic_init(struct logistic *l, const struct samples *s,
                             MPI_Comm comm)
{
    enum lp_status status = allocate(l, s);
    LP_AGREE(comm);
done:
    if (status != LP_OK)
        logistic_release(l);
    return status;
}

void logistic_release(struct logistic *l)
{
    free(l->weight);
    free(l->bias);
    free(l->gradient);
    free(l->iterations);
    free(l->state);
    *l = (struct logistic){0};
}

enum lp_status logistic_fit(struct logistic *l, const struct samples *s,
                            const struct logistic_options *o,
                            const struct grid *g)
{
    enum lp_status status = LP_OK;
    struct problem p = {0};
    double *w = NULL;

    LP_TRY(logistic_init(l, s, g->comm));
    LP_TRY(problem_init(&p, s, o, g));
    LP_TRY(problem_choose(&p, o->lambda, -1));
    w = calloc((size_t)s->n_classes * (size_t)p.width, sizeof *w);
    if (!w || lp_fault("logistic_fit"))
        status = lp_fail(LP_ENOMEM, "no memory for the weights");
    LP_AGREE(g->comm);
    LP_TRY(newton_fit(&p, l, w));
    for (int64_t c = 0; c < s->n_classes; ++c) {
        memcpy(l->weight + c * s->d, w + c * p.width, (size_t)s->d * sizeof *w);
        l->bias[c] = o->bias ? w[c * p.width + s->d] : 0;
    }
    l->n_passes = p.n_passes;
done:
    free(w);
    problem_release(&p);
    if (status != LP_OK)
        logistic_release(l);
    return status;
}

int64_t logistic_bytes(const struct samples *s, int64_t n_global, int n_folds,
                       const struct logistic_options *o, const struct grid *g)
{
    const int64_t n = s->n_classes, width = s->d + (o->bias ? 1 : 0);
    const int64_t ranks = comm_size(g->comm), held = s->n / n_folds + 1;
    const int n_matrices = o->solver == LOGISTIC_EXACT ? 1 : MOST_LEVELS + 1;
    const int64_t matrices =
        n_matrices * matrix_bytes(g, width, width, MATRIX_BLOCK, MATRIX_BLOCK) +
        matrix_bytes(g, width, n, MATRIX_BLOCK, RIGHT_BLOCK);
    /* problem_init, newton_init, path_init with a result; and its file */
    const int64_t vectors =
        PANEL + STRIP + (2 + NEWTON_VECTORS + n_folds + 2 + n_folds) * n;
    const int64_t one_class =
        (held * ranks + n_global / n_folds) * (int64_t)sizeof(struct ranked);
    return s->n * n * (int64_t)sizeof(float) + matrices +
           (vectors * width + PANEL * n) * (int64_t)sizeof(double) +
           held * n * (int64_t)(sizeof(double) + 1) + one_class;
}
