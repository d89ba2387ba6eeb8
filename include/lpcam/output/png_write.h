/* SPDX-License-Identifier: MIT */
/* png_write.h: pictures as PNG files in memory. Local. */
#ifndef LPCAM_PNG_WRITE_H
#define LPCAM_PNG_WRITE_H

#include <stdint.h>

#include "lpcam/base/status.h"

/* A PNG file; starts zeroed, its memory serves the next picture too. */
struct png_bytes {
    uint8_t *at;
    int64_t n, room;
};
void png_release(struct png_bytes *out);

/* The field's colours: of value v, bit by bit, the three lowest bits become the
 * highest of red, green, blue, and so on. VOC's palette. */
void png_voc_palette(uint8_t palette[256][3]);

/* pixel [h][w] as indices into palette; 8 bits each, whatever they are: readers
 * of the field expect them so. Compressed for speed: large areas of one value
 * are short anyway. Fails with LP_ENOMEM or LP_EARG, reported. */
enum lp_status png_of_palette(struct png_bytes *out, const uint8_t *pixel,
                              int h, int w, const uint8_t palette[256][3]);

/* The same to be laid over another picture: opacity of each colour, 0 none. */
enum lp_status png_of_overlay(struct png_bytes *out, const uint8_t *pixel,
                              int h, int w, const uint8_t palette[256][3],
                              const uint8_t opacity[256]);

#endif
