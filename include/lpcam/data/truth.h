/* SPDX-License-Identifier: MIT */
/* truth.h: the ground truth of an image, read from its mask or drawn from its
 * annotations. Local. */
#ifndef LPCAM_TRUTH_H
#define LPCAM_TRUTH_H

#include <stdio.h>

#include "lpcam/data/coco_shape.h"
#include "lpcam/data/dataset.h"
#include "lpcam/data/mask.h"

/* Starts zeroed; keeps its memory and the file between images. */
struct truth {
    struct mask mask; /* class index + 1, 0 background, DATASET_IGNORE     */
    struct coco_shape shape;
    uint8_t *columns; /* [w][h] while it is drawn                          */
    char *json;       /* a segmentation                                    */
    int64_t columns_room, json_room; /* bytes                             */
    FILE *file;                      /* of annotations                    */
};

/* Has the image ground truth? Where annotations are drawn, each has: it may be
 * all background. */
bool truth_has(const struct dataset *d, int64_t image);

/* The ground truth of a photograph of h x w pixels, into t->mask. Drawn shapes
 * are read where they lie in the file, a few hundred bytes each. Fails, all
 * reported, with LP_EIO or LP_EFORMAT (the sentence names the mask, or the byte
 * in the file of annotations), where the size is another, and LP_ENOMEM. */
enum lp_status truth_read(struct truth *t, const struct dataset *d,
                          int64_t image, int64_t h, int64_t w);
void truth_release(struct truth *t);

#endif
