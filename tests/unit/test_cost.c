/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "lpcam/run/cost.h"

static void a_photograph_costs_what_the_network_sees_of_it(void **state)
{
    (void)state;
    const int64_t each = cost_photograph(&(struct config){0}, 0, 0, false);
    const struct config paper = {
        .cam = {.scales = {4, {1, 0.5, 1.5, 2}}, .flip = true}};
    const struct config half = {.cam = {.scales = {1, {0.5}}}};
    assert_true(each > 0);
    /* 2 (1 + 1/4 + 9/4 + 4) passes where there are labels, however many */
    assert_int_equal(cost_photograph(&paper, 1000, 1, true), each + 15000);
    assert_int_equal(cost_photograph(&paper, 1000, 18, true), each + 15000);
    assert_int_equal(cost_photograph(&paper, 1000, 1, false), each + 15000);
    /* label-free: once for its features, or not at all */
    assert_int_equal(cost_photograph(&paper, 1000, 0, true), each + 1000);
    assert_int_equal(cost_photograph(&paper, 1000, 0, false), each);
    /* features take a pass of their own where no view is of scale 1 */
    assert_int_equal(cost_photograph(&half, 1000, 2, true), each + 1250);
    assert_int_equal(cost_photograph(&half, 1000, 2, false), each + 250);
}

static void an_unreadable_photograph_costs_something(void **state)
{
    (void)state;
    const struct config paper = {.cam = {.scales = {1, {1}}}};
    assert_true(cost_photograph(&paper, 0, 3, true) > 0);
    assert_true(cost_score(0, 3) > 0);
}

static void scoring_costs_pixels_times_labels(void **state)
{
    (void)state;
    const int64_t none = cost_score(1000, 0), one = cost_score(1000, 1);
    assert_int_equal(one - none, 1000);
    assert_int_equal(cost_score(1000, 5) - none, 5000);
    assert_int_equal(cost_score(3000, 2) - cost_score(1000, 2), 6000);
}

static void clustering_costs_cells_times_labels(void **state)
{
    (void)state;
    const int64_t read = cost_cells(100, 0), row = cost_cells(100, 1) - read;
    assert_true(read > 0 && 10 * read < row);
    assert_int_equal(cost_cells(100, 4), read + 4 * row);
    assert_int_equal(cost_cells(300, 4), 3 * cost_cells(100, 4));
    assert_int_equal(cost_cells(0, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_photograph_costs_what_the_network_sees_of_it),
        cmocka_unit_test(an_unreadable_photograph_costs_something),
        cmocka_unit_test(scoring_costs_pixels_times_labels),
        cmocka_unit_test(clustering_costs_cells_times_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
