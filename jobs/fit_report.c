/* SPDX-License-Identifier: MIT */
/* fit_report.c: how good the new classifier is, for people and as fit.json. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fit.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/output/onnx_classifier.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/run_file.h"

static const char *state_name(const struct logistic *l, int c)
{
    static const char *const name[] = {[LOGISTIC_CONVERGED] = "converged",
                                       [LOGISTIC_OPEN] = "open",
                                       [LOGISTIC_ONE_SIDED] = "one-sided"};
    return name[l->state[c]];
}

static const double *best_ap(const struct fit *f)
{
    return f->path_ap + (int64_t)f->best * f->head.n;
}

static void add_percent(struct text_buffer *b, double share)
{
    if (share < 0)
        text_add(b, "%10s", "-");
    else
        text_add(b, "%10.2f", 100 * share);
}

static void add_path_table(struct text_buffer *b, const struct fit *f)
{
    text_add(b, "    lambda  mAP in percent, %d folds\n",
             f->session.config.fit.folds);
    for (int i = 0; i < f->session.config.fit.lambda.n; ++i) {
        text_add(b, "%10g", f->point[i].lambda);
        add_percent(b, f->point[i].mean_ap);
        text_add(b, i == f->best ? "*" : " ");
        if (f->point[i].n_open > 0)
            text_add(b, " (%d fits did not converge)", f->point[i].n_open);
        text_add(b, "\n");
    }
}

static void add_class_table(struct text_buffer *b, const struct fit *f)
{
    text_add(b, "%-22s %10s %10s%s   steps\n", "class", "images", "folds",
             f->test_ap ? "  held out" : "");
    for (int c = 0; c < f->head.n; ++c) {
        text_add_shown(b, dataset_class(&f->session.data, c), 22);
        text_add(b, " %10lld ", (long long)f->rows.positives[c]);
        add_percent(b, best_ap(f)[c]);
        if (f->test_ap)
            add_percent(b, f->test_ap[c]);
        text_add(b, "%8d%s%s\n", f->layer.iterations[c],
                 f->layer.state[c] == LOGISTIC_CONVERGED ? "" : " ",
                 f->layer.state[c] == LOGISTIC_CONVERGED
                     ? ""
                     : state_name(&f->layer, c));
    }
    text_add(b, "%-22s %10lld ", "mean", (long long)f->rows.n_global);
    add_percent(b, f->point[f->best].mean_ap);
    if (f->test_ap)
        add_percent(b, fit_mean(f->test_ap, f->head.n));
    text_add(b, "\n");
}

/* ---- fit.json */

static void add_share(struct text_buffer *b, double share)
{
    if (share < 0)
        text_add(b, "null");
    else
        text_add(b, "%.6f", share);
}

static void add_json_text(struct text_buffer *b, const char *key,
                          const char *text)
{
    text_add(b, "\"%s\": ", key);
    text_add_json(b, text ? text : "");
}

/* Every key of [fit], and what else the layer depends on. */
static void add_json_settings(struct text_buffer *b, const struct session *s)
{
    static const char *const key[] = {
        "fit.lambda",   "fit.folds", "fit.solver",  "fit.weights",
        "fit.bias",     "fit.flip",  "fit.crops",   "fit.max_iter",
        "fit.tol",      "fit.test",  "run.seed",    "model.precision",
        "model.mean",   "model.std", "model.order", "model.feature",
        "model.weight", "model.bias"};
    text_add(b, " \"settings\": {");
    for (size_t i = 0; i < sizeof key / sizeof *key; ++i) {
        char *value = config_value(&s->config, key[i]);
        text_add(b, "%s\n  ", i ? "," : "");
        add_json_text(b, key[i], value);
        free(value);
    }
    text_add(b, "},\n");
}

static void add_json_about(struct text_buffer *b, const struct fit *f,
                           const char *made_of)
{
    const struct session *s = &f->session;
    char fingerprint[65];
    char *classes = onnx_classifier_classes(f->path);
    dataset_fingerprint(&s->data, fingerprint);
    text_add(b, "{");
    add_json_text(b, "program", run_file_program());
    text_add(b, ", ");
    add_json_text(b, "openvino", backbone_version());
    text_add(b, ",\n \"model\": {");
    add_json_text(b, "file", s->config.model.file);
    text_add(b, ", \"sha256\": \"%s\"},\n \"classifier\": {", s->net.sha256);
    add_json_text(b, "file", f->path);
    text_add(b, ", ");
    add_json_text(b, "classes", classes);
    text_add(b, ", \"sha256\": \"%s\"},\n \"made_of\": \"%s\",\n", f->sha256,
             made_of);
    add_json_settings(b, s);
    text_add(b,
             " \"fingerprint\": \"%s\", \"images\": %lld, \"unlabelled\": "
             "%lld, \"broken\": %lld, \"views\": %d, \"channels\": %d,\n",
             fingerprint, (long long)f->rows.n_global,
             (long long)f->rows.unlabelled, (long long)f->rows.bad,
             f->rows.views, f->rows.d);
    free(classes);
}

static void add_json_path(struct text_buffer *b, const struct fit *f)
{
    text_add(b, " \"path\": [");
    for (int i = 0; i < f->session.config.fit.lambda.n; ++i) {
        text_add(b, "%s\n  {\"lambda\": %.17g, \"map\": ", i ? "," : "",
                 f->point[i].lambda);
        add_share(b, f->point[i].mean_ap);
        text_add(b, ", \"open\": %d}", f->point[i].n_open);
    }
    text_add(b, "],\n \"lambda\": %.17g, \"map\": ", f->point[f->best].lambda);
    add_share(b, f->point[f->best].mean_ap);
    if (f->test_ap) {
        text_add(b, ",\n \"test\": {\"images\": %lld, \"map\": ",
                 (long long)f->held_out.n_global);
        add_share(b, fit_mean(f->test_ap, f->head.n));
        text_add(b, "}");
    }
}

static void add_json_classes(struct text_buffer *b, const struct fit *f)
{
    text_add(b, ",\n \"classes\": [");
    for (int c = 0; c < f->head.n; ++c) {
        text_add(b, "%s\n  {", c ? "," : "");
        add_json_text(b, "name", dataset_class(&f->session.data, c));
        text_add(
            b, ", \"images\": %lld, \"ap\": ", (long long)f->rows.positives[c]);
        add_share(b, best_ap(f)[c]);
        if (f->test_ap) {
            text_add(b, ", \"test_images\": %lld, \"test_ap\": ",
                     (long long)f->held_out.positives[c]);
            add_share(b, f->test_ap[c]);
        }
        text_add(b,
                 ", \"iterations\": %d, \"gradient\": %.3g, \"state\": \"%s\"}",
                 f->layer.iterations[c], f->layer.gradient[c],
                 state_name(&f->layer, c));
    }
    text_add(b, "]}\n");
}

static char *json_path(const struct fit *f)
{
    return text_path(f->session.config.run.out, "fit.json");
}

/* A hash of all that the classifier at f->path and the report depend on, and of
 * that file. LP_EIO where there is none. Rank 0. */
static enum lp_status name_made_of(const struct fit *f, char hex[65])
{
    enum lp_status status;
    char *settings = settings_fit(&f->session), test[65] = "none";
    char *bytes = NULL;
    struct text_buffer all = {0};
    size_t n = 0;

    if (f->test.data.n_images > 0)
        dataset_fingerprint(&f->test.data, test);
    LP_TRY(text_read(f->path, &bytes, &n));
    hash_sha256(bytes, n, hex);
    if (!settings || !text_add(&all, "%sfit.test = %s\nclassifier = %s\n",
                               settings, test, hex))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the settings"));
    hash_sha256(all.s, all.n, hex);
done:
    free(settings);
    free(bytes);
    free(all.s);
    return status;
}

/* Is there a fit.json that says so? Rank 0. */
static enum lp_status find_made(struct fit *f)
{
    enum lp_status status = LP_OK;
    char *path = json_path(f), *json = NULL, made_of[65];
    size_t n;

    if (!path)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the name of fit.json"));
    if (access(f->path, F_OK) != 0)
        goto done;
    if (access(path, F_OK) == 0) {
        LP_TRY(name_made_of(f, made_of));
        LP_TRY(text_read(path, &json, &n));
        f->made = strstr(json, made_of) != NULL;
    }
    if (!f->made)
        lp_log("fit: %s is of other settings and will be replaced", f->path);
done:
    free(path);
    free(json);
    return status;
}

enum lp_status fit_find_made(struct fit *f)
{
    enum lp_status status = LP_OK;
    if (comm_rank(f->session.comm) == 0)
        status = find_made(f);
    LP_AGREE(f->session.comm);
    comm_bcast(f->session.comm, &f->made, sizeof f->made);
done:
    return status;
}

enum lp_status fit_report(const struct fit *f)
{
    enum lp_status status = LP_OK;
    struct text_buffer table = {0}, json = {0};
    char *path = json_path(f), made_of[65];

    LP_TRY(name_made_of(f, made_of));
    add_path_table(&table, f);
    add_class_table(&table, f);
    if (table.s)
        lp_log_table("fit: average precision of the new classifier", table.s);
    add_json_about(&json, f, made_of);
    add_json_path(&json, f);
    add_json_classes(&json, f);
    if (!path || !text_add(&json, "%s", ""))
        status = lp_fail(LP_ENOMEM, "no memory for fit.json");
    else
        status = text_write(path, json.s, json.n);
done:
    free(table.s);
    free(json.s);
    free(path);
    return status;
}
