/* SPDX-License-Identifier: MIT */
/* fit.c: a classifier of the data set's classes from a network that was trained
 * for others: photographs -> pooled features -> one logistic regression a class
 * -> the network with them as its linear layer. */
#include "fit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/output/onnx_classifier.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "plan.h"
#include "stages.h"

/* Not a folder, nor the network that is to be read. Alone. */
static enum lp_status check_path(const char *path, const char *model)
{
    struct stat own, theirs;
    if (stat(path, &own) != 0)
        return LP_OK;
    if (S_ISDIR(own.st_mode))
        return lp_fail(LP_EARG,
                       "fit.out = %s is a folder: name the file of the new "
                       "classifier",
                       path);
    if (stat(model, &theirs) == 0 && own.st_dev == theirs.st_dev &&
        own.st_ino == theirs.st_ino)
        return lp_fail(LP_EARG,
                       "the classifier would be written over the network it "
                       "is made from, model.file = %s: set fit.out",
                       model);
    return LP_OK;
}

/* Where the classifier goes, which had better be found out before the
 * photographs are looked at. */
static enum lp_status find_path(struct fit *f)
{
    enum lp_status status = LP_OK;
    const struct config *c = &f->session.config;
    char *partial = NULL;
    FILE *file = NULL;

    f->path = *c->fit.out ? text_format("%s", c->fit.out)
                          : text_path(c->run.out, "classifier.onnx");
    if (!f->path || lp_fault("fit_path"))
        status = lp_fail(LP_ENOMEM, "no memory for the name of fit.out");
    LP_AGREE(f->session.comm);
    if (comm_rank(f->session.comm) == 0)
        status = check_path(f->path, c->model.file);
    LP_AGREE(f->session.comm);
    if (comm_rank(f->session.comm) == 0 && *c->fit.out) {
        partial = text_format("%s.partial", f->path);
        file = partial ? fopen(partial, "ab") : NULL;
        if (!file)
            status = lp_fail(LP_EIO, "cannot write fit.out = %s: %s", f->path,
                             strerror(errno));
    }
    LP_AGREE(f->session.comm);
done:
    if (file) {
        fclose(file);
        remove(partial);
    }
    free(partial);
    return status;
}

/* Bytes of a rank's pooled features and labels. */
static int64_t rows_bytes(const struct samples *s)
{
    return s->n * (s->d * (int64_t)sizeof(float) + s->n_classes);
}

/* A rank's share of so many views, as to its size. */
static struct samples share(const struct fit *f, int64_t n_views)
{
    const struct session *s = &f->session;
    const int size = comm_size(s->comm);
    return (struct samples){.n = (n_views + size - 1) / size,
                            .d = s->net.head.d,
                            .n_classes = s->data.n_classes};
}

static void print_plan(const struct fit *f)
{
    char text[4][32];
    const struct config *c = &f->session.config;
    const int64_t n_views = f->session.data.n_images * fit_views(c);
    const int64_t n_held = f->test.data.n_images;
    const struct samples rows = share(f, n_views), held = share(f, n_held);
    const struct logistic_options options = fit_options(c);
    struct session once = f->session;
    once.config.cam.scales = (struct number_list){1, {1}};
    const struct plan plan = plan_make(&once, comm_size(once.comm), 1);
    lp_log("plan, memory a rank: program, network and largest photograph "
           "%s, pooled "
           "features %s, solver %s; disk: pooled.h5 %s",
           text_size(plan_program_bytes() + plan.photograph, text[0]),
           text_size(rows_bytes(&rows) + rows_bytes(&held), text[1]),
           text_size(
               logistic_bytes(&rows, n_views, c->fit.folds, &options, &f->grid),
               text[2]),
           text_size((n_views + n_held) * rows.d * (int64_t)sizeof(float),
                     text[3]));
}

/* Classes about which nothing is to be learned. */
static void warn_classes(const struct fit *f)
{
    for (int c = 0; c < f->session.data.n_classes; ++c) {
        const int64_t n = f->rows.positives[c];
        if (comm_rank(f->session.comm) == 0 &&
            (n == 0 || n == f->rows.n_global))
            lp_warn("%s photograph has class %s: what is learned of it means "
                    "nothing",
                    n == 0 ? "no" : "every",
                    dataset_class(&f->session.data, c));
    }
}

/* The layer as the classifier's file will have it. */
static enum lp_status make_head(struct fit *f)
{
    enum lp_status status = LP_OK;
    const struct logistic *l = &f->layer;
    const int64_t n = (int64_t)l->n_classes * l->d;
    struct head *head = &f->head;
    *head = (struct head){.n = l->n_classes, .d = l->d};
    head->weight = malloc((size_t)n * sizeof *head->weight);
    head->bias = malloc((size_t)l->n_classes * sizeof *head->bias);
    if (!head->weight || !head->bias || lp_fault("fit_head"))
        status = lp_fail(LP_ENOMEM, "no memory for a linear layer of %d x %d",
                         l->n_classes, l->d);
    LP_AGREE(f->session.comm);
    for (int64_t i = 0; i < n; ++i)
        head->weight[i] = (float)l->weight[i];
    for (int c = 0; c < l->n_classes; ++c)
        head->bias[c] = (float)l->bias[c];
done:
    return status;
}

static enum lp_status judge(struct fit *f)
{
    enum lp_status status = LP_OK;
    if (!*f->session.config.fit.test)
        return LP_OK;
    f->test_ap = calloc((size_t)f->head.n, sizeof *f->test_ap);
    if (!f->test_ap || lp_fault("fit_test_ap"))
        status = lp_fail(LP_ENOMEM, "no memory for %d precisions", f->head.n);
    LP_AGREE(f->session.comm);
    status = fit_judge(&f->held_out, &f->head, f->test_ap, f->session.comm);
done:
    return status;
}

static enum lp_status write_classifier(struct fit *f)
{
    enum lp_status status = LP_OK;
    const struct session *s = &f->session;
    const struct onnx_names names = {
        s->config.model.feature, s->config.model.weight, s->config.model.bias};
    const double t = phase_now_s();
    if (comm_rank(s->comm) == 0)
        status = onnx_classifier_write(f->path, s->config.model.file, &names,
                                       &f->head, &s->data, f->sha256);
    LP_AGREE(s->comm);
    if (comm_rank(s->comm) == 0)
        status = fit_report(f);
    LP_AGREE(s->comm);
    phase_add(PHASE_WRITE, t);
    lp_log("fit: %d classes, %d channels -> %s", f->head.n, f->head.d, f->path);
done:
    return status;
}

static enum lp_status fit(struct fit *f)
{
    enum lp_status status;
    struct session *s = &f->session;

    LP_TRY(find_path(f));
    LP_TRY(fit_find_made(f));
    if (f->made) {
        lp_log("fit: %s is already there", f->path);
        fit_drop_checkpoint(f);
        goto done;
    }
    LP_TRY(fit_pool(s, OUT_POOLED, &f->rows));
    if (*s->config.fit.test)
        LP_TRY(fit_pool(&f->test, OUT_POOLED_TEST, &f->held_out));
    if (f->rows.n_global == 0)
        LP_TRY(lp_fail_all(s->comm, LP_EARG,
                           "no photograph of %s has a label: there is nothing "
                           "to learn from",
                           s->config.data.root));
    LP_TRY(session_keep_config(s));
    warn_classes(f);
    LP_TRY(fit_learn(f));
    LP_TRY(make_head(f));
    LP_TRY(judge(f));
    LP_TRY(write_classifier(f));
    fit_drop_checkpoint(f);
done:
    return status;
}

static enum lp_status open_all(struct fit *f, const struct job_args *args)
{
    enum lp_status status;
    struct session *s = &f->session;
    LP_TRY(session_open(s, args, NEED_DATA | NEED_MODEL | NEED_FIT));
    if (s->config.fit.lambda.n == 0)
        LP_TRY(lp_fail_all(s->comm, LP_EUSAGE, "fit.lambda names no number"));
    if (*s->config.fit.test)
        LP_TRY(session_test_open(&f->test, s));
    LP_TRY(grid_init(&f->grid, 0, 0, s->comm));
    print_plan(f);
done:
    return status;
}

enum lp_status job_fit(const struct job_args *args)
{
    enum lp_status status;
    struct fit f = {.session = {.lock = -1}, .test = {.lock = -1}};

    LP_TRY(open_all(&f, args));
    if (!args->dry_run) {
        LP_TRY(fit(&f));
        stage_times(&f.session);
    }
done:
    grid_release(&f.grid);
    logistic_release(&f.layer);
    head_release(&f.head);
    fit_rows_release(&f.rows);
    fit_rows_release(&f.held_out);
    free(f.path_ap);
    free(f.test_ap);
    free(f.path);
    session_test_close(&f.test);
    session_close(&f.session);
    return status;
}
