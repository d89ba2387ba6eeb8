/* SPDX-License-Identifier: MIT */
/* split.h: which cells of a photograph are object and which are context of a
 * class (method.md step 4). Local. */
#ifndef LPCAM_SPLIT_H
#define LPCAM_SPLIT_H

#include <stdint.h>

enum split_side { SPLIT_NEITHER = 0, SPLIT_OBJECT = 1, SPLIT_CONTEXT = 2 };

/* high_res [h][w] of one class, shrunk to fh x fw cells by taking pixel
 * (floor(i h / fh), floor(j w / fw)). side [fh][fw]: object where the value is
 * above threshold, context below, neither where equal (compared in float, as
 * the reference does). */
void split_cells(const float *high_res, int h, int w, int fh, int fw,
                 float threshold, uint8_t *side);

#endif
