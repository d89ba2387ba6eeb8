/* SPDX-License-Identifier: MIT */
/* average_precision.h: how well scores tell the images with a class from those
 * without it. */
#ifndef LPCAM_AVERAGE_PRECISION_H
#define LPCAM_AVERAGE_PRECISION_H

#include <mpi.h>
#include <stdint.h>

#include "lpcam/base/status.h"

struct ranked {
    double score;
    int64_t positive; /* 1 where the image has the class, else 0           */
};

/* The mean, over the images with the class, of the precision among all images
 * of at least their score: equal scores count together, so the order of x does
 * not matter. -1 where no image has the class. Sorts x [n]. As scikit-learn's
 * average_precision_score. Local. */
double average_precision(struct ranked *x, int64_t n);

/* The same for every class, over the images of all ranks: score and truth [n][N]
 * of this rank's, n may be 0. ap [N], the same on every rank. The scores of a
 * class come together on a rank, a class a rank at a time. LP_ENOMEM. Collective
 * over comm. */
enum lp_status average_precisions(const double *score, const uint8_t *truth,
                                  int64_t n, int n_classes, double *ap,
                                  MPI_Comm comm);

#endif
