/* SPDX-License-Identifier: MIT */
/* coco_objects.h: annotations of COCO as labels and as what is drawn. On rank 0
 * only, Local. */
#ifndef LPCAM_COCO_OBJECTS_H
#define LPCAM_COCO_OBJECTS_H

#include "dataset_source.h"

struct coco_annotation {
    int64_t image;    /* its id, later its position in image[]             */
    int64_t category; /* the same in class[]                               */
    int64_t at;       /* byte of the file: its segmentation, else its end  */
    double area;      /* as the file says, -1: it does not                 */
    int32_t bytes;    /* of the segmentation, 0: none                      */
    bool crowd;
};

struct coco_category {
    int64_t id;
    int64_t name_at; /* in the texts                                       */
    int class;       /* position in class[]                                */
};

/* For qsort and bsearch: categories by id, struct source_image by number. */
int coco_compare_category(const void *a, const void *b);
int coco_compare_image(const void *a, const void *b);

/* label[] and shape[] of s, whose images and categories are sorted. Labels
 * are what any annotation names, crowds too: so the label files of the field
 * have it. Shapes are in the order in which they are to be drawn, one over the
 * other (data.overlap). Fails with LP_EFORMAT (an annotation of an image or
 * category that is not there, or without the area that is needed) or LP_ENOMEM,
 * reported. */
enum lp_status coco_objects_set(struct source *s,
                                struct coco_annotation *annotation, int64_t n,
                                const struct coco_category *category,
                                int64_t n_categories);

#endif
