/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/run_lock.h"

static enum lp_status need(const struct session *s, const char *value,
                           const char *key)
{
    if (*value)
        return LP_OK;
    return lp_fail_all(s->comm, LP_EUSAGE,
                       "%s is not set: name it in the configuration or with "
                       "--set %s=...",
                       key, key);
}

/* Fingerprint of the file of start rows. Rank 0 reads it. */
static enum lp_status hash_rows(struct session *s)
{
    enum lp_status status = LP_OK;
    char *bytes = NULL;
    size_t n;
    snprintf(s->rows_sha, sizeof s->rows_sha, "none");
    if (comm_rank(s->comm) == 0 && s->config.kmeans.start == START_ROWS) {
        status = text_read(s->config.kmeans.rows, &bytes, &n);
        if (status == LP_OK)
            hash_sha256(bytes, n, s->rows_sha);
    }
    LP_AGREE(s->comm);
    comm_bcast(s->comm, s->rows_sha, sizeof s->rows_sha);
done:
    free(bytes);
    return status;
}

/* Can every rank run kmeans.kernel; bf16 in pairs where all can. */
static enum lp_status check_kernel(struct session *s)
{
    enum lp_status status;
    bool pairs = false;
    status = kmeans_kernel_check(s->config.kmeans.kernel, &pairs);
    LP_AGREE(s->comm);
    int64_t without = !pairs;
    comm_max_i64(s->comm, &without, 1);
    s->bf16_pairs = !without;
done:
    return status;
}

/* Outputs' paths and the values in use as text. Alone. */
static enum lp_status prepare(struct session *s, int needs)
{
    static const char *const name[N_OUTPUTS] = {
        [OUT_BASIS] = "basis.h5",
        [OUT_FEATURES] = "features.h5",
        [OUT_CAMS] = "cams.h5",
        [OUT_VIEWS] = "views.h5",
        [OUT_PROTOTYPES] = "prototypes.h5",
        [OUT_MAPS] = "maps.h5",
        [OUT_POOLED] = "pooled.h5",
        [OUT_POOLED_TEST] = "pooled_test.h5"};
    enum lp_status status = LP_OK;
    if (needs & NEED_DATA)
        LP_TRY(need(s, s->config.data.root, "data.root"));
    if (needs & NEED_MODEL)
        LP_TRY(need(s, s->config.model.file, "model.file"));
    s->config_text = config_text(&s->config);
    bool ok = s->config_text != NULL;
    for (int i = 0; i < N_OUTPUTS; ++i) {
        s->out[i] = text_path(s->config.run.out, name[i]);
        ok = ok && s->out[i];
    }
    if (!ok)
        status = lp_fail(LP_ENOMEM, "no memory for the configuration");
done:
    return status;
}

static enum lp_status load_sizes(struct session *s)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)s->data.n_images;
    double t = phase_now_s();

    s->size = calloc(2 * n + 1, sizeof *s->size);
    s->grid = calloc(2 * n + 1, sizeof *s->grid);
    if (!s->size || !s->grid || lp_fault("session_sizes"))
        status = lp_fail(LP_ENOMEM,
                         "no memory for the sizes of %zu "
                         "photographs",
                         n);
    LP_AGREE(s->comm);

    LP_TRY(dataset_scan_sizes(&s->data, s->size, s->config.run.progress_s,
                              s->comm));
    phase_add(PHASE_INPUT, t);
done:
    return status;
}

static enum lp_status load_model(struct session *s)
{
    enum lp_status status = LP_OK;
    double t = phase_now_s();
    LP_TRY(network_open(&s->net, &s->config, s->comm));
    phase_add(PHASE_MODEL, t);
    lp_log("model %s: %d classes, %d channels, OpenVINO %s, %s",
           s->config.model.file, s->net.head.n, s->net.head.d,
           backbone_version(),
           s->config.model.precision == LP_BF16 ? "bf16" : "f32");
done:
    return status;
}

/* The start-up proof on the first photograph that can be read. */
static enum lp_status prove(struct session *s)
{
    for (int64_t i = 0; i < s->data.n_images; ++i) {
        if (s->size[2 * i] == 0)
            continue;
        const enum lp_status status = network_prove(
            &s->net, &s->config, dataset_path(&s->data, i), s->comm);
        if (status != LP_EDATA)
            return status;
    }
    return lp_fail_all(s->comm, LP_EFORMAT,
                       "none of the %lld photographs of %s can be read",
                       (long long)s->data.n_images, s->config.data.root);
}

/* The grids of all views that run.passes = 1 keeps. */
static enum lp_status load_view_grids(struct session *s)
{
    enum lp_status status = LP_OK;
    const struct number_list *scales = &s->config.cam.scales;
    const int64_t n = s->data.n_images * scales->n;
    const int32_t *label;
    int64_t *size = calloc(2 * (size_t)n + 1, sizeof *size);

    s->view_grid = calloc(2 * (size_t)n + 1, sizeof *s->view_grid);
    if (!size || !s->view_grid || lp_fault("session_views"))
        status = lp_fail(LP_ENOMEM, "no memory for the sizes of %lld views",
                         (long long)n);
    LP_AGREE(s->comm);

    for (int64_t i = 0; i < n; ++i) {
        const int64_t image = i / scales->n;
        for (int a = 0; a < 2; ++a)
            if (s->size[2 * image + a] > 0 &&
                dataset_labels(&s->data, image, &label) > 0)
                size[2 * i + a] = image_scaled((int)s->size[2 * image + a],
                                               scales->v[i % scales->n]);
    }
    LP_TRY(network_grids(&s->net, size, s->view_grid, n, s->comm));
done:
    free(size);
    return status;
}

static enum lp_status prove_model(struct session *s, int needs)
{
    enum lp_status status = LP_OK;
    double t = phase_now_s();
    LP_TRY(load_sizes(s));
    t = phase_now_s();
    LP_TRY(prove(s));
    LP_TRY(network_grids(&s->net, s->size, s->grid, s->data.n_images, s->comm));
    if (s->config.run.passes == 1 && !(needs & NEED_FIT))
        LP_TRY(load_view_grids(s));
    phase_add(PHASE_MODEL, t);
done:
    return status;
}

static enum lp_status load_data(struct session *s, int needs)
{
    enum lp_status status = LP_OK;
    double t = phase_now_s();
    struct config config = s->config; /* its texts stay those of s */
    if (needs & NEED_FIT)
        config.model.classes = config.fit.classes;
    LP_TRY(dataset_load(
        &s->data, &config,
        needs & NEED_MODEL && !(needs & NEED_FIT) ? s->net.head.n : -1,
        s->comm));
    phase_add(PHASE_INPUT, t);
done:
    return status;
}

bool session_has(const struct session *s, enum output out)
{
    bool there = false;
    if (comm_rank(s->comm) == 0)
        there = access(s->out[out], R_OK) == 0;
    comm_bcast(s->comm, &there, sizeof there);
    return there;
}

enum lp_status session_keep_config(const struct session *s)
{
    enum lp_status status = LP_OK;
    char *path = NULL;
    if (comm_rank(s->comm) == 0) {
        path = text_path(s->config.run.out, "used.ini");
        if (path)
            status = text_write(path, s->config_text, strlen(s->config_text));
        else
            status = lp_fail(LP_ENOMEM, "no memory for the name of used.ini");
    }
    LP_AGREE(s->comm);
done:
    free(path);
    return status;
}

enum lp_status session_open(struct session *s, const struct job_args *args,
                            int needs)
{
    enum lp_status status = LP_OK;
    *s = (struct session){.comm = args->comm, .lock = -1};

    LP_TRY(config_load(&s->config, args->file[0], args->set, args->n_set,
                       s->comm));
    if (needs & NEED_VIEWS && s->config.run.passes != 1)
        needs |= NEED_MODEL;
    status = prepare(s, needs);
    LP_AGREE(s->comm);
    LP_TRY(check_kernel(s));
    LP_TRY(hash_rows(s));
    if (needs & NEED_MODEL)
        LP_TRY(load_model(s));
    if (needs & NEED_DATA)
        LP_TRY(load_data(s, needs));
    if (s->config.maps.seed && s->data.n_classes > 254)
        LP_TRY(lp_fail_all(s->comm, LP_EARG,
                           "maps.full = seed holds 254 classes, the model has "
                           "%d: leave it out",
                           s->data.n_classes));
    if (needs & NEED_MODEL && s->config.features.dims > s->net.head.d)
        LP_TRY(lp_fail_all(s->comm, LP_EUSAGE,
                           "features.dims is %lld, but the network has %d "
                           "channels: 0 keeps all as they are",
                           (long long)s->config.features.dims, s->net.head.d));
    if (needs & NEED_MODEL && needs & NEED_DATA) {
        LP_TRY(prove_model(s, needs));
        if (!(needs & NEED_FIT))
            plan_print(s, args->n_nodes);
    }
    if (!args->dry_run) /* only extract and fit begin with nothing */
        LP_TRY(run_lock(s->config.run.out, "run.out",
                        needs & (NEED_BASIS | NEED_FIT), &s->lock, s->comm));
    if (needs & NEED_BASIS) {
        LP_TRY(session_check_outputs(s, needs));
        LP_TRY(session_basis(s, !args->dry_run));
    }
done:
    return status;
}

void session_close(struct session *s)
{
    run_unlock(s->lock);
    network_release(&s->net);
    basis_release(&s->basis);
    dataset_release(&s->data);
    config_release(&s->config);
    for (int i = 0; i < N_OUTPUTS; ++i)
        free(s->out[i]);
    free(s->size);
    free(s->grid);
    free(s->view_grid);
    free(s->config_text);
    *s = (struct session){.lock = -1};
}

/* The held-out photographs may not be learned from. Alone. */
static enum lp_status check_apart(const struct session *test,
                                  const struct session *s)
{
    enum lp_status status;
    struct dataset_index index = {0};
    LP_TRY(dataset_index_init(&index, &s->data));
    for (int64_t i = 0; i < test->data.n_images && status == LP_OK; ++i)
        if (dataset_index_find(&index, dataset_id(&test->data, i)) >= 0)
            status = lp_fail(LP_EARG,
                             "image %s of fit.test is also learned from: name "
                             "the others in data.list",
                             dataset_id(&test->data, i));
done:
    dataset_index_release(&index);
    return status;
}

enum lp_status session_test_open(struct session *test, const struct session *s)
{
    enum lp_status status = LP_OK;
    *test = *s;
    test->data = (struct dataset){0};
    test->size = test->grid = NULL;
    test->config.data.list = s->config.fit.test;
    test->config.fit.crops = 1;
    test->config.fit.flip = false;
    lp_log("held out, %s:", s->config.fit.test);
    LP_TRY(load_data(test, NEED_FIT));
    if (comm_rank(s->comm) == 0)
        status = check_apart(test, s);
    LP_AGREE(s->comm);
    LP_TRY(load_sizes(test));
done:
    return status;
}

void session_test_close(struct session *test)
{
    dataset_release(&test->data);
    free(test->size);
    free(test->grid);
    *test = (struct session){.lock = -1};
}
