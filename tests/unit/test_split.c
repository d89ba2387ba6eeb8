/* SPDX-License-Identifier: MIT */
#include "lpcam/method/split.h"

#include <math.h>

#include "support.h"

static void takes_the_pixel_at_floor_of_i_h_over_fh(void **state)
{
    (void)state;
    /* 5 x 7 pixels on 2 x 3 cells: rows 0 and 2, columns 0, 2 and 4. */
    float map[5 * 7];
    uint8_t side[6];
    for (int i = 0; i < 5 * 7; ++i)
        map[i] = 0;
    map[0 * 7 + 2] = 1;
    map[2 * 7 + 0] = 1;
    map[2 * 7 + 4] = 1;
    split_cells(map, 5, 7, 2, 3, 0.5f, side);
    const uint8_t expected[] = {SPLIT_CONTEXT, SPLIT_OBJECT,  SPLIT_CONTEXT,
                                SPLIT_OBJECT,  SPLIT_CONTEXT, SPLIT_OBJECT};
    assert_memory_equal(side, expected, sizeof expected);
}

static void a_value_equal_to_the_threshold_is_on_neither_side(void **state)
{
    (void)state;
    const float tau = 0.1f;
    const float map[] = {nextafterf(tau, 0), tau, nextafterf(tau, 1)};
    uint8_t side[3];
    split_cells(map, 1, 3, 1, 3, tau, side);
    assert_int_equal(side[0], SPLIT_CONTEXT);
    assert_int_equal(side[1], SPLIT_NEITHER);
    assert_int_equal(side[2], SPLIT_OBJECT);
}

static void a_photograph_of_one_pixel_has_one_cell(void **state)
{
    (void)state;
    const float zero = 0, one = 1;
    uint8_t side;
    split_cells(&zero, 1, 1, 1, 1, 0.1f, &side);
    assert_int_equal(side, SPLIT_CONTEXT);
    split_cells(&one, 1, 1, 1, 1, 0.1f, &side);
    assert_int_equal(side, SPLIT_OBJECT);
}

static void a_grid_finer_than_the_photograph_repeats_pixels(void **state)
{
    (void)state;
    const float map[] = {0, 1};
    uint8_t side[2 * 4];
    split_cells(map, 1, 2, 2, 4, 0.5f, side);
    for (int i = 0; i < 8; ++i)
        assert_int_equal(side[i], i % 4 < 2 ? SPLIT_CONTEXT : SPLIT_OBJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_pixel_at_floor_of_i_h_over_fh),
        cmocka_unit_test(a_value_equal_to_the_threshold_is_on_neither_side),
        cmocka_unit_test(a_photograph_of_one_pixel_has_one_cell),
        cmocka_unit_test(a_grid_finer_than_the_photograph_repeats_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
