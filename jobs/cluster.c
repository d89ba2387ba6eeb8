/* SPDX-License-Identifier: MIT */
/* cluster.c: features -> centres, prototypes, one vector a class (method.md
 * steps 5 and 6). */
#include "cluster.h"

#include <stdlib.h>

#include "charts.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/method/start_rows.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/prototype_file.h"
#include "lpcam/store/sealed_file.h"
#include "stages.h"

static int n_starts(const struct cluster *c)
{
    return c->session->config.kmeans.starts;
}

/* The classifier among the components of the features: centres lie in their
 * span, so its products with them stay what they are. */
static enum lp_status reduce_head(struct cluster *c)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)c->head.n, r = (size_t)c->basis.r;
    float *weight = malloc(n * r * sizeof *weight);
    if (!weight || lp_fault("cluster_head"))
        status = lp_fail(LP_ENOMEM, "no memory for %zu classifier rows", n);
    LP_AGREE(c->session->comm);
    basis_reduce(&c->basis, c->head.weight, c->head.n, weight);
    free(c->head.weight);
    c->head.weight = weight;
    c->head.d = c->basis.r;
    weight = NULL;
done:
    free(weight);
    return status;
}

static enum lp_status prepare(struct cluster *c)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    const size_t n = (size_t)c->head.n, d = (size_t)c->basis.r;

    c->class_hash = calloc(n, sizeof *c->class_hash);
    c->start = calloc((size_t)n_starts(c), sizeof *c->start);
    c->vector = calloc(n * d, sizeof *c->vector);
    c->lambda = calloc(n, sizeof *c->lambda);
    if (!c->class_hash || !c->start || !c->vector || !c->lambda ||
        lp_fault("cluster_prepare"))
        status = lp_fail(LP_ENOMEM, "no memory for %zu class vectors", n);
    LP_AGREE(s->comm);
    LP_TRY(reduce_head(c));
    for (size_t i = 0; i < n; ++i)
        c->class_hash[i] = hash_text(dataset_class(&c->data, (int)i));
    if (s->config.kmeans.start == START_ROWS)
        LP_TRY(start_rows_read(s->config.kmeans.rows, &c->data,
                               s->config.kmeans.k, &c->rows, s->comm));
done:
    return status;
}

/* What the user should know of one start. */
static void tell(const struct cluster *c, const struct kmeans *km)
{
    int64_t vectors = 0, zero = 0;
    int capped = 0, empty = 0;
    for (int p = 0; p < km->n_problems; ++p) {
        vectors += km->n_rows[p];
        zero += km->n_zero[p];
        capped += km->why[p] == KMEANS_CAP;
        empty += km->why[p] == KMEANS_EMPTY;
    }
    lp_log("cluster: %d problems, %lld vectors (%lld more are zero), at most "
           "%d iterations; %d %s reached kmeans.max_iter, %d %s no vectors",
           km->n_problems, (long long)vectors, (long long)zero, km->n_steps,
           capped, text_count(capped, "problem", "problems"), empty,
           text_count(empty, "has", "have"));
    for (int i = 0; i < c->head.n; ++i)
        if (km->n_rows[2 * i] == 0)
            lp_log("class %s has no object cells: its maps will be zero",
                   dataset_class(&c->data, i));
}

/* Where a start's clustering is kept safe; the caller's to free. */
static char *checkpoint_path(const struct session *s, int r)
{
    return text_format("%s/cluster_%d.checkpoint", s->config.run.out, r);
}

/* prototypes.h5 is whole: what clustering kept is of no more use. */
static void drop_checkpoints(const struct cluster *c)
{
    if (comm_rank(c->session->comm) != 0)
        return;
    for (int r = 0; r < n_starts(c); ++r) {
        char *path = checkpoint_path(c->session, r);
        if (path)
            sealed_remove(path);
        free(path);
    }
}

/* Far from those of the other starts, and of other values of kmeans.seed. */
static uint64_t seed_of(const struct config *config, int r)
{
    const uint64_t seed =
        ((uint64_t)config->run.seed << 32) + (uint64_t)config->kmeans.seed;
    return r > 0 ? hash_mix(seed, (uint64_t)r) : seed;
}

static enum lp_status run_start(struct cluster *c, int r)
{
    enum lp_status status = LP_OK;
    const struct config *config = &c->session->config;
    MPI_Comm comm = c->session->comm;
    struct cluster_start *start = &c->start[r];
    struct kmeans *km = &start->kmeans;
    const uint64_t seed = seed_of(config, r);

    status = kmeans_init(km, &c->features, config->kmeans.k);
    if (status == LP_OK)
        status = kmeans_use(km, config->kmeans.kernel, config->model.threads);
    if (status == LP_OK) {
        start->nearest =
            calloc((size_t)km->n_problems * (size_t)km->k * KMEANS_NEAREST,
                   sizeof *start->nearest);
        if (!start->nearest)
            status = lp_fail(LP_ENOMEM, "no memory for the nearest cells");
    }
    LP_AGREE(comm);
    if (r > 0)
        kmeans_hand_on(&c->start[r - 1].kmeans, km);

    km->reduce = config->kmeans.reduce;
    km->node_ranks = config->run.node_ranks;
    km->progress_s = config->run.progress_s;
    double t = phase_now_s();
    bool found;
    const struct kmeans_keep keep = {.every_s = config->run.checkpoint_s};
    LP_TRY(checkpoint_open(&start->checkpoint, checkpoint_path(c->session, r),
                           c->settings, &keep, km, &found, comm));
    if (!found && c->rows)
        LP_TRY(kmeans_start_rows(km, &c->features, c->rows, comm));
    else if (!found && config->kmeans.start == START_PLUSPLUS)
        LP_TRY(kmeans_start_plusplus(km, &c->features, c->class_hash, seed,
                                     config->kmeans.sample,
                                     config->kmeans.swaps, comm));
    else if (!found)
        LP_TRY(kmeans_start_hash(km, &c->features, c->class_hash, seed, comm));
    LP_TRY(kmeans_fit(km, &c->features, config->kmeans.stop, config->kmeans.tol,
                      config->kmeans.max_iter, comm));
    t = phase_add(PHASE_CLUSTER, t);
    LP_TRY(kmeans_nearest(km, &c->features, start->nearest, comm));
    status = prototypes_choose(&start->prototypes, km, &c->head, config);
    LP_AGREE(comm);
    phase_add(PHASE_PROTOTYPE, t);
    if (comm_rank(comm) == 0)
        tell(c, km);
done:
    return status;
}

/* The mean of the starts' vectors: never of their centres. */
static void average(struct cluster *c)
{
    const int n = n_starts(c);
    for (int64_t i = 0; i < (int64_t)c->head.n * c->head.d; ++i) {
        double sum = 0;
        for (int r = 0; r < n; ++r)
            sum += (double)c->start[r].prototypes.vector[i];
        c->vector[i] = (float)(sum / n);
    }
    for (int i = 0; i < c->head.n; ++i)
        for (int r = 0; r < n; ++r)
            c->lambda[i] += c->start[r].prototypes.lambda[i] / n;
}

/* convergence.svg. Rank 0. */
static enum lp_status draw(const struct cluster *c)
{
    enum lp_status status;
    const struct kmeans **start = malloc((size_t)n_starts(c) * sizeof *start);
    char *path = text_path(c->session->config.run.out, "convergence.svg");
    if (!start || !path)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for convergence.svg"));
    for (int r = 0; r < n_starts(c); ++r)
        start[r] = &c->start[r].kmeans;
    LP_TRY(chart_convergence(path, start, n_starts(c)));
done:
    free(start);
    free(path);
    return status;
}

static enum lp_status write(struct cluster *c, const struct run_about *about)
{
    enum lp_status status = LP_OK;
    struct session *s = c->session;
    struct prototype_start *start = calloc((size_t)n_starts(c), sizeof *start);
    if (!start)
        status = lp_fail(LP_ENOMEM, "no memory to write the prototypes");
    LP_AGREE(s->comm);
    for (int r = 0; r < n_starts(c); ++r)
        start[r] = (struct prototype_start){
            &c->start[r].kmeans, &c->start[r].prototypes, c->start[r].nearest};
    if (comm_rank(s->comm) == 0)
        status = draw(c);
    LP_AGREE(s->comm);
    double t = phase_now_s();
    LP_TRY(prototype_file_write(s->out[OUT_PROTOTYPES], about, &c->data,
                                &c->basis, start, n_starts(c), c->vector,
                                c->lambda, "", s->comm));
    phase_add(PHASE_WRITE, t);
    lp_log("cluster: %d class vectors -> %s", c->head.n,
           s->out[OUT_PROTOTYPES]);
done:
    free(start);
    return status;
}

static void release(struct cluster *c)
{
    if (c->start)
        for (int r = 0; r < n_starts(c); ++r) {
            kmeans_release(&c->start[r].kmeans);
            checkpoint_close(&c->start[r].checkpoint);
            prototypes_release(&c->start[r].prototypes);
            free(c->start[r].nearest);
        }
    free(c->start);
    free(c->settings);
    free(c->class_hash);
    free(c->rows);
    free(c->vector);
    free(c->lambda);
    features_release(&c->features);
    feature_file_close(&c->file, false, NULL);
    dataset_release(&c->data);
    head_release(&c->head);
    basis_release(&c->basis);
}

enum lp_status stage_cluster(struct session *s)
{
    enum lp_status status = LP_OK;
    struct cluster c = {.session = s};
    enum run_file_found found = FILE_ABSENT;

    LP_TRY(cluster_look(&c, &found));
    LP_TRY(session_keep_config(s));
    if (found == FILE_WHOLE) {
        lp_log("cluster: %s is already there", s->out[OUT_PROTOTYPES]);
        drop_checkpoints(&c);
        goto done;
    }
    if (!c.file.file.h5)
        LP_TRY(cluster_load(&c));
    LP_TRY(prepare(&c));
    for (int r = 0; r < n_starts(&c); ++r)
        LP_TRY(run_start(&c, r));
    average(&c);
    const struct run_about about = {"lpcam prototypes 1", c.settings,
                                    s->config_text};
    LP_TRY(write(&c, &about));
    drop_checkpoints(&c);
done:
    release(&c);
    return status;
}

enum lp_status job_cluster(const struct job_args *args)
{
    return stage_alone(args, 0, stage_cluster);
}
