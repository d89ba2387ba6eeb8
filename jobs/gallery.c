/* SPDX-License-Identifier: MIT */
#include "gallery.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"

enum lp_status
gallery_each(struct gallery *g, const char *what, enum phase phase, int64_t n,
             enum lp_status (*one)(struct gallery *g, void *arg, int64_t unit),
             void *arg)
{
    enum lp_status status = LP_OK;
    MPI_Comm comm = g->session->comm;
    const struct shard mine =
        shard_by_count(n, comm_rank(comm), comm_size(comm));
    struct progress progress;
    bool go_on = true;
    double t = phase_now_s();

    progress_begin(&progress, what, mine.n_local,
                   g->session->config.run.progress_s, comm);
    if (strcmp(what, "gallery, look") != 0) /* which looks at images */
        progress.unit = strchr(what, ' ') + 1;
    out_batch_begin(g->batch);
    for (int64_t i = 0; i < mine.n_local && go_on && status == LP_OK; ++i) {
        status = one(g, arg, mine.first + i);
        if (status == LP_OK)
            status = out_batch_step(g->batch);
        go_on = progress_step(&progress);
    }
    status = out_batch_end(g->batch, status);
    phase_add(phase, t);
    status = progress_end(&progress, status);
    LP_AGREE(comm);
done:
    return status;
}

/* The maps that are there and belong to the data set. Collective. */
static enum lp_status open_maps(struct gallery *g)
{
    enum lp_status status = LP_OK;
    static const enum output out[N_KINDS] = {OUT_CAMS, OUT_MAPS};
    const struct session *s = g->session;
    g->kind[KIND_CAM].name = "cam";
    g->kind[KIND_LPCAM].name = "lpcam";
    for (int k = 0; k < N_KINDS; ++k) {
        const char *path = s->out[out[k]];
        if (!session_has(s, out[k]))
            continue;
        LP_TRY(map_source_open(&g->maps[k], path, &s->data, s->comm));
        LP_TRY(gallery_note(g, &g->maps[k].file.file));
        g->kind[k].there = !g->maps[k].missing;
        if (g->maps[k].missing)
            lp_log("gallery: %s is left out: it and the data set do not both "
                   "have %s",
                   path, g->maps[k].missing);
    }
    g->main = g->kind[KIND_LPCAM].there ? KIND_LPCAM : KIND_CAM;
    if (!g->kind[g->main].there)
        LP_TRY(lp_fail_all(s->comm, LP_EIO,
                           "neither %s nor %s is there for this list: run "
                           "lpcam extract or lpcam activate first",
                           s->out[OUT_CAMS], s->out[OUT_MAPS]));
    LP_TRY(run_file_settings(&g->maps[g->main].file.file, &g->made));
done:
    return status;
}

static enum lp_status open_folders(struct gallery *g,
                                   const struct export_part *p)
{
    enum lp_status status;
    LP_TRY(export_folder(p, "data", &g->data));
    LP_TRY(export_folder(p, "photo", &g->photo));
    LP_TRY(export_folder(p, "map", &g->map));
    LP_TRY(export_folder(p, "near", &g->near));
done:
    return status;
}

static bool any_truth(const struct dataset *d)
{
    for (int64_t i = 0; i < d->n_images; ++i)
        if (truth_has(d, i))
            return d->n_classes <= 254;
    return false;
}

static void release(struct gallery *g)
{
    for (int k = 0; k < N_KINDS; ++k) {
        map_source_close(&g->maps[k]);
        seed_score_release(&g->kind[k].score);
    }
    out_folder_close(&g->data);
    out_folder_close(&g->photo);
    out_folder_close(&g->map);
    out_folder_close(&g->near);
    gallery_release_features(&g->features);
    free(g->shot);
    free(g->class_shot);
    free(g->class_images);
    free(g->by_image);
    free(g->center);
    free(g->figure);
    free(g->made);
    free(g->made_of.s);
    truth_release(&g->mask);
    image_release(&g->photograph);
    image_release(&g->small);
    resize_release(&g->resize);
}

static enum lp_status make_gallery(struct export_part *p)
{
    enum lp_status status;
    const struct session *s = p->job->session;
    struct gallery g = {.session = s,
                        .root = &p->folder,
                        .batch = p->job->batch,
                        .data = OUT_FOLDER_NONE,
                        .photo = OUT_FOLDER_NONE,
                        .map = OUT_FOLDER_NONE,
                        .near = OUT_FOLDER_NONE,
                        .truth = any_truth(&s->data)};

    LP_TRY(open_folders(&g, p));
    LP_TRY(open_maps(&g));
    LP_TRY(gallery_read_features(&g));
    LP_TRY(gallery_read_centers(&g));
    LP_TRY(gallery_choose(&g));
    LP_TRY(gallery_keep(&g));
    LP_TRY(gallery_draw(&g));
    LP_TRY(gallery_draw_centers(&g));
    LP_TRY(gallery_tell_classes(&g));
    if (comm_rank(s->comm) == 0)
        status = gallery_write_page(&g);
    LP_AGREE(s->comm);
    lp_log("gallery: open %s/index.html", p->folder.path);
done:
    release(&g);
    return status;
}

const struct export_format export_gallery = {
    .name = "gallery", .what = EXPORT_GALLERY, .close = make_gallery};
