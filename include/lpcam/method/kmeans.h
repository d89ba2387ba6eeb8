/* SPDX-License-Identifier: MIT */
/* kmeans.h: cosine k-means over feature vectors spread across the ranks, all
 * classes and both sides at once.
 *
 * A problem is one side of one class: p = 2 class + (0 object, 1 context).
 * Assignment: the centre with the largest cosine, ties to the lower k. Update:
 * the mean of the members' raw vectors (method.md step 5), their entries as
 * integers of 22 bits and the sign. Sums are exact 64-bit integers, so neither
 * ranks, threads nor the order of the images matter, but where cosines are
 * equal to the last bit: then the earlier image goes first to an empty cluster
 * and among the nearest cells. Zero vectors belong to no cluster and are
 * counted. An empty cluster takes the vector farthest from its centre (ties by
 * image, then cell) out of a cluster that keeps another. A
 * problem with fewer than k vectors has that many clusters; the other slots
 * have size 0 and a zero centre. Where vectors are equal, so that an emptied
 * slot cannot win any, it is filled anew in every iteration by the same ones,
 * which then count as not moved. Where features.norm is, rows are components of
 * longer vectors and cosines are those of the whole vectors, as every centre
 * lies in the span; kmeans_start_plusplus alone chooses by the components, where
 * a vector is at distance 0 from itself. A feature that is not finite fails with
 * LP_EFORMAT in the first collective call, which names the image. */
#ifndef LPCAM_KMEANS_H
#define LPCAM_KMEANS_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"
#include "lpcam/method/features.h"
#include "lpcam/run/config.h"

#define KMEANS_NONE    255 /* assignment of a zero vector or of no cell */
#define KMEANS_NEAREST 8

enum kmeans_why { /* why a problem stopped */
                  KMEANS_RUNNING,
                  KMEANS_EMPTY, /* it has no vectors                                   */
                  KMEANS_SETTLED, /* nothing, or at most 1 of 10,000 vectors, moved      */
                  KMEANS_SHIFT, /* (sum of the centres' shifts)^2 < tol                */
                  KMEANS_CAP /* max_iter                                            */
};

/* What one iteration did to one problem. */
struct kmeans_step {
    int64_t moved;    /* vectors that changed their cluster           */
    double objective; /* sum of the cosines to the assigned centres,
                         before empty clusters were filled            */
    double shift2;    /* (sum of the centres' Euclidean shifts)^2     */
};

struct kmeans_keep;

struct kmeans {
    int n_problems, k, d;
    float *center;            /* [n_problems][k][d] the same on every rank    */
    int64_t *size;            /* [n_problems][k] members over all ranks       */
    int64_t *n_rows;          /* [n_problems] vectors over all ranks, without
                              zero vectors                                 */
    int64_t *n_zero;          /* [n_problems] zero vectors over all ranks     */
    int *iterations;          /* [n_problems]                                 */
    uint8_t *why;             /* [n_problems] enum kmeans_why                 */
    int n_steps;              /* iterations of the longest problem            */
    struct kmeans_step *step; /* [n_steps][n_problems]                     */
    uint8_t *assignment;      /* [pair cells of this rank] cluster, in the order
                              of features.side; made with the centres before
                              the last update, as the reference reports it */
    float *length;            /* [cells of this rank] |x|, features.norm where
                              that is and x not zero; NULL until the first
                              collective call measures the features        */
    int bits; /* binary places of the exact sums               */
    const struct kmeans_kernel
        *kernel;   /* instructions of the passes           */
    int n_threads; /* of this rank, at least 1             */
    bool pairs;    /* every rank's kernel multiplies bf16 in pairs; set by
                      the first collective call            */

    /* How ranks are added up, set between kmeans_init, which leaves 0, and
     * kmeans_fit. The result does not depend on it. */
    int reduce;     /* enum reduce_rule                              */
    int node_ranks; /* run.node_ranks                                */

    double progress_s; /* between rank 0's lines of kmeans_fit; 0: none     */
    struct kmeans_keep *keep; /* see kmeans_keep.h; NULL: nothing is kept     */
};

/* Allocate for the features at hand; centres zero. Local. Fails with LP_ENOMEM
 * or LP_EARG (k is 1 to 254). */
enum lp_status kmeans_init(struct kmeans *km, const struct features *f, int k);
void kmeans_release(struct kmeans *km);

/* Free what is as large as the features: assignment and length, after the last
 * call that takes the features. next, unless NULL, is an initialised clustering
 * of the same features, and gets what they were measured to: a pass less.
 * Local. */
void kmeans_hand_on(struct kmeans *km, struct kmeans *next);

/* How to compute, after kmeans_init, which chooses the fastest instructions
 * and one thread: kernel "auto", "avx512", "avx2" or "plain". Results are the
 * same bits, but for bf16 features where the kernels of all ranks multiply bf16 in
 * pairs. Local. Fails with LP_EARG for a kernel this processor cannot run. */
enum lp_status kmeans_use(struct kmeans *km, const char *kernel, int n_threads);

/* Can this processor run the kernel, and would it multiply bf16 in pairs?
 * Local. Fails as kmeans_use does. */
enum lp_status kmeans_kernel_check(const char *kernel, bool *pairs);

/* Start centres: of each problem the k vectors with the smallest
 * hash(seed, class name, side, image ID, cell), a uniform draw without
 * replacement that depends on nothing else. class_hash [n_classes] is
 * hash_text of the names. Collective over comm; f differs by rank. Fails with
 * LP_ENOMEM, or with what reading the features fails with. */
enum lp_status kmeans_start_hash(struct kmeans *km, struct features *f,
                                 const uint64_t *class_hash, uint64_t seed,
                                 MPI_Comm comm);

/* Start centres from a sample of each problem: the vectors whose hash of
 * kmeans_start_hash lies in the first sample/n_rows of its range, so about
 * sample, all where there are no more. Greedy k-means++ on it (distance 1 -
 * cosine, 2 + floor(log k) candidates a step), ten iterations, then swaps: a
 * centre that is easy to do without moves to a vector drawn as in k-means++,
 * and stays after five iterations if the sum of the cosines is larger. The
 * centres are means, not rows, unless a problem has at most k vectors: then
 * each is one. They depend on what kmeans_start_hash depends on. A rank solves
 * one problem at a time, which takes it about 2 sample d floats.
 * Collective over comm; sample is at least KMEANS_LEAST_SAMPLE k, else LP_EARG;
 * swaps at least 0. Fails as kmeans_start_hash, or between problems with LP_STOP
 * where a rank was asked to stop. */
enum lp_status kmeans_start_plusplus(struct kmeans *km, struct features *f,
                                     const uint64_t *class_hash, uint64_t seed,
                                     int sample, int swaps, MPI_Comm comm);

/* Start centres given by name: start [n_problems][k], image the global number
 * (-1 where there is none), cell row-major; the same on every rank. A cell on
 * another side of the split, outside the grid or all zero fails with LP_EARG.
 * A slot without a start is filled as an empty cluster is. Fails with LP_ENOMEM
 * and what reading the features fails with, too. Collective over comm. */
struct kmeans_start {
    int64_t image, cell;
};
enum lp_status kmeans_start_rows(struct kmeans *km, struct features *f,
                                 const struct kmeans_start *start,
                                 MPI_Comm comm);

/* Iterate from km->center until every problem stops by rule (enum stop_rule),
 * tol and max_iter. A stop asked for by signal gives LP_STOP on every rank.
 * Fails with LP_EARG where max_iter is below 1 or km->keep is of another
 * clustering, with LP_ENOMEM, or with what reading the features fails with.
 * Collective over comm: all arguments but f agree. */
enum lp_status kmeans_fit(struct kmeans *km, struct features *f, int rule,
                          double tol, int max_iter, MPI_Comm comm);

/* After kmeans_fit, the cells of its side nearest to every centre, members or
 * not: nearest [n_problems][k][KMEANS_NEAREST], best first, image -1 where
 * there are fewer; similarity = the cosine. Fails with LP_ENOMEM, or with what
 * reading the features fails with. Collective over comm. */
struct kmeans_near {
    int64_t image, cell; /* global image number; row-major cell            */
    int32_t row, column; /* of the cell on its grid                        */
    float similarity;
};
enum lp_status kmeans_nearest(const struct kmeans *km, struct features *f,
                              struct kmeans_near *nearest, MPI_Comm comm);

#endif
