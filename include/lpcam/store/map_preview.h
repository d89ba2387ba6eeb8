/* SPDX-License-Identifier: MIT */
/* map_preview.h: a few maps of a map file once more, on one sheet that viewers
 * show when the file is opened (h5web and silx follow NeXus' `default` and
 * `signal`; HDFView shows what is of CLASS IMAGE).
 *
 *   /preview/sheet   [height][width][3] u8 sRGB: the maps in rows and columns,
 *                    in the colours of base/colours.h, on white
 *   /preview/caption [m] text "ID: class", row by row */
#ifndef LPCAM_MAP_PREVIEW_H
#define LPCAM_MAP_PREVIEW_H

#include "lpcam/data/dataset.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/store/h5.h"

enum { MAP_PREVIEWS = 16, MAP_PREVIEW_SIDE = 128, MAP_PREVIEW_GAP = 4 };

struct map_preview {
    int64_t n;                  /* maps; 0: no sheet                       */
    int64_t columns;            /* of maps, as many as rows or one more    */
    int64_t h, w;               /* pixels of the largest map on the sheet  */
    int64_t step;               /* cells of a map from pixel to pixel      */
    int64_t pair[MAP_PREVIEWS]; /* which maps, ascending                   */
};

/* Which maps, spread evenly over all, and how large. size [n_images][2] pixels.
 * Local. */
void map_preview_plan(struct map_preview *p, const struct dataset *d,
                      const int64_t *size);

/* Of the sheet. Local. */
int64_t map_preview_bytes(const struct map_preview *p);

/* Structure, captions, and a white sheet. Called by rank 0 alone. Local. */
enum lp_status map_preview_define(const struct map_preview *p, struct h5 *h5,
                                  const struct dataset *d);

/* Has a file that was made before the same? One without a sheet is given none.
 * Collective. LP_EFORMAT. */
enum lp_status map_preview_check(struct map_preview *p, struct h5 *h5);

/* Those of one image, whose pairs begin at `first`. Local in effect. */
enum lp_status map_preview_write(const struct map_preview *p, struct h5 *h5,
                                 int64_t first, const struct class_maps *m);

#endif
