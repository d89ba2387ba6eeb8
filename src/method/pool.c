/* SPDX-License-Identifier: MIT */
#include "lpcam/method/pool.h"

#include <stdint.h>

struct pool_window pool_window(int i, int h, int w)
{
    const int part_h = h - h / 4, part_w = w - w / 4;
    if (i == 0)
        return (struct pool_window){0, 0, h, w};
    const int lower = (i - 1) / 2, right = (i - 1) % 2;
    return (struct pool_window){lower ? h - part_h : 0, right ? w - part_w : 0,
                                part_h, part_w};
}

static float window_mean(const float *f, int w, const struct pool_window *at)
{
    double sum = 0;
    for (int y = at->top; y < at->top + at->h; ++y)
        for (int x = at->left; x < at->left + at->w; ++x)
            sum += (double)f[(int64_t)y * w + x];
    return (float)(sum / ((double)at->h * at->w));
}

void pool_means(const float *f, int d, int h, int w, int n_windows, float *out)
{
    for (int i = 0; i < n_windows; ++i) {
        const struct pool_window at = pool_window(i, h, w);
        for (int j = 0; j < d; ++j)
            *out++ = window_mean(f + (int64_t)j * h * w, w, &at);
    }
}
