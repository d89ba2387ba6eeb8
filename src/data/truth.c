/* SPDX-License-Identifier: MIT */
#include "lpcam/data/truth.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/file.h"

bool truth_has(const struct dataset *d, int64_t image)
{
    return dataset_annotations(d) || dataset_mask(d, image);
}

static enum lp_status check_size(const char *file, const char *id, int64_t h,
                                 int64_t w, int64_t photo_h, int64_t photo_w)
{
    if (h == photo_h && w == photo_w)
        return LP_OK;
    return lp_fail(LP_EFORMAT,
                   "%s gives image %s %lld x %lld pixels where the photograph "
                   "has %lld x %lld",
                   file, id, (long long)w, (long long)h, (long long)photo_w,
                   (long long)photo_h);
}

static enum lp_status read_mask(struct truth *t, const struct dataset *d,
                                int64_t image, int64_t h, int64_t w)
{
    const char *path = dataset_mask(d, image);
    char why[256];
    enum lp_status status = mask_read(path, &t->mask, why);
    if (status == LP_EDATA)
        return lp_fail(LP_EFORMAT, "the mask %s cannot be used: %s", path, why);
    if (status != LP_OK)
        return status;
    status = check_size(path, dataset_id(d, image), t->mask.h, t->mask.w, h, w);
    if (status != LP_OK)
        return status;
    for (int64_t i = 0; i < h * w; ++i)
        t->mask.value[i] = d->mask_class[t->mask.value[i]];
    return LP_OK;
}

/* A buffer of n bytes or more in place of this one, whose contents may go;
 * NULL, reported, without memory. */
static void *reserve(void *buffer, int64_t *room, int64_t n)
{
    if (n <= *room)
        return buffer;
    free(buffer);
    buffer = malloc((size_t)n);
    *room = buffer ? n : 0;
    if (!buffer)
        (void)lp_fail(LP_ENOMEM, "no memory for ground truth of %lld bytes",
                      (long long)n);
    return buffer;
}

/* The rows of pixels out of the columns, tile by tile. */
static void turn(const uint8_t *columns, int h, int w, uint8_t *rows)
{
    enum { TILE = 16 };
    for (int x = 0; x < w; x += TILE)
        for (int y = 0; y < h; y += TILE) {
            const int x_end = x + TILE < w ? x + TILE : w;
            const int y_end = y + TILE < h ? y + TILE : h;
            for (int i = y; i < y_end; ++i)
                for (int j = x; j < x_end; ++j)
                    rows[(int64_t)i * w + j] = columns[(int64_t)j * h + i];
        }
}

static enum lp_status open_annotations(struct truth *t, const char *path)
{
    const char *why;
    if (t->file)
        return LP_OK;
    t->file = file_open(path, &why);
    if (!t->file)
        return lp_fail(LP_EIO, "cannot read %s: %s", path, why);
    setvbuf(t->file, NULL, _IONBF, 0); /* the pieces lie far from each other */
    return LP_OK;
}

static enum lp_status draw_shape(struct truth *t, const struct dataset *d,
                                 int64_t image,
                                 const struct dataset_shape *shape)
{
    const char *path = dataset_annotations(d);
    const size_t n = (size_t)shape->bytes;
    char why[256];

    t->json = reserve(t->json, &t->json_room, shape->bytes);
    if (!t->json)
        return LP_ENOMEM;
    if (fseeko(t->file, (off_t)shape->at, SEEK_SET) != 0 ||
        fread(t->json, 1, n, t->file) != n)
        return lp_fail(LP_EIO, "cannot read %s at byte %lld", path,
                       (long long)shape->at);
    const enum lp_status status =
        coco_shape_paint(&t->shape, t->json, n, t->mask.h, t->mask.w,
                         (uint8_t)shape->value, t->columns, why);
    if (status != LP_EDATA)
        return status;
    return lp_fail(LP_EFORMAT,
                   "%s, byte %lld: the segmentation of an object of image %s "
                   "cannot be drawn: %s",
                   path, (long long)shape->at, dataset_id(d, image), why);
}

static enum lp_status draw(struct truth *t, const struct dataset *d,
                           int64_t image, int64_t h, int64_t w)
{
    enum lp_status status = LP_OK;
    const char *path = dataset_annotations(d);

    LP_TRY(check_size(path, dataset_id(d, image), d->shape_size[2 * image],
                      d->shape_size[2 * image + 1], h, w));
    LP_TRY(open_annotations(t, path));
    t->columns = reserve(t->columns, &t->columns_room, h * w);
    t->mask.value = reserve(t->mask.value, &t->mask.room, h * w);
    t->mask.h = (int)h;
    t->mask.w = (int)w;
    if (!t->columns || !t->mask.value)
        LP_TRY(LP_ENOMEM);
    memset(t->columns, 0, (size_t)(h * w));
    for (int64_t i = d->shape_offset[image]; i < d->shape_offset[image + 1];
         ++i)
        LP_TRY(draw_shape(t, d, image, &d->shape[i]));
    turn(t->columns, (int)h, (int)w, t->mask.value);
done:
    return status;
}

enum lp_status truth_read(struct truth *t, const struct dataset *d,
                          int64_t image, int64_t h, int64_t w)
{
    return dataset_annotations(d) ? draw(t, d, image, h, w)
                                  : read_mask(t, d, image, h, w);
}

void truth_release(struct truth *t)
{
    mask_release(&t->mask);
    coco_shape_release(&t->shape);
    free(t->columns);
    free(t->json);
    if (t->file)
        fclose(t->file);
    *t = (struct truth){0};
}
