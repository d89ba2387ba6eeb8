/* SPDX-License-Identifier: MIT */
/* kmeans_keep.h: a clustering that was stopped or killed goes on to the same
 * bits, on any number of ranks.
 *
 * What is kept is the history and the centres that the last iteration of each
 * problem began with. To go on does those iterations again, in one pass: the
 * sums are exact, so the same assignment, the same repair of empty clusters and
 * the same new centres come out. Labels, which are large, are never kept. */
#ifndef LPCAM_KMEANS_KEEP_H
#define LPCAM_KMEANS_KEEP_H

#include <stdbool.h>

#include "lpcam/method/kmeans.h"

/* Where a clustering is; members as in struct kmeans. */
struct kmeans_past {
    int n_problems, k, d, n_steps;
    float *center; /* [n_problems][k][d] before the last iteration of each   */
    int *iterations;
    uint8_t *why;
    struct kmeans_step *step;
};
void kmeans_past_release(struct kmeans_past *past);

/* What to do while a clustering runs; km->keep points to it. */
struct kmeans_keep {
    enum lp_status (*save)(void *arg, const struct kmeans_past *past);
    void *arg;
    double every_s; /* between saves, and one after the last iteration; 0:
                       after every iteration                                 */
    struct kmeans_past past; /* to go on from, on every rank; zeroed: none   */

    /* Of kmeans_resume.c. */
    float *before; /* on rank 0, as in struct kmeans_past                    */
    bool whole;    /* before and the history of km are of one iteration      */
    double saved_s;
};

/* Before kmeans_fit of an initialised km: from now on rank 0 calls save, while
 * the others go on, and also when kmeans_fit is stopped or fails. A save that
 * fails is told and clustering goes on. Where keep->past is filled, its centres
 * become those of km and kmeans_fit goes on from there; it fails with LP_EARG
 * where the iteration that is done again does not come out as in the history.
 * Collective over comm. */
enum lp_status kmeans_keep_open(struct kmeans_keep *keep, struct kmeans *km,
                                MPI_Comm comm);
/* Also of a zeroed one. Local. */
void kmeans_keep_release(struct kmeans_keep *keep);

#endif
