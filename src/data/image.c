/* SPDX-License-Identifier: MIT */
#include "lpcam/data/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/file.h"
#include "raster.h"

/* The file's first bytes tell its kind, whatever its name says. */
static enum lp_status read_any(const char *path, struct raster *r,
                               bool size_only, char why[WHY_BYTES])
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t first[sizeof png] = {0};
    enum lp_status status = LP_EDATA;

    const char *reason;
    FILE *file = file_open(path, &reason);
    if (!file) {
        snprintf(why, WHY_BYTES, "%s", reason);
        return LP_EDATA;
    }
    const size_t n = fread(first, 1, sizeof first, file);
    rewind(file);
    if (n == 0)
        snprintf(why, WHY_BYTES, "the file is empty or cannot be read");
    else if (memcmp(first, jpeg, sizeof jpeg) == 0)
        status = raster_read_jpeg(r, file, size_only, why);
    else if (memcmp(first, png, sizeof png) == 0)
        status = raster_read_png(r, file, size_only, why);
    else
        snprintf(why, WHY_BYTES, "neither a JPEG nor a PNG file");
    fclose(file);
    return status;
}

enum lp_status image_read(const char *path, struct image *img,
                          char why[WHY_BYTES])
{
    struct raster r = {.channels = 3, .bytes = img->rgb, .room = img->room};
    enum lp_status status = read_any(path, &r, false, why);
    if (status != LP_OK)
        r.h = r.w = 0;
    *img = (struct image){r.h, r.w, r.bytes, r.room};
    return status;
}

enum lp_status image_read_size(const char *path, int *h, int *w,
                               char why[WHY_BYTES])
{
    struct raster r = {.channels = 3};
    enum lp_status status = read_any(path, &r, true, why);
    *h = r.h;
    *w = r.w;
    return status;
}

enum lp_status image_reserve(struct image *img, int h, int w)
{
    struct raster r = {h, w, 3, img->rgb, img->room};
    enum lp_status status = raster_reserve(&r);
    if (status != LP_OK)
        r.h = r.w = 0;
    *img = (struct image){r.h, r.w, r.bytes, r.room};
    return status;
}

void image_release(struct image *img)
{
    free(img->rgb);
    *img = (struct image){0};
}

int image_scaled(int side, double scale)
{
    const double scaled = rint(side * scale);
    return scaled < 1 ? 1 : (int)scaled;
}

void image_norm_init(struct image_norm *norm, const double mean[3],
                     const double std[3], bool bgr)
{
    for (int c = 0; c < 3; ++c) {
        norm->channel[c] = bgr ? 2 - c : c;
        for (int v = 0; v < 256; ++v)
            norm->table[c][v] = (float)((v / 255.0 - mean[c]) / std[c]);
    }
}

void image_to_input(const struct image *img, const struct image_norm *norm,
                    bool mirror, float *chw)
{
    const int64_t plane = (int64_t)img->h * img->w;
    const int64_t start = mirror ? 3 * ((int64_t)img->w - 1) : 0;
    const int64_t step = mirror ? -3 : 3;
    for (int c = 0; c < 3; ++c) {
        const float *table = norm->table[c];
        for (int y = 0; y < img->h; ++y) {
            const uint8_t *from =
                img->rgb + 3 * (int64_t)y * img->w + start + norm->channel[c];
            float *to = chw + c * plane + (int64_t)y * img->w;
            for (int x = 0; x < img->w; ++x)
                to[x] = table[from[step * x]];
        }
    }
}
