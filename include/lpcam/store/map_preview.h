/* SPDX-License-Identifier: MIT */
/* map_preview.h: a few maps of a map file once more, as one small stack of
 * pictures that viewers show when the file is opened (h5web and silx follow
 * NeXus' `default` and `signal`, HDFView the CLASS of an image).
 *
 *   /preview/map   [m][h][w] u8, the map's maximum is 255; smaller maps are
 *                  padded with 0, of larger ones every step-th cell is taken
 *   /preview/title [m] text "ID: class" */
#ifndef LPCAM_MAP_PREVIEW_H
#define LPCAM_MAP_PREVIEW_H

#include "lpcam/data/dataset.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/store/h5.h"

enum { MAP_PREVIEWS = 16, MAP_PREVIEW_SIDE = 160 };

struct map_preview {
    int64_t n, h, w;            /* maps, cells of each; n = 0: none        */
    int64_t step;               /* from cell to cell of a map              */
    int64_t pair[MAP_PREVIEWS]; /* which maps, ascending                   */
};

/* Which maps, spread evenly over all, and how large. size [n_images][2] pixels.
 * Local. */
void map_preview_plan(struct map_preview *p, const struct dataset *d,
                      const int64_t *size);

/* Structure, titles, and zeros. Called by rank 0 alone. Local. */
enum lp_status map_preview_define(const struct map_preview *p, struct h5 *h5,
                                  const struct dataset *d);

/* Has a file that was made before the same? One without previews is given
 * none. Collective. LP_EFORMAT. */
enum lp_status map_preview_check(struct map_preview *p, struct h5 *h5);

/* Those of one image, whose pairs begin at `first`. Local in effect. */
enum lp_status map_preview_write(const struct map_preview *p, struct h5 *h5,
                                 int64_t first, const struct class_maps *m);

#endif
