/* SPDX-License-Identifier: MIT */
/* 2 rows x 4, 5 or 6 centres in registers, first the lower eight lanes of all
 * steps, then the upper eight. */
#include "kmeans_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { HALF = KMEANS_LANES / 2, ROWS = 2 };

/* Every processor with AVX2 has F16C, which clang 14 cannot ask for. */
static bool runs(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool pairs(void)
{
    return false;
}

INLINE int value_size(enum lp_value type)
{
    return type == LP_F32 ? 4 : 2;
}

INLINE __m256 load(enum lp_value type, const char *p)
{
    if (type == LP_F32)
        return _mm256_loadu_ps((const void *)p);
    const __m128i x = _mm_loadu_si128((const void *)p);
    return type == LP_F16 ? _mm256_cvtph_ps(x)
                          : _mm256_castsi256_ps(_mm256_slli_epi32(
                                _mm256_cvtepu16_epi32(x), 16));
}

/* The first n of eight channels, zeros behind them. */
INLINE __m256 load_part(enum lp_value type, const char *p, int n)
{
    char room[HALF * sizeof(float)] = {0};
    if (n > 0)
        memcpy(room, p, (size_t)((n < HALF ? n : HALF) * value_size(type)));
    return load(type, room);
}

INLINE void step(enum lp_value type, int group, bool part, int n,
                 const char *const *x, const float *centers,
                 __m256 a[ROWS][KMEANS_MOST_GROUP])
{
    __m256 v[ROWS];
#pragma GCC unroll 2
    for (int r = 0; r < ROWS; ++r)
        v[r] = part ? load_part(type, x[r], n) : load(type, x[r]);
#pragma GCC unroll 6
    for (int j = 0; j < group; ++j) {
        const __m256 c = _mm256_load_ps(centers + j * KMEANS_LANES);
#pragma GCC unroll 2
        for (int r = 0; r < ROWS; ++r)
            a[r][j] = _mm256_fmadd_ps(v[r], c, a[r][j]);
    }
}

/* One half of the lanes of two rows times one group. fresh: acc begins here. */
INLINE void tile(enum lp_value type, int group, const char *const *row,
                 bool fresh, int n_steps, int n_last, const float *centers,
                 float *acc, const char *ahead, int lines)
{
    const int n_full = n_last < HALF ? n_steps - 1 : n_steps;
    const char *x[ROWS];
    __m256 a[ROWS][KMEANS_MOST_GROUP];

#pragma GCC unroll 2
    for (int r = 0; r < ROWS; ++r) {
        x[r] = row[r];
#pragma GCC unroll 6
        for (int j = 0; j < group; ++j)
            a[r][j] =
                fresh ? _mm256_setzero_ps()
                      : _mm256_load_ps(acc + (r * group + j) * KMEANS_LANES);
    }
#pragma GCC unroll 1
    for (int t = 0; t < n_full; ++t) {
        for (const char *end = ahead + lines * 64; ahead < end; ahead += 64)
            _mm_prefetch(ahead, _MM_HINT_T1);
        step(type, group, false, 0, x, centers, a);
        centers += group * KMEANS_LANES;
#pragma GCC unroll 2
        for (int r = 0; r < ROWS; ++r)
            x[r] += KMEANS_LANES * value_size(type);
    }
    if (n_full < n_steps)
        step(type, group, true, n_last, x, centers, a);
#pragma GCC unroll 2
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 6
        for (int j = 0; j < group; ++j)
            _mm256_store_ps(acc + (r * group + j) * KMEANS_LANES, a[r][j]);
}

/* A tile's four row and lane halves. Every group brings its share near. */
INLINE void quarters(enum lp_value type, int group, const char *const *row,
                     bool fresh, int n_steps, int n_last, const float *centers,
                     float *acc, struct kmeans_ahead *ahead, int lines)
{
    for (int i = 0; i < 4; ++i) {
        const int r = i / 2 * ROWS, lane = i % 2 * HALF;
        const char *x[ROWS] = {row[r] + lane * value_size(type),
                               row[r + 1] + lane * value_size(type)};
        const int fetch = i < lines && ahead->at < ahead->end;
        tile(type, group, x, fresh, n_steps, n_last - lane, centers + lane,
             acc + r * group * KMEANS_LANES + lane, ahead->at, fetch);
        ahead->at += fetch * n_steps * 64;
    }
}

INLINE float add_lanes(const float *a)
{
    const __m256 x = _mm256_add_ps(_mm256_load_ps(a), _mm256_load_ps(a + HALF));
    __m128 y =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}

/* The lanes of a tile times one group added up. */
INLINE void add_tile(int group, const float *acc, float *dot)
{
    for (int r = 0; r < KMEANS_TILE; ++r)
        for (int j = 0; j < group; ++j, acc += KMEANS_LANES)
            dot[j * KMEANS_BLOCK + r] = add_lanes(acc);
}

INLINE void groups(enum lp_value type, int group, const struct kmeans_shape *s,
                   const char *const *row, int first_step, int n_steps,
                   const float *centers, float *acc, float *dot,
                   struct kmeans_ahead *ahead)
{
    const bool last = kmeans_last_slice(s, first_step, n_steps);
    const int left = s->d - first_step * KMEANS_LANES;
    const int n_last = left - (n_steps - 1) * KMEANS_LANES;
    const int total = value_size(type); /* lines a step: 4 rows of 16 lanes */
    const int lines = total > s->n_groups ? total / s->n_groups : 1;
    const char *x[KMEANS_TILE];

    for (int r = 0; r < KMEANS_TILE; ++r)
        x[r] = row[r] + (int64_t)first_step * KMEANS_LANES * value_size(type);
    for (int g = 0; g < s->n_groups; ++g) {
        quarters(type, group, x, first_step == 0, n_steps,
                 n_last < KMEANS_LANES ? n_last : KMEANS_LANES, centers, acc,
                 ahead, g * lines < total ? lines : 0);
        if (last)
            add_tile(group, acc, dot + g * group * KMEANS_BLOCK);
        centers += n_steps * group * KMEANS_LANES;
        acc += KMEANS_TILE * group * KMEANS_LANES;
    }
}

#define PANEL(type, group)                                                     \
    static void panel_##type##_##group(                                        \
        const struct kmeans_shape *s, const char *const *row, int first_step,  \
        int n_steps, const float *centers, float *acc, float *dot,             \
        struct kmeans_ahead *ahead)                                            \
    {                                                                          \
        groups(type, group, s, row, first_step, n_steps, centers, acc, dot,    \
               ahead);                                                         \
    }
#define PANELS(type) PANEL(type, 4) PANEL(type, 5) PANEL(type, 6)
PANELS(LP_F32)
PANELS(LP_F16)
PANELS(LP_BF16)

#define THREE(type)                                                            \
    {                                                                          \
        panel_##type##_4, panel_##type##_5, panel_##type##_6                   \
    }
static void panel(const struct kmeans_shape *s, const char *const *row,
                  int first_step, int n_steps, const float *centers, float *acc,
                  float *dot, struct kmeans_ahead *ahead)
{
    static kmeans_panel *const all[][3] = {
        [LP_F32] = THREE(LP_F32),
        [LP_F16] = THREE(LP_F16),
        [LP_BF16] = THREE(LP_BF16),
    };
    all[s->type][s->group - 4](s, row, first_step, n_steps, centers, acc, dot,
                               ahead);
}

/* A run of channels, RUN vectors of 8, whose sums stay in registers. */
enum { RUN = 8 };

INLINE __m256i fixed(__m256 x, __m256 magic)
{
    return _mm256_castps_si256(_mm256_add_ps(x, magic));
}

INLINE void sum_run(enum lp_value type, const char *const *row, int n_in, int n,
                    int64_t first, __m256 magic, int32_t *sum)
{
    const __m256i zero = _mm256_mullo_epi32(_mm256_castps_si256(magic),
                                            _mm256_set1_epi32(2 * n_in - n));
    __m256i a[RUN];
#pragma GCC unroll 8
    for (int v = 0; v < RUN; ++v)
        a[v] = _mm256_setzero_si256();
    for (int r = 0; r < n_in; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            a[v] = _mm256_add_epi32(
                a[v], fixed(load(type, row[r] + (first + v * HALF) *
                                                    value_size(type)),
                            magic));
    for (int r = n_in; r < n; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            a[v] = _mm256_sub_epi32(
                a[v], fixed(load(type, row[r] + (first + v * HALF) *
                                                    value_size(type)),
                            magic));
#pragma GCC unroll 8
    for (int v = 0; v < RUN; ++v) {
        __m256i *to = (__m256i *)(void *)(sum + first + v * HALF);
        const __m256i x = _mm256_sub_epi32(a[v], zero);
        _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), x));
    }
}

/* The channels behind the last whole run. */
INLINE void sum_rest(enum lp_value type, const char *const *row, int n_in,
                     int n, int64_t first, int64_t d, __m256 magic,
                     int32_t *sum)
{
    for (; first < d; first += HALF) {
        const int width = (int)(d - first < HALF ? d - first : HALF);
        int32_t whole[HALF];
        for (int r = 0; r < n; ++r) {
            const __m256 x =
                load_part(type, row[r] + first * value_size(type), width);
            _mm256_storeu_si256(
                (void *)whole,
                _mm256_sub_epi32(fixed(x, magic), _mm256_castps_si256(magic)));
            for (int i = 0; i < width; ++i)
                sum[first + i] += r < n_in ? whole[i] : -whole[i];
        }
    }
}

INLINE void sum_all(enum lp_value type, const char *const *row, int n_in, int n,
                    int d, float magic, int32_t *sum)
{
    const __m256 m = _mm256_set1_ps(magic);
    int64_t first = 0;
    for (; first + RUN * HALF <= d; first += RUN * HALF)
        sum_run(type, row, n_in, n, first, m, sum);
    sum_rest(type, row, n_in, n, first, d, m, sum);
}

static void add(const struct kmeans_shape *s, const char *const *row, int n_in,
                int n, int bits, int32_t *sum)
{
    const float magic = ldexpf(1.5f, 23 - bits);
    if (s->type == LP_F32)
        sum_all(LP_F32, row, n_in, n, s->d, magic, sum);
    else if (s->type == LP_F16)
        sum_all(LP_F16, row, n_in, n, s->d, magic, sum);
    else
        sum_all(LP_BF16, row, n_in, n, s->d, magic, sum);
}

const struct kmeans_kernel kmeans_kernel_avx2 = {
    .name = "avx2",
    .runs = runs,
    .pairs = pairs,
    .panel = panel,
    .add = add,
};
#else
static bool never(void)
{
    return false;
}

const struct kmeans_kernel kmeans_kernel_avx2 = {
    .name = "avx2",
    .runs = never,
    .pairs = never,
};
#endif
