/* SPDX-License-Identifier: MIT */
/* cam.h: class activation maps of one view (method.md steps 2 and 7): both
 * are a matrix times the features of a view, restricted to present classes.
 * Local. Source: Zhou et al. 2016; Chen and Sun 2023, step/make_cam.py and
 * step/make_lpcam.py of the reference. */
#ifndef LPCAM_CAM_H
#define LPCAM_CAM_H

#include <stdint.h>

#include "lpcam/base/status.h"
#include "lpcam/method/views.h"

/* Buffers kept between calls, carved from one block; starts zeroed. */
struct cam {
    float *row;    /* [n][d] rows of the present classes                   */
    float *raw;    /* [n][h][w] the result                                 */
    float *part;   /* CAM: A of the mirror; LPCAM: some channels of g      */
    double *norm2; /* [h][w] squared length of g                           */
    void *memory;
    int64_t room; /* bytes of memory, kept between photographs            */
};
void cam_release(struct cam *c);

/* CAM: raw [n][h][w] = ReLU(A of the image) + unflipped ReLU(A of the mirror),
 * A = w_c . f, no bias. weight [N][d]; label [n], n >= 0, picks the rows. The
 * result is in c->raw until the next call, within [0, 2e30) whatever the
 * features are: what is not a number, or above 1e30, becomes 0. The same bits for the same
 * view and labels whatever was computed before. Fails with LP_ENOMEM,
 * reported. */
enum lp_status cam_view(struct cam *c, const struct view *view,
                        const float *weight, const int32_t *label, int n);

/* LPCAM: g = f + unflip(f of the mirror), raw = ReLU(g/|g| . m_c); 0 where
 * g = 0. vector [N][d] is M of prototypes.h. As cam_view in all else. */
enum lp_status lpcam_view(struct cam *c, const struct view *view,
                          const float *vector, const int32_t *label, int n);

#endif
