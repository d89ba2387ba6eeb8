/* SPDX-License-Identifier: MIT */
/* fit_learn.c: lambda by cross-validation, then the layer from all photographs.
 * Fits that are done are kept in fit.checkpoint. */
#include "fit.h"

#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/sealed_file.h"

static const char form[] = "lpcam fit 1";

struct kept_fits {
    char *path, *settings;
    struct sealed file; /* as it was found                                 */
    struct logistic_keep keep;
};

static enum lp_status save(void *arg, const struct logistic_past *past)
{
    const struct kept_fits *k = arg;
    const int64_t size[SEALED_SIZES] = {past->n_done, past->n};
    const struct sealed_array numbers = {
        past->number, past->n * (int64_t)sizeof *past->number};
    return sealed_write(k->path, form, k->settings, size, &numbers, 1);
}

static char *checkpoint_path(const struct fit *f)
{
    return text_path(f->session.config.run.out, "fit.checkpoint");
}

/* Take up what an earlier start has left. */
static void go_on(struct kept_fits *k, const struct fit *f)
{
    const struct sealed *file = &k->file;
    const int64_t n_done = file->size[0], n = file->size[1];
    if (n_done > 0 && n > 0 && n == file->n_bytes / (int64_t)sizeof(double)) {
        k->keep.past =
            (struct logistic_past){n_done, n, (const double *)file->bytes};
        lp_log("fit: goes on after %lld of %d fits, from %s", (long long)n_done,
               f->session.config.fit.lambda.n * f->session.config.fit.folds,
               k->path);
    } else if (comm_rank(f->session.comm) == 0) {
        sealed_damaged(k->path);
    }
}

static enum lp_status keep_open(struct kept_fits *k, const struct fit *f)
{
    enum lp_status status = LP_OK;
    const struct session *s = &f->session;
    k->path = checkpoint_path(f);
    k->settings = settings_fit(s);
    k->keep.save = save;
    k->keep.arg = k;
    k->keep.every_s = s->config.run.checkpoint_s;
    if (!k->path || !k->settings || lp_fault("fit_keep"))
        status = lp_fail(LP_ENOMEM, "no memory for the settings of fit");
    LP_AGREE(s->comm);
    LP_TRY(sealed_read(k->path, form, k->settings, &k->file, s->comm));
    if (k->file.bytes)
        go_on(k, f);
done:
    return status;
}

static void keep_close(struct kept_fits *k)
{
    free(k->path);
    free(k->settings);
    sealed_release(&k->file);
}

void fit_drop_checkpoint(const struct fit *f)
{
    char *path = comm_rank(f->session.comm) == 0 ? checkpoint_path(f) : NULL;
    if (path)
        sealed_remove(path);
    free(path);
}

/* The fold that holds a photograph out goes by its ID alone. */
static enum lp_status draw_folds(const struct fit *f, uint8_t **fold)
{
    enum lp_status status = LP_OK;
    const struct fit_rows *rows = &f->rows;
    const struct config *c = &f->session.config;
    *fold = malloc((size_t)(rows->n * rows->views) + 1);
    if (!*fold || lp_fault("fit_folds"))
        status = lp_fail(LP_ENOMEM, "no memory for the folds");
    LP_AGREE(f->session.comm);
    for (int64_t i = 0; i < rows->n; ++i) {
        const char *id = dataset_id(&f->session.data, rows->image[i]);
        const uint64_t drawn =
            hash_mix(hash_mix((uint64_t)c->run.seed, 0xf01d), hash_text(id));
        for (int v = 0; v < rows->views; ++v)
            (*fold)[i * rows->views + v] =
                (uint8_t)(drawn % (uint64_t)c->fit.folds);
    }
done:
    return status;
}

struct logistic_options fit_options(const struct config *c)
{
    return (struct logistic_options){.tol = c->fit.tol,
                                     .max_iter = c->fit.max_iter,
                                     .bias = c->fit.bias,
                                     .balanced = c->fit.balanced,
                                     .progress_s = c->run.progress_s,
                                     .solver = c->fit.exact ? LOGISTIC_EXACT
                                                            : LOGISTIC_BOUND};
}

/* Say which classes need more steps; the same on every rank. */
static enum lp_status check_converged(const struct fit *f)
{
    const struct config *c = &f->session.config;
    const struct logistic *l = &f->layer;
    int n_open = 0, first = 0;
    for (int i = l->n_classes - 1; i >= 0; --i)
        if (l->state[i] == LOGISTIC_OPEN) {
            ++n_open;
            first = i;
        }
    if (n_open == 0)
        return LP_OK;
    return lp_fail_all(f->session.comm, LP_EARG,
                       "fit: %d of %d classes, such as %s, did not converge in "
                       "fit.max_iter = %d steps to fit.tol = %g (gradient %g): "
                       "no classifier is written; raise one, or fit.lambda, or "
                       "choose another fit.solver",
                       n_open, l->n_classes,
                       dataset_class(&f->session.data, first), c->fit.max_iter,
                       c->fit.tol, l->gradient[first]);
}

/* lambda by cross-validation, then the layer from all photographs. */
enum lp_status fit_learn(struct fit *f)
{
    enum lp_status status = LP_OK;
    const struct session *s = &f->session;
    const struct config *c = &s->config;
    const int n = s->data.n_classes, n_points = c->fit.lambda.n;
    uint8_t *fold = NULL;
    struct kept_fits kept = {0};
    struct logistic_options options = fit_options(c);
    LP_TRY(draw_folds(f, &fold));
    LP_TRY(keep_open(&kept, f));
    const struct samples samples = {.n = f->rows.n * f->rows.views,
                                    .d = f->rows.d,
                                    .n_classes = n,
                                    .x = f->rows.x,
                                    .y = f->rows.y,
                                    .fold = fold};
    f->path_ap = calloc((size_t)n_points * (size_t)n, sizeof *f->path_ap);
    if (!f->path_ap || lp_fault("fit_path_ap"))
        status =
            lp_fail(LP_ENOMEM, "no memory for %d x %d precisions", n_points, n);
    LP_AGREE(s->comm);
    const double t = phase_now_s();
    for (int i = 0; i < n_points; ++i)
        f->point[i].lambda = c->fit.lambda.v[i];
    LP_TRY(logistic_path(f->point, n_points, c->fit.folds, &f->best, f->path_ap,
                         &samples, &options, &kept.keep, &f->grid));
    options.lambda = f->point[f->best].lambda;
    LP_TRY(logistic_fit(&f->layer, &samples, &options, &f->grid));
    phase_add(PHASE_FIT, t);
    status = check_converged(f);
    if (status != LP_OK)
        fit_drop_checkpoint(f); /* other settings are due */
done:
    if (status == LP_STOP)
        lp_log("fit: the pooled features and the fits that are done are kept "
               "in %s: the same command goes on",
               s->config.run.out);
    keep_close(&kept);
    free(fold);
    return status;
}
