/* SPDX-License-Identifier: MIT */
/* Every conversion is held against arithmetic in double that knows only what
 * the format can represent. Rows of one number take the portable path, long
 * rows the processor's instructions where it has them. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/half.h"
#include "lpcam/base/hash.h"

#define N_HALF 65536

struct format {
    enum lp_value type;
    int digits;   /* bits behind the point                   */
    int least;    /* exponent of the smallest normal number  */
    double limit; /* from here on infinity                   */
};
static const struct format f16 = {LP_F16, 10, -14, 0x1p16};
static const struct format bf16 = {LP_BF16, 7, -126, 0x1p128};

static float float_of(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* The number that 16 bits mean. */
static double meaning(const struct format *f, uint16_t h)
{
    const int e = (h & 0x7fff) >> f->digits, m = h & ((1 << f->digits) - 1);
    const int e_most = (1 << (15 - f->digits)) - 1;
    const double sign = h & 0x8000 ? -1 : 1;
    if (e == e_most)
        return m ? NAN : sign * INFINITY;
    if (e == 0)
        return sign * ldexp(m, f->least - f->digits);
    return sign * ldexp(m + (1 << f->digits), f->least + e - 1 - f->digits);
}

/* x rounded to the nearest number of the format, ties to even. */
static double rounded(const struct format *f, double x)
{
    int e;
    if (isnan(x) || isinf(x) || x == 0)
        return x;
    frexp(x, &e);
    const double step =
        ldexp(1, (e - 1 > f->least ? e - 1 : f->least) - f->digits);
    const double y = nearbyint(x / step) * step;
    return fabs(y) >= f->limit ? copysign(INFINITY, x) : y;
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/* Both paths, and the exact answer, for n numbers. */
static void check_from(const struct format *f, const float *x, int64_t n)
{
    uint16_t *row = malloc((size_t)n * sizeof *row);
    assert_non_null(row);
    value_from_f32(f->type, x, n, row);
    for (int64_t i = 0; i < n; ++i) {
        uint16_t one;
        value_from_f32(f->type, x + i, 1, &one);
        assert_int_equal(one, row[i]);
        assert_true(same(meaning(f, one), rounded(f, (double)x[i])));
    }
    free(row);
}

static void check_to(const struct format *f)
{
    static uint16_t h[N_HALF], back[N_HALF];
    static float row[N_HALF];
    for (int i = 0; i < N_HALF; ++i)
        h[i] = (uint16_t)i;
    value_to_f32(f->type, h, N_HALF, row);
    value_from_f32(f->type, row, N_HALF, back);
    for (int i = 0; i < N_HALF; ++i) {
        float one;
        value_to_f32(f->type, h + i, 1, &one);
        assert_int_equal(bits_of(one), bits_of(row[i]));
        assert_true(same((double)one, meaning(f, h[i])));
        if (isnan(one)) /* may come back quiet */
            assert_int_equal(back[i] | 1 << (f->digits - 1),
                             h[i] | 1 << (f->digits - 1));
        else
            assert_int_equal(back[i], h[i]);
    }
}

/* The middles between neighbours, and the floats on both sides of them. */
static void check_middles(const struct format *f)
{
    float *x = malloc(3 * N_HALF * sizeof *x);
    int64_t n = 0;
    assert_non_null(x);
    for (int i = 0; i + 1 < N_HALF; ++i) {
        const double a = meaning(f, (uint16_t)i);
        const double b = meaning(f, (uint16_t)(i + 1));
        if (!isfinite(a) || !isfinite(b))
            continue;
        const float middle = (float)((a + b) / 2);
        x[n++] = middle;
        x[n++] = nextafterf(middle, INFINITY);
        x[n++] = nextafterf(middle, -INFINITY);
    }
    check_from(f, x, n);
    free(x);
}

static void check_random_bits(const struct format *f)
{
    enum { N = 1 << 18 };
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    for (uint64_t i = 0; i < N; ++i)
        x[i] = float_of((uint32_t)(hash_mix(7, i) >> 32));
    check_from(f, x, N - 3); /* not a multiple of eight */
    free(x);
}

static void all_f16_values_come_back(void **state)
{
    (void)state;
    check_to(&f16);
}

static void all_bf16_values_come_back(void **state)
{
    (void)state;
    check_to(&bf16);
}

static void f16_rounds_to_the_nearest_ties_to_even(void **state)
{
    (void)state;
    check_middles(&f16);
    check_random_bits(&f16);
}

static void bf16_rounds_to_the_nearest_ties_to_even(void **state)
{
    (void)state;
    check_middles(&bf16);
    check_random_bits(&bf16);
}

static void numbers_at_the_edges_of_f16(void **state)
{
    (void)state;
    static const float x[] = {0.0f,       -0.0f,    65504.0f, 65519.99f,
                              65520.0f,   1e30f,    0x1p-24f, 0x1p-25f,
                              0x1.8p-25f, INFINITY, -INFINITY};
    static const uint16_t want[] = {0, 0x8000, 0x7bff, 0x7bff, 0x7c00, 0x7c00,
                                    1, 0,      1,      0x7c00, 0xfc00};
    uint16_t got[11];
    value_from_f32(LP_F16, x, 11, got);
    assert_memory_equal(got, want, sizeof want);
}

/* A row must not be written past its end, whatever its length. */
static void rows_of_any_length_stay_inside(void **state)
{
    (void)state;
    float x[40], y[41];
    uint16_t h[41];
    for (int i = 0; i < 40; ++i)
        x[i] = (float)i / 8;
    for (int n = 0; n <= 40; ++n) {
        memset(h, 0xaa, sizeof h);
        y[n] = -1;
        value_from_f32(LP_F16, x, n, h);
        value_to_f32(LP_F16, h, n, y);
        assert_int_equal(h[n], 0xaaaa);
        assert_true(y[n] == -1);
        assert_memory_equal(x, y, (size_t)n * sizeof *x);
    }
}

static void u8_holds_255_steps_and_clips(void **state)
{
    (void)state;
    const float outside[] = {-1, 0, 1, 2, NAN, 0.5f / 255, 1.5f / 255};
    const uint8_t want[] = {0, 0, 255, 255, 0, 0, 2};
    uint8_t got[7], all[256], back[256];
    float x[256];
    value_from_f32(LP_U8, outside, 7, got);
    assert_memory_equal(got, want, sizeof want);
    for (int i = 0; i < 256; ++i)
        all[i] = (uint8_t)i;
    value_to_f32(LP_U8, all, 256, x);
    assert_true(x[0] == 0 && x[255] == 1 && x[51] == 0.2f);
    value_from_f32(LP_U8, x, 256, back);
    assert_memory_equal(all, back, sizeof all);
}

static void sizes_and_names_belong_to_their_types(void **state)
{
    (void)state;
    const float x[] = {1.5f, -2};
    float y[2];
    assert_int_equal(value_bytes(LP_F32), 4);
    assert_int_equal(value_bytes(LP_F16), 2);
    assert_int_equal(value_bytes(LP_BF16), 2);
    assert_int_equal(value_bytes(LP_U8), 1);
    assert_string_equal(value_name(LP_F32), "f32");
    assert_string_equal(value_name(LP_F16), "f16");
    assert_string_equal(value_name(LP_BF16), "bf16");
    assert_string_equal(value_name(LP_U8), "u8");
    value_from_f32(LP_F32, x, 2, y);
    assert_memory_equal(x, y, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_f16_values_come_back),
        cmocka_unit_test(all_bf16_values_come_back),
        cmocka_unit_test(f16_rounds_to_the_nearest_ties_to_even),
        cmocka_unit_test(bf16_rounds_to_the_nearest_ties_to_even),
        cmocka_unit_test(numbers_at_the_edges_of_f16),
        cmocka_unit_test(rows_of_any_length_stay_inside),
        cmocka_unit_test(u8_holds_255_steps_and_clips),
        cmocka_unit_test(sizes_and_names_belong_to_their_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
