/* SPDX-License-Identifier: MIT */
#include "lpcam/output/overlay.h"

#include <math.h>
#include <stdlib.h>

#include "lpcam/output/png_write.h"

/* Of the path through OKLab: lightness and hue (degrees) at both ends. */
#define LIGHT_FROM 0.20
#define LIGHT_TO   0.95
#define HUE_FROM   285.0
#define HUE_TO     465.0

/* Where the path is at t in 0..1: lightness, a and b of OKLab. The chroma is
 * what sRGB has room for, rounded down to a parabola. */
static void path_at(double t, double lab[3])
{
    const double degree = 3.14159265358979323846 / 180;
    const double chroma = 0.05 + 0.08 * t + 0.36 * t * (1 - t);
    const double hue = (HUE_FROM + (HUE_TO - HUE_FROM) * t) * degree;
    lab[0] = LIGHT_FROM + (LIGHT_TO - LIGHT_FROM) * t;
    lab[1] = chroma * cos(hue);
    lab[2] = chroma * sin(hue);
}

static uint8_t encode(double linear)
{
    const double x = linear < 0 ? 0 : linear > 1 ? 1 : linear;
    const double v =
        x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
    return (uint8_t)lrint(255 * v);
}

/* OKLab to 8-bit sRGB; the matrices are those of its definition (Ottosson,
 * 2020). */
static void to_srgb(const double lab[3], uint8_t rgb[3])
{
    static const double to_lms[3][2] = {{0.3963377774, 0.2158037573},
                                        {-0.1055613458, -0.0638541728},
                                        {-0.0894841775, -1.2914855480}};
    static const double to_rgb[3][3] = {
        {4.0767416621, -3.3077115913, 0.2309699292},
        {-1.2684380046, 2.6097574011, -0.3413193965},
        {-0.0041960863, -0.7034186147, 1.7076147010}};
    double lms[3];
    for (int i = 0; i < 3; ++i) {
        const double root =
            lab[0] + to_lms[i][0] * lab[1] + to_lms[i][1] * lab[2];
        lms[i] = root * root * root;
    }
    for (int i = 0; i < 3; ++i)
        rgb[i] = encode(to_rgb[i][0] * lms[0] + to_rgb[i][1] * lms[1] +
                        to_rgb[i][2] * lms[2]);
}

/* A short step along the path from t: its length in OKLab. */
static double step_length(double t, double dt)
{
    double from[3], to[3], sum = 0;
    path_at(t, from);
    path_at(t + dt, to);
    for (int i = 0; i < 3; ++i)
        sum += (to[i] - from[i]) * (to[i] - from[i]);
    return sqrt(sum);
}

void overlay_colours(uint8_t rgb[256][3])
{
    enum { STEPS = 4096 };
    double whole = 0, gone = 0, lab[3];
    int at = 0;

    for (int i = 0; i < STEPS; ++i)
        whole += step_length((double)i / STEPS, 1.0 / STEPS);
    for (int i = 0; i < 256; ++i) {
        for (; at < STEPS && gone < i * whole / 255; ++at)
            gone += step_length((double)at / STEPS, 1.0 / STEPS);
        path_at((double)at / STEPS, lab);
        to_srgb(lab, rgb[i]);
    }
}

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
    overlay_colours(palette);
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
    overlay_colours(palette);
    for (int i = 0; i < 256; ++i) {
        pixel[i] = (uint8_t)i;
        opacity[i] = 255;
    }
    return write_png(folder, name, pixel, 1, 256, (const uint8_t(*)[3])palette,
                     opacity);
}
