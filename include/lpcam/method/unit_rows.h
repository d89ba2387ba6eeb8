/* SPDX-License-Identifier: MIT */
/* unit_rows.h: what a single pass keeps of a view (run.passes = 1), and LPCAM
 * from it (method.md step 7). Kept is the vector g = f + unflip(f of the mirror)
 * of every cell, divided by its length in all d channels, in the r dimensions
 * of a basis, as f16. Of a class vector m only V m is then needed: m is a sum of
 * centres, which lie in the span of V because the clustering ran there, so that
 * m = V' V m and g.m = g.(V' V m) = (V g).(V m): the projection of g takes
 * nothing from its product with m. What V m leaves of m all the same is measured
 * and part of the bound below. Local. */
#ifndef LPCAM_UNIT_ROWS_H
#define LPCAM_UNIT_ROWS_H

#include <stdint.h>

#include "lpcam/base/status.h"
#include "lpcam/method/basis.h"
#include "lpcam/method/views.h"

/* Buffers kept between calls, carved from one block; starts zeroed. */
struct unit_rows {
    float *raw; /* [n][cells] the result of unit_rows_act                */
    void *memory;
    int64_t room; /* bytes of memory                                     */
};
void unit_rows_release(struct unit_rows *u);

/* rows [cells][r] of f16, in [-1, 1] but for rounding, from a view of b->d
 * channels. A cell whose length is not between 1e-30 and 1e30, or no number, is
 * 0. Fails with LP_ENOMEM, reported. */
enum lp_status unit_rows_make(struct unit_rows *u, const struct view *view,
                              const struct basis *b, void *rows);

/* LPCAM: u->raw [n][cells] = ReLU(row . V m_c) until the next call; vector [N][r]
 * is V M, label [n] picks its rows. The same bits for the same rows and labels.
 * Fails with LP_ENOMEM, reported. */
enum lp_status unit_rows_act(struct unit_rows *u, const void *rows,
                             int64_t cells, int r, const float *vector,
                             const int32_t *label, int n);

/* How far the sum of a class' maps over n_scales scales can be from that of
 * lpcam_view and class_maps_add on the same features, whatever they are, before
 * it is divided by its maximum. vector [d] is m_c, reduced [r] what
 * unit_rows_act gets for it. In it: the rounding to f16, the worst that sums of
 * floats in any order can do on both ways, and what V' reduced leaves of m_c. */
double unit_rows_bound(const struct basis *b, const float *vector,
                       const float *reduced, int n_scales);

/* That of any class vector of length 1 in the span of any basis. */
double unit_rows_worst(int d, int r, int n_scales);

/* A bound behind the division of a map by its maximum, which was found to be so
 * large; 1 says nothing, as values are from 0 to 1. */
double unit_rows_share(double bound, double maximum);

#endif
