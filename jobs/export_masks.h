/* SPDX-License-Identifier: MIT */
/* export_masks.h: what the two halves of exporting masks share: the pictures,
 * and the folder around them with which training starts. */
#ifndef LPCAM_EXPORT_MASKS_H
#define LPCAM_EXPORT_MASKS_H

#include "export.h"
#include "lpcam/output/png_write.h"

struct masks {
    float low, high;    /* background up to low, a class above high         */
    uint8_t value[256]; /* of class index + 1 in a mask                     */
    uint8_t palette[256][3];
    uint8_t *pixel; /* of one mask                                      */
    int64_t room;
    struct png_bytes png;
    struct out_folder photographs; /* of `masks`                           */
};

/* JPEGImages/STEM.jpg, a link to the image's photograph. Alone. */
enum lp_status export_masks_link(struct export_part *p,
                                 const struct export_image *im);

/* Is that link there: data.root may have moved since. Alone. */
bool export_masks_linked(const struct export_part *p, int64_t image,
                         const char *stem);

/* Lists of the images and a configuration for mmsegmentation. Collective. */
enum lp_status export_masks_lists(struct export_part *p);

#endif
