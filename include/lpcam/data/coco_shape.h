/* SPDX-License-Identifier: MIT */
/* coco_shape.h: the "segmentation" of a COCO annotation, painted to the last
 * pixel as pycocotools draws it. Local. */
#ifndef LPCAM_COCO_SHAPE_H
#define LPCAM_COCO_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "lpcam/base/status.h"

struct outline;

/* Buffers kept between shapes; starts zeroed. */
struct coco_shape {
    double *number; /* corners of a polygon                               */
    int64_t room;
    struct outline *outline;
};

/* Paint value over what lies inside, the rest stays.
 *   json [n]  the value of "segmentation": a list of polygons, [x, y, ...]
 *             each; or {"size": [h, w], "counts": ...} with counts a list of
 *             run lengths or a compressed string
 *   columns   [w][h] pixels, column by column
 * What is none of these, is of another size or leaves the image gives LP_EDATA
 * without a report, and why [256] says what is wrong; columns may be partly
 * painted then. LP_ENOMEM is reported.
 * Source: annToMask of pycocotools. Where that gives up (a polygon of two
 * corners first) this draws on. */
enum lp_status coco_shape_paint(struct coco_shape *shape, const char *json,
                                size_t n, int h, int w, uint8_t value,
                                uint8_t *columns, char why[256]);
void coco_shape_release(struct coco_shape *shape);

#endif
