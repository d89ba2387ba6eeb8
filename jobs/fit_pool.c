/* SPDX-License-Identifier: MIT */
/* fit_pool.c: photographs to pooled features, in a file that a later start
 * goes on with, and from there to the ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fit.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/method/pool.h"
#include "lpcam/method/views.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/shard.h"
#include "lpcam/store/pooled_file.h"
#include "walk.h"

struct pool {
    struct session *session;
    struct pooled_file file;
    struct views views;
    float *vector; /* [views][d] of one photograph                         */
};

int fit_views(const struct config *config)
{
    return config->fit.crops * (config->fit.flip ? 2 : 1);
}

/* Both passes of the one scale. */
static enum lp_status add_view(void *arg, const struct view *view)
{
    struct pool *p = arg;
    const int n = p->session->config.fit.crops;
    const double t = phase_now_s();
    pool_means(view->f, view->d, view->h, view->w, n, p->vector);
    if (view->mirror)
        pool_means(view->mirror, view->d, view->h, view->w, n,
                   p->vector + (int64_t)n * view->d);
    phase_add(PHASE_MAPS, t);
    return LP_OK;
}

static bool all_finite(const float *x, int64_t n)
{
    bool finite = true;
    for (int64_t i = 0; i < n; ++i)
        finite = finite && isfinite(x[i]);
    return finite;
}

/* One without labels has nothing to teach: its rows stay zero. */
static enum lp_status pool_one(void *arg, int64_t image,
                               const struct image *img)
{
    struct pool *p = arg;
    enum lp_status status = LP_OK;
    const struct session *s = p->session;
    const int64_t n = (int64_t)p->file.views * p->file.d;
    const int32_t *label;

    for (int64_t i = 0; i < n; ++i)
        p->vector[i] = 0;
    if (dataset_labels(&s->data, image, &label) > 0)
        LP_TRY(views_each(&p->views, img, add_view, p));
    if (!all_finite(p->vector, n))
        LP_TRY(lp_fail(LP_EMODEL,
                       "the network gives values that are no numbers for "
                       "image %s",
                       dataset_id(&s->data, image)));
    const double t = phase_now_s();
    LP_TRY(pooled_file_write(&p->file, image, p->vector));
    phase_add(PHASE_WRITE, t);
done:
    return status;
}

static enum lp_status mark(void *arg, int64_t first, int64_t n,
                           const uint8_t *state)
{
    struct pool *p = arg;
    return image_group_mark(p->file.file.h5, first, n, state);
}

/* The states of all photographs, the same on every rank. */
static enum lp_status read_states(struct pooled_file *file, int64_t n,
                                  uint8_t **state, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    *state = calloc((size_t)n + 1, 1);
    if (*state)
        status = image_group_states(file->file.h5, 0, n, *state);
    else
        status = lp_fail(LP_ENOMEM, "no memory for the images' states");
    LP_AGREE(comm);
done:
    return status;
}

static enum lp_status fill(struct pool *p, const char *path)
{
    enum lp_status status = LP_OK;
    struct session *s = p->session;
    struct walk walk = {
        .session = s, .what = "fit", .each = pool_one, .mark = mark, .arg = p};
    char report[128];

    p->vector =
        calloc((size_t)p->file.views * (size_t)p->file.d, sizeof *p->vector);
    if (!p->vector || lp_fault("fit_vector"))
        status = lp_fail(LP_ENOMEM, "no memory for a photograph's features");
    LP_AGREE(s->comm);
    LP_TRY(read_states(&p->file, s->data.n_images, &walk.state, s->comm));
    LP_TRY(walk_photographs(&walk));
    snprintf(report, sizeof report, "images %lld\nbroken %lld\n",
             (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad);
    const double t = phase_now_s();
    LP_TRY(pooled_file_close(&p->file, true, report));
    phase_add(PHASE_WRITE, t);
    lp_log("fit: %lld images, %lld broken -> %s",
           (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad,
           path);
done:
    free(walk.state);
    return status;
}

/* pooled.h5 is whole afterwards. */
static enum lp_status make_file(struct session *s, const char *path)
{
    enum lp_status status = LP_OK;
    static const struct number_list as_it_is = {1, {1}};
    struct pool p = {.session = s};
    char *settings = settings_pooled(s);
    const struct run_about about = {"lpcam pooled 1", settings, s->config_text};

    if (!settings)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    views_init(&p.views, &s->net, &s->config);
    p.views.scales = &as_it_is;
    p.views.flip = s->config.fit.flip;
    LP_TRY(pooled_file_open(&p.file, path, &about, &s->data, s->size,
                            fit_views(&s->config), s->net.head.d, s->comm));
    if (p.file.file.found == FILE_WHOLE)
        lp_log("fit: %s is already there", path);
    else
        LP_TRY(fill(&p, path));
done:
    pooled_file_close(&p.file, false, NULL);
    views_release(&p.views);
    free(p.vector);
    free(settings);
    return status;
}

/* Which photographs of this rank's share are of use, and how many are not. */
static enum lp_status choose(const struct session *s, const uint8_t *state,
                             struct fit_rows *rows)
{
    enum lp_status status = LP_OK;
    const struct shard shard = shard_by_count(
        s->data.n_images, comm_rank(s->comm), comm_size(s->comm));
    const int32_t *label;

    rows->image = malloc((size_t)(shard.n_local + 1) * sizeof *rows->image);
    if (!rows->image || lp_fault("fit_rows"))
        status = lp_fail(LP_ENOMEM, "no memory for %lld images",
                         (long long)shard.n_local);
    LP_AGREE(s->comm);
    for (int64_t i = shard.first; i < shard.first + shard.n_local; ++i)
        if (state[i] != IMAGE_DONE)
            ++rows->bad;
        else if (dataset_labels(&s->data, i, &label) == 0)
            ++rows->unlabelled;
        else
            rows->image[rows->n++] = i;
    rows->bad = comm_total(s->comm, rows->bad);
    rows->unlabelled = comm_total(s->comm, rows->unlabelled);
    rows->n_global = comm_total(s->comm, rows->n);
done:
    return status;
}

/* The chosen photographs' features; neighbours are read at once. Alone. */
static enum lp_status read_share(struct pooled_file *file,
                                 struct fit_rows *rows)
{
    const int64_t width = (int64_t)rows->views * rows->d;
    rows->x = malloc((size_t)(rows->n * width + 1) * sizeof *rows->x);
    if (!rows->x)
        return lp_fail(LP_ENOMEM,
                       "no memory for the pooled features of %lld images, %d "
                       "views of %d channels: use more ranks",
                       (long long)rows->n, rows->views, rows->d);
    for (int64_t i = 0, end; i < rows->n; i = end) {
        for (end = i + 1;
             end < rows->n && rows->image[end] == rows->image[end - 1] + 1;)
            ++end;
        const enum lp_status status = pooled_file_read(
            file, rows->image[i], end - i, rows->x + i * width);
        if (status != LP_OK)
            return status;
    }
    return LP_OK;
}

/* The labels of each view, and how many photographs have each class. */
static enum lp_status set_labels(const struct session *s, struct fit_rows *rows)
{
    enum lp_status status = LP_OK;
    const int n = s->data.n_classes, views = rows->views;
    rows->y = calloc((size_t)(rows->n * views) * (size_t)n + 1, 1);
    rows->positives = calloc((size_t)n + 1, sizeof *rows->positives);
    if (!rows->y || !rows->positives || lp_fault("fit_labels"))
        status = lp_fail(LP_ENOMEM, "no memory for the labels of %lld images",
                         (long long)rows->n);
    LP_AGREE(s->comm);
    for (int64_t i = 0; i < rows->n; ++i) {
        const int32_t *label;
        const int n_labels = dataset_labels(&s->data, rows->image[i], &label);
        for (int k = 0; k < n_labels; ++k) {
            ++rows->positives[label[k]];
            for (int v = 0; v < views; ++v)
                rows->y[(i * views + v) * n + label[k]] = 1;
        }
    }
    comm_sum_i64(s->comm, rows->positives, n);
done:
    return status;
}

static enum lp_status take_share(struct session *s, const char *path,
                                 struct fit_rows *rows)
{
    enum lp_status status;
    struct pooled_file file = {0};
    struct dataset theirs = {0}; /* the session's, as settings agree       */
    uint8_t *state = NULL;
    const double t = phase_now_s();

    LP_TRY(pooled_file_load(&file, path, &theirs, s->comm));
    rows->views = file.views;
    rows->d = file.d;
    LP_TRY(read_states(&file, s->data.n_images, &state, s->comm));
    LP_TRY(choose(s, state, rows));
    status = read_share(&file, rows);
    LP_AGREE(s->comm);
    LP_TRY(set_labels(s, rows));
    phase_add(PHASE_READ, t);
done:
    pooled_file_close(&file, false, NULL);
    dataset_release(&theirs);
    free(state);
    return status;
}

enum lp_status fit_pool(struct session *s, enum output which,
                        struct fit_rows *rows)
{
    enum lp_status status;
    *rows = (struct fit_rows){0};
    LP_TRY(make_file(s, s->out[which]));
    LP_TRY(take_share(s, s->out[which], rows));
done:
    return status;
}

void fit_rows_release(struct fit_rows *rows)
{
    free(rows->image);
    free(rows->x);
    free(rows->y);
    free(rows->positives);
    *rows = (struct fit_rows){0};
}
