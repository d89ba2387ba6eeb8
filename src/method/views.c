/* SPDX-License-Identifier: MIT */
#include "lpcam/method/views.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/run/phase.h"

void views_init(struct views *v, struct network *net,
                const struct config *config)
{
    *v = (struct views){
        .net = net, .scales = &config->cam.scales, .flip = config->cam.flip};
}

void views_release(struct views *v)
{
    resize_release(&v->resize);
    image_release(&v->scaled);
    free(v->input);
    free(v->f);
    memset(v, 0, sizeof *v);
}

static enum lp_status reserve(float **x, int64_t *room, int64_t n)
{
    if (n <= *room)
        return LP_OK;
    free(*x);
    *room = 0;
    *x = malloc((size_t)n * sizeof **x);
    if (!*x)
        return lp_fail(LP_ENOMEM, "no memory for a view of %lld numbers",
                       (long long)n);
    *room = n;
    return LP_OK;
}

/* img at a scale: itself, or resized into v->scaled. */
static enum lp_status scale_image(struct views *v, const struct image *img,
                                  double scale, const struct image **scaled)
{
    const int h = image_scaled(img->h, scale), w = image_scaled(img->w, scale);
    const double start_s = phase_now_s();
    enum lp_status status = LP_OK;
    *scaled = img;
    if (h != img->h || w != img->w) {
        *scaled = &v->scaled;
        status = resize_bicubic(&v->resize, img, &v->scaled, h, w);
    }
    if (status == LP_OK)
        status = reserve(&v->input, &v->input_room, (int64_t)3 * h * w);
    phase_add(PHASE_RESIZE, start_s);
    return status;
}

/* One image, mirrored or not, through the network; *f [d][h][w] of view is the
 * backbone's until its next run. */
static enum lp_status forward(struct views *v, const struct image *img,
                              bool mirror, struct view *view, const float **f)
{
    int64_t shape[4] = {0};
    int rank = 0;
    double s = phase_now_s();
    image_to_input(img, &v->net->norm, mirror, v->input);
    s = phase_add(PHASE_RESIZE, s);
    const enum lp_status status = backbone_run(v->net->backbone, v->input,
                                               img->h, img->w, f, shape, &rank);
    phase_add(PHASE_NETWORK, s);
    if (status != LP_OK)
        return status;
    if (rank != 4 || shape[0] != 1 || shape[1] != v->net->head.d)
        return lp_fail(LP_EMODEL,
                       "the network's features have %d dimensions and %lld "
                       "channels, not 4 and %d: set model.feature to the "
                       "tensor that enters the last pooling",
                       rank, (long long)shape[1], v->net->head.d);
    view->d = (int)shape[1];
    view->h = (int)shape[2];
    view->w = (int)shape[3];
    return LP_OK;
}

/* Both passes of one scale. The first one's features are copied, because the
 * second run overwrites them. */
static enum lp_status view_scale(struct views *v, const struct image *img,
                                 double scale, struct view *view)
{
    enum lp_status status = LP_OK;
    const struct image *scaled;
    *view = (struct view){.scale = scale};
    LP_TRY(scale_image(v, img, scale, &scaled));
    LP_TRY(forward(v, scaled, false, view, &view->f));
    if (v->flip) {
        const int64_t n = (int64_t)view->d * view->h * view->w;
        LP_TRY(reserve(&v->f, &v->f_room, n));
        memcpy(v->f, view->f, (size_t)n * sizeof *v->f);
        view->f = v->f;
        LP_TRY(forward(v, scaled, true, view, &view->mirror));
    }
done:
    return status;
}

enum lp_status views_each(struct views *v, const struct image *img,
                          enum lp_status (*visit)(void *arg,
                                                  const struct view *view),
                          void *arg)
{
    enum lp_status status = LP_OK;
    for (int i = 0; i < v->scales->n; ++i) {
        struct view view;
        LP_TRY(view_scale(v, img, v->scales->v[i], &view));
        LP_TRY(visit(arg, &view));
    }
done:
    return status;
}

enum lp_status views_plain(struct views *v, const struct image *img,
                           struct view *view)
{
    enum lp_status status = LP_OK;
    const struct image *same;
    *view = (struct view){.scale = 1};
    LP_TRY(scale_image(v, img, 1, &same));
    LP_TRY(forward(v, same, false, view, &view->f));
done:
    return status;
}
