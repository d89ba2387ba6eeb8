/* SPDX-License-Identifier: MIT */
#include "lpcam/store/map_preview.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/half.h"
#include "lpcam/base/text.h"

#define NAME "/preview/map"

/* The image that a pair belongs to. */
static int64_t image_of(const struct dataset *d, int64_t pair)
{
    int64_t low = 0, high = d->n_images;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (d->label_offset[middle] <= pair)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t largest(int64_t most, int64_t pixels)
{
    const int64_t cells = pixels > 0 ? class_maps_strided((int)pixels) : 0;
    return cells > most ? cells : most;
}

void map_preview_plan(struct map_preview *p, const struct dataset *d,
                      const int64_t *size)
{
    const int64_t n_pairs = d->label_offset[d->n_images];
    const int64_t n = n_pairs < MAP_PREVIEWS ? n_pairs : MAP_PREVIEWS;
    *p = (struct map_preview){0};
    for (int64_t i = 0; i < n; ++i) {
        p->pair[i] = i * (n_pairs / n) + i * (n_pairs % n) / n;
        const int64_t image = image_of(d, p->pair[i]);
        p->h = largest(p->h, size[2 * image]);
        p->w = largest(p->w, size[2 * image + 1]);
    }
    const int64_t side = p->h > p->w ? p->h : p->w;
    p->step = (side + MAP_PREVIEW_SIDE - 1) / MAP_PREVIEW_SIDE;
    if (side == 0)
        return;
    p->n = n;
    p->h = (p->h + p->step - 1) / p->step;
    p->w = (p->w + p->step - 1) / p->step;
}

static enum lp_status define_titles(const struct map_preview *p, struct h5 *h5,
                                    const struct dataset *d)
{
    enum lp_status status = LP_OK;
    char *title[MAP_PREVIEWS] = {NULL}, *all = NULL;
    size_t length = 1;
    for (int64_t i = 0; i < p->n; ++i) {
        const int64_t image = image_of(d, p->pair[i]);
        title[i] = text_format("%s: %s", dataset_id(d, image),
                               dataset_class(d, d->label[p->pair[i]]));
        if (title[i] && strlen(title[i]) > length)
            length = strlen(title[i]);
        else if (!title[i])
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for titles of maps"));
    }
    all = calloc(MAP_PREVIEWS, length);
    if (!all)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for titles of maps"));
    for (int64_t i = 0; i < p->n; ++i)
        memcpy(all + (size_t)i * length, title[i], strlen(title[i]));
    LP_TRY(h5_define_text(h5, "/preview/title", p->n, (int)length,
                          "photograph and class of each picture"));
    status = h5_write_text(h5, "/preview/title", 0, p->n, (int)length, all);
done:
    for (int64_t i = 0; i < p->n; ++i)
        free(title[i]);
    free(all);
    return status;
}

/* What tells viewers that these are pictures, the first ones to show. */
static enum lp_status define_attributes(struct h5 *h5)
{
    enum lp_status status;
    static const char *const image[][2] = {
        {"CLASS", "IMAGE"},
        {"IMAGE_VERSION", "1.2"},
        {"IMAGE_SUBCLASS", "IMAGE_GRAYSCALE"},
        {"interpretation", "image"},
    };
    LP_TRY(h5_set_default(h5, "preview", "map"));
    for (int i = 0; i < 4; ++i)
        LP_TRY(h5_set_attribute(h5, NAME, image[i][0], image[i][1]));
done:
    return status;
}

enum lp_status map_preview_define(const struct map_preview *p, struct h5 *h5,
                                  const struct dataset *d)
{
    enum lp_status status = LP_OK;
    const int64_t dims[3] = {p->n, p->h, p->w};
    uint8_t *zeros = NULL;
    if (p->n == 0)
        return LP_OK;
    LP_TRY(h5_define(h5, NAME, H5_U8, 3, dims,
                     "some of the maps as pictures, padded with 0",
                     "1 / 255 of the map's maximum", NULL));
    LP_TRY(define_attributes(h5));
    LP_TRY(define_titles(p, h5, d));
    zeros = calloc((size_t)(p->n * p->h), (size_t)p->w);
    if (!zeros)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for pictures of maps"));
    status = h5_write(h5, NAME, H5_U8, 0, p->n, zeros);
done:
    free(zeros);
    return status;
}

enum lp_status map_preview_check(struct map_preview *p, struct h5 *h5)
{
    int64_t dims[3] = {p->n, p->h, p->w};
    enum h5_type type;
    if (!h5_has(h5, NAME))
        p->n = 0;
    return p->n > 0 ? h5_expect(h5, NAME, 3, dims, &type) : LP_OK;
}

static enum lp_status write_one(const struct map_preview *p, struct h5 *h5,
                                int64_t at, const struct class_maps *m,
                                int64_t map)
{
    enum lp_status status = LP_OK;
    const float *from = m->strided + map * m->sh * m->sw;
    const int64_t n = p->h * p->w;
    float *shown = calloc((size_t)n, sizeof *shown);
    uint8_t *row = malloc((size_t)n);
    if (!shown || !row)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the picture of a map"));
    for (int64_t y = 0; y * p->step < m->sh; ++y)
        for (int64_t x = 0; x * p->step < m->sw; ++x)
            shown[y * p->w + x] = from[y * p->step * m->sw + x * p->step];
    value_from_f32(LP_U8, shown, n, row);
    status = h5_write(h5, NAME, H5_U8, at, 1, row);
done:
    free(shown);
    free(row);
    return status;
}

enum lp_status map_preview_write(const struct map_preview *p, struct h5 *h5,
                                 int64_t first, const struct class_maps *m)
{
    enum lp_status status = LP_OK;
    for (int64_t i = 0; i < p->n && status == LP_OK; ++i)
        if (p->pair[i] >= first && p->pair[i] < first + m->n)
            status = write_one(p, h5, i, m, p->pair[i] - first);
    return status;
}
