/* SPDX-License-Identifier: MIT */
/* extract.c: unpooled features, CAM, and the split of cells into object and
 * context (method.md steps 1 to 4); with run.passes = 1 also the features of all
 * views, which activate multiplies with the prototypes later (step 7). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/method/cam.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/feature_rows.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/method/split.h"
#include "lpcam/method/unit_rows.h"
#include "lpcam/method/views.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/feature_file.h"
#include "lpcam/store/view_file.h"
#include "seeds.h"
#include "stages.h"
#include "walk.h"

#define CAM_EPSILON 1e-5f

struct extract {
    struct session *session;
    struct feature_file features;
    struct map_file cams;
    struct view_file kept; /* with run.passes = 1                         */
    struct views views;
    struct cam cam;
    struct class_maps maps;
    struct seeds seeds;
    struct unit_rows unit;
    char *rows;          /* [cells][d or r] features of one photograph       */
    uint8_t *side;       /* [pairs][cells]                                   */
    float *part;         /* [cells][r] its components before rounding        */
    float *norm;         /* [cells] the lengths of its features              */
    uint16_t *unit_rows; /* [cells of all views][r] f16                      */
    int64_t rows_room, side_room, cells_room, unit_room;
    int64_t view;  /* views of the photograph at hand seen so far     */
    int64_t image; /* the one at hand                                */
    bool packed;   /* its features are in rows                       */
};

static bool keeps_views(const struct extract *e)
{
    return e->session->config.run.passes == 1;
}

/* Buffers for the photograph with the most cells and labels. Alone. */
static enum lp_status reserve(struct extract *e)
{
    const struct session *s = e->session;
    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const int32_t *label;
        const int64_t cells = s->grid[2 * i] * s->grid[2 * i + 1];
        const int64_t side = cells * dataset_labels(&s->data, i, &label);
        const int64_t rows =
            cells * s->basis.r *
            value_bytes((enum lp_value)s->config.features.value);
        e->rows_room = rows > e->rows_room ? rows : e->rows_room;
        e->side_room = side > e->side_room ? side : e->side_room;
        e->cells_room = cells > e->cells_room ? cells : e->cells_room;
        const int64_t unit = keeps_views(e) ? view_file_cells(&e->kept, i) : 0;
        e->unit_room = unit > e->unit_room ? unit : e->unit_room;
    }
    const size_t cells = (size_t)e->cells_room;
    const size_t r = s->basis.vector ? (size_t)s->basis.r : 0;
    e->rows = malloc((size_t)e->rows_room + 1);
    e->side = malloc((size_t)e->side_room + 1);
    e->part = malloc((cells * r + 1) * sizeof *e->part);
    e->norm = malloc((cells + 1) * sizeof *e->norm);
    e->unit_rows =
        malloc((size_t)(e->unit_room * e->kept.r + 1) * sizeof *e->unit_rows);
    if (!e->rows || !e->side || !e->part || !e->norm || !e->unit_rows ||
        lp_fault("extract_reserve"))
        return lp_fail(LP_ENOMEM,
                       "no memory for the %lld bytes of one "
                       "photograph's features",
                       (long long)e->rows_room);
    return LP_OK;
}

/* The vectors of a view as they are stored, or their components, and then norm.
 * Returns the largest, infinity when a feature is not finite. */
static float pack_rows(struct extract *e, const struct view *view)
{
    const struct session *s = e->session;
    const enum lp_value type = (enum lp_value)s->config.features.value;
    const int64_t cells = (int64_t)view->h * view->w;
    const int64_t n = cells * s->basis.r;
    if (!s->basis.vector)
        return feature_rows_pack(view->f, view->d, cells, type, e->rows);
    basis_project(&s->basis, view->f, cells, e->part, e->norm);
    value_from_f32(type, e->part, n, e->rows);
    return fmaxf(feature_rows_largest(e->part, n),
                 isfinite(feature_rows_largest(e->norm, cells)) ? 0 : INFINITY);
}

/* Has the view the cells [2] that the file has room for? */
static enum lp_status check_grid(const struct extract *e,
                                 const struct view *view, const int64_t *grid)
{
    if (view->h == grid[0] && view->w == grid[1])
        return LP_OK;
    return lp_fail(LP_EMODEL,
                   "image %s has %d x %d cells at scale %g where the model's "
                   "shapes said %lld x %lld",
                   dataset_id(&e->session->data, e->image), view->h, view->w,
                   view->scale, (long long)grid[0], (long long)grid[1]);
}

/* Keep the vectors of the view at scale 1. */
static enum lp_status pack(struct extract *e, const struct view *view)
{
    const struct session *s = e->session;
    const enum lp_value type = (enum lp_value)s->config.features.value;
    const char *id = dataset_id(&s->data, e->image);
    const enum lp_status status = check_grid(e, view, s->grid + 2 * e->image);

    if (status != LP_OK)
        return status;
    const float most = pack_rows(e, view);
    if (most > feature_rows_most(LP_F32))
        return lp_fail(LP_EMODEL,
                       "the network gives values that are no "
                       "numbers for image %s",
                       id);
    if (most > feature_rows_most(type))
        return lp_fail(LP_EARG,
                       "features up to %g (image %s) do not fit f16: "
                       "set features.value = bf16 or f32",
                       (double)most, id);
    e->packed = true;
    return LP_OK;
}

/* Keep what LPCAM needs of a view. */
static enum lp_status keep(struct extract *e, const struct view *view)
{
    enum lp_status status;
    const struct view_file *kept = &e->kept;
    const int64_t first = e->image * kept->n_scales, i = first + e->view++;
    const int64_t cells = kept->offset[i] - kept->offset[first];
    LP_TRY(check_grid(e, view, kept->grid + 2 * i));
    LP_TRY(unit_rows_make(&e->unit, view, &e->session->basis,
                          e->unit_rows + cells * kept->r));
done:
    return status;
}

static enum lp_status add_view(void *arg, const struct view *view)
{
    struct extract *e = arg;
    enum lp_status status = LP_OK;
    const int32_t *label;
    const int n = dataset_labels(&e->session->data, e->image, &label);

    double t = phase_now_s();
    if (view->scale == 1.0 && !e->packed)
        LP_TRY(pack(e, view));
    if (keeps_views(e) && e->kept.file.found != FILE_WHOLE)
        LP_TRY(keep(e, view));
    LP_TRY(cam_view(&e->cam, view, e->session->net.head.weight, label, n));
    class_maps_add(&e->maps, e->cam.raw, view->h, view->w);
    phase_add(PHASE_MAPS, t);
done:
    return status;
}

static void split(struct extract *e)
{
    const struct session *s = e->session;
    const int fh = (int)s->grid[2 * e->image];
    const int fw = (int)s->grid[2 * e->image + 1];
    const struct class_maps *m = &e->maps;
    for (int c = 0; c < m->n; ++c)
        split_cells(m->high_res + (int64_t)c * m->h * m->w, m->h, m->w, fh, fw,
                    (float)s->config.split.threshold,
                    e->side + (int64_t)c * fh * fw);
}

static enum lp_status extract_one(void *arg, int64_t image,
                                  const struct image *img)
{
    struct extract *e = arg;
    enum lp_status status = LP_OK;
    struct view plain;
    const int32_t *label;
    const int n = dataset_labels(&e->session->data, image, &label);

    e->image = image;
    e->packed = false;
    e->view = 0;
    LP_TRY(class_maps_begin(&e->maps, n, img->h, img->w, true));
    if (n > 0)
        LP_TRY(views_each(&e->views, img, add_view, e));
    if (!e->packed && e->features.file.found != FILE_WHOLE) {
        LP_TRY(views_plain(&e->views, img, &plain));
        LP_TRY(pack(e, &plain));
    }
    double t = phase_now_s();
    class_maps_finish(&e->maps, CAM_EPSILON);
    split(e);
    if (e->cams.seed)
        LP_TRY(seeds_make(&e->seeds, &e->maps, label));
    t = phase_add(PHASE_MAPS, t);
    if (e->features.file.found != FILE_WHOLE)
        LP_TRY(
            feature_file_write(&e->features, image, e->rows, e->norm, e->side));
    if (e->cams.file.found != FILE_WHOLE)
        LP_TRY(map_file_write(&e->cams, image, &e->maps, e->seeds.best_class,
                              e->seeds.q));
    if (keeps_views(e) && e->kept.file.found != FILE_WHOLE)
        LP_TRY(view_file_write(&e->kept, image, e->unit_rows));
    phase_add(PHASE_WRITE, t);
done:
    return status;
}

static enum lp_status mark(void *arg, int64_t first, int64_t n,
                           const uint8_t *state)
{
    struct extract *e = arg;
    enum lp_status status = LP_OK;
    if (e->features.file.found != FILE_WHOLE)
        LP_TRY(image_group_mark(e->features.file.h5, first, n, state));
    if (e->cams.file.found != FILE_WHOLE)
        LP_TRY(image_group_mark(e->cams.file.h5, first, n, state));
    if (keeps_views(e) && e->kept.file.found != FILE_WHOLE)
        LP_TRY(image_group_mark(e->kept.file.h5, first, n, state));
done:
    return status;
}

/* Done is what all files hold. Alone. */
static enum lp_status read_states(struct extract *e, uint8_t **state)
{
    enum lp_status status = LP_OK;
    const int64_t n = e->session->data.n_images;
    struct h5 *const file[] = {e->cams.file.h5, e->kept.file.h5};
    uint8_t *other = calloc((size_t)n + 1, 1);
    *state = calloc((size_t)n + 1, 1);
    if (!*state || !other)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the states of %lld images",
                       (long long)n));
    LP_TRY(image_group_states(e->features.file.h5, 0, n, *state));
    for (int f = 0; f < (keeps_views(e) ? 2 : 1); ++f) {
        LP_TRY(image_group_states(file[f], 0, n, other));
        for (int64_t i = 0; i < n; ++i)
            if ((*state)[i] != other[i])
                (*state)[i] = IMAGE_TO_DO;
    }
done:
    free(other);
    return status;
}

static enum lp_status open_files(struct extract *e, const char *features_about,
                                 const char *cams_about)
{
    enum lp_status status = LP_OK;
    struct session *s = e->session;
    const struct run_about features = {"lpcam features 1", features_about,
                                       s->config_text};
    const struct run_about cams = {"lpcam maps 1", cams_about, s->config_text};
    const struct run_about kept = {"lpcam views 1", features_about,
                                   s->config_text};
    LP_TRY(feature_file_open(&e->features, s->out[OUT_FEATURES], &features,
                             &s->data, s->size, s->grid, &s->net.head,
                             s->basis.vector ? &s->basis : NULL,
                             (enum lp_value)s->config.features.value, s->comm));
    LP_TRY(map_file_open(&e->cams, s->out[OUT_CAMS], &cams, &s->data, s->size,
                         (enum lp_value)s->config.maps.value,
                         s->config.maps.seed, s->comm));
    if (keeps_views(e))
        LP_TRY(view_file_open(&e->kept, s->out[OUT_VIEWS], &kept, &s->data,
                              s->size, s->view_grid, &s->config.cam.scales,
                              &s->basis, s->comm));
done:
    return status;
}

/* Are all files whole? */
static bool is_whole(const struct extract *e)
{
    return e->features.file.found == FILE_WHOLE &&
           e->cams.file.found == FILE_WHOLE &&
           (!keeps_views(e) || e->kept.file.found == FILE_WHOLE);
}

/* Walk over what is left, then make all files whole. */
static enum lp_status fill(struct extract *e)
{
    enum lp_status status = LP_OK;
    struct session *s = e->session;
    struct walk walk = {.session = s,
                        .what = "extract",
                        .features = true,
                        .each = extract_one,
                        .mark = mark,
                        .arg = e};
    char report[128];

    status = read_states(e, &walk.state);
    if (status == LP_OK)
        status = reserve(e);
    LP_AGREE(s->comm);

    LP_TRY(walk_photographs(&walk));
    snprintf(report, sizeof report, "images %lld\nbroken %lld\n",
             (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad);
    double t = phase_now_s();
    LP_TRY(feature_file_close(&e->features, true, report));
    LP_TRY(map_file_close(&e->cams, true, report));
    if (keeps_views(e))
        LP_TRY(view_file_close(&e->kept, true, report));
    phase_add(PHASE_WRITE, t);
    lp_log("extract: %lld images, %lld broken -> %s, %s%s%s",
           (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad,
           s->out[OUT_FEATURES], s->out[OUT_CAMS], keeps_views(e) ? ", " : "",
           keeps_views(e) ? s->out[OUT_VIEWS] : "");
done:
    free(walk.state);
    return status;
}

enum lp_status stage_extract(struct session *s)
{
    enum lp_status status = LP_OK;
    struct extract e = {.session = s};
    char *features_about = settings_features(s);
    char *cams_about =
        features_about
            ? settings_join(text_format("%s", features_about), settings_maps(s))
            : NULL;
    if (!cams_about)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);

    views_init(&e.views, &s->net, &s->config);
    LP_TRY(open_files(&e, features_about, cams_about));
    LP_TRY(session_keep_config(s));
    if (is_whole(&e))
        lp_log("extract: %s and %s are already there", s->out[OUT_FEATURES],
               s->out[OUT_CAMS]);
    else
        LP_TRY(fill(&e));
done:
    feature_file_close(&e.features, false, NULL);
    map_file_close(&e.cams, false, NULL);
    view_file_close(&e.kept, false, NULL);
    views_release(&e.views);
    cam_release(&e.cam);
    class_maps_release(&e.maps);
    seeds_release(&e.seeds);
    free(e.rows);
    free(e.side);
    free(e.part);
    free(e.norm);
    free(e.unit_rows);
    unit_rows_release(&e.unit);
    free(features_about);
    free(cams_about);
    return status;
}

enum lp_status job_extract(const struct job_args *args)
{
    return stage_alone(args, NEED_DATA | NEED_MODEL | NEED_BASIS,
                       stage_extract);
}
