/* SPDX-License-Identifier: MIT */
/* Every kernel against sums written out here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/method/kmeans_kernel.h"
#include "support.h"

static const struct kmeans_kernel *const kernel_of[] = {
    &kmeans_kernel_plain, &kmeans_kernel_avx2, &kmeans_kernel_avx512};
static const enum lp_value type_of[] = {LP_F32, LP_F16, LP_BF16};
static const int k_of[] = {1, 3, 5, 7, 12, 20, 60, 254};
static const int d_of[] = {1, 3, 15, 16, 17, 31, 33, 128, 145, 256, 400, 1280};
static const int n_of[] = {1, 2, 5, 63, 64};

enum { MOST_K = 254, MOST_D = 1280, PLACES = MOST_K + 6 };

struct problem {
    enum lp_value type;
    int k, d, n;
    float *value;  /* [n][d] as the rows hold them */
    float *center; /* [k][d]                       */
    char *rows;    /* [n][d] of type               */
    const char *row[KMEANS_ROWS];
};

static float draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 33) / (double)(1u << 30) - 1.0);
}

static void make(struct problem *p, enum lp_value type, int k, int d, int n)
{
    uint64_t state = (uint64_t)(k * 7 + d * 3 + n);
    const size_t nd = (size_t)n * (size_t)d, kd = (size_t)k * (size_t)d;
    const size_t bytes = nd * (size_t)value_bytes(type);
    *p = (struct problem){.type = type, .k = k, .d = d, .n = n};
    p->value = malloc(nd * sizeof *p->value);
    p->center = malloc(kd * sizeof *p->center);
    p->rows = malloc(bytes); /* exact, so that a sanitizer sees the end */
    for (size_t i = 0; i < nd; ++i)
        p->value[i] = draw(&state) * (i % 7 == 0 ? 3.0f : 0.25f);
    for (size_t i = 0; i < kd; ++i)
        p->center[i] = draw(&state);
    value_from_f32(type, p->value, (int64_t)nd, p->rows);
    value_to_f32(type, p->rows, (int64_t)nd, p->value);
    for (int r = 0; r < n; ++r)
        p->row[r] = p->rows + (size_t)r * (size_t)d * (size_t)value_bytes(type);
}

static void release(struct problem *p)
{
    free(p->value);
    free(p->center);
    free(p->rows);
}

/* The dot as kmeans_kernel.h defines it. */
static float plain_dot(const float *x, const float *c, int d)
{
    float a[KMEANS_LANES] = {0};
    for (int i = 0; i < d; ++i)
        a[i % KMEANS_LANES] = fmaf(x[i], c[i], a[i % KMEANS_LANES]);
    for (int half = KMEANS_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i)
            a[i] += a[i + half];
    return a[0];
}

static float *run_dots(const struct kmeans_kernel *kernel, struct problem *p,
                       const struct kmeans_shape *shape)
{
    const size_t packed_bytes =
        (size_t)kmeans_packed_floats(shape) * sizeof(float);
    const size_t acc_bytes = (size_t)kmeans_acc_floats(shape) * sizeof(float);
    float *packed = aligned_alloc(64, packed_bytes);
    float *acc = aligned_alloc(64, acc_bytes);
    float *dot = malloc(PLACES * KMEANS_BLOCK * sizeof *dot);
    struct kmeans_ahead ahead = {p->rows, p->rows + 1};
    memset(packed, 0, packed_bytes);
    memset(acc, 0x55, acc_bytes);
    for (int c = 0; c < p->k; ++c)
        kmeans_pack(shape, c, p->center + (size_t)c * (size_t)p->d, packed);
    kmeans_dots(kernel, shape, p->row, p->n, packed, acc, dot, &ahead);
    free(packed);
    free(acc);
    return dot;
}

/* The plain kernel's shape: without pairs, also where the processor has them
 * and another rank's has not. */
static void check_exact(const struct kmeans_kernel *kernel, struct problem *p)
{
    const struct kmeans_shape shape =
        kmeans_shape(&kmeans_kernel_plain, p->type, p->k, p->d);
    float *dot = run_dots(kernel, p, &shape);
    assert_false(shape.pairs);
    for (int c = 0; c < p->k; ++c)
        for (int r = 0; r < p->n; ++r) {
            const float want =
                plain_dot(p->value + r * p->d, p->center + c * p->d, p->d);
            assert_memory_equal(&dot[c * KMEANS_BLOCK + r], &want, sizeof want);
        }
    free(dot);
}

static void every_kernel_gives_the_bits_of_the_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kernel_of / sizeof kernel_of[0]; ++i)
        for (size_t t = 0; t < 3 && kernel_of[i]->runs(); ++t)
            for (size_t a = 0; a < sizeof d_of / sizeof d_of[0]; ++a)
                for (size_t b = 0; b < sizeof k_of / sizeof k_of[0]; ++b) {
                    struct problem p;
                    make(&p, type_of[t], k_of[b], d_of[a], n_of[(a + b) % 5]);
                    check_exact(kernel_of[i], &p);
                    release(&p);
                }
}

static void
bf16_pairs_of_bf16_centres_are_the_dot_but_for_its_order(void **state)
{
    (void)state;
    if (!kmeans_kernel_avx512.runs() || !kmeans_kernel_avx512.pairs())
        return;
    for (size_t a = 0; a < sizeof d_of / sizeof d_of[0]; ++a) {
        struct problem p;
        make(&p, LP_BF16, 12, d_of[a], 64);
        const struct kmeans_shape shape =
            kmeans_shape(&kmeans_kernel_avx512, p.type, p.k, p.d);
        for (int i = 0; i < p.k * p.d; ++i) { /* what bf16 holds exactly */
            uint16_t half;
            value_from_f32(LP_BF16, p.center + i, 1, &half);
            value_to_f32(LP_BF16, &half, 1, p.center + i);
        }
        float *dot = run_dots(&kmeans_kernel_avx512, &p, &shape);
        assert_true(shape.pairs);
        for (int c = 0; c < p.k; ++c)
            for (int r = 0; r < p.n; ++r) {
                const float want =
                    plain_dot(p.value + r * p.d, p.center + c * p.d, p.d);
                assert_true(fabsf(dot[c * KMEANS_BLOCK + r] - want) <=
                            1e-6f * (float)(p.d + 1));
            }
        free(dot);
        release(&p);
    }
}

static void sums_are_those_of_the_rounded_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; ++i)
        for (size_t t = 0; t < 3 && kernel_of[i]->runs(); ++t)
            for (size_t a = 0; a < sizeof d_of / sizeof d_of[0]; ++a) {
                struct problem p;
                const int d = d_of[a], n = 64, n_in = (int)(a * 64 / 11);
                const int bits = a % 2 ? 20 : 9; /* |x| < 4; ties at 9 */
                int32_t *sum = calloc((size_t)d, sizeof *sum);
                make(&p, type_of[t], 4, d, n);
                const struct kmeans_shape shape =
                    kmeans_shape(kernel_of[i], p.type, 4, d);
                for (int c = 0; c < d; ++c)
                    sum[c] = 1 << 20;
                kernel_of[i]->add(&shape, p.row, n_in, n, bits, sum);
                for (int c = 0; c < d; ++c) {
                    int64_t want = 1 << 20;
                    for (int r = 0; r < n; ++r)
                        want += (r < n_in ? 1 : -1) *
                                llrint(ldexp((double)p.value[r * d + c], bits));
                    assert_int_equal(sum[c], want);
                }
                free(sum);
                release(&p);
            }
}

static void the_largest_entries_do_not_overflow(void **state)
{
    (void)state;
    const char *row[2 * KMEANS_BLOCK];
    float x[KMEANS_LANES * 9];
    const int d = KMEANS_LANES * 9;
    for (int i = 0; i < d; ++i)
        x[i] = i % 2 ? 0x1.fffffcp21f : -0x1p22f;
    for (int r = 0; r < 2 * KMEANS_BLOCK; ++r)
        row[r] = (const char *)x;
    for (size_t i = 0; i < 3; ++i) {
        int32_t sum[KMEANS_LANES * 9] = {0};
        if (!kernel_of[i]->runs())
            continue;
        const struct kmeans_shape shape =
            kmeans_shape(kernel_of[i], LP_F32, 4, d);
        kernel_of[i]->add(&shape, row, 2 * KMEANS_BLOCK, 2 * KMEANS_BLOCK, 0,
                          sum);
        for (int c = 0; c < d; ++c)
            assert_int_equal(sum[c], llrint((double)x[c]) * 2 * KMEANS_BLOCK);
    }
}

static void groups_waste_the_fewest_places(void **state)
{
    (void)state;
    for (int k = 1; k <= 254; ++k) {
        const struct kmeans_shape s =
            kmeans_shape(&kmeans_kernel_plain, LP_F32, k, 16);
        assert_in_range(s.group, 4, 6);
        assert_true(s.n_groups * s.group >= k);
        for (int g = 4; g <= 6; ++g)
            assert_true((k + g - 1) / g * g >= s.n_groups * s.group);
    }
}

static void a_kernel_is_found_by_name(void **state)
{
    (void)state;
    const struct kmeans_kernel *kernel = NULL;
    assert_int_equal(kmeans_kernel_find("plain", &kernel), LP_OK);
    assert_ptr_equal(kernel, &kmeans_kernel_plain);
    assert_int_equal(kmeans_kernel_find("auto", &kernel), LP_OK);
    assert_true(kernel->runs());
    assert_int_equal(kmeans_kernel_find("sse", &kernel), LP_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_gives_the_bits_of_the_definition),
        cmocka_unit_test(
            bf16_pairs_of_bf16_centres_are_the_dot_but_for_its_order),
        cmocka_unit_test(sums_are_those_of_the_rounded_rows),
        cmocka_unit_test(the_largest_entries_do_not_overflow),
        cmocka_unit_test(groups_waste_the_fewest_places),
        cmocka_unit_test(a_kernel_is_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
