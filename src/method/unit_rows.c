/* SPDX-License-Identifier: MIT */
#include "lpcam/method/unit_rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flips.h"
#include "lpcam/base/half.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Entries of a class vector looked at at a time, in double. */
#define TILE 64

/* Products added up side by side. */
#define LANES 32

/* Lengths that floats divide by without harm. */
#define SHORTEST 1e-30f
#define LONGEST  1e30f

/* Bytes every buffer is aligned to, so that no result hangs on an address. */
#define ALIGN 64

/* Half a step of a float, and of an f16; half of its smallest number. */
#define FLOAT_ROUNDING 0x1p-24
#define HALF_ROUNDING  0x1p-11
#define HALF_LEAST     0x1p-25

void unit_rows_release(struct unit_rows *u)
{
    free(u->memory);
    memset(u, 0, sizeof *u);
}

/* Three runs of floats, aligned. */
static enum lp_status reserve(struct unit_rows *u, const int64_t n[3],
                              float *run[3])
{
    int64_t bytes = 0, at[3];
    for (int i = 0; i < 3; ++i) {
        at[i] = bytes;
        bytes += (n[i] * (int64_t)sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
    }
    if (bytes > u->room) {
        free(u->memory);
        u->room = 0;
        u->memory = aligned_alloc(ALIGN, (size_t)bytes);
        if (!u->memory)
            return lp_fail(LP_ENOMEM,
                           "no memory for the unit vectors of a view, %lld "
                           "bytes",
                           (long long)bytes);
        u->room = bytes;
    }
    for (int i = 0; i < 3; ++i)
        run[i] = (float *)((char *)u->memory + at[i]);
    return LP_OK;
}

enum lp_status unit_rows_make(struct unit_rows *u, const struct view *view,
                              const struct basis *b, void *rows)
{
    const int64_t cells = (int64_t)view->h * view->w;
    const int64_t need[3] = {view->mirror ? cells * view->d : 0, cells * b->r,
                             cells};
    float *run[3];
    const enum lp_status status = reserve(u, need, run);
    if (status != LP_OK)
        return status;
    float *y = run[1], *norm = run[2];
    const float *g = view->f;
    if (view->mirror) {
        flips_sum(view->f, view->mirror, (int64_t)view->d * view->h, view->w,
                  run[0]);
        g = run[0];
    }
    basis_project(b, g, cells, y, norm);
    for (int64_t i = 0; i < cells; ++i, y += b->r) {
        const bool good = norm[i] >= SHORTEST && norm[i] <= LONGEST;
        const double inverse = good ? 1 / (double)norm[i] : 0;
        for (int k = 0; k < b->r; ++k)
            y[k] = good ? (float)((double)y[k] * inverse) : 0;
    }
    value_from_f32(LP_F16, run[1], cells * b->r, rows);
    return LP_OK;
}

#if defined(__x86_64__)
/* 8 of the products, onto sum. */
__attribute__((target("avx2,fma,f16c"))) static inline __m256
add_wide(__m256 sum, const uint16_t *x, const float *m)
{
    return _mm256_fmadd_ps(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x)),
                           _mm256_loadu_ps(m), sum);
}

/* All but the last n % LANES products. Every processor with AVX2 has F16C. */
__attribute__((target("avx2,fma,f16c"))) static float
product_wide(const uint16_t *x, const float *m, int n)
{
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    float lane[8];
    for (int k = 0; k + LANES <= n; k += LANES) {
        a = add_wide(a, x + k, m + k);
        b = add_wide(b, x + k + 8, m + k + 8);
        c = add_wide(c, x + k + 16, m + k + 16);
        d = add_wide(d, x + k + 24, m + k + 24);
    }
    a = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
    _mm256_storeu_ps(lane, a);
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static bool have_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
static float product_wide(const uint16_t *x, const float *m, int n)
{
    (void)x, (void)m, (void)n;
    return 0;
}

static bool have_wide(void)
{
    return false;
}
#endif

/* The same of all n on any processor. */
static float product_plain(const uint16_t *x, const float *m, int n)
{
    float part[LANES], lane[LANES] = {0}, sum = 0;
    for (int k = 0; k < n; k += LANES) {
        const int rest = n - k < LANES ? n - k : LANES;
        value_to_f32(LP_F16, x + k, rest, part);
        for (int i = 0; i < rest; ++i)
            lane[i] += part[i] * m[k + i];
    }
    for (int i = 0; i < LANES; ++i)
        sum += lane[i];
    return sum;
}

/* x . m of n f16 and floats. There are few vectors: this is as fast as rows can
 * be read, where a product of matrices would widen and pack them first. */
static float product(const uint16_t *x, const float *m, int n, bool wide)
{
    const int done = wide ? n - n % LANES : 0;
    const float sum = done > 0 ? product_wide(x, m, done) : 0;
    return done < n ? sum + product_plain(x + done, m + done, n - done) : sum;
}

enum lp_status unit_rows_act(struct unit_rows *u, const void *rows,
                             int64_t cells, int r, const float *vector,
                             const int32_t *label, int n)
{
    const int64_t need[3] = {n * cells, 0, 0};
    const uint16_t *row = rows;
    const bool wide = have_wide();
    float *run[3];
    const enum lp_status status = reserve(u, need, run);
    if (status != LP_OK)
        return status;
    u->raw = run[0];
    for (int64_t c = 0; c < cells; ++c, row += r)
        for (int i = 0; i < n; ++i) {
            const float raw =
                product(row, vector + (int64_t)label[i] * r, r, wide);
            u->raw[i * cells + c] = raw > 0 ? raw : 0;
        }
    return LP_OK;
}

/* The most a sum of n products of floats is off, as a share of the sum of their
 * sizes, in whatever order it is taken (Higham 2002, section 3.1). */
static double sum_rounding(double n)
{
    return n * FLOAT_ROUNDING / (1 - n * FLOAT_ROUNDING);
}

static double length(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; ++i)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* |vector - V' reduced|, in double. */
static double left_over(const struct basis *b, const float *vector,
                        const float *reduced)
{
    double sum = 0;
    for (int first = 0; first < b->d; first += TILE) {
        const int k = b->d - first < TILE ? b->d - first : TILE;
        double rest[TILE];
        for (int i = 0; i < k; ++i)
            rest[i] = (double)vector[first + i] -
                      (b->vector ? 0 : (double)reduced[first + i]);
        for (int j = 0; b->vector && j < b->r; ++j)
            for (int i = 0; i < k; ++i)
                rest[i] -= (double)reduced[j] *
                           (double)b->vector[(int64_t)j * b->d + first + i];
        for (int i = 0; i < k; ++i)
            sum += rest[i] * rest[i];
    }
    return sqrt(sum);
}

/* What the bound hangs on: a class vector m in d dimensions, what it is in r. */
struct sizes {
    int d, r;
    bool matrix; /* r are not simply the d                              */
    double m, p; /* lengths of m and of its reduction                   */
    double p1;   /* sum of the sizes of its entries                     */
    double rest; /* length of m less what the reduction stands for      */
};

/* For g of length 1, y = V g, x what is stored of it. With rows of V that are
 * orthonormal but for their rounding to floats |y| <= kept.
 *
 *   own        x is off y by the product with V, or by 3 roundings
 *   half       and by the rounding to f16;
 *   product    x times the reduction is a sum of r products, |x| < 1.01 kept;
 *   rest       y times the reduction is off g times m;
 *   other      lpcam_view: a sum of d products, its length, the division;
 *   enlarging  6 roundings of numbers that are not negative, and one for each
 *              scale that is added, on both ways.
 *
 * Sums over entries are bounded by Cauchy and Schwarz. */
static double bound_of(const struct sizes *s, int n_scales)
{
    const double kept = s->matrix ? 1 + FLOAT_ROUNDING * sqrt(s->r) : 1;
    const double own =
        s->matrix ? sum_rounding(s->d + 4) * s->p1 : sum_rounding(3) * s->p;
    const double half =
        HALF_ROUNDING * (kept * s->p + own) + HALF_LEAST * s->p1;
    const double product = sum_rounding(s->r) * 1.01 * kept * s->p;
    const double other = sum_rounding(s->d + 3) * s->m;
    const double enlarging =
        2 * sum_rounding(6 + n_scales) * 1.01 * kept * fmax(s->m, s->p);
    return n_scales * (own + half + product + s->rest + other + enlarging);
}

double unit_rows_bound(const struct basis *b, const float *vector,
                       const float *reduced, int n_scales)
{
    struct sizes s = {.d = b->d,
                      .r = b->r,
                      .matrix = b->vector != NULL,
                      .m = length(vector, b->d),
                      .p = length(reduced, b->r),
                      .rest = left_over(b, vector, reduced)};
    for (int j = 0; j < b->r; ++j)
        s.p1 += fabs((double)reduced[j]);
    return bound_of(&s, n_scales);
}

double unit_rows_worst(int d, int r, int n_scales)
{
    const struct sizes s = {d, r, r < d, 1, 1, sqrt(r), 0};
    return bound_of(&s, n_scales);
}

/* Of two maps s and t, no value of which differs by more than e, with maxima S
 * and T: |s/S - t/T| <= |s - t|/S + t/T |T - S|/S <= 2 e/S; and both divisions
 * round. */
double unit_rows_share(double bound, double maximum)
{
    if (bound <= 0)
        return 0;
    const double share = 2 * bound / maximum + 2 * FLOAT_ROUNDING;
    return maximum > 0 && share < 1 ? share : 1;
}
