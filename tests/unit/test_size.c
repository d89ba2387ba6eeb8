/* SPDX-License-Identifier: MIT */
#include "lpcam/base/size.h"

#include "support.h"

static void what_fits_is_multiplied_and_added(void **state)
{
    (void)state;
    int64_t n = 3037000499;
    assert_true(size_multiply(&n, 3037000499));
    assert_true(n == 9223372030926249001);
    assert_true(size_add(&n, INT64_MAX - n) && n == INT64_MAX);
    assert_true(size_multiply(&n, 1) && size_add(&n, 0) && n == INT64_MAX);
    assert_true(size_multiply(&n, 0) && n == 0);
    assert_true(size_multiply(&n, INT64_MAX) && n == 0);
}

static void what_does_not_fit_stays_as_it_was(void **state)
{
    (void)state;
    int64_t n = 3037000500, negative = -1;
    assert_false(size_multiply(&n, 3037000500));
    assert_false(size_multiply(&n, -1));
    assert_false(size_add(&n, INT64_MAX));
    assert_false(size_add(&n, -1));
    assert_true(n == 3037000500);
    assert_false(size_multiply(&negative, 2) || size_add(&negative, 2));
    assert_true(negative == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_multiplied_and_added),
        cmocka_unit_test(what_does_not_fit_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
