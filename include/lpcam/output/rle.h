/* SPDX-License-Identifier: MIT */
/* rle.h: masks as COCO's compressed run lengths. Local.
 * Source: maskApi.c of the COCO API (format), coco_shape.h reads it. */
#ifndef LPCAM_RLE_H
#define LPCAM_RLE_H

#include <stdint.h>

#include "lpcam/base/text.h"

/* pixel [h][w] by columns: column [w][h]. */
void rle_columns(const uint8_t *pixel, int h, int w, uint8_t *column);

/* Append the counts of the pixels that are value, of n in column order, as
 * COCO's text: digits of 5 bits, the difference to the run two before. False
 * without memory. *n_set: how many there are. */
bool rle_encode(const uint8_t *column, int64_t n, uint8_t value,
                struct text_buffer *counts, int64_t *n_set);

#endif
