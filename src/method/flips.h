/* SPDX-License-Identifier: MIT */
/* flips.h: the sum of a view's two passes. Local. */
#ifndef LPCAM_FLIPS_H
#define LPCAM_FLIPS_H

#include <stdint.h>

/* g [rows][w] = f + unflipped mirror; rows of all channels follow each other. */
static inline void flips_sum(const float *f, const float *mirror, int64_t rows,
                             int w, float *g)
{
    for (int64_t y = 0; y < rows; ++y, f += w, mirror += w, g += w)
        for (int x = 0; x < w; ++x)
            g[x] = f[x] + mirror[w - 1 - x];
}

#endif
