/* SPDX-License-Identifier: MIT */
/* basis.h: features in fewer dimensions. With orthonormal rows V [r][d], the
 * principal components of features, y = V f is stored and clustered in place of
 * f, and |f| beside it. For any m in the span of V, and so for every mean of
 * such y and every vector a class that is made of them, f . m = y . V m: cosines
 * with them, taken with |f|, are those of d dimensions. What is lost is what
 * vectors outside the span would have seen. Local. */
#ifndef LPCAM_BASIS_H
#define LPCAM_BASIS_H

#include <stdint.h>

#include "lpcam/base/status.h"

/* What the span leaves out, measured on the sample the basis was learnt from.
 * A map is the cosine of f and the classifier's row of a class, for every
 * vector f of the sample and every class its photograph has; its error is the
 * cosine with that row less the cosine with the row's part in the span, both
 * with the lengths of the whole vectors. */
struct basis_loss {
    int64_t n_rows;    /* vectors of the sample                            */
    double energy;     /* share of their squared lengths that is kept      */
    double map_mean;   /* mean |map|                                       */
    double error_mean; /* mean |error|, 0 without such classes             */
    double error_max;
};

struct basis {
    int d, r;      /* channels of the network; dimensions kept, 1 .. d */
    float *vector; /* [r][d] orthonormal rows, by falling eigenvalue;
                          NULL: r = d and nothing changes                  */
    double *value; /* [d] mean squares along all components, falling;
                          NULL where only the vectors are known            */
    struct basis_loss loss;
};

/* Also of a zeroed one. */
void basis_release(struct basis *b);

/* out [cells][r] = V f from f [d][cells], the network's layout, and norm
 * [cells] = |f| of every cell in all d dimensions, summed in double. One matrix
 * product whose shape depends on the photograph alone: the same bits on any
 * rank. What is not finite in f is not finite in its norm. */
void basis_project(const struct basis *b, const float *f, int64_t cells,
                   float *out, float *norm);

/* Rows of d dimensions into r: out [n][r] = x [n][d] V'. The classifier's rows
 * before the softmax, the vectors of the classes before they meet stored
 * features. */
void basis_reduce(const struct basis *b, const float *x, int n, float *out);

/* And back: out [n][d] = y [n][r] V. Centres and class vectors as files hold
 * them. */
void basis_expand(const struct basis *b, const float *y, int n, float *out);

#endif
