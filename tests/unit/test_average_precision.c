/* SPDX-License-Identifier: MIT */
/* Against numbers worked out by hand, and by scikit-learn where they tie. */
#include <math.h>

#include "lpcam/method/average_precision.h"
#include "support.h"

static void is(double want, struct ranked *x, int64_t n)
{
    const double ap = average_precision(x, n);
    if (!(fabs(ap - want) < 1e-15))
        fail_msg("%.17g, not %.17g", ap, want);
}

static void a_perfect_order_is_one_and_the_worst_is_known(void **state)
{
    (void)state;
    is(1, (struct ranked[]){{-1, 0}, {3, 1}, {2, 1}, {0, 0}}, 4);
    is((1.0 / 3 + 2.0 / 4) / 2,
       (struct ranked[]){{9, 0}, {8, 0}, {1, 1}, {2, 1}}, 4);
    is((1.0 + 2.0 / 3) / 2, (struct ranked[]){{5, 1}, {4, 0}, {3, 1}}, 3);
}

/* average_precision_score([0, 1, 0, 1, 1], [2, 2, 1, 1, 0]) of scikit-learn */
static void equal_scores_count_together_in_any_order(void **state)
{
    (void)state;
    const double want = (0.5 + 0.5 + 0.6) / 3;
    is(want, (struct ranked[]){{2, 0}, {2, 1}, {1, 0}, {1, 1}, {0, 1}}, 5);
    is(want, (struct ranked[]){{2, 1}, {1, 1}, {2, 0}, {0, 1}, {1, 0}}, 5);
    is(0.25, (struct ranked[]){{0, 0}, {0, 0}, {0, 1}, {0, 0}}, 4);
}

static void without_an_image_of_the_class_there_is_none(void **state)
{
    (void)state;
    is(-1, (struct ranked[]){{1, 0}, {2, 0}}, 2);
    is(-1, NULL, 0);
    is(1, (struct ranked[]){{1, 1}, {2, 1}}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_perfect_order_is_one_and_the_worst_is_known),
        cmocka_unit_test(equal_scores_count_together_in_any_order),
        cmocka_unit_test(without_an_image_of_the_class_there_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
