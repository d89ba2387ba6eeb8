/* SPDX-License-Identifier: MIT */
/* pool.h: what a classifier's linear layer is learned from: means of unpooled
 * features over the whole map and over windows of it, so that one pass of the
 * network gives several views of a photograph. Local. */
#ifndef LPCAM_POOL_H
#define LPCAM_POOL_H

/* Window 0 is the whole map; 1 to 4 are at its corners, first the upper two, of
 * three quarters of its height and width, rounded up. */
enum { POOL_WINDOWS = 5 };

struct pool_window {
    int top, left, h, w; /* cells                                          */
};

/* Window number i of a map of h x w cells; it has at least one. */
struct pool_window pool_window(int i, int h, int w);

/* out [n_windows][d] becomes the means of f [d][h][w] over windows 0 to
 * n_windows - 1, computed in double. */
void pool_means(const float *f, int d, int h, int w, int n_windows, float *out);

#endif
