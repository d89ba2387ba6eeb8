/* SPDX-License-Identifier: MIT */
#include "lpcam/method/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kmeans_parts.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/stop.h"

static size_t n_pair_cells(const struct features *f)
{
    return (size_t)f->side_offset[f->pair_offset[f->n_images]];
}

enum lp_status kmeans_init(struct kmeans *km, const struct features *f, int k)
{
    const size_t n = 2 * (size_t)f->n_classes, d = (size_t)f->d;

    *km = (struct kmeans){.n_problems = (int)n, .k = k, .d = f->d};
    if (k < 1 || k >= KMEANS_NONE)
        return lp_fail(LP_EARG, "kmeans.k is %d: it must be 1 to %d", k,
                       KMEANS_NONE - 1);
    /* One more float, so that the centres are also whole 64-bit words. */
    km->center = calloc(n * (size_t)k * d + 1, sizeof *km->center);
    km->size = calloc(n * (size_t)k, sizeof *km->size);
    km->n_rows = calloc(n, sizeof *km->n_rows);
    km->n_zero = calloc(n, sizeof *km->n_zero);
    km->iterations = calloc(n, sizeof *km->iterations);
    km->why = calloc(n, sizeof *km->why);
    km->assignment = malloc(n_pair_cells(f) + 1);
    if (!km->center || !km->size || !km->n_rows || !km->n_zero ||
        !km->iterations || !km->why || !km->assignment ||
        lp_fault("kmeans_init"))
        return lp_fail(LP_ENOMEM, "no memory for %zu x %d k-means centres", n,
                       k);
    memset(km->assignment, KMEANS_NONE, n_pair_cells(f));
    return kmeans_use(km, "auto", 1);
}

enum lp_status kmeans_use(struct kmeans *km, const char *kernel, int n_threads)
{
    if (n_threads < 1)
        return lp_fail(LP_EARG, "k-means needs at least 1 thread, not %d",
                       n_threads);
    km->n_threads = n_threads;
    return kmeans_kernel_find(kernel, &km->kernel);
}

enum lp_status kmeans_kernel_check(const char *kernel, bool *pairs)
{
    enum lp_status status;
    const struct kmeans_kernel *found;
    LP_TRY(kmeans_kernel_find(kernel, &found));
    *pairs = found->pairs();
done:
    return status;
}

void kmeans_release(struct kmeans *km)
{
    free(km->center);
    free(km->size);
    free(km->n_rows);
    free(km->n_zero);
    free(km->iterations);
    free(km->why);
    free(km->step);
    free(km->assignment);
    free(km->length);
    *km = (struct kmeans){0};
}

void kmeans_hand_on(struct kmeans *km, struct kmeans *next)
{
    const size_t n = (size_t)km->n_problems;
    free(km->assignment);
    km->assignment = NULL;
    if (next && km->length) {
        memcpy(next->n_rows, km->n_rows, n * sizeof *km->n_rows);
        memcpy(next->n_zero, km->n_zero, n * sizeof *km->n_zero);
        next->length = km->length;
        next->bits = km->bits;
        next->pairs = km->pairs;
    } else {
        free(km->length);
    }
    km->length = NULL;
}

static void run_release(struct kmeans_run *run)
{
    kmeans_pass_release(&run->pass);
    for (int t = 0; run->lane && t < run->km->n_threads; ++t) {
        kmeans_sums_release(&run->lane[t].sums);
        free(run->lane[t].part);
        free(run->lane[t].part_rows);
        free(run->lane[t].far);
    }
    free(run->lane);
    kmeans_reduce_release(&run->reduce);
    free(run->running);
    free(run->was);
}

static enum lp_status lanes_init(struct kmeans_run *run)
{
    enum lp_status status = LP_OK;
    const struct kmeans *km = run->km;
    const size_t n = (size_t)km->n_problems * (size_t)km->k;
    run->lane = calloc((size_t)km->n_threads, sizeof *run->lane);
    for (int t = 0; run->lane && t < km->n_threads; ++t) {
        struct kmeans_run_lane *lane = &run->lane[t];
        LP_TRY(kmeans_sums_init(&lane->sums, km));
        lane->part = calloc(n * (size_t)km->d, sizeof *lane->part);
        lane->part_rows = calloc(n, sizeof *lane->part_rows);
        if (lane->part && lane->part_rows)
            lane->far = malloc(n * sizeof *lane->far);
        if (!lane->far)
            break;
    }
    if (!run->lane || !run->lane[km->n_threads - 1].far)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for k-means in %d threads",
                       km->n_threads));
done:
    return status;
}

/* Everything as before the first iteration. */
static enum lp_status run_init(struct kmeans_run *run, struct kmeans *km,
                               struct features *f)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)km->n_problems;

    *run = (struct kmeans_run){.km = km, .f = f};
    LP_TRY(kmeans_pass_init(&run->pass, km, f));
    LP_TRY(lanes_init(run));
    run->running = malloc(n * sizeof *run->running);
    run->was = malloc(n_pair_cells(f) + 1);
    if (!run->running || !run->was || lp_fault("kmeans_fit"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for k-means of %zu problems", n));

    memset(km->assignment, KMEANS_NONE, n_pair_cells(f));
    km->n_steps = 0;
    for (int p = 0; p < km->n_problems; ++p) {
        km->iterations[p] = 0;
        km->why[p] = km->n_rows[p] > 0 ? KMEANS_RUNNING : KMEANS_EMPTY;
    }
done:
    return status;
}

/* The problems that go on; false when there are none. */
static bool list_running(struct kmeans_run *run)
{
    const struct kmeans *km = run->km;
    run->n_running = 0;
    for (int p = 0; p < km->n_problems; ++p) {
        run->pass.wanted[p] = km->why[p] == KMEANS_RUNNING;
        if (run->pass.wanted[p])
            run->running[run->n_running++] = p;
    }
    return run->n_running > 0;
}

/* Room for one more iteration in the history, zero. */
static enum lp_status add_step(struct kmeans *km)
{
    const size_t n = (size_t)km->n_problems, done = (size_t)km->n_steps * n;
    struct kmeans_step *step = realloc(km->step, (done + n) * sizeof *step);
    if (step)
        km->step = step;
    if (!step || lp_fault("kmeans_assign"))
        return lp_fail(LP_ENOMEM, "no memory for %d k-means iterations",
                       km->n_steps + 1);
    memset(step + done, 0, n * sizeof *step);
    return LP_OK;
}

/* Assign this rank's rows, and remember where they were. */
static enum lp_status assign(struct kmeans_run *run)
{
    enum lp_status status = LP_OK;
    LP_TRY(add_step(run->km));
    memcpy(run->was, run->km->assignment, n_pair_cells(run->f));
    LP_TRY(kmeans_assign(run));
done:
    return status;
}

static int why_stop(const struct kmeans *km, int p, int rule, double tol,
                    int max_iter)
{
    const struct kmeans_step *step =
        km->step + (int64_t)(km->n_steps - 1) * km->n_problems + p;
    if (rule == STOP_MOVED && step->moved <= km->n_rows[p] / 10000)
        return KMEANS_SETTLED;
    if (rule == STOP_REFERENCE && step->shift2 < tol)
        return KMEANS_SHIFT;
    return km->iterations[p] >= max_iter ? KMEANS_CAP : KMEANS_RUNNING;
}

/* What the step did, from what the ranks were added up to. */
static void end_step(struct kmeans_run *run, int rule, double tol, int max_iter)
{
    struct kmeans *km = run->km;
    const struct kmeans_reduce *r = &run->reduce;
    struct kmeans_step *steps =
        km->step + (int64_t)km->n_steps++ * km->n_problems;

    for (int a = 0; a < run->n_running; ++a) {
        const int p = run->running[a];
        const double shift = kmeans_reduce_shift(r, p);
        steps[p].moved = r->moved[p];
        steps[p].objective =
            ldexp((double)r->objective[p], -run->lane[0].sums.cosine_bits);
        steps[p].shift2 = shift * shift;
        ++km->iterations[p];
        km->why[p] = (uint8_t)why_stop(km, p, rule, tol, max_iter);
    }
}

/* For those who wait: how far the iterations are. */
static void tell_step(const struct kmeans_run *run, double *said_s)
{
    const struct kmeans *km = run->km;
    const struct kmeans_step *step =
        km->step + (int64_t)(km->n_steps - 1) * km->n_problems;
    int64_t moved = 0;
    int running = 0;
    for (int p = 0; p < km->n_problems; ++p) {
        moved += step[p].moved;
        running += km->why[p] == KMEANS_RUNNING;
    }
    if (progress_due(said_s, km->progress_s))
        lp_status_line("cluster: iteration %d, %lld vectors moved, %d of %d "
                       "problems go on",
                       km->n_steps, (long long)moved, running, km->n_problems);
}

enum lp_status kmeans_fit(struct kmeans *km, struct features *f, int rule,
                          double tol, int max_iter, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct kmeans_run run = {0};
    double said_s = 0;

    if (max_iter < 1)
        return lp_fail(LP_EARG, "kmeans.max_iter is %d: it must be at least 1",
                       max_iter);
    LP_TRY(kmeans_scan(km, f, comm));
    status = run_init(&run, km, f);
    LP_AGREE(comm);
    LP_TRY(kmeans_reduce_init(&run.reduce, km, comm));

    while (list_running(&run)) {
        status = stop_asked() ? LP_STOP : assign(&run); /* alone */
        LP_AGREE(comm);
        kmeans_reduce_sum(&run.reduce, &run.lane[0].sums, run.running,
                          run.n_running);
        LP_TRY(kmeans_fill_empty(&run, comm));
        kmeans_keep_centers(km);
        kmeans_reduce_centers(&run.reduce, run.running, run.n_running);
        end_step(&run, rule, tol, max_iter);
        tell_step(&run, &said_s);
        LP_TRY(kmeans_keep_step(km, comm));
    }
done:
    if (status != LP_OK)
        kmeans_keep_end(km);
    run_release(&run);
    return status;
}
