/* SPDX-License-Identifier: MIT */
/* What the page shows, as scripts: a page opened from a disk may read nothing
 * else. Texts are JSON strings, which the page only ever shows as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charts.h"
#include "gallery.h"
#include "lpcam/output/gallery_site.h"
#include "lpcam/output/overlay.h"

static enum lp_status put(const struct out_folder *folder, const char *name,
                          struct text_buffer *b, bool whole)
{
    enum lp_status status;
    const struct out_piece piece = {b->s, (int64_t)b->n};
    if (whole)
        status = out_folder_write(folder, name, &piece, 1);
    else
        status = lp_fail(LP_ENOMEM, "no memory for %s", name);
    free(b->s);
    return status;
}

/* A share or a measure, null where there is none. */
static void add_share(struct text_buffer *b, const char *name, double share)
{
    if (share < 0)
        text_add(b, ",\"%s\":null", name);
    else
        text_add(b, ",\"%s\":%.4f", name, share);
}

/* "n":12,"w":480,"h":320: what the page needs to find and place a picture. */
static void add_place(struct text_buffer *b, const struct gallery *g,
                      int64_t image)
{
    const struct map_source *m = &g->maps[g->main];
    const int64_t *size = m->file.size + 2 * m->file_image[image];
    text_add(b, "\"n\":%lld,\"w\":%lld,\"h\":%lld", (long long)image,
             (long long)size[1], (long long)size[0]);
}

static void add_id(struct text_buffer *b, const struct gallery *g,
                   int64_t image)
{
    text_add(b, "\"id\":");
    text_add_json(b, dataset_id(&g->session->data, image));
}

static void add_shot(struct text_buffer *b, const struct gallery *g,
                     const struct gallery_shot *s)
{
    const int32_t *label;
    const int n = dataset_labels(&g->session->data, s->image, &label);
    text_add(b, "{");
    add_place(b, g, s->image);
    text_add(b, ",");
    add_id(b, g, s->image);
    for (int k = 0; k < N_KINDS; ++k)
        add_share(b, g->kind[k].name, s->share[k]);
    text_add(b, ",\"labels\":[");
    for (int i = 0; i < n; ++i)
        text_add(b, "%s%d", i ? "," : "", label[i]);
    text_add(b, "]}");
}

static void add_center(struct text_buffer *b, const struct gallery *g,
                       const struct gallery_center *c)
{
    text_add(b, "{\"size\":%lld,\"z\":%.6f,\"weight\":%.6f,\"near\":[",
             (long long)c->size, c->probability, c->weight);
    for (int j = 0; j < c->n_near; ++j) {
        text_add(b, j ? ",{" : "{");
        add_id(b, g, c->near[j].image);
        text_add(b, ",\"cosine\":%.4f}", c->near[j].cosine);
    }
    text_add(b, "]}");
}

static void add_centers(struct text_buffer *b, const struct gallery *g,
                        int class_index)
{
    if (!g->center) {
        text_add(b, "null");
        return;
    }
    for (int side = 0; side < 2; ++side) {
        text_add(b, side ? "],\n [" : "[[");
        for (int k = 0; k < g->n_centers; ++k) {
            text_add(b, k ? ",\n  " : "");
            add_center(
                b, g,
                &g->center[((int64_t)class_index * 2 + side) * g->n_centers +
                           k]);
        }
    }
    text_add(b, "]]");
}

static void add_figure(struct text_buffer *b, const struct gallery *g,
                       const struct gallery_figure *f)
{
    if (f->image < 0) {
        text_add(b, "null");
        return;
    }
    text_add(b, "{\"image\":{");
    add_place(b, g, f->image);
    text_add(b, ",");
    add_id(b, g, f->image);
    text_add(b, "},\"maps\":[");
    for (int j = 0; j < f->n_maps; ++j)
        text_add(b, "%s{\"class\":%d,\"logit\":%.4f}", j ? "," : "",
                 f->class_index[j], f->logit[j]);
    text_add(b, "]}");
}

enum lp_status gallery_write_class(struct gallery *g, int class_index)
{
    struct text_buffer b = {0};
    char name[32];
    text_add(&b, "lpcam(\"class %d\",{\"images\":[", class_index);
    for (int64_t i = g->class_shot[class_index];
         i < g->class_shot[class_index + 1]; ++i) {
        text_add(&b, i > g->class_shot[class_index] ? ",\n " : "");
        add_shot(&b, g, &g->shot[i]);
    }
    text_add(&b, "],\n\"figure\":");
    add_figure(&b, g, &g->figure[class_index]);
    text_add(&b, ",\n\"prototypes\":");
    add_centers(&b, g, class_index);
    snprintf(name, sizeof name, "class_%04d.js", class_index);
    return put(&g->data, name, &b, text_add(&b, "});\n"));
}

/* One value of every kind that is there: "miou":{"cam":0.5,"lpcam":0.6}. */
static void add_kinds(struct text_buffer *b, const struct gallery *g,
                      const char *name, const double value[N_KINDS])
{
    const char *comma = "";
    text_add(b, ",\n\"%s\":{", name);
    for (int k = 0; k < N_KINDS; ++k)
        if (g->kind[k].there) {
            text_add(b, "%s\"%s\":%.6g", comma, g->kind[k].name, value[k]);
            comma = ",";
        }
    text_add(b, "}");
}

/* IoU of a class over all images; -1 where there is none. */
static double class_iou(const struct gallery *g, int kind, int class_index)
{
    const struct seed_score *s = &g->kind[kind].score;
    struct seed_class c;
    if (!g->truth || !g->kind[kind].there)
        return -1;
    seed_score_class(s, score_best_threshold(s), class_index + 1, &c);
    return c.iou;
}

static void add_class(struct text_buffer *b, const struct gallery *g, int c)
{
    const int64_t end = g->class_shot[c + 1];
    text_add(b, "{\"name\":");
    text_add_json(b, dataset_class(&g->session->data, c));
    text_add(b, ",\"images\":%lld", (long long)g->class_images[c]);
    for (int k = 0; k < N_KINDS; ++k)
        add_share(b, g->kind[k].name, class_iou(g, k, c));
    if (end > g->class_shot[c]) { /* the best one is the cover */
        text_add(b, ",\"cover\":{");
        add_place(b, g, g->shot[end - 1].image);
        text_add(b, "}");
    }
    text_add(b, "}");
}

/* The last part of a path: where a folder lies says nothing to who looks. */
static const char *last_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Where the ground truth is from, for people. */
static void add_truth(struct text_buffer *b, const struct gallery *g)
{
    const char *drawn = dataset_annotations(&g->session->data);
    text_add(b, ",\n\"truth\":");
    if (g->truth)
        text_add_json(b, drawn ? last_of(drawn) : "masks");
    else
        text_add(b, "null");
}

static void add_run(struct text_buffer *b, const struct gallery *g)
{
    const struct session *s = g->session;
    const struct dataset *d = &s->data;
    double miou[N_KINDS] = {0};
    for (int k = 0; k < N_KINDS; ++k)
        if (g->truth && g->kind[k].there)
            miou[k] = seed_score_mean(&g->kind[k].score,
                                      score_best_threshold(&g->kind[k].score));
    text_add(b, "lpcam(\"run\",{\"title\":");
    text_add_json(b, last_of(s->config.run.out));
    text_add(b, ",\"program\":");
    text_add_json(b, run_file_program());
    text_add(b, ",\n\"images\":%lld,\"labels\":%lld,\"convergence\":%s",
             (long long)d->n_images, (long long)d->label_offset[d->n_images],
             g->convergence ? "true" : "false");
    add_truth(b, g);
    add_kinds(b, g, "miou", miou);
    add_kinds(b, g, "threshold", g->threshold);
    text_add(b, ",\n\"settings\":");
    text_add_json(b, s->config_text);
    text_add(b, ",\n\"made\":");
    text_add_json(b, g->made ? g->made : "");
    text_add(b, ",\n\"classes\":[");
    for (int c = 0; c < d->n_classes; ++c) {
        text_add(b, c ? ",\n " : "");
        add_class(b, g, c);
    }
}

/* The picture of clustering that cluster left, where it did. */
static enum lp_status copy_convergence(struct gallery *g)
{
    enum lp_status status = LP_OK;
    char *bytes = NULL;
    char *path = text_path(g->session->config.run.out, "convergence.svg");
    size_t n;
    if (!path)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a name"));
    g->convergence = access(path, R_OK) == 0;
    if (g->convergence) {
        LP_TRY(text_read(path, &bytes, &n));
        const struct out_piece piece = {bytes, (int64_t)n};
        LP_TRY(out_folder_write(g->root, "convergence.svg", &piece, 1));
    }
done:
    free(bytes);
    free(path);
    return status;
}

enum lp_status gallery_write_page(struct gallery *g)
{
    enum lp_status status;
    struct text_buffer curve = {0}, b = {0};

    LP_TRY(copy_convergence(g));
    if (g->truth) {
        const bool whole = chart_scores(&curve, g->kind, N_KINDS);
        LP_TRY(put(g->root, "curve.svg", &curve, whole));
    }
    LP_TRY(overlay_write_bar(g->root, "bar.png"));
    add_run(&b, g);
    LP_TRY(put(&g->data, "run.js", &b, text_add(&b, "]});\n")));
    LP_TRY(gallery_site_write(g->root));
done:
    return status;
}
