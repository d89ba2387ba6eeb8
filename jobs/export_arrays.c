/* SPDX-License-Identifier: MIT */
/* export_arrays.c: a .npy file an image, as the next programs of the field load
 * them: numpy.load(path, allow_pickle=True).item(). A row of export_what below
 * says which keys and types each wants; maps are [n][height][width]. */
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "lpcam/base/log.h"
#include "lpcam/output/npy.h"
#include "lpcam/run/comm.h"

/* Memory of one image; the same for all forms. */
struct arrays {
    struct npy file;
    int64_t *key;  /* [n] class numbers from 0                             */
    float *zero;   /* [h][w] the background's map of AMN                   */
    uint16_t *f16; /* [n][h][w]                                            */
    int64_t zero_room, f16_room;
};

/* What the files will take, but for some hundred bytes each. */
static void tell_size(const struct export_part *p)
{
    const struct map_source *m = &p->job->maps;
    const int what = p->format->what;
    double bytes = 0;
    char size[32];
    for (int64_t i = 0; i < p->job->n_images; ++i) {
        const int64_t pixels = map_source_pixels(m, i);
        const double maps = map_source_labels(m, i) + (what == EXPORT_AMN);
        const double each = what == EXPORT_CLIP  ? 2
                            : what == EXPORT_PSA ? 4
                                                 : 4 + 4 / 16.0;
        bytes += maps * each * (double)pixels;
    }
    lp_log("export: %s takes about %s in %s", p->format->name,
           text_size((int64_t)bytes, size), p->folder.path);
}

static enum lp_status arrays_open(struct export_part *p)
{
    enum lp_status status = LP_OK;
    struct arrays *a = p->state = calloc(1, sizeof *a);
    if (a)
        a->key =
            calloc((size_t)p->job->session->data.n_classes + 1, sizeof *a->key);
    if (!a || !a->key)
        status = lp_fail(LP_ENOMEM, "no memory to export arrays");
    LP_AGREE(p->job->session->comm);
    tell_size(p);
done:
    return status;
}

static void arrays_release(struct export_part *p)
{
    struct arrays *a = p->state;
    if (!a)
        return;
    npy_release(&a->file);
    free(a->key);
    free(a->zero);
    free(a->f16);
    free(a);
    p->state = NULL;
}

static enum lp_status arrays_write(struct export_part *p,
                                   const struct export_image *im)
{
    struct arrays *a = p->state;
    char name[EXPORT_NAME_BYTES];
    return npy_write(&a->file, &p->files,
                     export_name(name, im->stem, p->format->ending));
}

/* "keys": the readers count classes from 0. */
static void add_keys(struct export_part *p, const struct export_image *im)
{
    struct arrays *a = p->state;
    const int64_t n = im->n;
    for (int k = 0; k < im->n; ++k)
        a->key[k] = export_class_id(p->job, im->label[k]) - 1;
    npy_name(&a->file, "keys");
    npy_array(&a->file, NPY_I64, 1, &n, false);
    npy_data(&a->file, a->key, n * (int64_t)sizeof *a->key);
    npy_array_end(&a->file);
}

/* maps [n][h][w] as a float array, behind `zero` where that is given. */
static void add_maps(struct arrays *a, const char *name, const float *maps,
                     int n, int h, int w, const float *zero, bool tensor)
{
    const int64_t each = (int64_t)h * w * (int64_t)sizeof *maps;
    const int64_t dims[3] = {zero ? n + 1 : n, h, w};
    npy_name(&a->file, name);
    npy_array(&a->file, NPY_F32, 3, dims, tensor);
    if (zero)
        npy_data(&a->file, zero, each);
    npy_data(&a->file, maps, n * each);
    npy_array_end(&a->file);
}

/* irn: IRN, ReCAM, LPCAM; amn: AMN's own maps, which have a background first. */
static enum lp_status irn_form(struct export_part *p,
                               const struct export_image *im, const float *zero)
{
    struct arrays *a = p->state;
    const bool tensor = !p->job->session->config.export.numpy;
    npy_begin(&a->file);
    add_keys(p, im);
    add_maps(a, "cam", im->strided, im->n, im->sh, im->sw, zero, tensor);
    add_maps(a, "high_res", im->map, im->n, im->h, im->w, zero, false);
    return arrays_write(p, im);
}

static enum lp_status irn_image(struct export_part *p,
                                const struct export_image *im)
{
    return irn_form(p, im, NULL);
}

static enum lp_status amn_image(struct export_part *p,
                                const struct export_image *im)
{
    struct arrays *a = p->state;
    const int64_t n = (int64_t)im->h * im->w;
    if (n > a->zero_room) {
        free(a->zero);
        a->zero_room = 0;
        a->zero = calloc((size_t)n, sizeof *a->zero);
        if (!a->zero)
            return lp_fail(LP_ENOMEM, "no memory for a map of %lld pixels",
                           (long long)n);
        a->zero_room = n;
    }
    return irn_form(p, im, a->zero);
}

/* psa: PSA, SEAM, EDAM, MCTformer. */
static enum lp_status psa_image(struct export_part *p,
                                const struct export_image *im)
{
    struct arrays *a = p->state;
    const int64_t dims[2] = {im->h, im->w}, n = dims[0] * dims[1];
    npy_begin(&a->file);
    for (int k = 0; k < im->n; ++k) {
        npy_number(&a->file, export_class_id(p->job, im->label[k]) - 1);
        npy_array(&a->file, NPY_F32, 2, dims, false);
        npy_data(&a->file, im->map + k * n, n * (int64_t)sizeof *im->map);
        npy_array_end(&a->file);
    }
    return arrays_write(p, im);
}

/* clip: CLIP-ES. */
static enum lp_status clip_image(struct export_part *p,
                                 const struct export_image *im)
{
    struct arrays *a = p->state;
    const int64_t dims[3] = {im->n, im->h, im->w};
    const int64_t n = dims[0] * dims[1] * dims[2];
    if (n > a->f16_room) {
        free(a->f16);
        a->f16_room = 0;
        a->f16 = malloc((size_t)n * sizeof *a->f16);
        if (!a->f16)
            return lp_fail(LP_ENOMEM, "no memory for maps of %lld numbers",
                           (long long)n);
        a->f16_room = n;
    }
    value_from_f32(LP_F16, im->map, n, a->f16);
    npy_begin(&a->file);
    add_keys(p, im);
    npy_name(&a->file, "attn_highres");
    npy_array(&a->file, NPY_F16, 3, dims, false);
    npy_data(&a->file, a->f16, n * (int64_t)sizeof *a->f16);
    npy_array_end(&a->file);
    return arrays_write(p, im);
}

static char *irn_settings(const struct export_job *job)
{
    return text_format("export.tensor = %s\n",
                       job->session->config.export.numpy ? "numpy" : "torch");
}

#define ARRAYS                                                                 \
    .wants = WANT_MAP, .files = "", .ending = ".npy", .most_id = INT64_MAX,    \
    .open = arrays_open, .release = arrays_release

const struct export_format export_irn = {.name = "irn",
                                         .what = EXPORT_IRN,
                                         .settings = irn_settings,
                                         .image = irn_image,
                                         ARRAYS};
const struct export_format export_amn = {.name = "amn",
                                         .what = EXPORT_AMN,
                                         .settings = irn_settings,
                                         .image = amn_image,
                                         ARRAYS};
const struct export_format export_psa = {
    .name = "psa", .what = EXPORT_PSA, .image = psa_image, ARRAYS};
const struct export_format export_clip = {
    .name = "clip", .what = EXPORT_CLIP, .image = clip_image, ARRAYS};
