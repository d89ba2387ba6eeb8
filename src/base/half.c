/* SPDX-License-Identifier: MIT */
/* Features are stored as f16 by the hundred gigabytes, so that conversion uses
 * the processor's own instructions where it has them. They give the same bits
 * as the portable functions, which also do the ends of the rows. */
#include "lpcam/base/half.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
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
    if (a >= 0x7c00u) /* a not-a-number comes back quiet */
        x = float_of(0x7f800000u | a << 13 | (a > 0x7c00u ? 0x400000u : 0));
    return float_of(sign | bits_of(x));
}

#if defined(__x86_64__)
/* Every processor with AVX2 has F16C, whose own name clang 14 does not take. */
static bool have_f16c(void)
{
    return __builtin_cpu_supports("avx2");
}

/* Both return how many of the n numbers they did: all but the last n % 8. */
__attribute__((target("avx,f16c"))) static int64_t
f16_from_wide(const float *x, int64_t n, uint16_t *out)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128(
            (__m128i *)(out + i),
            _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

__attribute__((target("avx,f16c"))) static int64_t
f16_to_wide(const uint16_t *x, int64_t n, float *out)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(
                                      (const __m128i *)(x + i))));
    return i;
}
#endif

static void f16_from_all(const float *x, int64_t n, uint16_t *out)
{
    int64_t i = 0;
#if defined(__x86_64__)
    if (have_f16c())
        i = f16_from_wide(x, n, out);
#endif
    for (; i < n; ++i)
        out[i] = f16_from(x[i]);
}

static void f16_to_all(const uint16_t *x, int64_t n, float *out)
{
    int64_t i = 0;
#if defined(__x86_64__)
    if (have_f16c())
        i = f16_to_wide(x, n, out);
#endif
    for (; i < n; ++i)
        out[i] = f16_to(x[i]);
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
        f16_from_all(x, n, h);
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
        f16_to_all(h, n, out);
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
