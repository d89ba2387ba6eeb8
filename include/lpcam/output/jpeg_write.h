/* SPDX-License-Identifier: MIT */
/* jpeg_write.h: photographs as baseline JPEG files. Local. */
#ifndef LPCAM_JPEG_WRITE_H
#define LPCAM_JPEG_WRITE_H

#include "lpcam/data/image.h"
#include "lpcam/output/out_folder.h"

/* quality in 1..100. LP_EIO, LP_ENOMEM, reported. */
enum lp_status jpeg_write(const struct out_folder *folder, const char *name,
                          const struct image *image, int quality);

#endif
