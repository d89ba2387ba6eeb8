/* SPDX-License-Identifier: MIT */
/* Photographs, and what lies over them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/output/jpeg_write.h"
#include "lpcam/output/overlay.h"

enum { QUALITY = 82 };

/* h x w made smaller, so that the longer side is at most `most`. */
static void bound(int h, int w, int most, int *bound_h, int *bound_w)
{
    const int longer = h > w ? h : w;
    const double by = longer > most ? (double)most / longer : 1;
    *bound_h = image_scaled(h, by);
    *bound_w = image_scaled(w, by);
}

enum lp_status gallery_photograph(struct gallery *g, int64_t image)
{
    char why[256];
    const char *path = dataset_path(&g->session->data, image);
    const enum lp_status status = image_read(path, &g->photograph, why);
    if (status == LP_EDATA)
        return lp_fail(LP_EIO,
                       "%s cannot be shown: %s; it could be read when its maps "
                       "were made",
                       path, why);
    return status;
}

enum lp_status gallery_write_map(struct gallery *g, const char *name,
                                 const float *map, int h, int w)
{
    enum lp_status status;
    int small_h, small_w;
    float *small = NULL;
    bound(h, w, GALLERY_MAP, &small_h, &small_w);
    if (small_h == h && small_w == w)
        return overlay_write_map(&g->map, name, map, h, w);
    small = malloc((size_t)small_h * (size_t)small_w * sizeof *small);
    if (!small)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to draw %s", name));
    resize_bilinear(map, h, w, small, small_h, small_w, small_h, small_w,
                    false);
    LP_TRY(overlay_write_map(&g->map, name, small, small_h, small_w));
done:
    free(small);
    return status;
}

/* Name of a file of the folder of maps. */
static const char *map_name(char name[64], const struct gallery_shot *s,
                            const char *kind)
{
    snprintf(name, 64, "%06lld_%04d_%s.png", (long long)s->image,
             s->class_index, kind);
    return name;
}

static const char *photo_name(char name[64], int64_t image)
{
    snprintf(name, 64, "%06lld.jpg", (long long)image);
    return name;
}

static bool has_maps(const struct gallery *g, int kind, int64_t image)
{
    return g->kind[kind].there && map_source_has(&g->maps[kind], image);
}

/* Are all pictures of one image there, shots [n] of it? */
static bool is_drawn(const struct gallery *g, const int64_t *shots, int64_t n)
{
    char name[64];
    const int64_t image = g->shot[*shots].image;
    bool there = out_folder_has(&g->photo, photo_name(name, image));
    for (int64_t i = 0; i < n && there; ++i) {
        const struct gallery_shot *s = &g->shot[shots[i]];
        for (int k = 0; k < N_KINDS && there; ++k)
            if (has_maps(g, k, image))
                there =
                    out_folder_has(&g->map, map_name(name, s, g->kind[k].name));
        if (g->truth && there)
            there = out_folder_has(&g->map, map_name(name, s, "truth"));
    }
    return there;
}

/* The maps of one image: shots [n] of it. */
static enum lp_status draw_maps(struct gallery *g, int kind,
                                const int64_t *shots, int64_t n)
{
    enum lp_status status;
    struct map_source *m = &g->maps[kind];
    char name[64];
    LP_TRY(map_source_read(m, g->shot[*shots].image));
    for (int64_t i = 0; i < n; ++i) {
        const struct gallery_shot *s = &g->shot[shots[i]];
        for (int k = 0; k < m->n; ++k)
            if (m->label[k] == s->class_index)
                LP_TRY(gallery_write_map(
                    g, map_name(name, s, g->kind[kind].name),
                    m->strided + (int64_t)k * m->sh * m->sw, m->sh, m->sw));
    }
done:
    return status;
}

/* What is ground truth of the class in the picture made smaller [h][w]. */
static void pick_mask(const struct mask *truth, int class_index, uint8_t *mask,
                      int h, int w)
{
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            const int64_t v = (2 * y + 1) * truth->h / (2 * h);
            const int64_t u = (2 * x + 1) * truth->w / (2 * w);
            const uint8_t value = truth->value[v * truth->w + u];
            mask[y * w + x] = value == class_index + 1  ? MASK_CLASS
                              : value == DATASET_IGNORE ? MASK_IGNORED
                                                        : MASK_NOTHING;
        }
    overlay_outline(mask, h, w, 1);
}

static enum lp_status draw_truth(struct gallery *g, const int64_t *shots,
                                 int64_t n)
{
    enum lp_status status;
    const struct image *photo = &g->photograph;
    char name[64];
    int h, w;
    uint8_t *mask = NULL;

    bound(photo->h, photo->w, GALLERY_PHOTO, &h, &w);
    LP_TRY(truth_read(&g->mask, &g->session->data, g->shot[*shots].image,
                      photo->h, photo->w));
    mask = malloc((size_t)h * (size_t)w);
    if (!mask)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to draw a mask of %d x %d", h, w));
    for (int64_t i = 0; i < n; ++i) {
        const struct gallery_shot *s = &g->shot[shots[i]];
        pick_mask(&g->mask.mask, s->class_index, mask, h, w);
        LP_TRY(overlay_write_mask(&g->map, map_name(name, s, "truth"), mask, h,
                                  w));
    }
done:
    free(mask);
    return status;
}

static enum lp_status draw_photograph(struct gallery *g, int64_t image)
{
    enum lp_status status;
    char name[64];
    int h, w;
    LP_TRY(gallery_photograph(g, image));
    bound(g->photograph.h, g->photograph.w, GALLERY_PHOTO, &h, &w);
    LP_TRY(resize_bicubic(&g->resize, &g->photograph, &g->small, h, w));
    LP_TRY(jpeg_write(&g->photo, photo_name(name, image), &g->small, QUALITY));
done:
    return status;
}

/* Unit i is the image that begins at by_image[i]; nothing where its shots have
 * begun before. */
static enum lp_status draw_one(struct gallery *g, void *arg, int64_t i)
{
    enum lp_status status = LP_OK;
    const int64_t *shots = g->by_image + i;
    const int64_t image = g->shot[*shots].image;
    int64_t n = 1;
    (void)arg;
    if (i > 0 && g->shot[shots[-1]].image == image)
        return LP_OK;
    while (i + n < g->n_shots && g->shot[shots[n]].image == image)
        ++n;
    if (is_drawn(g, shots, n))
        return LP_OK;
    if (lp_fault("gallery_draw"))
        LP_TRY(
            lp_fail(LP_EIO, "asked to fail at image %lld", (long long)image));
    LP_TRY(draw_photograph(g, image));
    for (int k = 0; k < N_KINDS; ++k)
        if (has_maps(g, k, image))
            LP_TRY(draw_maps(g, k, shots, n));
    if (g->truth)
        LP_TRY(draw_truth(g, shots, n));
done:
    return status;
}

enum lp_status gallery_draw(struct gallery *g)
{
    return gallery_each(g, "gallery, photographs", PHASE_WRITE, g->n_shots,
                        draw_one, NULL);
}
