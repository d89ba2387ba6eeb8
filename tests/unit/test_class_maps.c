/* SPDX-License-Identifier: MIT */
#include "lpcam/method/class_maps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "support.h"

/* Numbers in [0, 1), the same in every run. */
static float *random_map(int64_t n, uint64_t seed)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = (float)(hash_mix(seed, (uint64_t)i) >> 40) / 16777216.0f;
    return x;
}

/* One value of torch's bilinear resize: the place in float, as torch has it,
 * the rest in double. */
static double value_ref(const float *in, int ih, int iw, int oh, int ow, int y,
                        int x)
{
    const int side[2] = {ih, iw}, out[2] = {oh, ow}, at[2] = {y, x};
    int first[2], second[2];
    double weight[2];
    for (int k = 0; k < 2; ++k) {
        const float scale = (float)side[k] / (float)out[k];
        const float place = fmaxf(scale * ((float)at[k] + 0.5f) - 0.5f, 0.0f);
        first[k] = (int)fminf(floorf(place), (float)side[k] - 1);
        second[k] = first[k] + 1 < side[k] ? first[k] + 1 : first[k];
        weight[k] = (double)place - first[k];
    }
    const float *a = in + (int64_t)first[0] * iw;
    const float *b = in + (int64_t)second[0] * iw;
    const double upper = (1 - weight[1]) * (double)a[first[1]] +
                         weight[1] * (double)a[second[1]];
    const double lower = (1 - weight[1]) * (double)b[first[1]] +
                         weight[1] * (double)b[second[1]];
    return (1 - weight[0]) * upper + weight[0] * lower;
}

static void check_resize(int ih, int iw, int oh, int ow, int ch, int cw)
{
    float *in = random_map((int64_t)ih * iw, 7);
    float *out = random_map((int64_t)ch * cw, 8);
    float *before = random_map((int64_t)ch * cw, 8);
    double worst = 0;
    resize_bilinear(in, ih, iw, out, oh, ow, ch, cw, true);
    for (int y = 0; y < ch; ++y)
        for (int x = 0; x < cw; ++x) {
            const int i = y * cw + x;
            const double e = value_ref(in, ih, iw, oh, ow, y, x);
            worst = fmax(worst, fabs((double)out[i] - (double)before[i] - e));
        }
    assert_true(worst < 1e-6);
    resize_bilinear(in, ih, iw, before, oh, ow, ch, cw, false);
    for (int i = 0; i < ch * cw; ++i) {
        const double e = value_ref(in, ih, iw, oh, ow, i / cw, i % cw);
        worst = fmax(worst, fabs((double)before[i] - e));
    }
    assert_true(worst < 1e-6);
    free(in);
    free(out);
    free(before);
}

static void resize_is_torchs_bilinear_at_any_size(void **state)
{
    (void)state;
    static const int sizes[][6] = {
        {1, 1, 1, 1, 1, 1},        {1, 1, 16, 16, 1, 1},
        {1, 1, 16, 16, 5, 7},      {1, 3, 4, 16, 3, 15},
        {3, 1, 16, 4, 15, 3},      {7, 5, 7, 5, 7, 5},
        {4, 5, 64, 80, 61, 79},    {24, 32, 384, 512, 375, 500},
        {3, 47, 48, 752, 33, 741}, {3, 90, 9, 1440, 9, 1431},
        {40, 60, 13, 17, 13, 17},  {41, 1100, 20, 600, 19, 599},
        {27, 40, 54, 80, 54, 80},  {2, 2, 5, 513, 5, 513},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
        check_resize(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3],
                     sizes[i][4], sizes[i][5]);
}

static void resize_puts_cell_centres_over_pixel_centres(void **state)
{
    (void)state;
    const float in[] = {0, 1};
    const float expected[] = {0, 0.25f, 0.75f, 1};
    float out[4];
    resize_bilinear(in, 1, 2, out, 1, 4, 1, 4, false);
    assert_memory_equal(out, expected, sizeof expected);
    resize_bilinear(in, 2, 1, out, 4, 1, 4, 1, false);
    assert_memory_equal(out, expected, sizeof expected);
}

static int multiple_of_16(int side)
{
    return (side + 15) / 16 * 16;
}

/* Two scales of n maps on a photograph of h x w, with the second map zero. */
static void check_maps(struct class_maps *m, int n, int h, int w, float epsilon)
{
    const int fh[2] = {(h + 15) / 16, (h + 7) / 8};
    const int fw[2] = {(w + 15) / 16, (w + 7) / 8};
    float *raw[2];
    assert_int_equal(class_maps_begin(m, n, h, w, true), LP_OK);
    for (int s = 0; s < 2; ++s) {
        const int64_t cells = (int64_t)fh[s] * fw[s];
        raw[s] = random_map((n + 1) * cells, (uint64_t)s);
        if (n > 1)
            memset(raw[s] + cells, 0, (size_t)cells * sizeof(float));
        class_maps_add(m, raw[s], fh[s], fw[s]);
    }
    class_maps_finish(m, epsilon);
    for (int k = 0; k < 2; ++k) {
        const int mh = k ? h : m->sh, mw = k ? w : m->sw;
        const int oh = k ? multiple_of_16(h) : mh;
        const int ow = k ? multiple_of_16(w) : mw;
        for (int i = 0; i < n; ++i) {
            const float *map =
                (k ? m->high_res : m->strided) + (int64_t)i * mh * mw;
            const double by = (double)(k ? m->high_res_max : m->strided_max)[i];
            double max = 0, worst = 0;
            for (int j = 0; j < mh * mw; ++j) {
                double e = 0;
                for (int s = 0; s < 2; ++s)
                    e += value_ref(raw[s] + (int64_t)i * fh[s] * fw[s], fh[s],
                                   fw[s], oh, ow, j / mw, j % mw);
                max = fmax(max, e);
                worst = fmax(worst, fabs((double)map[j] * by - e));
                assert_true(i != 1 || (map[j] <= 0 && map[j] >= 0));
            }
            assert_true(worst < 1e-5);
            assert_true(fabs(by - (i == 1 ? 0 : max + (double)epsilon)) < 1e-6);
        }
    }
    free(raw[0]);
    free(raw[1]);
}

static void maps_are_sums_over_scales_divided_by_their_maximum(void **state)
{
    (void)state;
    struct class_maps m = {0};
    check_maps(&m, 3, 37, 53, 1e-5f);
    check_maps(&m, 2, 16, 16, 0);
    check_maps(&m, 2, 1, 1, 1e-5f);
    check_maps(&m, 1, 1, 90, 0);
    check_maps(&m, 4, 61, 47, 0);
    class_maps_release(&m);
}

static void a_finished_lpcam_map_reaches_exactly_one(void **state)
{
    (void)state;
    struct class_maps m = {0};
    const float raw[] = {0, 1e-30f, 3e-30f, 0};
    assert_int_equal(class_maps_begin(&m, 1, 20, 20, true), LP_OK);
    class_maps_add(&m, raw, 2, 2);
    class_maps_finish(&m, 0);
    float max = 0;
    for (int i = 0; i < 400; ++i) {
        assert_true(isfinite(m.high_res[i]));
        max = fmaxf(max, m.high_res[i]);
    }
    assert_true(max >= 1 && max <= 1);
    class_maps_release(&m);
}

static void the_maximum_is_found_in_every_place(void **state)
{
    (void)state;
    struct class_maps m = {0};
    for (int i = 0; i < 5 * 7; ++i) {
        float raw[5 * 7];
        for (int j = 0; j < 5 * 7; ++j)
            raw[j] = j == i ? 4 : 1;
        assert_int_equal(class_maps_begin(&m, 1, 20, 28, false), LP_OK);
        class_maps_add(&m, raw, 5, 7);
        class_maps_finish(&m, 0);
        for (int j = 0; j < 5 * 7; ++j)
            assert_true(m.strided[j] <= raw[j] / 4 &&
                        m.strided[j] >= raw[j] / 4);
    }
    class_maps_release(&m);
}

static void a_photograph_without_classes_has_no_maps(void **state)
{
    (void)state;
    struct class_maps m = {0};
    assert_int_equal(class_maps_begin(&m, 0, 33, 47, true), LP_OK);
    class_maps_add(&m, NULL, 3, 3);
    class_maps_finish(&m, 0);
    assert_int_equal(m.n, 0);
    assert_int_equal(m.sh, 9);
    assert_int_equal(m.sw, 12);
    class_maps_release(&m);
    class_maps_release(&m);
}

static void maps_at_full_size_are_left_out_where_not_wanted(void **state)
{
    (void)state;
    struct class_maps with = {0}, without = {0};
    float *raw = random_map(2 * 3 * 4, 1);
    assert_int_equal(class_maps_begin(&with, 2, 40, 60, true), LP_OK);
    assert_int_equal(class_maps_begin(&without, 2, 40, 60, false), LP_OK);
    assert_null(without.high_res);
    assert_true(without.room < with.room);
    class_maps_add(&with, raw, 3, 4);
    class_maps_add(&without, raw, 3, 4);
    class_maps_finish(&with, 0);
    class_maps_finish(&without, 0);
    assert_memory_equal(with.strided, without.strided,
                        (size_t)(2 * with.sh * with.sw) * sizeof(float));
    class_maps_release(&with);
    class_maps_release(&without);
    free(raw);
}

static void enlarged_maps_lie_where_maps_at_full_size_do(void **state)
{
    (void)state;
    enum { H = 37, W = 53 };
    const int sh = class_maps_strided(H), sw = class_maps_strided(W);
    float *strided = random_map((int64_t)sh * sw, 3);
    float out[H * W];
    class_maps_enlarge(strided, sh, sw, out, H, W);
    for (int i = 0; i < H * W; ++i) {
        const double e = value_ref(strided, sh, sw, 48, 64, i / W, i % W);
        assert_true(fabs((double)out[i] - e) < 1e-6);
    }
    free(strided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_is_torchs_bilinear_at_any_size),
        cmocka_unit_test(resize_puts_cell_centres_over_pixel_centres),
        cmocka_unit_test(maps_are_sums_over_scales_divided_by_their_maximum),
        cmocka_unit_test(a_finished_lpcam_map_reaches_exactly_one),
        cmocka_unit_test(the_maximum_is_found_in_every_place),
        cmocka_unit_test(a_photograph_without_classes_has_no_maps),
        cmocka_unit_test(maps_at_full_size_are_left_out_where_not_wanted),
        cmocka_unit_test(enlarged_maps_lie_where_maps_at_full_size_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
