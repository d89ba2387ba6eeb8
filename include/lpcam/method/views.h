/* SPDX-License-Identifier: MIT */
/* views.h: a photograph at several scales, each as it is and mirrored, through
 * the network. Local. Source: method.md steps 1 and 2. */
#ifndef LPCAM_VIEWS_H
#define LPCAM_VIEWS_H

#include <stdbool.h>

#include "lpcam/data/image.h"
#include "lpcam/data/resize.h"
#include "lpcam/net/network.h"

/* What one scale of a photograph gives. */
struct view {
    double scale;
    int d, h, w;         /* channels; grid in cells                       */
    const float *f;      /* [d][h][w] unpooled features of the image      */
    const float *mirror; /* [d][h][w] of the mirrored image, NOT flipped
                             back; NULL without flips                      */
};

struct views {
    struct network *net; /* borrowed                              */
    const struct number_list *scales; /* borrowed                          */
    bool flip;
    struct resize resize; /* buffers kept between photographs      */
    struct image scaled;
    float *input; /* [3][h][w]                             */
    float *f;     /* copy of the first pass's features     */
    int64_t input_room, f_room;
};

void views_init(struct views *v, struct network *net,
                const struct config *config);
void views_release(struct views *v);

/* Call visit(arg, view) for each scale of img, in the configured order; stop
 * at its first failure and return that. */
enum lp_status views_each(struct views *v, const struct image *img,
                          enum lp_status (*visit)(void *arg,
                                                  const struct view *view),
                          void *arg);

/* One pass at scale 1 without mirror. *view is valid until the next call. */
enum lp_status views_plain(struct views *v, const struct image *img,
                           struct view *view);

#endif
