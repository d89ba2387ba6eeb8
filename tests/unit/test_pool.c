/* SPDX-License-Identifier: MIT */
/* Windows lie inside, at the corners, and their means are what they say. */
#include <math.h>
#include <stdlib.h>

#include "lpcam/method/pool.h"
#include "support.h"

enum { MOST = 12 };

static void windows_are_the_map_and_its_four_corners(void **state)
{
    (void)state;
    const struct {
        int h, w;
        struct pool_window at[POOL_WINDOWS];
    } known[] = {
        {1,
         1,
         {{0, 0, 1, 1},
          {0, 0, 1, 1},
          {0, 0, 1, 1},
          {0, 0, 1, 1},
          {0, 0, 1, 1}}},
        {4,
         8,
         {{0, 0, 4, 8},
          {0, 0, 3, 6},
          {0, 2, 3, 6},
          {1, 0, 3, 6},
          {1, 2, 3, 6}}},
        {5,
         3,
         {{0, 0, 5, 3},
          {0, 0, 4, 3},
          {0, 0, 4, 3},
          {1, 0, 4, 3},
          {1, 0, 4, 3}}},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; ++k)
        for (int i = 0; i < POOL_WINDOWS; ++i) {
            const struct pool_window at =
                pool_window(i, known[k].h, known[k].w);
            assert_memory_equal(&at, &known[k].at[i], sizeof at);
        }
}

static void windows_never_leave_a_map_and_are_never_empty(void **state)
{
    (void)state;
    for (int h = 1; h <= MOST; ++h)
        for (int w = 1; w <= MOST; ++w)
            for (int i = 0; i < POOL_WINDOWS; ++i) {
                const struct pool_window at = pool_window(i, h, w);
                assert_true(at.top >= 0 && at.left >= 0);
                assert_true(at.h > 0 && at.top + at.h <= h);
                assert_true(at.w > 0 && at.left + at.w <= w);
                assert_true(4 * at.h >= 3 * h && 4 * at.w >= 3 * w);
            }
}

/* f = 100 channel + 10 row + column: a mean is that of the window's centre. */
static void means_are_those_of_each_channel_and_window(void **state)
{
    (void)state;
    enum { D = 3, H = 5, W = 7 };
    float f[D * H * W], out[POOL_WINDOWS * D];
    for (int i = 0; i < D * H * W; ++i)
        f[i] = (float)(100 * (i / (H * W)) + 10 * (i / W % H) + i % W);
    pool_means(f, D, H, W, POOL_WINDOWS, out);
    for (int i = 0; i < POOL_WINDOWS; ++i)
        for (int j = 0; j < D; ++j) {
            const struct pool_window at = pool_window(i, H, W);
            const double y = at.top + (at.h - 1) / 2.0;
            const double x = at.left + (at.w - 1) / 2.0;
            const double off = (double)out[i * D + j] - (100 * j + 10 * y + x);
            assert_true(fabs(off) < 1e-4);
        }
}

/* A million cells of 0.1 and a large one: single sums would lose them. */
static void sums_are_in_double(void **state)
{
    (void)state;
    enum { SIDE = 1024 };
    const int64_t n = (int64_t)SIDE * SIDE;
    float *f = malloc((size_t)n * sizeof *f), mean;
    assert_non_null(f);
    f[0] = 1e7f;
    for (int64_t i = 1; i < n; ++i)
        f[i] = 0.1f;
    pool_means(f, 1, SIDE, SIDE, 1, &mean);
    const double want = (1e7 + (double)(n - 1) * (double)0.1f) / (double)n;
    assert_true(fabs((double)mean / want - 1) < 1e-7);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_the_map_and_its_four_corners),
        cmocka_unit_test(windows_never_leave_a_map_and_are_never_empty),
        cmocka_unit_test(means_are_those_of_each_channel_and_window),
        cmocka_unit_test(sums_are_in_double)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
