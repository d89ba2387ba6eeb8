/* SPDX-License-Identifier: MIT */
/* pca.h: principal components of feature vectors that are spread over the
 * ranks: the leading eigenvectors of their second moment (not centred, as
 * cosines are taken from the origin). */
#ifndef LPCAM_PCA_H
#define LPCAM_PCA_H

#include <stdint.h>

#include "lpcam/dense/grid.h"
#include "lpcam/method/basis.h"

/* Fill b->vector, b->value, loss.n_rows and loss.energy; b->d and b->r >= 1 are
 * given, the rest is zero. x [n_local][d], finite; n_local may be 0.
 *
 * The entries are rounded to integers, so many bits (18 for 40,000 rows) of
 * that of the largest that every sum of products is exact: the matrix is the
 * same on any number of ranks, in any order of the rows. The grid g finds its
 * eigenvectors: of one rank, always the same; of more, the same but for the
 * last bits, which depend on the shape.
 *
 * Each vector's entry of the largest magnitude is positive, the first of
 * equals. Where there are fewer independent rows than r, the vectors behind
 * them are any that complete the basis, with value 0. No rows, or zeros alone:
 * the first r unit vectors; the energy is then 1, as nothing is lost.
 *
 * Takes 8 d (d / places of g + 512) bytes about three times on each rank of g,
 * and 8 d^2 on rank 0. Collective over g->comm; x and n_local may differ. Fails
 * with LP_ENOMEM, or LP_EARG where ScaLAPACK cannot number the matrix. */
enum lp_status pca_learn(const float *x, int64_t n_local, const struct grid *g,
                         struct basis *b);

#endif
