/* SPDX-License-Identifier: MIT */
/* mask.h: ground truth: 8-bit PNG, palette index or gray value. Local. */
#ifndef LPCAM_MASK_H
#define LPCAM_MASK_H

#include <stdint.h>

#include "lpcam/base/status.h"

struct mask {
    int h, w;
    uint8_t *value; /* [h][w] as stored in the file                        */
    int64_t room;   /* bytes allocated, kept between masks                 */
};

/* Read a mask; palettes are not applied, 1, 2 and 4 bits are widened. Reuses
 * memory. LP_EDATA without a report and why [256] as in image.h. */
enum lp_status mask_read(const char *path, struct mask *m, char why[256]);
void mask_release(struct mask *m);

#endif
