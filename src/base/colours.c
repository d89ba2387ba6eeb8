/* SPDX-License-Identifier: MIT */
#include "lpcam/base/colours.h"

#include <math.h>

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

void value_colours(uint8_t rgb[256][3])
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
