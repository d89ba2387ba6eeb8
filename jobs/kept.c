/* SPDX-License-Identifier: MIT */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/feature_file.h"

/* Is there a view at every scale of each photograph that is done and has
 * labels? Alone. */
static enum lp_status check_views(const struct kept *k, const struct session *s)
{
    const struct view_file *f = &k->file;
    const int32_t *label;
    for (int64_t i = 0; i < f->n_images; ++i)
        for (int64_t v = i * f->n_scales; v < (i + 1) * f->n_scales; ++v)
            if (k->state[i] == IMAGE_DONE && f->offset[v + 1] == f->offset[v] &&
                dataset_labels(&s->data, i, &label) > 0)
                return lp_fail(LP_EFORMAT,
                               "%s has no cells of photograph %s at a scale: "
                               "run lpcam extract into another run.out",
                               s->out[OUT_VIEWS], dataset_id(&s->data, i));
    return LP_OK;
}

/* The tables of all images. Alone. */
static enum lp_status fill_tables(struct kept *k, struct session *s)
{
    enum lp_status status = LP_OK;
    const int64_t n = s->data.n_images, memory = s->config.run.memory;
    const int32_t *label;

    if (k->file.n_images != n || k->file.n_scales != s->config.cam.scales.n)
        LP_TRY(lp_fail(LP_EFORMAT,
                       "%s holds %lld photographs at %d scales, where %lld at "
                       "%d are due",
                       s->out[OUT_VIEWS], (long long)k->file.n_images,
                       k->file.n_scales, (long long)n, s->config.cam.scales.n));
    k->state = calloc((size_t)n + 1, 1);
    k->wanted = calloc((size_t)n + 1, sizeof *k->wanted);
    k->cost = calloc((size_t)n + 1, sizeof *k->cost);
    if (!s->size)
        s->size = calloc(2 * (size_t)n + 1, sizeof *s->size);
    if (!k->state || !k->wanted || !k->cost || !s->size ||
        lp_fault("kept_tables"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the tables of %lld images",
                       (long long)n));
    memcpy(s->size, k->file.size, 2 * (size_t)n * sizeof *s->size);
    LP_TRY(image_group_states(k->file.file.h5, 0, n, k->state));
    LP_TRY(check_views(k, s));
    for (int64_t i = 0; i < n; ++i)
        k->cost[i] = cost_views(view_file_cells(&k->file, i),
                                dataset_labels(&s->data, i, &label));
    LP_TRY(view_file_rows(
        &k->file,
        memory / 2 < FEATURE_BLOCK_BYTES ? memory / 2 : FEATURE_BLOCK_BYTES,
        &k->rows));
    k->rows.wanted = k->wanted;
done:
    return status;
}

enum lp_status kept_open(struct kept *k, struct session *s)
{
    enum lp_status status = LP_OK;
    char *wanted = settings_views(s);
    *k = (struct kept){.run = -1};
    if (!wanted)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);

    double t = phase_now_s();
    LP_TRY(view_file_load(&k->file, s->out[OUT_VIEWS], wanted, s->comm));
    status = fill_tables(k, s);
    LP_AGREE(s->comm);
    phase_add(PHASE_READ, t);
done:
    free(wanted);
    return status;
}

void kept_close(struct kept *k)
{
    features_release(&k->rows);
    unit_rows_release(&k->unit);
    view_file_close(&k->file, false, NULL);
    free(k->state);
    free(k->wanted);
    free(k->cost);
    free(k->vector);
    free(k->bound);
    *k = (struct kept){0};
}

enum lp_status kept_prepare(struct kept *k, const struct session *s,
                            const float *vector, int d)
{
    enum lp_status status = LP_OK;
    const struct basis *b = &k->file.basis;
    const int n = s->data.n_classes;
    int most = 0;

    if (b->d != d)
        LP_TRY(lp_fail_all(s->comm, LP_EFORMAT,
                           "%s is of %d channels, where the class vectors have "
                           "%d: run lpcam extract into another run.out",
                           s->out[OUT_VIEWS], b->d, d));
    k->vector = malloc(((size_t)n * (size_t)b->r + 1) * sizeof *k->vector);
    k->bound = calloc((size_t)n + 1, sizeof *k->bound);
    if (!k->vector || !k->bound || lp_fault("kept_prepare"))
        status = lp_fail(LP_ENOMEM, "no memory for %d class vectors", n);
    LP_AGREE(s->comm);
    basis_reduce(b, vector, n, k->vector);
    for (int c = 0; c < n; ++c) {
        k->bound[c] =
            unit_rows_bound(b, vector + (int64_t)c * b->d,
                            k->vector + (int64_t)c * b->r, k->file.n_scales);
        most = k->bound[c] > k->bound[most] ? c : most;
    }
    lp_log("activate: one pass: before its division by its maximum no map is "
           "further than %.2g from that of two passes (class %s)",
           k->bound[most], n > 0 ? dataset_class(&s->data, most) : "");
done:
    return status;
}

/* What is to be read of the walk's run. */
static void begin_run(struct kept *k, const struct walk *walk)
{
    const struct shard *run = &walk->run;
    k->run = run->first;
    for (int64_t i = run->first; i < run->first + run->n_local; ++i)
        k->wanted[i] = walk->state[i] != IMAGE_DONE &&
                       k->state[i] == IMAGE_DONE &&
                       view_file_cells(&k->file, i) > 0;
}

/* Below the bound the sum over all scales stays finite. */
static bool all_sane(const float *raw, int64_t n)
{
    bool sane = true;
    for (int64_t i = 0; i < n; ++i)
        sane = sane && raw[i] < 1e30f;
    return sane;
}

enum lp_status kept_add(struct kept *k, const struct walk *walk, int64_t image,
                        struct class_maps *maps)
{
    enum lp_status status = LP_OK;
    const struct view_file *f = &k->file;
    const int64_t first = image * f->n_scales;
    const int32_t *label;
    const int n = dataset_labels(&walk->session->data, image, &label);
    const void *rows;
    int64_t end;

    if (k->run != walk->run.first)
        begin_run(k, walk);
    if (k->state[image] != IMAGE_DONE)
        return LP_EDATA;
    if (n == 0)
        return LP_OK;
    double t = phase_now_s();
    LP_TRY(features_block(&k->rows, image, &end, &rows));
    k->wanted[image] = false;
    t = phase_add(PHASE_READ, t);
    for (int64_t i = first; i < first + f->n_scales; ++i) {
        const int h = (int)f->grid[2 * i], w = (int)f->grid[2 * i + 1];
        const int64_t at = (f->offset[i] - f->offset[first]) * f->r;
        LP_TRY(unit_rows_act(&k->unit, (const uint16_t *)rows + at,
                             (int64_t)h * w, f->r, k->vector, label, n));
        if (!all_sane(k->unit.raw, (int64_t)n * h * w))
            LP_TRY(lp_fail(LP_EFORMAT,
                           "/view/vector of %s holds values too large for "
                           "photograph %s: run lpcam check on it",
                           h5_path(f->file.h5),
                           dataset_id(&walk->session->data, image)));
        class_maps_add(maps, k->unit.raw, h, w);
    }
    phase_add(PHASE_MAPS, t);
done:
    return status;
}

/* The bound behind the division, of the maps of a class. */
struct share {
    int64_t n, n_weak;   /* maps; those of which it says nothing              */
    double largest, sum; /* of the others                                   */
};

static void count(struct share *s, double share)
{
    ++s->n;
    s->n_weak += share >= 1;
    if (share >= 1)
        return;
    s->largest = share > s->largest ? share : s->largest;
    s->sum += share;
}

static double mean(const struct share *s)
{
    return s->n > s->n_weak ? s->sum / (double)(s->n - s->n_weak) : 0;
}

/* A line a class, and what they are together. */
static bool tell(const struct kept *k, const struct session *s,
                 const struct share *of, struct text_buffer *report)
{
    struct share all = {0};
    bool ok = text_add(report, "one pass: largest difference from two passes "
                               "before the division by a map's maximum; after "
                               "it at most, on average; maps, of which so "
                               "many are too weak to say; class\n");
    for (int c = 0; ok && c < s->data.n_classes; ++c) {
        ok = text_add(report, "bound %.3e %.3e %.3e %lld %lld ", k->bound[c],
                      of[c].largest, mean(&of[c]), (long long)of[c].n,
                      (long long)of[c].n_weak);
        ok = ok && text_add_shown(report, dataset_class(&s->data, c), 0) &&
             text_add(report, "\n");
        all.n += of[c].n;
        all.n_weak += of[c].n_weak;
        all.sum += of[c].sum;
        all.largest = of[c].largest > all.largest ? of[c].largest : all.largest;
    }
    lp_log("activate: one pass: after it no value is further than %.2g, on "
           "average than %.2g; %lld of %lld maps are too weak to say",
           all.largest, mean(&all), (long long)all.n_weak, (long long)all.n);
    return ok;
}

enum lp_status kept_report(const struct kept *k, const struct session *s,
                           struct h5 *maps, struct text_buffer *report)
{
    enum lp_status status = LP_OK;
    const struct dataset *d = &s->data;
    const int64_t n = d->n_images, n_pairs = d->label_offset[n];
    float *maximum = malloc((size_t)(n_pairs + 1) * sizeof *maximum);
    uint8_t *state = malloc((size_t)n + 1);
    struct share *of = calloc((size_t)d->n_classes + 1, sizeof *of);

    if (!maximum || !state || !of || lp_fault("kept_report"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the maxima of %lld maps",
                       (long long)n_pairs));
    LP_TRY(h5_read(maps, "/map/maximum", H5_F32, 0, n_pairs, maximum));
    LP_TRY(image_group_states(maps, 0, n, state));
    for (int64_t i = 0; i < n; ++i)
        for (int64_t p = d->label_offset[i];
             state[i] == IMAGE_DONE && p < d->label_offset[i + 1]; ++p)
            count(&of[d->label[p]],
                  unit_rows_share(k->bound[d->label[p]], (double)maximum[p]));
    if (!tell(k, s, of, report))
        status = lp_fail(LP_ENOMEM, "no memory for the report");
done:
    free(maximum);
    free(state);
    free(of);
    return status;
}
