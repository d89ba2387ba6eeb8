/* SPDX-License-Identifier: MIT */
#include "lpcam/method/cam.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "support.h"

#define N_CLASSES 6

static const int32_t labels[] = {1, 4, 5};

/* Numbers in [-1, 1) times factor, the same in every run. */
static float *random_signed(int64_t n, uint64_t seed, float factor)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = factor *
               ((float)(hash_mix(seed, (uint64_t)i) >> 40) / 8388608.0f - 1);
    return x;
}

/* A view with features of both signs; release frees it. */
static struct view make_view(int d, int h, int w, float factor)
{
    const int64_t n = (int64_t)d * h * w;
    return (struct view){.scale = 1,
                         .d = d,
                         .h = h,
                         .w = w,
                         .f = random_signed(n, 1, factor),
                         .mirror = random_signed(n, 2, factor)};
}

static void release(struct view *v)
{
    free((void *)(uintptr_t)v->f);
    free((void *)(uintptr_t)v->mirror);
}

static float *features_of(const struct view *v)
{
    return (float *)(uintptr_t)v->f;
}

/* Row times the features of a cell of the image, or of the mirror there. */
static double dot_ref(const struct view *v, const float *f, const float *row,
                      int y, int x)
{
    double sum = 0;
    for (int k = 0; k < v->d; ++k)
        sum += (double)row[k] * (double)f[((int64_t)k * v->h + y) * v->w + x];
    return sum;
}

static double cam_ref(const struct view *v, const float *row, int y, int x)
{
    const double a = fmax(dot_ref(v, v->f, row, y, x), 0);
    if (!v->mirror)
        return a;
    return a + fmax(dot_ref(v, v->mirror, row, y, v->w - 1 - x), 0);
}

static double lpcam_ref(const struct view *v, const float *row, int y, int x)
{
    double sum = 0, norm2 = 0;
    for (int k = 0; k < v->d; ++k) {
        const int64_t at = ((int64_t)k * v->h + y) * v->w;
        double g = (double)v->f[at + x];
        if (v->mirror)
            g += (double)v->mirror[at + v->w - 1 - x];
        sum += g * (double)row[k];
        norm2 += g * g;
    }
    return norm2 > 0 ? fmax(sum / sqrt(norm2), 0) : 0;
}

static void check_view(struct cam *c, const struct view *v, const float *rows,
                       int n)
{
    for (int lpcam = 0; lpcam < 2; ++lpcam) {
        double worst = 0, largest = DBL_MIN;
        assert_int_equal((lpcam ? lpcam_view : cam_view)(c, v, rows, labels, n),
                         LP_OK);
        for (int i = 0; i < n * v->h * v->w; ++i) {
            const int x = i % v->w, y = i / v->w % v->h;
            const float *row = rows + labels[i / v->w / v->h] * v->d;
            const double e = (lpcam ? lpcam_ref : cam_ref)(v, row, y, x);
            largest = fmax(largest, e);
            worst = fmax(worst, fabs((double)c->raw[i] - e));
            assert_true(c->raw[i] >= 0);
        }
        assert_true(worst < 1e-5 * largest);
    }
}

static void both_maps_equal_their_definition_at_any_size(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1},   {3, 1, 7},    {127, 5, 1},
                                   {128, 3, 4}, {129, 7, 10}, {300, 9, 13},
                                   {5, 30, 41}};
    struct cam c = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        const int d = sizes[i][0];
        float *rows = random_signed(N_CLASSES * d, 3, 1);
        struct view v = make_view(d, sizes[i][1], sizes[i][2], 1);
        for (int n = 0; n <= 3; ++n)
            check_view(&c, &v, rows, n);
        struct view alone = v;
        alone.mirror = NULL;
        check_view(&c, &alone, rows, 3);
        release(&v);
        free(rows);
    }
    cam_release(&c);
}

static void lpcam_does_not_depend_on_the_length_of_features(void **state)
{
    (void)state;
    struct cam c = {0};
    float *rows = random_signed(N_CLASSES * 200, 3, 1);
    for (int i = 0; i < 2; ++i) {
        struct view v = make_view(200, 4, 5, i ? 1e30f : 1e-30f);
        assert_int_equal(lpcam_view(&c, &v, rows, labels, 3), LP_OK);
        for (int j = 0; j < 3 * 20; ++j) {
            const float *row = rows + labels[j / 20] * 200;
            const double e = lpcam_ref(&v, row, j / 5 % 4, j % 5);
            assert_true(fabs((double)c.raw[j] - e) < 1e-5);
        }
        release(&v);
    }
    free(rows);
    cam_release(&c);
}

static void lpcam_is_zero_where_both_flips_cancel(void **state)
{
    (void)state;
    enum { D = 140, H = 3, W = 4 };
    struct cam c = {0};
    float *rows = random_signed(N_CLASSES * D, 3, 1);
    struct view v = make_view(D, H, W, 1);
    for (int k = 0; k < D; ++k)
        features_of(&v)[(k * H + 1) * W + 2] =
            -v.mirror[(k * H + 1) * W + W - 1 - 2];
    check_view(&c, &v, rows, 3);
    assert_int_equal(lpcam_view(&c, &v, rows, labels, 3), LP_OK);
    for (int i = 0; i < 3; ++i)
        assert_true(c.raw[(i * H + 1) * W + 2] <= 0);
    release(&v);
    free(rows);
    cam_release(&c);
}

static void what_is_no_sensible_number_becomes_zero(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e35f};
    struct cam c = {0};
    float *rows = random_signed(N_CLASSES * 150, 3, 4);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; ++b) {
        struct view v = make_view(150, 3, 3, 1);
        float *mirror = (float *)(uintptr_t)v.mirror;
        for (int k = 0; k < 150; ++k)
            features_of(&v)[k * 9 + 4] = mirror[k * 9 + 4] = bad[b];
        for (int lpcam = 0; lpcam < 2; ++lpcam) {
            assert_int_equal(
                (lpcam ? lpcam_view : cam_view)(&c, &v, rows, labels, 3),
                LP_OK);
            for (int i = 0; i < 27; ++i)
                assert_true(c.raw[i] >= 0 && c.raw[i] < 2e30f);
        }
        release(&v);
    }
    free(rows);
    cam_release(&c);
}

static void a_view_gives_the_same_bits_whatever_ran_before(void **state)
{
    (void)state;
    enum { D = 300, H = 5, W = 7 };
    const size_t bytes = 3 * H * W * sizeof(float);
    struct cam c = {0}, fresh = {0};
    float *rows = random_signed(N_CLASSES * D, 3, 1);
    struct view v = make_view(D, H, W, 1), large = make_view(D, 30, 41, 9);
    for (int lpcam = 0; lpcam < 2; ++lpcam) {
        enum lp_status (*act)(struct cam *, const struct view *, const float *,
                              const int32_t *, int) =
            lpcam ? lpcam_view : cam_view;
        assert_int_equal(act(&c, &large, rows, labels, 3), LP_OK);
        const int64_t room = c.room;
        assert_int_equal(act(&c, &v, rows, labels, 3), LP_OK);
        assert_true(c.room == room);
        assert_int_equal(act(&fresh, &v, rows, labels, 3), LP_OK);
        assert_memory_equal(c.raw, fresh.raw, bytes);
    }
    release(&v);
    release(&large);
    free(rows);
    cam_release(&c);
    cam_release(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_maps_equal_their_definition_at_any_size),
        cmocka_unit_test(lpcam_does_not_depend_on_the_length_of_features),
        cmocka_unit_test(lpcam_is_zero_where_both_flips_cancel),
        cmocka_unit_test(what_is_no_sensible_number_becomes_zero),
        cmocka_unit_test(a_view_gives_the_same_bits_whatever_ran_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
