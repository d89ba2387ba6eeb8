/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/method/feature_rows.h"
#include "support.h"

/* Sizes on both sides of the tile's edges, single rows and columns. */
static void rows_are_the_columns_of_the_network(void **state)
{
    static const int size[][2] = {{1, 1},   {1, 40},  {40, 1},
                                  {32, 32}, {33, 65}, {100, 7}};
    (void)state;
    for (size_t s = 0; s < sizeof size / sizeof size[0]; ++s) {
        const int d = size[s][0], cells = size[s][1];
        float *f = malloc((size_t)(d * cells) * sizeof *f);
        float *rows = malloc((size_t)(d * cells) * sizeof *rows);
        for (int i = 0; i < d * cells; ++i)
            f[i] = (float)((i * 7919) % 1000) - 500;
        f[d * cells / 2] = -777;
        assert_float_equal(feature_rows_pack(f, d, cells, LP_F32, rows), 777,
                           0);
        for (int a = 0; a < cells; ++a)
            for (int c = 0; c < d; ++c)
                assert_float_equal(rows[a * d + c], f[c * cells + a], 0);
        free(f);
        free(rows);
    }
}

static void halves_are_rounded_as_value_from_f32_does(void **state)
{
    enum { D = 37, CELLS = 5 };
    float f[D * CELLS], column[D];
    uint16_t rows[D * CELLS], expected[D];
    (void)state;
    for (int i = 0; i < D * CELLS; ++i)
        f[i] = 0.1f * (float)i;
    for (int t = 0; t < 2; ++t) {
        const enum lp_value type = t ? LP_BF16 : LP_F16;
        feature_rows_pack(f, D, CELLS, type, rows);
        for (int a = 0; a < CELLS; ++a) {
            for (int c = 0; c < D; ++c)
                column[c] = f[c * CELLS + a];
            value_from_f32(type, column, D, expected);
            assert_memory_equal(rows + a * D, expected, sizeof expected);
        }
    }
}

static void what_is_no_number_is_told(void **state)
{
    float f[4] = {1, 2, 3, 4}, rows[4];
    (void)state;
    f[2] = NAN;
    assert_true(isinf(feature_rows_pack(f, 2, 2, LP_F32, rows)));
    f[2] = -INFINITY;
    assert_true(isinf(feature_rows_pack(f, 2, 2, LP_F32, rows)));
    f[2] = 65504.0f;
    assert_true(feature_rows_pack(f, 2, 2, LP_F16, rows) <=
                feature_rows_most(LP_F16));
    f[2] = 65520.0f;
    assert_false(feature_rows_pack(f, 2, 2, LP_F16, rows) <=
                 feature_rows_most(LP_F16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_columns_of_the_network),
        cmocka_unit_test(halves_are_rounded_as_value_from_f32_does),
        cmocka_unit_test(what_is_no_number_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
