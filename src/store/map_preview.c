/* SPDX-License-Identifier: MIT */
#include "lpcam/store/map_preview.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/colours.h"
#include "lpcam/base/half.h"
#include "lpcam/base/text.h"

#define SHEET   "/preview/sheet"
#define CAPTION "/preview/caption"

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
    while (p->columns * p->columns < n)
        ++p->columns;
    p->h = (p->h + p->step - 1) / p->step;
    p->w = (p->w + p->step - 1) / p->step;
}

/* [height][width][3] of the sheet. */
static void sheet_size(const struct map_preview *p, int64_t dims[3])
{
    const int64_t rows = (p->n + p->columns - 1) / p->columns;
    dims[0] = rows * (p->h + MAP_PREVIEW_GAP) - MAP_PREVIEW_GAP;
    dims[1] = p->columns * (p->w + MAP_PREVIEW_GAP) - MAP_PREVIEW_GAP;
    dims[2] = 3;
}

int64_t map_preview_bytes(const struct map_preview *p)
{
    int64_t dims[3];
    if (p->n == 0)
        return 0;
    sheet_size(p, dims);
    return dims[0] * dims[1] * dims[2];
}

static enum lp_status define_captions(const struct map_preview *p,
                                      struct h5 *h5, const struct dataset *d)
{
    enum lp_status status = LP_OK;
    char *caption[MAP_PREVIEWS] = {NULL}, *all = NULL;
    size_t length = 1;
    for (int64_t i = 0; i < p->n; ++i) {
        const int64_t image = image_of(d, p->pair[i]);
        caption[i] = text_format("%s: %s", dataset_id(d, image),
                                 dataset_class(d, d->label[p->pair[i]]));
        if (caption[i] && strlen(caption[i]) > length)
            length = strlen(caption[i]);
        else if (!caption[i])
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for captions of maps"));
    }
    all = calloc(MAP_PREVIEWS, length);
    if (!all)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for captions of maps"));
    for (int64_t i = 0; i < p->n; ++i)
        memcpy(all + (size_t)i * length, caption[i], strlen(caption[i]));
    LP_TRY(h5_define_text(h5, CAPTION, p->n, (int)length,
                          "photograph and class of each map, row by row"));
    status = h5_write_text(h5, CAPTION, 0, p->n, (int)length, all);
done:
    for (int64_t i = 0; i < p->n; ++i)
        free(caption[i]);
    free(all);
    return status;
}

/* What tells viewers that this is a picture, the first one to show. */
static enum lp_status define_attributes(struct h5 *h5)
{
    enum lp_status status;
    static const char *const image[][2] = {
        {"CLASS", "IMAGE"},
        {"IMAGE_VERSION", "1.2"},
        {"IMAGE_SUBCLASS", "IMAGE_TRUECOLOR"},
        {"INTERLACE_MODE", "INTERLACE_PIXEL"},
        {"interpretation", "rgb-image"},
    };
    LP_TRY(h5_set_default(h5, "preview", "sheet"));
    for (size_t i = 0; i < sizeof image / sizeof *image; ++i)
        LP_TRY(h5_set_attribute(h5, SHEET, image[i][0], image[i][1]));
done:
    return status;
}

enum lp_status map_preview_define(const struct map_preview *p, struct h5 *h5,
                                  const struct dataset *d)
{
    enum lp_status status = LP_OK;
    int64_t dims[3];
    uint8_t *white = NULL;
    if (p->n == 0)
        return LP_OK;
    sheet_size(p, dims);
    LP_TRY(h5_define(h5, SHEET, H5_U8, 3, dims,
                     "some of the maps as a picture, named by caption", "sRGB",
                     NULL));
    LP_TRY(define_attributes(h5));
    LP_TRY(define_captions(p, h5, d));
    const size_t bytes = (size_t)map_preview_bytes(p);
    white = malloc(bytes);
    if (!white)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a picture of maps"));
    memset(white, 255, bytes);
    status = h5_write(h5, SHEET, H5_U8, 0, dims[0], white);
done:
    free(white);
    return status;
}

enum lp_status map_preview_check(struct map_preview *p, struct h5 *h5)
{
    int64_t dims[3];
    enum h5_type type;
    if (!h5_has(h5, SHEET))
        p->n = 0;
    if (p->n == 0)
        return LP_OK;
    sheet_size(p, dims);
    return h5_expect(h5, SHEET, 3, dims, &type);
}

/* Map number `at` of the sheet, [sh][sw]. */
static enum lp_status write_one(const struct map_preview *p, struct h5 *h5,
                                int64_t at, const float *map, int sh, int sw)
{
    enum lp_status status = LP_OK;
    const int64_t h = (sh + p->step - 1) / p->step;
    const int64_t w = (sw + p->step - 1) / p->step;
    const int64_t y = at / p->columns * (p->h + MAP_PREVIEW_GAP);
    const int64_t x = at % p->columns * (p->w + MAP_PREVIEW_GAP);
    uint8_t colour[256][3], step;
    uint8_t(*pixel)[3] = malloc((size_t)(h * w) * sizeof *pixel);
    if (!pixel)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the picture of a map"));
    value_colours(colour);
    for (int64_t i = 0; i < h * w; ++i) {
        const int64_t row = i / w * p->step, column = i % w * p->step;
        value_from_f32(LP_U8, map + row * sw + column, 1, &step);
        memcpy(pixel[i], colour[step], sizeof *pixel);
    }
    status = h5_write_columns(h5, SHEET, H5_U8, y, h, x, w, pixel);
done:
    free(pixel);
    return status;
}

enum lp_status map_preview_write(const struct map_preview *p, struct h5 *h5,
                                 int64_t first, const struct class_maps *m)
{
    enum lp_status status = LP_OK;
    const int64_t cells = (int64_t)m->sh * m->sw;
    for (int64_t i = 0; i < p->n && status == LP_OK; ++i)
        if (p->pair[i] >= first && p->pair[i] < first + m->n)
            status =
                write_one(p, h5, i, m->strided + (p->pair[i] - first) * cells,
                          m->sh, m->sw);
    return status;
}
