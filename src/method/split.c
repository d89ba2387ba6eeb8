/* SPDX-License-Identifier: MIT */
#include "lpcam/method/split.h"

void split_cells(const float *high_res, int h, int w, int fh, int fw,
                 float threshold, uint8_t *side)
{
    for (int i = 0; i < fh; ++i) {
        const float *row = high_res + (int64_t)i * h / fh * w;
        for (int j = 0; j < fw; ++j) {
            const float v = row[(int64_t)j * w / fw];
            *side++ = v > threshold   ? SPLIT_OBJECT
                      : v < threshold ? SPLIT_CONTEXT
                                      : SPLIT_NEITHER;
        }
    }
}
