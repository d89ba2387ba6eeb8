/* SPDX-License-Identifier: MIT */
/* export.c: maps -> the files that other programs read. */
#include "export.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"
#include "lpcam/run/deal.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "lpcam/store/run_lock.h"
#include "stages.h"

static const struct export_format *const formats[] = {
    &export_masks, &export_ir,   &export_irn,  &export_amn,     &export_psa,
    &export_clip,  &export_coco, &export_onnx, &export_gallery,
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* Images of a block: what is dealt out, and what a format may keep in one file.
 * Fewer where there are few, so that ranks get equal work. */
enum { MOST_BLOCK_IMAGES = 64, BLOCKS = 256 };

enum { MOST_CLASSES = 254 }; /* in a seed: a byte, 0 none, 255 unsure */

/* The job and its formats, this rank's share. */
struct exporter {
    struct export_job job;
    struct export_part part[N_FORMATS];
    struct out_batch batch;
    int n_parts;
    int wants;
    int lock;      /* on export.out, -1: none */
    int64_t *todo; /* [n_images] bit p: part p does not have the image */
    int64_t n_todo, n_with_maps;
};

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* No two images may have the same number. Collective. */
static enum lp_status check_numbers(const struct export_job *job)
{
    enum lp_status status = LP_OK;
    const struct session *s = job->session;
    const int64_t n = job->n_images;
    int64_t *number = malloc((size_t)(n + 1) * sizeof *number);
    if (!number)
        status = lp_fail(LP_ENOMEM, "no memory for %lld numbers", (long long)n);
    LP_AGREE(s->comm);
    memcpy(number, s->data.number, (size_t)n * sizeof *number);
    qsort(number, (size_t)n, sizeof *number, ascending);
    for (int64_t i = 1; i < n; ++i)
        if (number[i] >= 0 && number[i] == number[i - 1])
            LP_TRY(lp_fail_all(s->comm, LP_EARG,
                               "two images have the number %lld: export them "
                               "with export.stem = id, and not as coco",
                               (long long)number[i]));
done:
    free(number);
    return status;
}

/* --- formats */

/* The maps, for formats that want images. */
static enum lp_status open_maps(struct exporter *e, char **settings)
{
    enum lp_status status = LP_OK;
    struct export_job *job = &e->job;
    const struct session *s = job->session;
    const char *path = s->out[s->config.export.cam ? OUT_CAMS : OUT_MAPS];
    LP_TRY(map_source_open(&job->maps, path, &s->data, s->comm));
    if (job->maps.missing)
        LP_TRY(lp_fail_all(s->comm, LP_EARG,
                           "%s and the data set do not both have %s: export "
                           "the list that the maps were made of",
                           path, job->maps.missing));
    LP_TRY(settings_file(&job->maps.file.file, settings));
done:
    return status;
}

static enum lp_status open_parts(struct exporter *e)
{
    enum lp_status status = LP_OK;
    const struct config *c = &e->job.session->config;
    bool images = false;
    char *maps = NULL;
    for (int i = 0; i < N_FORMATS; ++i)
        if (c->export.formats & formats[i]->what) {
            e->part[e->n_parts++] =
                (struct export_part){.job = &e->job,
                                     .format = formats[i],
                                     .folder = OUT_FOLDER_NONE,
                                     .files = OUT_FOLDER_NONE};
            e->wants |= formats[i]->wants;
            images = images || formats[i]->image;
        }
    if (e->wants & WANT_SEED && e->job.session->data.n_classes > MOST_CLASSES)
        LP_TRY(lp_fail_all(e->job.session->comm, LP_EARG,
                           "masks hold %d classes, the model has %d: export "
                           "arrays (irn, amn, psa, clip)",
                           MOST_CLASSES, e->job.session->data.n_classes));
    if (images)
        LP_TRY(open_maps(e, &maps));
    if (c->export.stem != STEM_ID || c->export.formats & EXPORT_COCO)
        LP_TRY(check_numbers(&e->job));
    for (int i = 0; i < e->n_parts; ++i) {
        struct export_part *p = &e->part[i];
        LP_TRY(export_check_ids(p));
        LP_TRY(export_own_folder(p, p->format->image ? maps : NULL));
        if (p->format->open)
            LP_TRY(p->format->open(p));
    }
done:
    free(maps);
    return status;
}

static void release(struct exporter *e)
{
    for (int i = 0; i < e->n_parts; ++i) {
        if (e->part[i].format->release)
            e->part[i].format->release(&e->part[i]);
        out_folder_close(&e->part[i].folder);
        out_folder_close(&e->part[i].files);
    }
    run_unlock(e->lock);
    map_source_close(&e->job.maps);
    free(e->job.folder);
    free(e->todo);
}

/* --- what is to do */

/* Alone. */
static bool is_done(const struct export_part *p, int64_t image,
                    const char *stem)
{
    const struct export_format *f = p->format;
    char name[EXPORT_NAME_BYTES];
    if (f->ending &&
        !out_folder_has(&p->files, export_name(name, stem, f->ending)))
        return false;
    return !f->is_done || f->is_done(p, image, stem);
}

/* Which parts lack the image, which has maps. Alone. */
static enum lp_status look(const struct exporter *e, int64_t image,
                           int64_t *todo)
{
    enum lp_status status;
    char stem[FILE_NAME_BYTES];
    *todo = 0;
    LP_TRY(export_stem(&e->job, image, stem));
    for (int i = 0; i < e->n_parts; ++i) {
        const struct export_part *p = &e->part[i];
        if (p->format->image && !is_done(p, image, stem))
            *todo |= (int64_t)1 << i;
    }
done:
    return status;
}

/* The ranks share the looking. Collective. */
static enum lp_status look_at_all(struct exporter *e)
{
    enum lp_status status = LP_OK;
    const struct export_job *job = &e->job;
    MPI_Comm comm = job->session->comm;
    const int64_t n = job->n_images;
    const struct shard mine =
        shard_by_count(n, comm_rank(comm), comm_size(comm));
    e->todo = calloc((size_t)n + 1, sizeof *e->todo);
    if (!e->todo || lp_fault("export_look"))
        status = lp_fail(LP_ENOMEM, "no memory to look for %lld images",
                         (long long)n);
    for (int64_t i = mine.first;
         status == LP_OK && i < mine.first + mine.n_local; ++i)
        if (map_source_has(&job->maps, i))
            status = look(e, i, &e->todo[i]);
    LP_AGREE(comm);
    LP_TRY(comm_share_rows_i64(comm, e->todo, mine.first, mine.n_local, 1));
    for (int64_t i = 0; i < n; ++i) {
        e->n_with_maps += map_source_has(&job->maps, i);
        e->n_todo += e->todo[i] != 0;
    }
done:
    return status;
}

/* Blocks to ranks. Collective. */
static enum lp_status share(const struct exporter *e, struct deal *deal)
{
    enum lp_status status = LP_OK;
    const struct export_job *job = &e->job;
    MPI_Comm comm = job->session->comm;
    int64_t *cost = calloc((size_t)job->n_blocks + 1, sizeof *cost);
    if (!cost || lp_fault("export_share"))
        status = lp_fail(LP_ENOMEM, "no memory to share %lld blocks of images",
                         (long long)job->n_blocks);
    LP_AGREE(comm);
    for (int64_t i = 0; i < job->n_images; ++i)
        if (e->todo[i])
            cost[i / job->block_images] +=
                cost_score(map_source_pixels(&job->maps, i),
                           map_source_labels(&job->maps, i));
    LP_TRY(deal_open(deal, cost, job->n_blocks,
                     job->session->config.run.balance, comm));
done:
    free(cost);
    return status;
}

/* --- images */

/* An image's maps as the formats want them. Alone. */
static enum lp_status read_image(struct exporter *e, int64_t image,
                                 struct export_image *im)
{
    enum lp_status status;
    struct map_source *m = &e->job.maps;
    double t = phase_now_s();
    LP_TRY(map_source_read(m, image));
    t = phase_add(PHASE_READ, t);
    if (e->wants & WANT_MAP || (e->wants & WANT_SEED && !m->file.seed))
        map_source_enlarge(m);
    if (e->wants & WANT_SEED) {
        LP_TRY(map_source_seed(m, image));
        if (m->file.seed)
            seed_dequantise(m->q, (int64_t)m->h * m->w, m->value);
    }
    phase_add(PHASE_MAPS, t);
    im->n = m->n;
    im->label = m->label;
    im->h = m->h, im->w = m->w, im->sh = m->sh, im->sw = m->sw;
    im->strided = m->strided;
    im->map = m->map;
    im->best_class = m->best_class;
    im->value = m->value;
done:
    return status;
}

static enum lp_status do_image(struct exporter *e, int64_t image)
{
    enum lp_status status;
    char stem[FILE_NAME_BYTES];
    struct export_image im = {.image = image, .stem = stem};
    if (lp_fault("export_image"))
        LP_TRY(
            lp_fail(LP_EIO, "asked to fail at image %lld", (long long)image));
    LP_TRY(export_stem(&e->job, image, stem));
    LP_TRY(read_image(e, image, &im));
    double t = phase_now_s();
    for (int i = 0; i < e->n_parts; ++i)
        if (e->todo[image] >> i & 1)
            LP_TRY(e->part[i].format->image(&e->part[i], &im));
    LP_TRY(out_batch_step(&e->batch));
    phase_add(PHASE_WRITE, t);
done:
    return status;
}

/* *go_on becomes false when all are to leave. Alone. */
static enum lp_status do_block(struct exporter *e, int64_t block,
                               struct progress *progress, bool *go_on)
{
    enum lp_status status = LP_OK;
    const struct export_job *job = &e->job;
    const int64_t first = block * job->block_images;
    int64_t all = 0, i = first;
    for (; i < first + job->block_images && i < job->n_images && *go_on; ++i)
        if (e->todo[i]) {
            all |= e->todo[i];
            LP_TRY(do_image(e, i));
            *go_on = progress_step(progress);
        }
    const bool whole = i == first + job->block_images || i == job->n_images;
    for (int k = 0; k < e->n_parts && whole; ++k)
        if (all >> k & 1 && e->part[k].format->block)
            LP_TRY(e->part[k].format->block(&e->part[k], block));
done:
    return status;
}

/* All images that are not done. Collective. */
static enum lp_status do_images(struct exporter *e)
{
    enum lp_status status = LP_OK;
    const struct session *s = e->job.session;
    struct progress progress;
    struct deal deal = {0};
    struct shard run;
    bool go_on = true;

    LP_TRY(look_at_all(e));
    LP_TRY(share(e, &deal));
    progress_begin(&progress, "export", comm_rank(s->comm) == 0 ? e->n_todo : 0,
                   s->config.run.progress_s, s->comm);
    out_batch_begin(&e->batch);
    while (go_on && status == LP_OK && deal_next(&deal, &run))
        for (int64_t b = run.first;
             b < run.first + run.n_local && go_on && status == LP_OK; ++b)
            status = do_block(e, b, &progress, &go_on);
    progress.idle_s = deal.wait_s;
    const double t = phase_now_s();
    status = out_batch_end(&e->batch, status);
    phase_add(PHASE_WRITE, t);
    status = progress_end(&progress, status);
    LP_AGREE(s->comm);
    if (e->n_with_maps < e->job.n_images)
        lp_log("export: %lld images without maps are left out",
               (long long)(e->job.n_images - e->n_with_maps));
done:
    deal_close(&deal);
    return status;
}

/* The folder, and blocks that are the same on any number of ranks. */
static enum lp_status prepare(struct exporter *e, struct session *s)
{
    enum lp_status status = LP_OK;
    struct export_job *job = &e->job;
    const int64_t n = s->data.n_images;
    const char *out = s->config.export.out;
    const int64_t each = n / BLOCKS;
    job->session = s;
    job->batch = &e->batch;
    job->n_images = n;
    job->block_images = each < 1                   ? 1
                        : each < MOST_BLOCK_IMAGES ? each
                                                   : MOST_BLOCK_IMAGES;
    job->n_blocks = (n + job->block_images - 1) / job->block_images;
    job->folder =
        *out ? text_format("%s", out) : text_path(s->config.run.out, "export");
    if (!job->folder)
        status = lp_fail(LP_ENOMEM, "no memory for the name of a folder");
    LP_AGREE(s->comm);
done:
    return status;
}

enum lp_status stage_export(struct session *s)
{
    enum lp_status status = LP_OK;
    struct exporter e = {.lock = -1};
    LP_TRY(export_lock(s, &e.lock));
    LP_TRY(prepare(&e, s));
    LP_TRY(open_parts(&e));
    if (e.job.maps.state)
        LP_TRY(do_images(&e));
    for (int i = 0; i < e.n_parts; ++i) {
        struct export_part *p = &e.part[i];
        if (p->format->close)
            LP_TRY(p->format->close(p));
        lp_log("export: %s -> %s", p->format->name, p->folder.path);
    }
done:
    release(&e);
    return status;
}

/* export.formats must name something here; in a run it may be empty. */
static enum lp_status export_alone(struct session *s)
{
    enum lp_status status = LP_OK;
    if (!s->config.export.formats)
        LP_TRY(lp_fail_all(s->comm, LP_EUSAGE,
                           "export.formats is empty: name formats, such as "
                           "--set export.formats=\"masks irn\""));
    LP_TRY(stage_export(s));
done:
    return status;
}

enum lp_status job_export(const struct job_args *args)
{
    return stage_alone(args, NEED_DATA, export_alone);
}
