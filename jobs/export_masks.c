/* SPDX-License-Identifier: MIT */
/* export_masks.c: seeds as palette PNG files: `masks`, a folder to train on, and
 * `ir`, labels of the pixels that are sure. */
#include <stdlib.h>
#include <string.h>

#include "export_masks.h"
#include "lpcam/run/comm.h"

enum { UNSURE = 255 };

/* What each class is in a mask. Alone. */
static void set_values(struct masks *m, const struct export_job *job)
{
    for (int c = 0; c < job->session->data.n_classes; ++c) {
        const int64_t id = export_class_id(job, c);
        m->value[c + 1] = (uint8_t)(id < 0 ? 0 : id);
    }
}

static enum lp_status begin(struct export_part *p, double low, double high)
{
    enum lp_status status = LP_OK;
    struct masks *m = p->state = calloc(1, sizeof *m);
    if (m) {
        *m = (struct masks){.low = (float)low,
                            .high = (float)high,
                            .photographs = OUT_FOLDER_NONE};
        png_voc_palette(m->palette);
        set_values(m, p->job);
    } else {
        status = lp_fail(LP_ENOMEM, "no memory to export masks");
    }
    LP_AGREE(p->job->session->comm);
done:
    return status;
}

/* The seed as score counts it: a class where its value exceeds the threshold.
 * Alone. */
static enum lp_status encode(struct masks *m, const struct export_image *im)
{
    const int64_t n = (int64_t)im->h * im->w;
    if (n > m->room) {
        free(m->pixel);
        m->room = 0;
        m->pixel = malloc((size_t)n);
        if (!m->pixel)
            return lp_fail(LP_ENOMEM, "no memory for a mask of %lld pixels",
                           (long long)n);
        m->room = n;
    }
    for (int64_t i = 0; i < n; ++i) {
        const uint8_t unsure = im->value[i] > m->low ? UNSURE : 0;
        const uint8_t sure = m->value[im->best_class[i]];
        m->pixel[i] = im->value[i] > m->high ? sure : unsure;
    }
    return png_of_palette(&m->png, m->pixel, im->h, im->w,
                          (const uint8_t(*)[3])m->palette);
}

static enum lp_status write_png(struct export_part *p,
                                const struct export_image *im)
{
    enum lp_status status;
    struct masks *m = p->state;
    char name[EXPORT_NAME_BYTES];
    LP_TRY(encode(m, im));
    const struct out_piece piece = {m->png.at, m->png.n};
    LP_TRY(out_folder_write(
        &p->files, export_name(name, im->stem, p->format->ending), &piece, 1));
done:
    return status;
}

static void release(struct export_part *p)
{
    struct masks *m = p->state;
    if (!m)
        return;
    out_folder_close(&m->photographs);
    png_release(&m->png);
    free(m->pixel);
    free(m);
    p->state = NULL;
}

/* --- masks */

static char *masks_settings(const struct export_job *job)
{
    const struct number_list t = export_threshold(job);
    return text_format("export.threshold = %.9g %.9g\n", t.v[0], t.v[t.n - 1]);
}

static enum lp_status masks_open(struct export_part *p)
{
    enum lp_status status;
    const struct number_list t = export_threshold(p->job);
    struct masks *m;
    LP_TRY(begin(p, t.v[0], t.v[t.n - 1]));
    m = p->state;
    LP_TRY(export_folder(p, "JPEGImages", &m->photographs));
done:
    return status;
}

/* The mask last: it says that the image is done. */
static enum lp_status masks_image(struct export_part *p,
                                  const struct export_image *im)
{
    enum lp_status status;
    LP_TRY(export_masks_link(p, im));
    LP_TRY(write_png(p, im));
done:
    return status;
}

const struct export_format export_masks = {.name = "masks",
                                           .what = EXPORT_MASKS,
                                           .wants = WANT_SEED,
                                           .files = "SegmentationClass",
                                           .ending = ".png",
                                           .most_id = UNSURE - 1,
                                           .settings = masks_settings,
                                           .open = masks_open,
                                           .is_done = export_masks_linked,
                                           .image = masks_image,
                                           .close = export_masks_lists,
                                           .release = release};

/* --- ir: as cam_to_ir_label.py makes them, but for its dense CRF */

static char *ir_settings(const struct export_job *job)
{
    const struct number_list *t = &job->session->config.export.ir;
    return text_format("export.ir = %.9g %.9g\n", t->v[0], t->v[1]);
}

static enum lp_status ir_open(struct export_part *p)
{
    const struct number_list *t = &p->job->session->config.export.ir;
    return begin(p, t->v[1], t->v[0]);
}

const struct export_format export_ir = {.name = "ir",
                                        .what = EXPORT_IR,
                                        .wants = WANT_SEED,
                                        .files = "",
                                        .ending = ".png",
                                        .most_id = UNSURE - 1,
                                        .settings = ir_settings,
                                        .open = ir_open,
                                        .image = write_png,
                                        .release = release};
