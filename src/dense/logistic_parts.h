/* SPDX-License-Identifier: MIT */
/* logistic_parts.h: what the sources of logistic.h share. A vector of a class is
 * its weights and, with a bias, that as one more: `width` numbers. Vectors of
 * all classes lie as [N][width], the same on every rank; `classes` names those
 * that a function works on, by class. */
#ifndef LPCAM_LOGISTIC_PARTS_H
#define LPCAM_LOGISTIC_PARTS_H

#include "lpcam/dense/logistic.h"
#include "lpcam/dense/matrix.h"

/* Images that are turned to doubles at a time: they stay in a core's cache. */
#define PANEL 256

/* Columns of X'X that a rank holds whole at a time. */
#define STRIP 512

/* Factors of kappa X'X + lambda I, kappa a quarter of 16^-2 ... 16^3. */
enum { MOST_LEVELS = 6, LEVEL_OF_QUARTER = 2 };

/* Columns of a block of right-hand sides. */
#define RIGHT_BLOCK 8

struct classes {
    int n;
    int *which; /* [n] in ascending order                                   */
};

struct problem {
    const struct samples *s;
    const struct logistic_options *o;
    const struct grid *g;
    double lambda;
    int held;         /* fold that is left out, or -1                       */
    int width;        /* d, one more with a bias                            */
    int64_t n_images; /* over all ranks, without those of the fold          */
    int64_t *n_pos;   /* [N] of those, with the class                       */
    double *share;    /* [N][2] v of images without and with the class      */
    double *scale;    /* [N] what the gradient is a share of                */
    float *curvature; /* [n][N] v p (1 - p) at the last logistic_gradient   */
    int64_t n_passes;
    int n_begun;        /* newton_fits so far                              */
    int n_fits;         /* that there will be; 0: unknown                  */
    double said_s;      /* progress_due                                    */
    int *which;         /* [N] room for classes                               */
    double *panel;      /* [PANEL][width] images                           */
    double *score;      /* [PANEL][N]                                      */
    double *in, *out;   /* [N][width + 2] of the classes at hand           */
    double *strip;      /* [STRIP][width] of X'X                           */
    struct matrix gram; /* X'X with LOGISTIC_BOUND; on g as what follows   */
    struct matrix factor[MOST_LEVELS];
    bool made[MOST_LEVELS]; /* of this lambda                               */
    struct matrix right;    /* [width][N] right-hand sides                  */
};

/* Allocate, check the features and form X'X. Collective. */
enum lp_status problem_init(struct problem *p, const struct samples *s,
                            const struct logistic_options *o,
                            const struct grid *g);
void problem_release(struct problem *p);

/* From now on this lambda, without the images of fold `held`. Collective. */
enum lp_status problem_choose(struct problem *p, double lambda, int held);

/* Do these images count: are they not held out? Local. */
static inline bool problem_counts(const struct problem *p, int64_t i)
{
    return p->held < 0 || p->s->fold[i] != p->held;
}

/* Has a class no finite optimum at all? Local. */
bool problem_one_sided(const struct problem *p, int c);

/* Between two pieces of work of at most a pass: leave with LP_STOP, all or none,
 * where a rank was asked to stop. Collective. */
enum lp_status problem_pause(const struct problem *p);

/* sum over images of v or of the curvature of class c (-1: of 1, held out or
 * not) times x x', lower triangle, into to, on p->g; with a pause before each
 * strip. Collective. */
enum lp_status problem_gram(struct problem *p, int c, struct matrix *to);

/* Loss, its gradient and the sum of curvatures at w, with the penalty's part.
 * loss, bend [N]; w, g [N][width]. Collective: one pass. */
void logistic_gradient(struct problem *p, const struct classes *at,
                       const double *w, double *g, double *loss, double *bend);

/* The Hessian there times v into hv. Collective: one pass. */
void logistic_hessian(struct problem *p, const struct classes *at,
                      const double *v, double *hv);

/* Scores w.x + b of this rank's images that are held out, and their labels, both
 * [held][N]. Returns how many there are. Local. */
int64_t logistic_held_scores(struct problem *p, const double *w, double *score,
                             uint8_t *truth);

/* The scale of each class's gradient. Collective: half a pass. */
void logistic_scale(struct problem *p);

/* Make the factor of a level where it is not made yet. LP_EARG where it is not
 * positive definite. Collective. */
enum lp_status bound_prepare(struct problem *p, int level);

/* The level whose kappa is next to the mean curvature of a class. Local. */
int bound_level(const struct problem *p, double bend);

/* z = (factor of the class's level)^-1 r; level [N]. Collective. */
void bound_solve(struct problem *p, const struct classes *at, const int *level,
                 const double *r, double *z);

/* The factor of class c's own Hessian, as factor[0]. LP_EARG as above. */
enum lp_status exact_prepare(struct problem *p, int c);

/* Solve factor z = r for these classes. Collective. */
void factor_solve(struct problem *p, const struct matrix *factor,
                  const struct classes *at, const double *r, double *z);

/* The state of newton_fit. Vectors are [N][width]. */
enum { NEWTON_VECTORS = 8, NEWTON_SCALARS = 8 };
struct newton {
    struct problem *p;
    double *w;       /* borrowed                           */
    double *numbers; /* where all of these are             */
    double *g, *step, *trial, *trial_g;
    double *r, *z, *direction, *bent; /* of conjugate gradients             */
    double *loss, *bend, *trial_loss, *trial_bend; /* [N]                    */
    double *slope, *length; /* [N] g.step; the part of it taken   */
    double *rz, *aim;       /* [N] r.z; r.r to come to            */
    int n_steps;            /* begun                              */
    int *integers;          /* where all of these are             */
    int *level;             /* [N]                                */
    struct classes open, some, running;
};

/* Products of class c's vectors; the length of g as a share. Local. */
double newton_dot(const struct newton *t, const double *a, const double *b,
                  int c);
double newton_share(const struct newton *t, const double *g, int c);

/* problem_pause, and say how far it is. Collective. */
enum lp_status newton_pause(struct newton *t);

/* t->step of the open classes. Collective. */
enum lp_status newton_bound_step(struct newton *t);
enum lp_status newton_exact_step(struct newton *t);

/* Room for a result; agreed. Collective. */
enum lp_status logistic_init(struct logistic *l, const struct samples *s,
                             MPI_Comm comm);

/* Minimise from w [N][width] on; fills the rest of l. Collective. */
enum lp_status newton_fit(struct problem *p, struct logistic *l, double *w);

#endif
