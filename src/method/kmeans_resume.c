/* SPDX-License-Identifier: MIT */
#include "lpcam/method/kmeans_keep.h"

#include <stdlib.h>
#include <string.h>

#include "kmeans_parts.h"
#include "lpcam/base/log.h"
#include "lpcam/run/phase.h"

void kmeans_past_release(struct kmeans_past *past)
{
    free(past->center);
    free(past->iterations);
    free(past->why);
    free(past->step);
    *past = (struct kmeans_past){0};
}

void kmeans_keep_release(struct kmeans_keep *keep)
{
    kmeans_past_release(&keep->past);
    free(keep->before);
    keep->before = NULL;
}

enum lp_status kmeans_keep_open(struct kmeans_keep *keep, struct kmeans *km,
                                MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)km->n_problems * (size_t)km->k * (size_t)km->d;
    if (comm_rank(comm) == 0) {
        keep->before = malloc((n + 1) * sizeof *keep->before);
        if (!keep->before)
            status = lp_fail(LP_ENOMEM, "no memory to keep %zu numbers", n);
    }
    LP_AGREE(comm);
    if (keep->past.n_steps > 0)
        memcpy(km->center, keep->past.center, n * sizeof *km->center);
    keep->whole = false;
    keep->saved_s = phase_now_s();
    km->keep = keep;
done:
    return status;
}

void kmeans_keep_centers(struct kmeans *km)
{
    struct kmeans_keep *keep = km->keep;
    const size_t n = (size_t)km->k * (size_t)km->d;
    if (!keep || !keep->before)
        return;
    keep->whole = false;
    for (size_t p = 0; p < (size_t)km->n_problems; ++p)
        if (km->why[p] == KMEANS_RUNNING || km->n_steps == 0)
            memcpy(keep->before + p * n, km->center + p * n,
                   n * sizeof *km->center);
}

/* The iteration done again is the only one yet. Is it the last of the history
 * in every problem? */
static bool same_iteration(const struct kmeans *km,
                           const struct kmeans_past *past)
{
    for (int p = 0; p < km->n_problems; ++p) {
        const int64_t last = (int64_t)past->iterations[p] - 1;
        if ((km->iterations[p] > 0) != (last >= 0))
            return false;
        if (last < 0)
            continue;
        if (last >= past->n_steps)
            return false;
        const struct kmeans_step *was = past->step + last * km->n_problems + p;
        if (was->objective != km->step[p].objective ||
            was->shift2 != km->step[p].shift2)
            return false;
    }
    return true;
}

/* The history takes the place of the iteration that was done again. */
static enum lp_status go_on(struct kmeans *km, MPI_Comm comm)
{
    struct kmeans_past *past = &km->keep->past;
    const size_t n = (size_t)km->n_problems;
    if (!same_iteration(km, past))
        return lp_fail_all(comm, LP_EARG,
                           "the features are not those that clustering was "
                           "stopped with, or the processor is of another "
                           "kind: remove its checkpoint to begin anew");
    memcpy(km->iterations, past->iterations, n * sizeof *km->iterations);
    memcpy(km->why, past->why, n);
    free(km->step);
    km->step = past->step;
    km->n_steps = past->n_steps;
    past->step = NULL;
    kmeans_past_release(past);
    return LP_OK;
}

static bool any_running(const struct kmeans *km)
{
    return memchr(km->why, KMEANS_RUNNING, (size_t)km->n_problems) != NULL;
}

/* Rank 0 alone. */
static void save(const struct kmeans *km)
{
    struct kmeans_keep *keep = km->keep;
    const struct kmeans_past past = {
        km->n_problems, km->k,          km->d,   km->n_steps,
        keep->before,   km->iterations, km->why, km->step};
    if (keep->save(keep->arg, &past) != LP_OK)
        lp_warn("clustering goes on, but would be resumed from an earlier "
                "iteration than %d",
                km->n_steps);
    keep->saved_s = phase_now_s();
}

enum lp_status kmeans_keep_step(struct kmeans *km, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct kmeans_keep *keep = km->keep;
    if (!keep)
        return LP_OK;
    const bool again = keep->past.n_steps > 0;
    if (again)
        LP_TRY(go_on(km, comm));
    keep->whole = true;
    if (keep->before && !again &&
        (!any_running(km) || phase_now_s() - keep->saved_s >= keep->every_s))
        save(km);
done:
    return status;
}

void kmeans_keep_end(struct kmeans *km)
{
    if (km->keep && km->keep->before && km->keep->whole)
        save(km);
}
