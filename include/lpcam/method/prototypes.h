/* SPDX-License-Identifier: MIT */
/* prototypes.h: which centres become prototypes and the one vector a class
 * they amount to (method.md steps 6, 6b and 7). Local: every rank computes the
 * same from the same centres. */
#ifndef LPCAM_PROTOTYPES_H
#define LPCAM_PROTOTYPES_H

#include <stdint.h>

#include "lpcam/base/status.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/net/head.h"
#include "lpcam/run/config.h"

struct prototypes {
    int n, k, d;
    float *probability; /* [2n][k] z: softmax over the classes of centre . w,
                            entry of the problem's class; the sigmoid when
                            n = 1; problem order of kmeans.h               */
    uint8_t *selected;  /* [2n][k] becomes a prototype (step 6), or has a
                            weight above zero (step 6b)                    */
    double *weight;     /* [2n][k] share in P_c or Q_c, sums to 1 or is 0 */
    double *lambda;     /* [n] of step 6b; 1 without balance              */
    float *vector;      /* [n][d] M: mean of class prototypes minus lambda
                            times the mean of context prototypes, each
                            prototype divided by its length                */
};

/* The classifier's rows without bias decide z. A class without vectors has a
 * zero vector. Computed in double. Fails with LP_ENOMEM. */
enum lp_status prototypes_choose(struct prototypes *p, const struct kmeans *km,
                                 const struct head *head,
                                 const struct config *config);
void prototypes_release(struct prototypes *p);

#endif
