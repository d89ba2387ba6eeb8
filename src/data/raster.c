/* SPDX-License-Identifier: MIT */
#include "raster.h"

#include <stdlib.h>

#include "lpcam/base/size.h"

enum lp_status raster_size(struct raster *r, int64_t h, int64_t w,
                           char why[WHY_BYTES])
{
    if (h < 1 || w < 1 || h > RASTER_MOST_SIDE || w > RASTER_MOST_SIDE ||
        h * w > RASTER_MOST_PIXELS) {
        snprintf(why, WHY_BYTES,
                 "it has %lld x %lld pixels by its header; up to %lld, and "
                 "%d a side, are read",
                 (long long)w, (long long)h, (long long)RASTER_MOST_PIXELS,
                 RASTER_MOST_SIDE);
        return LP_EDATA;
    }
    r->h = (int)h;
    r->w = (int)w;
    return LP_OK;
}

enum lp_status raster_reserve(struct raster *r)
{
    int64_t n_bytes = r->channels;
    const bool fits =
        size_multiply(&n_bytes, r->h) && size_multiply(&n_bytes, r->w);
    if (fits && n_bytes <= r->room)
        return LP_OK;
    free(r->bytes);
    r->bytes = fits ? malloc((size_t)n_bytes) : NULL;
    r->room = r->bytes ? n_bytes : 0;
    if (!r->bytes)
        return lp_fail(LP_ENOMEM, "no memory for an image of %d x %d pixels",
                       r->w, r->h);
    return LP_OK;
}
