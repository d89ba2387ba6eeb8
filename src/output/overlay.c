/* SPDX-License-Identifier: MIT */
#include "lpcam/output/overlay.h"

#include <math.h>
#include <stdlib.h>

#include "lpcam/base/colours.h"
#include "lpcam/output/png_write.h"

void overlay_outline(uint8_t *mask, int h, int w, int reach)
{
    for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
            bool edge = false;
            if (mask[y * w + x] != MASK_CLASS)
                continue;
            for (int r = -reach; r <= reach && !edge; ++r) {
                const int64_t v = y + r, u = x + r;
                edge = (v >= 0 && v < h && mask[v * w + x] != MASK_CLASS &&
                        mask[v * w + x] != MASK_EDGE) ||
                       (u >= 0 && u < w && mask[y * w + u] != MASK_CLASS &&
                        mask[y * w + u] != MASK_EDGE);
            }
            if (edge)
                mask[y * w + x] = MASK_EDGE;
        }
}

/* pixel [h][w] into palette, as a file. */
static enum lp_status write_png(const struct out_folder *folder,
                                const char *name, const uint8_t *pixel, int h,
                                int w, const uint8_t (*palette)[3],
                                const uint8_t *opacity)
{
    enum lp_status status;
    struct png_bytes png = {0};
    LP_TRY(png_of_overlay(&png, pixel, h, w, palette, opacity));
    const struct out_piece piece = {png.at, png.n};
    LP_TRY(out_folder_write(folder, name, &piece, 1));
done:
    png_release(&png);
    return status;
}

enum lp_status overlay_write_map(const struct out_folder *folder,
                                 const char *name, const float *map, int h,
                                 int w)
{
    enum lp_status status;
    uint8_t palette[256][3], opacity[256];
    uint8_t *pixel = malloc((size_t)h * (size_t)w + 1);

    if (!pixel)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to draw %s", name));
    value_colours(palette);
    for (int i = 0; i < 256; ++i)
        opacity[i] = (uint8_t)(70 + 145 * i / 255);
    for (int64_t i = 0; i < (int64_t)h * w; ++i) {
        const float v = map[i] > 0 ? map[i] : 0; /* also not-a-number */
        pixel[i] = (uint8_t)lrintf(255 * (v < 1 ? v : 1));
    }
    LP_TRY(write_png(folder, name, pixel, h, w, (const uint8_t(*)[3])palette,
                     opacity));
done:
    free(pixel);
    return status;
}

enum lp_status overlay_write_mask(const struct out_folder *folder,
                                  const char *name, const uint8_t *mask, int h,
                                  int w)
{
    static const uint8_t palette[256][3] = {[MASK_NOTHING] = {16, 18, 22},
                                            [MASK_EDGE] = {255, 255, 255},
                                            [MASK_IGNORED] = {128, 128, 128}};
    static const uint8_t opacity[256] = {
        [MASK_NOTHING] = 190, [MASK_EDGE] = 255, [MASK_IGNORED] = 170};
    return write_png(folder, name, mask, h, w, palette, opacity);
}

enum lp_status overlay_write_bar(const struct out_folder *folder,
                                 const char *name)
{
    uint8_t palette[256][3], opacity[256], pixel[256];
    value_colours(palette);
    for (int i = 0; i < 256; ++i) {
        pixel[i] = (uint8_t)i;
        opacity[i] = 255;
    }
    return write_png(folder, name, pixel, 1, 256, (const uint8_t(*)[3])palette,
                     opacity);
}
