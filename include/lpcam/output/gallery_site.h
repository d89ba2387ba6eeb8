/* SPDX-License-Identifier: MIT */
/* gallery_site.h: the files of the gallery that are always the same, held
 * inside the program: src/output/gallery. Local. */
#ifndef LPCAM_GALLERY_SITE_H
#define LPCAM_GALLERY_SITE_H

#include "lpcam/output/out_folder.h"

/* index.html comes last: a gallery that was not finished has none. LP_EIO. */
enum lp_status gallery_site_write(const struct out_folder *folder);

#endif
