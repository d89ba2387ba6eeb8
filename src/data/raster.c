/* SPDX-License-Identifier: MIT */
#include "raster.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "lpcam/base/size.h"

enum lp_status raster_size(struct raster *r, int64_t h, int64_t w, FILE *file,
                           int64_t pixels_a_byte, char why[WHY_BYTES])
{
    struct stat info;
    if (h < 1 || w < 1 || h > IMAGE_MOST_SIDE || w > IMAGE_MOST_SIDE ||
        h * w > IMAGE_MOST_PIXELS) {
        snprintf(why, WHY_BYTES,
                 "it has %lld x %lld pixels by its header; up to %lld, and "
                 "%d a side, are read",
                 (long long)w, (long long)h, (long long)IMAGE_MOST_PIXELS,
                 IMAGE_MOST_SIDE);
        return LP_EDATA;
    }
    if (fstat(fileno(file), &info) != 0 ||
        h * w / pixels_a_byte > info.st_size) {
        snprintf(why, WHY_BYTES,
                 "it has %lld x %lld pixels by its header, which a file of "
                 "%lld bytes cannot hold",
                 (long long)w, (long long)h, (long long)info.st_size);
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
