/* SPDX-License-Identifier: MIT */
/* The conversions are written without branches so that the compiler turns the
 * loops into vector code; F16C is used where the compiler may. */
#include "lpcam/base/half.h"

#include <math.h>
#include <string.h>

int value_bytes(enum lp_value type)
{
    static const int bytes[] = {4, 2, 2, 1};
    return bytes[type];
}

const char *value_name(enum lp_value type)
{
    static const char *const name[] = {"f32", "f16", "bf16", "u8"};
    return name[type];
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint16_t f16_from(float x)
{
    const uint32_t u = bits_of(x), sign = u >> 16 & 0x8000u;
    const uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (a >= 0x47800000u)
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* subnormal: the addition rounds */
        float y = float_of(a) + 0.5f;
        return (uint16_t)(sign | (bits_of(y) - 0x3f000000u));
    }
    uint32_t r = a + 0xfffu + (a >> 13 & 1u) - 0x38000000u;
    return (uint16_t)(sign | r >> 13);
}

static float f16_to(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t a = h & 0x7fffu;
    float x = float_of(a << 13) * 0x1p112f; /* exact, subnormals too */
    if (a >= 0x7c00u)
        x = float_of(0x7f800000u | a << 13);
    return float_of(sign | bits_of(x));
}

static uint16_t bf16_from(float x)
{
    const uint32_t u = bits_of(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static uint8_t u8_from(float x)
{
    const float y = x * 255.0f;
    return (uint8_t)(y >= 255.0f ? 255 : y > 0 ? (int)lrintf(y) : 0);
}

void value_from_f32(enum lp_value type, const float *x, int64_t n, void *out)
{
    uint16_t *h = out;
    uint8_t *b = out;
    switch (type) {
    case LP_F32:
        memcpy(out, x, (size_t)n * sizeof *x);
        break;
    case LP_F16:
        for (int64_t i = 0; i < n; ++i)
            h[i] = f16_from(x[i]);
        break;
    case LP_BF16:
        for (int64_t i = 0; i < n; ++i)
            h[i] = bf16_from(x[i]);
        break;
    case LP_U8:
        for (int64_t i = 0; i < n; ++i)
            b[i] = u8_from(x[i]);
        break;
    }
}

void value_to_f32(enum lp_value type, const void *x, int64_t n, float *out)
{
    const uint16_t *h = x;
    const uint8_t *b = x;
    switch (type) {
    case LP_F32:
        memcpy(out, x, (size_t)n * sizeof *out);
        break;
    case LP_F16:
        for (int64_t i = 0; i < n; ++i)
            out[i] = f16_to(h[i]);
        break;
    case LP_BF16:
        for (int64_t i = 0; i < n; ++i)
            out[i] = float_of((uint32_t)h[i] << 16);
        break;
    case LP_U8:
        for (int64_t i = 0; i < n; ++i)
            out[i] = (float)b[i] / 255.0f;
        break;
    }
}
