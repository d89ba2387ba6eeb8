/* SPDX-License-Identifier: MIT */
#include "lpcam/method/prototypes.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

/* What the classifier makes of one centre. */
struct answer {
    double z, log_z, rest; /* probability of the class; log z; 1 - z */
};

/* Of one class; index 0 is its object side, 1 its context. */
struct work {
    int n, k, d;
    double *weight;    /* [n][d] of the classifier                      */
    double *logit;     /* [k][n]                                        */
    double *center[2]; /* [k][d] divided by their lengths               */
    struct answer *answer[2]; /* [k]                                        */
    double *mean[2]; /* [d] P, Q                                      */
    double *u;       /* [d] sum of context centres by size            */
};

static void work_release(struct work *w)
{
    free(w->weight);
    free(w->logit);
    free(w->u);
    for (int side = 0; side < 2; ++side) {
        free(w->center[side]);
        free(w->answer[side]);
        free(w->mean[side]);
    }
}

static enum lp_status work_init(struct work *w, const struct head *head, int k)
{
    const size_t n = (size_t)head->n, d = (size_t)head->d, slots = (size_t)k;
    bool all;
    *w = (struct work){.n = head->n, .k = k, .d = head->d};
    w->weight = malloc(n * d * sizeof *w->weight);
    w->logit = malloc(slots * n * sizeof *w->logit);
    w->u = malloc(d * sizeof *w->u);
    all = w->weight && w->logit && w->u;
    for (int side = 0; side < 2; ++side) {
        w->center[side] = malloc(slots * d * sizeof *w->center[side]);
        w->answer[side] = malloc(slots * sizeof *w->answer[side]);
        w->mean[side] = malloc(d * sizeof *w->mean[side]);
        all = all && w->center[side] && w->answer[side] && w->mean[side];
    }
    if (!all)
        return lp_fail(LP_ENOMEM, "no memory to choose prototypes");
    for (size_t i = 0; i < n * d; ++i)
        w->weight[i] = (double)head->weight[i];
    return LP_OK;
}

static double dot(const double *a, const double *b, int d)
{
    return cblas_ddot(d, a, 1, b, 1);
}

/* Softmax over the n logits of one centre, entry c; for n = 1 the sigmoid. */
static struct answer ask(const double *logit, int n, int c)
{
    const double own = logit[c];
    double most = n == 1 ? fmax(own, 0) : own, others = 0;
    for (int j = 0; j < n; ++j)
        most = fmax(most, logit[j]);
    for (int j = 0; j < n; ++j)
        others += j == c ? 0 : exp(logit[j] - most);
    if (n == 1)
        others = exp(-most); /* a second class whose logit is 0 */
    const double sum = exp(own - most) + others;
    const double log_z = own - most - log(sum);
    return (struct answer){exp(log_z), log_z, others / sum};
}

/* The centres of one side of class c: what the classifier says, and their
 * directions. */
static void load_side(struct work *w, const struct kmeans *km, int c, int side)
{
    const int k = w->k, d = w->d;
    const float *from = km->center + (int64_t)(2 * c + side) * k * d;
    double *center = w->center[side];

    for (int64_t i = 0; i < (int64_t)k * d; ++i)
        center[i] = (double)from[i];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, w->n, d, 1.0,
                center, d, w->weight, d, 0.0, w->logit, w->n);
    for (int j = 0; j < k; ++j) {
        double *row = center + (int64_t)j * d;
        const double length = sqrt(dot(row, row, d));
        w->answer[side][j] = ask(w->logit + (int64_t)j * w->n, w->n, c);
        for (int i = 0; length > 0 && i < d; ++i)
            row[i] /= length;
    }
}

/* The filled centre with the largest z, -1: none is filled. */
static int surest(const struct answer *answer, const int64_t *size, int k)
{
    int best = -1;
    for (int j = 0; j < k; ++j)
        if (size[j] > 0 && (best < 0 || answer[j].log_z > answer[best].log_z))
            best = j;
    return best;
}

/* Step 6: object centres above class_above, or else the surest; context
 * centres between the two bounds. */
static void weigh_by_threshold(const struct work *w, const int64_t *size,
                               int side, const struct config *config,
                               double *weight)
{
    const struct answer *answer = w->answer[side];
    double sum = 0;
    for (int j = 0; j < w->k; ++j) {
        const double z = answer[j].z;
        weight[j] = size[j] > 0 &&
                    (side == 0 ? z > config->prototypes.class_above
                               : z > config->prototypes.context_above &&
                                     z < config->prototypes.context_below);
        sum += weight[j];
    }
    const int best = surest(answer, size, w->k);
    if (side == 0 && sum == 0 && best >= 0)
        weight[best] = 1;
}

/* Step 6b: object centres by size z^power, context centres by size (1 - z). */
static void weigh_by_size(const struct work *w, const int64_t *size, int side,
                          double power, double *weight)
{
    const struct answer *answer = w->answer[side];
    const int best = surest(answer, size, w->k);
    for (int j = 0; j < w->k; ++j) {
        weight[j] = 0;
        if (size[j] == 0)
            continue;
        weight[j] =
            (double)size[j] *
            (side == 0 ? exp(power * (answer[j].log_z - answer[best].log_z))
                       : answer[j].rest);
    }
}

/* sum [d] of the directions of one side by weight [k], which becomes shares
 * of 1 where it is not all zero. */
static void mean_direction(const struct work *w, int side, double *weight,
                           double *sum)
{
    double all = 0;
    for (int j = 0; j < w->k; ++j)
        all += weight[j];
    for (int i = 0; i < w->d; ++i)
        sum[i] = 0;
    for (int j = 0; j < w->k; ++j) {
        weight[j] = all > 0 ? weight[j] / all : 0;
        if (weight[j] > 0)
            cblas_daxpy(w->d, weight[j], w->center[side] + (int64_t)j * w->d, 1,
                        sum, 1);
    }
}

/* What makes the mean response over the class's own context zero. */
static double balance(struct work *w, const int64_t *context_size)
{
    for (int i = 0; i < w->d; ++i)
        w->u[i] = 0;
    for (int j = 0; j < w->k; ++j)
        cblas_daxpy(w->d, (double)context_size[j],
                    w->center[1] + (int64_t)j * w->d, 1, w->u, 1);
    const double p = dot(w->mean[0], w->u, w->d);
    const double q = dot(w->mean[1], w->u, w->d);
    return q > 0 ? fmin(fmax(p / q, 0), 1) : 1;
}

static void choose_class(struct prototypes *p, struct work *w,
                         const struct kmeans *km, const struct config *config,
                         int c)
{
    const int64_t *context_size = km->size + (int64_t)(2 * c + 1) * w->k;
    float *vector = p->vector + (int64_t)c * w->d;

    for (int side = 0; side < 2; ++side) {
        const int64_t first = (int64_t)(2 * c + side) * w->k;
        const int64_t *size = km->size + first;
        double *weight = p->weight + first;
        load_side(w, km, c, side);
        if (config->prototypes.choice == CHOICE_THRESHOLD)
            weigh_by_threshold(w, size, side, config, weight);
        else
            weigh_by_size(w, size, side, config->prototypes.power, weight);
        mean_direction(w, side, weight, w->mean[side]);
        for (int j = 0; j < w->k; ++j) {
            p->selected[first + j] = weight[j] > 0;
            p->probability[first + j] =
                size[j] > 0 ? (float)w->answer[side][j].z : 0.0f;
        }
    }
    p->lambda[c] = config->prototypes.balance ? balance(w, context_size) : 1;

    const bool known = surest(w->answer[0], context_size - w->k, w->k) >= 0;
    for (int i = 0; i < w->d; ++i)
        vector[i] =
            (float)(known ? w->mean[0][i] - p->lambda[c] * w->mean[1][i] : 0);
}

enum lp_status prototypes_choose(struct prototypes *p, const struct kmeans *km,
                                 const struct head *head,
                                 const struct config *config)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)head->n, slots = 2 * n * (size_t)km->k;
    struct work w = {0};

    assert(km->n_problems == 2 * head->n && km->d == head->d);
    *p = (struct prototypes){.n = head->n, .k = km->k, .d = km->d};
    p->probability = malloc(slots * sizeof *p->probability);
    p->selected = malloc(slots * sizeof *p->selected);
    p->weight = malloc(slots * sizeof *p->weight);
    p->lambda = malloc(n * sizeof *p->lambda);
    p->vector = malloc(n * (size_t)p->d * sizeof *p->vector);
    if (!p->probability || !p->selected || !p->weight || !p->lambda ||
        !p->vector)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for prototypes"));
    LP_TRY(work_init(&w, head, km->k));
    for (int c = 0; c < p->n; ++c)
        choose_class(p, &w, km, config, c);
done:
    work_release(&w);
    return status;
}

void prototypes_release(struct prototypes *p)
{
    free(p->probability);
    free(p->selected);
    free(p->weight);
    free(p->lambda);
    free(p->vector);
    *p = (struct prototypes){0};
}
