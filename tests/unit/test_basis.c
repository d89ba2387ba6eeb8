/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/method/basis.h"
#include "support.h"

/* A fixed number between -1 and 1. */
static float number(uint64_t seed, int64_t i)
{
    return (float)((double)(hash_mix(seed, (uint64_t)i) >> 11) * 0x1p-52 - 1);
}

static float *numbers_new(uint64_t seed, int64_t n)
{
    float *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; ++i)
        v[i] = number(seed, i);
    return v;
}

/* r orthonormal rows of d by Gram and Schmidt. */
static struct basis basis_new(int d, int r)
{
    struct basis b = {.d = d, .r = r, .vector = numbers_new(9, d * r)};
    for (int k = 0; k < r; ++k) {
        float *v = b.vector + k * d;
        double norm = 0;
        for (int j = 0; j < 2 * k; ++j) { /* twice is enough */
            const float *u = b.vector + (j % k) * d;
            double dot = 0;
            for (int c = 0; c < d; ++c)
                dot += (double)u[c] * (double)v[c];
            for (int c = 0; c < d; ++c)
                v[c] = (float)((double)v[c] - dot * (double)u[c]);
        }
        for (int c = 0; c < d; ++c)
            norm += (double)v[c] * (double)v[c];
        for (int c = 0; c < d; ++c)
            v[c] = (float)((double)v[c] / sqrt(norm));
    }
    return b;
}

static const int shape[][3] = {/* d, r, cells */
                               {1, 1, 1},    {5, 2, 1},    {40, 7, 65},
                               {64, 64, 64}, {130, 33, 1}, {96, 17, 391}};
enum { N_SHAPES = sizeof shape / sizeof shape[0] };

/* Also in places of other alignment, to the last bit. */
static void cells_are_projected_and_measured_whole(void **state)
{
    (void)state;
    for (int s = 0; s < N_SHAPES; ++s) {
        const int d = shape[s][0], r = shape[s][1], cells = shape[s][2];
        struct basis b = basis_new(d, r);
        float *f = numbers_new(3, d * cells);
        float *out = calloc((size_t)(2 * cells * r + 1), sizeof *out);
        float *norm = calloc((size_t)cells, sizeof *norm);
        basis_project(&b, f, cells, out, norm);
        for (int i = 0; i < cells; ++i) {
            double norm2 = 0;
            for (int c = 0; c < d; ++c)
                norm2 += pow((double)f[c * cells + i], 2);
            assert_true(fabs((double)norm[i] - sqrt(norm2)) <=
                        1e-7 * sqrt(norm2));
            for (int k = 0; k < r; ++k) {
                double y = 0;
                for (int c = 0; c < d; ++c)
                    y += (double)b.vector[k * d + c] * (double)f[c * cells + i];
                assert_true(fabs((double)out[i * r + k] - y) <=
                            1e-6 * sqrt(norm2));
            }
        }
        basis_project(&b, f, cells, out + cells * r + 1, norm);
        assert_memory_equal(out, out + cells * r + 1,
                            (size_t)(cells * r) * sizeof *out);
        free(norm);
        free(out);
        free(f);
        basis_release(&b);
    }
}

/* What lies in the span comes back, and meets projected cells as it meets whole
 * ones. */
static void vectors_of_the_span_lose_nothing(void **state)
{
    (void)state;
    for (int s = 0; s < N_SHAPES; ++s) {
        enum { N = 3 };
        const int d = shape[s][0], r = shape[s][1];
        struct basis b = basis_new(d, r);
        float *y = numbers_new(4, N * r), *f = numbers_new(5, d);
        float *m = calloc((size_t)(N * d), sizeof *m);
        float *back = calloc((size_t)(N * r), sizeof *back);
        float *g = calloc((size_t)r, sizeof *g), norm;
        basis_expand(&b, y, N, m);
        basis_reduce(&b, m, N, back);
        basis_project(&b, f, 1, g, &norm);
        for (int n = 0; n < N; ++n) {
            double whole = 0, part = 0;
            for (int c = 0; c < d; ++c)
                whole += (double)f[c] * (double)m[n * d + c];
            for (int k = 0; k < r; ++k) {
                part += (double)g[k] * (double)back[n * r + k];
                assert_true(fabsf(back[n * r + k] - y[n * r + k]) < 4e-6f);
            }
            assert_true(fabs(whole - part) < 1e-5 * (1 + fabs(whole)));
        }
        free(g);
        free(back);
        free(m);
        free(f);
        free(y);
        basis_release(&b);
    }
}

static void a_basis_without_vectors_changes_nothing(void **state)
{
    enum { D = 70, CELLS = 131 };
    const size_t bytes = D * CELLS * sizeof(float);
    const struct basis b = {.d = D, .r = D};
    float *f = numbers_new(6, D * CELLS), norm[CELLS];
    float *out = malloc(bytes);
    (void)state;
    basis_project(&b, f, CELLS, out, norm);
    for (int i = 0; i < CELLS; ++i) {
        double norm2 = 0;
        for (int c = 0; c < D; ++c) {
            assert_float_equal(out[i * D + c], f[c * CELLS + i], 0);
            norm2 += pow((double)f[c * CELLS + i], 2);
        }
        assert_float_equal(norm[i], sqrt(norm2), 1e-6);
    }
    basis_reduce(&b, f, CELLS, out);
    assert_memory_equal(out, f, bytes);
    memset(out, 0, bytes);
    basis_expand(&b, f, CELLS, out);
    assert_memory_equal(out, f, bytes);
    free(out);
    free(f);
}

static void what_is_not_finite_shows_in_the_norm(void **state)
{
    enum { D = 9, CELLS = 3 };
    struct basis b = basis_new(D, 2);
    float *f = numbers_new(7, D * CELLS), out[2 * CELLS], norm[CELLS];
    (void)state;
    f[4 * CELLS] = NAN;
    f[5 * CELLS + 2] = -INFINITY;
    basis_project(&b, f, CELLS, out, norm);
    assert_true(!isfinite(norm[0]));
    assert_true(isfinite(norm[1]) != 0);
    assert_true(!isfinite(norm[2]));
    basis_project(&b, f, 0, NULL, NULL);
    free(f);
    basis_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_projected_and_measured_whole),
        cmocka_unit_test(vectors_of_the_span_lose_nothing),
        cmocka_unit_test(a_basis_without_vectors_changes_nothing),
        cmocka_unit_test(what_is_not_finite_shows_in_the_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
