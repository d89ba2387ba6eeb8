/* SPDX-License-Identifier: MIT */
#include "lpcam/method/unit_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/half.h"
#include "lpcam/base/hash.h"
#include "lpcam/method/cam.h"
#include "lpcam/method/class_maps.h"
#include "support.h"

enum { N_CLASSES = 4, N = 3, SCALES = 2 };

static const int32_t labels[N] = {0, 2, 3};

/* In [-1, 1), the same in every run. */
static float number(uint64_t seed, int64_t i)
{
    return (float)(hash_mix(seed, (uint64_t)i) >> 40) / 8388608.0f - 1;
}

static float *numbers(int64_t n, uint64_t seed)
{
    float *x = malloc((size_t)(n + 1) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = number(seed, i);
    return x;
}

static struct view make_view(int d, int h, int w, uint64_t seed)
{
    const int64_t n = (int64_t)d * h * w;
    return (struct view){.scale = 1,
                         .d = d,
                         .h = h,
                         .w = w,
                         .f = numbers(n, seed),
                         .mirror = numbers(n, seed + 1)};
}

static float *features_of(const struct view *v)
{
    return (float *)(uintptr_t)v->f;
}

static void release(struct view *v)
{
    free(features_of(v));
    free((void *)(uintptr_t)v->mirror);
}

/* Orthonormal rows, by Gram and Schmidt in double; r = d: the identity. */
static struct basis make_basis(int d, int r)
{
    struct basis b = {.d = d, .r = r};
    if (r == d)
        return b;
    double *v = malloc((size_t)r * (size_t)d * sizeof *v);
    b.vector = malloc((size_t)r * (size_t)d * sizeof *b.vector);
    assert_true(v && b.vector);
    for (int j = 0; j < r; ++j) {
        double *row = v + (int64_t)j * d, length = 0;
        for (int i = 0; i < d; ++i)
            row[i] = (double)number(99, (int64_t)j * d + i);
        for (int pass = 0; pass < 2; ++pass)
            for (int k = 0; k < j; ++k) {
                const double *other = v + (int64_t)k * d;
                double dot = 0;
                for (int i = 0; i < d; ++i)
                    dot += row[i] * other[i];
                for (int i = 0; i < d; ++i)
                    row[i] -= dot * other[i];
            }
        for (int i = 0; i < d; ++i)
            length += row[i] * row[i];
        for (int i = 0; i < d; ++i) {
            row[i] /= sqrt(length);
            b.vector[(int64_t)j * d + i] = (float)row[i];
        }
    }
    free(v);
    return b;
}

/* Class vectors [N_CLASSES][d] in the span of b. */
static float *vectors_in(const struct basis *b, uint64_t seed)
{
    float *in = numbers((int64_t)N_CLASSES * b->r, seed);
    float *out = numbers((int64_t)N_CLASSES * b->d, 0);
    basis_expand(b, in, N_CLASSES, out);
    free(in);
    return out;
}

/* One photograph on both ways; what comes of it and how far it may differ. */
struct both {
    struct cam cam;
    struct unit_rows unit;
    struct class_maps two, one;
    float *reduced;
    double bound[N_CLASSES];
};

static void prepare(struct both *p, const struct basis *b, const float *m)
{
    p->reduced = numbers((int64_t)N_CLASSES * b->r, 0);
    basis_reduce(b, m, N_CLASSES, p->reduced);
    for (int c = 0; c < N_CLASSES; ++c)
        p->bound[c] = unit_rows_bound(b, m + (int64_t)c * b->d,
                                      p->reduced + (int64_t)c * b->r, SCALES);
    assert_int_equal(class_maps_begin(&p->two, N, 61, 83, true), LP_OK);
    assert_int_equal(class_maps_begin(&p->one, N, 61, 83, true), LP_OK);
}

static void add(struct both *p, const struct basis *b, const float *m,
                const struct view *v)
{
    const int64_t cells = (int64_t)v->h * v->w;
    uint16_t *rows = malloc((size_t)(cells * b->r) * sizeof *rows);
    assert_non_null(rows);
    assert_int_equal(lpcam_view(&p->cam, v, m, labels, N), LP_OK);
    class_maps_add(&p->two, p->cam.raw, v->h, v->w);
    assert_int_equal(unit_rows_make(&p->unit, v, b, rows), LP_OK);
    assert_int_equal(
        unit_rows_act(&p->unit, rows, cells, b->r, p->reduced, labels, N),
        LP_OK);
    class_maps_add(&p->one, p->unit.raw, v->h, v->w);
    free(rows);
}

/* The largest difference of each label's maps; high_res alike. */
static void differences(const struct both *p, double worst[N])
{
    const int64_t small = (int64_t)p->one.sh * p->one.sw;
    const int64_t large = (int64_t)p->one.h * p->one.w;
    for (int i = 0; i < N; ++i) {
        worst[i] = 0;
        for (int64_t c = i * small; c < (i + 1) * small; ++c)
            worst[i] = fmax(worst[i], fabs((double)p->one.strided[c] -
                                           (double)p->two.strided[c]));
        for (int64_t c = i * large; c < (i + 1) * large; ++c)
            worst[i] = fmax(worst[i], fabs((double)p->one.high_res[c] -
                                           (double)p->two.high_res[c]));
    }
}

/* Returns the least bound / difference before the division. */
static double compare(int d, int r)
{
    const struct basis b = make_basis(d, r);
    struct both p = {0};
    float *m = vectors_in(&b, 7);
    double worst[N], tight = INFINITY;
    prepare(&p, &b, m);
    for (int s = 0; s < SCALES; ++s) {
        struct view v =
            make_view(d, 9 + 5 * s, 13 + 4 * s, 20 + 2 * (uint64_t)s);
        add(&p, &b, m, &v);
        release(&v);
    }
    differences(&p, worst);
    for (int i = 0; i < N; ++i) {
        assert_true(worst[i] > 0 && worst[i] <= p.bound[labels[i]]);
        tight = fmin(tight, p.bound[labels[i]] / worst[i]);
    }
    class_maps_finish(&p.two, 0);
    class_maps_finish(&p.one, 0);
    differences(&p, worst);
    for (int i = 0; i < N; ++i) {
        const double share = unit_rows_share(
            p.bound[labels[i]],
            (double)fminf(p.one.strided_max[i], p.one.high_res_max[i]));
        assert_true(share < 1 && worst[i] <= share);
    }
    free(m);
    free(p.reduced);
    free(b.vector);
    cam_release(&p.cam);
    unit_rows_release(&p.unit);
    class_maps_release(&p.one);
    class_maps_release(&p.two);
    return tight;
}

/* Roundings of r entries that know nothing of each other add up to the root of
 * r, the bound is that of r which all go the same way, in a vector of which the basis
 * leaves all; of these it leaves r of d. */
static void maps_differ_by_less_than_the_bound_and_not_much_less(void **state)
{
    (void)state;
    static const int sizes[][2] = {{16, 16},  {3, 3},     {37, 5},
                                   {129, 64}, {300, 300}, {300, 31}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        const double tight = compare(sizes[i][0], sizes[i][1]);
        printf("%d of %d channels: bound %.1f times the difference\n",
               sizes[i][1], sizes[i][0], tight);
        assert_true(tight < (4 + 2 * sqrt(sizes[i][1])) *
                                sqrt((double)sizes[i][0] / sizes[i][1]));
    }
}

/* Every entry is rounded by almost half a step, and all the same way. */
static void the_bound_is_reached_by_the_worst_features(void **state)
{
    (void)state;
    enum { D = 1001 };
    const struct basis b = {.d = D, .r = D};
    const float entry = (1 + 0.999f * 0x1p-11f) * 0x1p-5f;
    float g[D], m[D];
    uint16_t rows[D];
    struct unit_rows unit = {0};
    double exact = 0;
    for (int i = 0; i < D - 1; ++i) {
        g[i] = entry;
        m[i] = 1;
        exact += (double)entry;
    }
    m[D - 1] = 0;
    g[D - 1] = (float)sqrt(1 - 1000 * (double)entry * (double)entry);
    const struct view v = {.scale = 1, .d = D, .h = 1, .w = 1, .f = g};
    assert_int_equal(unit_rows_make(&unit, &v, &b, rows), LP_OK);
    assert_int_equal(unit_rows_act(&unit, rows, 1, D, m, labels, 1), LP_OK);
    const double off = fabs((double)unit.raw[0] - exact);
    const double bound = unit_rows_bound(&b, m, m, 1);
    assert_true(off <= bound && off > 0.7 * bound);
    unit_rows_release(&unit);
}

/* Clustering in the span leaves no such part; if there is one it counts. */
static void what_a_vector_has_outside_the_basis_is_in_the_bound(void **state)
{
    (void)state;
    enum { D = 90, R = 20 };
    const struct basis b = make_basis(D, R);
    float *m = vectors_in(&b, 7), *any = numbers((int64_t)N_CLASSES * D, 8);
    float in[N_CLASSES * R], out[N_CLASSES * D];
    double rest = 0;
    basis_reduce(&b, m, N_CLASSES, in);
    assert_true(unit_rows_bound(&b, m, in, 1) < 2e-3 * sqrt(R));
    basis_reduce(&b, any, N_CLASSES, in);
    basis_expand(&b, in, N_CLASSES, out);
    for (int i = 0; i < D; ++i)
        rest += pow((double)any[i] - (double)out[i], 2);
    assert_true(sqrt(rest) > 1);
    assert_true(unit_rows_bound(&b, any, in, 1) >= 0.999 * sqrt(rest));
    free(m);
    free(any);
    free(b.vector);
}

static void a_plan_knows_a_bound_for_all_vectors(void **state)
{
    (void)state;
    for (int r = 20; r <= 90; r += 70) {
        const struct basis b = make_basis(90, r);
        float *m = vectors_in(&b, 5), *in = numbers(r, 0);
        double length = 0;
        basis_reduce(&b, m, 1, in);
        for (int i = 0; i < 90; ++i)
            length += (double)m[i] * (double)m[i];
        const double bound = unit_rows_bound(&b, m, in, 4) / sqrt(length);
        const double worst = unit_rows_worst(90, r, 4);
        assert_true(bound <= 1.001 * worst && bound > 0.5 * worst);
        free(m);
        free(in);
        free(b.vector);
    }
    assert_true(unit_rows_share(0, 0) <= 0);
    assert_true(unit_rows_share(1e-3, 0) >= 1);
    assert_true(unit_rows_share(1e-3, 1e-3) >= 1);
}

static void what_has_no_length_is_zero_and_its_neighbours_are_not(void **state)
{
    (void)state;
    enum { D = 70, H = 2, W = 3, R = 9 };
    static const float bad[] = {0, NAN, INFINITY, 1e38f, 1e-38f};
    struct unit_rows unit = {0};
    float *m = numbers((int64_t)N_CLASSES * D, 3);
    for (int r = R; r <= D; r += D - R)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; ++k) {
            const struct basis b = make_basis(D, r);
            uint16_t rows[H * W * D];
            struct view v = make_view(D, H, W, 11);
            float *mirror = (float *)(uintptr_t)v.mirror;
            for (int c = 0; c < D; ++c)
                features_of(&v)[c * H * W + 4] = mirror[c * H * W + 4] =
                    bad[k] * (c == 5);
            assert_int_equal(unit_rows_make(&unit, &v, &b, rows), LP_OK);
            for (int i = 0; i < H * W; ++i) {
                bool zero = true;
                for (int c = 0; c < r; ++c)
                    zero = zero && (rows[i * r + c] & 0x7fff) == 0;
                assert_true(zero == (i == 4));
            }
            assert_int_equal(unit_rows_act(&unit, rows, H * W, r, m, labels, N),
                             LP_OK);
            for (int i = 0; i < N; ++i)
                assert_true(unit.raw[i * H * W + 4] <= 0);
            release(&v);
            free(b.vector);
        }
    free(m);
    unit_rows_release(&unit);
}

static void rows_have_the_same_bits_whatever_ran_before(void **state)
{
    (void)state;
    enum { D = 130, H = 9, W = 11, R = 33 };
    const struct basis b = make_basis(D, R), all = {.d = 200, .r = 200};
    struct unit_rows used = {0}, fresh = {0};
    struct view v = make_view(D, H, W, 5), large = make_view(200, 20, 30, 6);
    static uint16_t rows[2][H * W * R], other[200 * 600];
    float *m = numbers((int64_t)N_CLASSES * D, 3);
    assert_int_equal(unit_rows_make(&used, &large, &all, other), LP_OK);
    assert_int_equal(unit_rows_make(&used, &v, &b, rows[0]), LP_OK);
    assert_int_equal(unit_rows_make(&fresh, &v, &b, rows[1]), LP_OK);
    assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
    assert_int_equal(unit_rows_act(&used, rows[0], H * W, R, m, labels, N),
                     LP_OK);
    assert_int_equal(unit_rows_act(&fresh, rows[1], H * W, R, m, labels, N),
                     LP_OK);
    assert_memory_equal(used.raw, fresh.raw, N * H * W * sizeof(float));
    assert_int_equal(unit_rows_act(&used, rows[0], 0, R, m, labels, N), LP_OK);
    assert_int_equal(unit_rows_act(&used, rows[0], 5, R, m, labels, 0), LP_OK);
    release(&v);
    release(&large);
    free(m);
    free(b.vector);
    unit_rows_release(&used);
    unit_rows_release(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_differ_by_less_than_the_bound_and_not_much_less),
        cmocka_unit_test(the_bound_is_reached_by_the_worst_features),
        cmocka_unit_test(what_a_vector_has_outside_the_basis_is_in_the_bound),
        cmocka_unit_test(a_plan_knows_a_bound_for_all_vectors),
        cmocka_unit_test(what_has_no_length_is_zero_and_its_neighbours_are_not),
        cmocka_unit_test(rows_have_the_same_bits_whatever_ran_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
