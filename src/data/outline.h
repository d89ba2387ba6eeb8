/* SPDX-License-Identifier: MIT */
/* outline.h: polygons and run lengths painted the way pycocotools draws them,
 * to the last pixel. Local.
 *
 * Pixels are painted in columns, [w][h]: run lengths go down the columns, so a
 * run is one stretch of memory. */
#ifndef LPCAM_OUTLINE_H
#define LPCAM_OUTLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

/* What is painted on. */
struct canvas {
    int h, w;         /* pixels                                            */
    uint8_t *columns; /* [w][h]                                            */
};

/* Where an outline crosses columns of pixels; starts zeroed, kept between
 * polygons. */
struct outline {
    uint32_t *crossing; /* [n] pixels in front of it, counted down columns   */
    int64_t n, room;
};

/* Coordinates further out than this are refused by the callers. */
#define OUTLINE_FURTHEST 1e6

/* Paint what lies inside the polygon of n corners xy [n][2] (x, y in pixels,
 * each within OUTLINE_FURTHEST), whose last corner joins the first. Even-odd
 * rule. Fails with LP_ENOMEM, reported; LP_EDATA, not reported, where it goes
 * to and fro so often that it crosses columns far more often than there are
 * pixels: a few bytes an edge would fill the memory.
 * Source: rleFrPoly of pycocotools: the outline is walked in fifths of a pixel;
 * a pixel's column is crossed where the third of its five fine columns is
 * left. */
enum lp_status outline_paint(struct outline *o, const double *xy, int64_t n,
                             uint8_t value, struct canvas *canvas);
void outline_release(struct outline *o);

/* Runs of pixels, outside and inside by turns. Starts zeroed. */
struct runs {
    int64_t at; /* pixels done                                          */
    bool inside;
};

/* The next run; false where it leaves the canvas. */
bool runs_add(struct runs *r, int64_t n, uint8_t value, struct canvas *canvas);

/* All runs of a compressed string: five bits a character, the lowest first,
 * every count from the fourth on as a difference from the last but one. False
 * where it is no such string or leaves the canvas. */
bool runs_add_text(struct runs *r, const char *text, int64_t length,
                   uint8_t value, struct canvas *canvas);

#endif
