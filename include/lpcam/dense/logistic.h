/* SPDX-License-Identifier: MIT */
/* logistic.h: one logistic regression a class, all classes at once, over images
 * that are spread across the ranks. Class c minimises over w and b
 *
 *   lambda/2 |w|^2 + sum_i v_i log(1 + exp(-s_i (w.x_i + b))),  s_i = +-1 by y
 *
 * as scikit-learn's LogisticRegression does with C = 1/lambda: no penalty on b,
 * v_i = 1, or with `balanced` n/(2 n_pos) and n/(2 n_neg) (its class_weight). */
#ifndef LPCAM_LOGISTIC_H
#define LPCAM_LOGISTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/dense/grid.h"

/* All borrowed. */
struct samples {
    int64_t n;           /* images of this rank, may be 0                    */
    int d;               /* features of an image                             */
    int n_classes;       /* N                                                */
    const float *x;      /* [n][d]                                           */
    const uint8_t *y;    /* [n][N] 1 where the image has the class, else 0   */
    const uint8_t *fold; /* [n] the fold that holds it out; logistic_path    */
};

enum logistic_solver {
    LOGISTIC_BOUND, /* conjugate gradients under the factored bound          */
    LOGISTIC_EXACT  /* Newton steps with the factored Hessian of each class  */
};

struct logistic_options {
    double lambda; /* >= 0                                                   */
    double tol;    /* on struct logistic's gradient; 1e-10                   */
    int max_iter;  /* Newton steps                                           */
    bool bias;     /* learn b, else it is 0                                  */
    bool balanced;
    enum logistic_solver solver;
    double progress_s; /* between lines of how far it is, 0: none            */
};

enum logistic_state {
    LOGISTIC_CONVERGED, /* gradient <= tol                                   */
    LOGISTIC_OPEN,      /* max_iter steps, or none that descends, were taken */
    LOGISTIC_ONE_SIDED  /* no image has the class, or all have it, and there
                           is a bias: no finite optimum; w = 0 and
                           b = log((n_pos + 1/2) / (n_neg + 1/2))            */
};

/* What was learned, the same on every rank. */
struct logistic {
    int n_classes, d;
    double *weight;   /* [N][d]                                              */
    double *bias;     /* [N]                                                 */
    double *gradient; /* [N] length, a share of that of the sum of v_i x_i
                         over the images with the class, or over those
                         without it where that is shorter                    */
    int *iterations;  /* [N] Newton steps                                    */
    uint8_t *state;   /* [N] enum logistic_state                             */
    int64_t n_passes; /* over the features, for all classes                  */
};

/* Learn. Collective over g's comm; all but s->n, x, y agree on every rank.
 *
 * A class that does not converge is no failure: see state. A class that all or
 * no images have is fitted where there is no bias and lambda > 0.
 * Holds what logistic_bytes says.
 * On other ranks or grids the same within what tol allows, not the same bits.
 * A stop that any rank is asked for by signal gives LP_STOP on every rank, a
 * pass over the features later at the most.
 * Fails with LP_ENOMEM, LP_EPEER, LP_EFORMAT (a feature that is not finite,
 * naming the image by its number over all ranks), LP_EARG (no images; lambda = 0
 * and features that depend on each other, so that no optimum is the only one).
 * Source: the bound X'X/4 of the Hessian, D. Boehning, Ann. Inst. Statist.
 * Math. 44, 1992. */
enum lp_status logistic_fit(struct logistic *l, const struct samples *s,
                            const struct logistic_options *o,
                            const struct grid *g);

/* Accepts a zeroed one. Local. */
void logistic_release(struct logistic *l);

/* What came of one lambda. */
struct logistic_point {
    double lambda;
    double mean_ap; /* of held-out images, over the classes that have any     */
    int n_open;     /* fits (a class of a fold) that did not converge         */
};

/* Where a cross-validation is: fits (a lambda without a fold) that are done, and
 * the numbers to go on from, the same on every rank. */
struct logistic_past {
    int64_t n_done, n;
    const double *number; /* [n] */
};

/* What to do while one runs, so that one that was stopped or killed goes on: on
 * as many ranks as before to the same bits. */
struct logistic_keep {
    enum lp_status (*save)(void *arg, const struct logistic_past *past);
    void *arg;
    double every_s; /* between saves, and one after the last fit; 0: after
                       every fit                                             */
    struct logistic_past past; /* to go on from; zeroed: none                */
};

/* Cross-validation: learn on all folds but one, for each, and rank the images of
 * that one. point [n_points] brings lambdas and gets the rest; they are visited
 * from the largest to the smallest, each from where the last one ended, to a tol
 * of 1e-7 or o->tol where that is larger; o->lambda is not used.
 * *best becomes the one of the largest mean_ap, the larger lambda of equals.
 * ap [n_points][N]: average precision of each class over all held-out images,
 * the mean over the folds that held any out, -1 where none did. Optional.
 * keep: rank 0 calls save, also when it is stopped or fails; a save that fails is
 * told and all goes on. NULL: nothing is kept.
 * Every fold 0 .. n_folds - 1 of s->fold must hold an image out, and keep->past
 * be of a path of these sizes (LP_EARG).
 * Collective and fails as logistic_fit. */
enum lp_status logistic_path(struct logistic_point *point, int n_points,
                             int n_folds, int *best, double *ap,
                             const struct samples *s,
                             const struct logistic_options *o,
                             const struct logistic_keep *keep,
                             const struct grid *g);

/* Bytes that logistic_path of n_folds and then logistic_fit hold on a rank at
 * most, beside the samples, n_global images in all: mostly N floats an image, 768
 * + (12 + 2 n_folds) N vectors of d doubles and a rank's part of up to seven d x d
 * matrices (of one with LOGISTIC_EXACT). s: n, d and n_classes. Local. */
int64_t logistic_bytes(const struct samples *s, int64_t n_global, int n_folds,
                       const struct logistic_options *o, const struct grid *g);

#endif
