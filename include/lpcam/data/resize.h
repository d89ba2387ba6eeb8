/* SPDX-License-Identifier: MIT */
/* resize.h: Pillow's bicubic resize to the last bit. Local.
 * Source: method.md step 1; Pillow, Image.resize(size, BICUBIC). */
#ifndef LPCAM_RESIZE_H
#define LPCAM_RESIZE_H

#include "lpcam/data/image.h"

/* Buffers kept between calls; starts zeroed. */
struct resize {
    struct image between; /* after the horizontal pass                    */
    struct image strip;   /* a few rows of the input, turned              */
    int *bound;           /* [out][2] first source index, and how many    */
    int32_t *weight;      /* [out][n_taps] fixed point, 22 fraction bits  */
    int64_t bound_room, weight_room; /* elements allocated               */
};

/* out becomes out_h x out_w (>= 1); it is not in. An image that has this size
 * already is copied. Fails with LP_ENOMEM, reported. */
enum lp_status resize_bicubic(struct resize *r, const struct image *in,
                              struct image *out, int out_h, int out_w);
void resize_release(struct resize *r);

#endif
