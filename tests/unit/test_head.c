/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "support.h"
#include "lpcam/net/head.h"

static float weight[] = {1, 2, -1, 3}, bias[] = {0.5f, -4};
/* Two channels, three cells. */
static const float f[] = {1, 2, 3, 0, 4, 2};

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-12);
}

static struct head head_of(enum head_order order, enum head_end end)
{
    return (struct head){2, 2, weight, bias, order, end};
}

static void linear_and_pool_commute(void **state)
{
    (void)state;
    double out[2];
    for (int order = HEAD_POOL_LINEAR; order <= HEAD_LINEAR_POOL; ++order) {
        struct head head = head_of((enum head_order)order, HEAD_LOGITS);
        head_apply(&head, f, 3, out);
        assert_near(out[0], 2 + 2 * 2 + 0.5);
        assert_near(out[1], -2 + 3 * 2 - 4);
    }
}

static void relu_before_the_pool_acts_on_each_cell(void **state)
{
    (void)state;
    struct head head = head_of(HEAD_LINEAR_RELU_POOL, HEAD_LOGITS);
    double out[2];
    head_apply(&head, f, 3, out);
    assert_near(out[0], (1.5 + 10.5 + 7.5) / 3);
    /* -5, 6 and -1: only the second counts. */
    assert_near(out[1], 6.0 / 3);
}

static void the_end_is_applied_to_the_logits(void **state)
{
    (void)state;
    struct head head = head_of(HEAD_POOL_LINEAR, HEAD_SIGMOID);
    double out[2];
    head_apply(&head, f, 3, out);
    assert_near(out[0], 1 / (1 + exp(-6.5)));
    assert_near(out[1], 0.5);
    head.end = HEAD_SOFTMAX;
    head_apply(&head, f, 3, out);
    assert_near(out[0], exp(6.5) / (exp(6.5) + 1));
    assert_near(out[0] + out[1], 1);
}

static void softmax_of_large_logits_stays_finite(void **state)
{
    (void)state;
    struct head head = head_of(HEAD_POOL_LINEAR, HEAD_SOFTMAX);
    const float large[] = {9e4f, 9e4f, 9e4f, 0, 0, 0};
    double out[2];
    head_apply(&head, large, 3, out);
    assert_near(out[0], 1);
    assert_near(out[1], 0);
}

static void mismatch_is_relative_to_the_largest_logit(void **state)
{
    (void)state;
    struct head head = head_of(HEAD_POOL_LINEAR, HEAD_LOGITS);
    const float same[] = {6.5f, 0}, off[] = {6.5f, 0.75f};
    assert_near(head_mismatch(&head, f, 3, same), 0);
    assert_near(head_mismatch(&head, f, 3, off), 0.75 / 7.5);
}

static void mismatch_of_what_is_no_number_is_infinite(void **state)
{
    (void)state;
    struct head head = head_of(HEAD_POOL_LINEAR, HEAD_LOGITS);
    const float nan_first[] = {NAN, 0}, infinite[] = {6.5f, INFINITY};
    assert_true(isinf(head_mismatch(&head, f, 3, nan_first)));
    assert_true(isinf(head_mismatch(&head, f, 3, infinite)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_and_pool_commute),
        cmocka_unit_test(relu_before_the_pool_acts_on_each_cell),
        cmocka_unit_test(the_end_is_applied_to_the_logits),
        cmocka_unit_test(softmax_of_large_logits_stays_finite),
        cmocka_unit_test(mismatch_is_relative_to_the_largest_logit),
        cmocka_unit_test(mismatch_of_what_is_no_number_is_infinite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
