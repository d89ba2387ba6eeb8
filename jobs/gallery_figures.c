/* SPDX-License-Identifier: MIT */
/* What else the classifier sees in a photograph: the CAM of its class beside
 * those of classes that are not there but answer most to it, as in the
 * introduction of the paper. From the features at scale 1. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gallery.h"

/* The shot of a class that shows most: its only label where there is such a
 * one, then the largest gain of LPCAM over CAM, then the first. */
static const struct gallery_shot *choose_shot(const struct gallery *g, int c)
{
    const struct gallery_shot *best = NULL;
    double most = 0;
    for (int64_t i = g->class_shot[c]; i < g->class_shot[c + 1]; ++i) {
        const struct gallery_shot *s = &g->shot[i];
        const int32_t *label;
        const int64_t at = g->features.at[s->image];
        const bool alone =
            dataset_labels(&g->session->data, s->image, &label) == 1;
        const double gain =
            s->share[KIND_LPCAM] - s->share[KIND_CAM] + 4 * alone;
        if (at < 0 || g->features.offset[at + 1] <= g->features.offset[at])
            continue;
        if (!best || gain > most) {
            best = s;
            most = gain;
        }
    }
    return best;
}

/* Has the image this class among its labels? */
static bool has_label(const struct dataset *d, int64_t image, int c)
{
    const int32_t *label;
    const int n = dataset_labels(d, image, &label);
    for (int k = 0; k < n; ++k)
        if (label[k] == c)
            return true;
    return false;
}

/* response [n_cells] = row r of the classifier times each cell; its mean. */
static double respond(const struct gallery_features *f, int r, const float *x,
                      int64_t n_cells, float *response)
{
    const float *w = f->weight + (int64_t)r * f->d;
    double sum = 0;
    for (int64_t i = 0; i < n_cells; ++i) {
        double product = 0;
        for (int j = 0; j < f->d; ++j)
            product += (double)w[j] * (double)x[i * f->d + j];
        response[i] = (float)product;
        sum += product;
    }
    return sum / (double)n_cells;
}

/* The row of a class, -1: the classifier does not know it. */
static int row_of(const struct gallery_features *f, int class_index)
{
    for (int r = 0; r < f->n_classes; ++r)
        if (f->class_of[r] == class_index)
            return r;
    return -1;
}

/* row: that of the class, then those of absent classes with the largest
 * logits. */
static void rank_others(struct gallery *g, int c, int64_t image,
                        const double *logit, int row[1 + GALLERY_OTHERS])
{
    struct gallery_figure *figure = &g->figure[c];
    const struct gallery_features *f = &g->features;
    int n = 1;
    for (int r = 0; r < f->n_classes; ++r) {
        if (f->class_of[r] < 0 ||
            has_label(&g->session->data, image, f->class_of[r]))
            continue;
        int at = n;
        n += n <= GALLERY_OTHERS;
        for (; at > 1 && logit[r] > logit[row[at - 1]]; --at)
            if (at <= GALLERY_OTHERS)
                row[at] = row[at - 1];
        if (at <= GALLERY_OTHERS)
            row[at] = r;
    }
    figure->image = image;
    figure->n_maps = n;
    for (int j = 0; j < n; ++j) {
        figure->class_index[j] = f->class_of[row[j]];
        figure->logit[j] = isfinite(logit[row[j]]) ? logit[row[j]] : 0;
    }
}

/* max(0, response) divided by its maximum, as a picture. */
static enum lp_status draw_response(struct gallery *g, int c, int j,
                                    float *response, int64_t h, int64_t w)
{
    float most = 0;
    char name[64];
    snprintf(name, sizeof name, "figure_%04d_%d.png", c, j);
    if (out_folder_has(&g->map, name))
        return LP_OK;
    for (int64_t i = 0; i < h * w; ++i)
        most = response[i] > most ? response[i] : most;
    for (int64_t i = 0; i < h * w; ++i)
        response[i] = response[i] > 0 ? response[i] / most : 0;
    return gallery_write_map(g, name, response, (int)h, (int)w);
}

/* The figure of a class, where there are features of it. Alone. */
static enum lp_status draw_figure(struct gallery *g, int c)
{
    enum lp_status status = LP_OK;
    struct gallery_features *f = &g->features;
    const struct gallery_shot *shot = f->weight ? choose_shot(g, c) : NULL;
    int row[1 + GALLERY_OTHERS] = {row_of(f, c)};
    float *x = NULL, *response = NULL;
    double *logit = NULL;
    if (!shot || row[0] < 0)
        return LP_OK;
    const int64_t at = f->at[shot->image], first = f->offset[at];
    const int64_t n = f->offset[at + 1] - first;
    const int64_t h = f->grid[2 * at], w = f->grid[2 * at + 1];
    if (n > INT_MAX || h < 1 || h > n || w != n / h || n % h != 0)
        LP_TRY(lp_fail(LP_EFORMAT,
                       "%s has %lld cells of image %s, and a grid of %lld x "
                       "%lld",
                       g->session->out[OUT_FEATURES], (long long)n,
                       dataset_id(&g->session->data, shot->image), (long long)h,
                       (long long)w));
    x = malloc((size_t)(n * f->d) * sizeof *x);
    response = malloc((size_t)n * sizeof *response);
    logit = calloc((size_t)f->n_classes, sizeof *logit);
    if (!x || !response || !logit)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld features", (long long)n));
    LP_TRY(h5_read(f->file.h5, "/feature/vector", H5_F32, first, n, x));
    for (int r = 0; r < f->n_classes; ++r)
        logit[r] = respond(f, r, x, n, response) + (double)f->bias[r];
    rank_others(g, c, shot->image, logit, row);
    for (int j = 0; j < g->figure[c].n_maps; ++j) {
        respond(f, row[j], x, n, response);
        LP_TRY(draw_response(g, c, j, response, h, w));
    }
done:
    free(x);
    free(response);
    free(logit);
    return status;
}

/* Unit c is a class: its figure, then all that the page says of it. */
static enum lp_status tell_class(struct gallery *g, void *arg, int64_t c)
{
    enum lp_status status;
    (void)arg;
    LP_TRY(draw_figure(g, (int)c));
    LP_TRY(gallery_write_class(g, (int)c));
done:
    return status;
}

enum lp_status gallery_tell_classes(struct gallery *g)
{
    return gallery_each(g, "gallery, classes", PHASE_WRITE,
                        g->session->data.n_classes, tell_class, NULL);
}
