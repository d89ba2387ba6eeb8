/* SPDX-License-Identifier: MIT */
/* class_maps.h: the maps of one photograph, one a present class, gathered over
 * scales at two sizes (method.md steps 2 and 7). Local.
 *
 *   strided    [n][(h-1)/4+1][(w-1)/4+1]
 *   high_res   [n][h][w], cut from the resize to multiples of 16 */
#ifndef LPCAM_CLASS_MAPS_H
#define LPCAM_CLASS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

struct class_maps {
    int n;           /* classes present, may be 0                     */
    int h, w;        /* pixels of the photograph                      */
    int sh, sw;      /* size of strided                               */
    float *strided;  /* [n][sh][sw]                                   */
    float *high_res; /* [n][h][w], NULL where not wanted              */
    float *strided_max, *high_res_max; /* [n] what each was divided by, 0:
                                           a zero map, left alone          */
    void *memory; /* all of it                                     */
    int64_t room; /* bytes of memory, kept between photographs     */
};

/* The stride-4 size of a side: (side - 1) / 4 + 1. */
int class_maps_strided(int side);

/* Zero maps for n classes of a photograph of h x w pixels. Reuses memory.
 * Fails with LP_ENOMEM, reported. */
enum lp_status class_maps_begin(struct class_maps *m, int n, int h, int w,
                                bool want_high_res);

/* Add the maps of one scale: raw [n][fh][fw] >= 0 on the grid of cells, each
 * resized bilinearly (half-pixel centres, no antialiasing) to both sizes. */
void class_maps_add(struct class_maps *m, const float *raw, int fh, int fw);

/* Divide each map by (its maximum + epsilon); a zero map stays zero.
 * epsilon: 1e-5 for CAM, 0 for LPCAM. */
void class_maps_finish(struct class_maps *m, float epsilon);
void class_maps_release(struct class_maps *m);

/* One map from [ih][iw] to the upper left [ch][cw] of a resize to [oh][ow]:
 * torch's bilinear with align_corners = False. out is added to when add. */
void resize_bilinear(const float *in, int ih, int iw, float *out, int oh,
                     int ow, int ch, int cw, bool add);

/* A strided map back to h x w pixels, aligned as high_res is: the same resize
 * to (ceil(h/16)*16, ceil(w/16)*16), cut to h x w. out [h][w]. */
void class_maps_enlarge(const float *strided, int sh, int sw, float *out, int h,
                        int w);

#endif
