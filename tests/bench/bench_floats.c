/* SPDX-License-Identifier: MIT */
#include "bench_floats.h"

#include "../../src/method/kmeans_kernel.h"

#ifdef __AVX512F__
#include <immintrin.h>

/* As many vectors stay in registers as in the exact kernel. */
enum { RUN = 8 };

static inline __attribute__((always_inline)) __m512
load(enum lp_value type, const char *row, int64_t channel)
{
    if (type == LP_F32)
        return _mm512_loadu_ps(row + 4 * channel);
    const __m256i half = _mm256_loadu_si256((const void *)(row + 2 * channel));
    if (type == LP_F16)
        return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* sum [d] of floats += the first n_in rows - the others; what is left of d over
 * a whole run is left out. */
static inline __attribute__((always_inline)) void
add_rows(enum lp_value type, const char *const *row, int n_in, int n, int d,
         int32_t *sum)
{
    for (int first = 0; first + RUN * 16 <= d; first += RUN * 16) {
        char *to = (char *)sum + first * (int)sizeof(float);
        __m512 a[RUN];
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            a[v] = _mm512_loadu_ps(to + 64 * v);
        for (int r = 0; r < n_in; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < RUN; ++v)
                a[v] = _mm512_add_ps(a[v], load(type, row[r], first + 16 * v));
        for (int r = n_in; r < n; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < RUN; ++v)
                a[v] = _mm512_sub_ps(a[v], load(type, row[r], first + 16 * v));
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            _mm512_storeu_ps(to + 64 * v, a[v]);
    }
}

static void add(const struct kmeans_shape *s, const char *const *row, int n_in,
                int n, int bits, int32_t *sum)
{
    (void)bits;
    if (s->type == LP_F32)
        add_rows(LP_F32, row, n_in, n, s->d, sum);
    else if (s->type == LP_F16)
        add_rows(LP_F16, row, n_in, n, s->d, sum);
    else
        add_rows(LP_BF16, row, n_in, n, s->d, sum);
}

enum lp_status kmeans_use_floats(struct kmeans *km)
{
    static struct kmeans_kernel kernel;
    if (km->n_threads > 1)
        return lp_fail(LP_EARG,
                       "sums in floating point are for one thread, "
                       "not %d",
                       km->n_threads);
    kernel = *km->kernel;
    kernel.add = add;
    km->kernel = &kernel;
    return LP_OK;
}
#else
enum lp_status kmeans_use_floats(struct kmeans *km)
{
    return lp_fail(
        LP_EARG,
        "sums in floating point, to compare with those of kernel %s, "
        "are written for AVX-512 only",
        km->kernel->name);
}
#endif
