/* SPDX-License-Identifier: MIT */
/* average_precision.h: how well scores tell the images with a class from those
 * without it. Local. */
#ifndef LPCAM_AVERAGE_PRECISION_H
#define LPCAM_AVERAGE_PRECISION_H

#include <stdint.h>

struct ranked {
    double score;
    int64_t positive; /* 1 where the image has the class, else 0           */
};

/* The mean, over the images with the class, of the precision among all images
 * of at least their score: equal scores count together, so the order of x does
 * not matter. -1 where no image has the class. Sorts x [n]. As scikit-learn's
 * average_precision_score. */
double average_precision(struct ranked *x, int64_t n);

#endif
