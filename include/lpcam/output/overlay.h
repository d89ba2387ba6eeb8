/* SPDX-License-Identifier: MIT */
/* overlay.h: maps and ground truth as pictures to lay over a photograph: PNG
 * files with a palette that is the more transparent the lower a value is.
 * Local. */
#ifndef LPCAM_OVERLAY_H
#define LPCAM_OVERLAY_H

#include <stdint.h>

#include "lpcam/output/out_folder.h"

/* What a pixel of ground truth is. */
enum overlay_mask { MASK_NOTHING, MASK_CLASS, MASK_EDGE, MASK_IGNORED };

/* Mark the outline of the class in mask [h][w], enum overlay_mask: its pixels
 * within `reach` of others, above, below, left or right, become MASK_EDGE. */
void overlay_outline(uint8_t *mask, int h, int w, int reach);

/* map [h][w], values in 0..1 (those outside, and what is no number, are drawn
 * as the nearest, or as 0); mask [h][w] as above. LP_EIO, LP_ENOMEM, reported. */
enum lp_status overlay_write_map(const struct out_folder *folder,
                                 const char *name, const float *map, int h,
                                 int w);
enum lp_status overlay_write_mask(const struct out_folder *folder,
                                  const char *name, const uint8_t *mask, int h,
                                  int w);

/* All colours from left to right, [1][256]. */
enum lp_status overlay_write_bar(const struct out_folder *folder,
                                 const char *name);

#endif
