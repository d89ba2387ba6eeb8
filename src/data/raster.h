/* SPDX-License-Identifier: MIT */
/* raster.h: decoded pixels on their way to a photograph or a mask; the JPEG
 * and PNG decoders, which only image.c and mask.c call. Local. */
#ifndef LPCAM_RASTER_H
#define LPCAM_RASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lpcam/data/image.h"

#define WHY_BYTES 256

struct raster {
    int h, w;
    int channels;   /* 3: RGB; 1: the values as stored (PNG only)          */
    uint8_t *bytes; /* [h][w][channels]                                    */
    int64_t room;   /* bytes allocated                                     */
};

/* Take h x w for the size: LP_EDATA and why where that is absurd, or where the
 * file is too short for it, at so many pixels a byte: a header alone must not
 * cost the memory of a photograph. */
enum lp_status raster_size(struct raster *r, int64_t h, int64_t w, FILE *file,
                           int64_t pixels_a_byte, char why[WHY_BYTES]);

/* Room for r->h x r->w pixels, contents undefined; LP_ENOMEM is reported. */
enum lp_status raster_reserve(struct raster *r);

/* Decode the file from its start. size_only reads no further than the header
 * and leaves the pixels alone. LP_EDATA with why, or LP_ENOMEM, reported; the
 * file remains the caller's. */
enum lp_status raster_read_jpeg(struct raster *r, FILE *file, bool size_only,
                                char why[WHY_BYTES]);
enum lp_status raster_read_png(struct raster *r, FILE *file, bool size_only,
                               char why[WHY_BYTES]);

#endif
