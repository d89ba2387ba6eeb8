/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "logistic_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"

static enum lp_status allocate(struct problem *p)
{
    const size_t n = (size_t)p->s->n_classes, width = (size_t)p->width;
    const size_t images = (size_t)p->s->n;

    p->n_pos = calloc(n, sizeof *p->n_pos);
    p->share = calloc(2 * n, sizeof *p->share);
    p->scale = calloc(n, sizeof *p->scale);
    p->which = calloc(n, sizeof *p->which);
    p->curvature = calloc(images * n + 1, sizeof *p->curvature);
    p->panel = calloc(PANEL * width, sizeof *p->panel);
    p->score = calloc(PANEL * n, sizeof *p->score);
    p->in = calloc(n * width, sizeof *p->in);
    p->out = calloc(n * (width + 2), sizeof *p->out);
    p->strip = malloc(STRIP * width * sizeof *p->strip);
    if (!p->n_pos || !p->share || !p->scale || !p->which || !p->curvature ||
        !p->panel || !p->score || !p->in || !p->out || !p->strip ||
        lp_fault("logistic"))
        return lp_fail(LP_ENOMEM,
                       "no memory to fit %zu classes to %zu images of %zu "
                       "features here",
                       n, images, width);
    return LP_OK;
}

static enum lp_status check_features(const struct problem *p, int64_t before)
{
    const struct samples *s = p->s;
    for (int64_t i = 0; i < s->n; ++i) {
        float sum = 0; /* stays zero unless a feature is not finite */
        for (int j = 0; j < s->d; ++j)
            sum += 0 * s->x[i * s->d + j];
        if (sum != 0 || isnan(sum))
            return lp_fail(LP_EFORMAT,
                           "image %lld has a feature that is not a finite "
                           "number: the network overflows on it",
                           (long long)(before + i));
    }
    return LP_OK;
}

enum lp_status problem_init(struct problem *p, const struct samples *s,
                            const struct logistic_options *o,
                            const struct grid *g)
{
    enum lp_status status = LP_OK;
    const int64_t before = comm_before(g->comm, s->n);

    *p = (struct problem){
        .s = s, .o = o, .g = g, .held = -1, .width = s->d + (o->bias ? 1 : 0)};
    status = allocate(p);
    if (status == LP_OK)
        status = check_features(p, before);
    LP_AGREE(g->comm);
    LP_TRY(matrix_init(&p->right, g, p->width, s->n_classes, MATRIX_BLOCK,
                       RIGHT_BLOCK));
    if (o->solver == LOGISTIC_BOUND) {
        LP_TRY(matrix_init(&p->gram, g, p->width, p->width, MATRIX_BLOCK,
                           MATRIX_BLOCK));
        LP_TRY(problem_gram(p, -1, &p->gram));
    }
done:
    return status;
}

enum lp_status problem_pause(const struct problem *p)
{
    enum lp_status status = stop_asked() ? LP_STOP : LP_OK; /* alone */
    LP_AGREE(p->g->comm);
done:
    return status;
}

void problem_release(struct problem *p)
{
    free(p->n_pos);
    free(p->share);
    free(p->scale);
    free(p->which);
    free(p->curvature);
    free(p->panel);
    free(p->score);
    free(p->in);
    free(p->out);
    free(p->strip);
    matrix_release(&p->gram);
    matrix_release(&p->right);
    for (int l = 0; l < MOST_LEVELS; ++l)
        matrix_release(&p->factor[l]);
    *p = (struct problem){0};
}

/* How many images there are, and how many of each class. */
static void count(struct problem *p)
{
    const int n = p->s->n_classes;
    p->n_images = 0;
    memset(p->n_pos, 0, (size_t)n * sizeof *p->n_pos);
    for (int64_t i = 0; i < p->s->n; ++i) {
        if (!problem_counts(p, i))
            continue;
        ++p->n_images;
        for (int c = 0; c < n; ++c)
            p->n_pos[c] += p->s->y[i * n + c] != 0;
    }
    p->n_images = comm_total(p->g->comm, p->n_images);
    comm_sum_i64(p->g->comm, p->n_pos, n);
}

enum lp_status problem_choose(struct problem *p, double lambda, int held)
{
    if (lambda != p->lambda)
        memset(p->made, 0, sizeof p->made);
    p->lambda = lambda;
    p->held = held;
    count(p);
    if (p->n_images == 0)
        return lp_fail_all(p->g->comm, LP_EARG,
                           "there are no images to learn from");
    for (int c = 0; c < p->s->n_classes; ++c)
        for (int side = 0; side < 2; ++side) {
            const int64_t n = side ? p->n_pos[c] : p->n_images - p->n_pos[c];
            p->share[2 * c + side] = p->o->balanced && n > 0
                                         ? (double)p->n_images / (2 * (double)n)
                                         : 1;
        }
    logistic_scale(p);
    return LP_OK;
}

bool problem_one_sided(const struct problem *p, int c)
{
    return p->o->bias && (p->n_pos[c] == 0 || p->n_pos[c] == p->n_images);
}
