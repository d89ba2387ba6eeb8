/* SPDX-License-Identifier: MIT */
/* 4 rows x 4, 5 or 6 centres in registers. Each vector of a centre is loaded
 * once for the four rows. The next block is brought near a few lines a step: in
 * bursts it would hold up the loads of this one, or be dropped. */
#include "kmeans_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum row_type { ROW_F32, ROW_F16, ROW_BF16, ROW_PAIRS };

static bool runs(void)
{
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

static bool pairs(void)
{
    return __builtin_cpu_supports("avx512bf16");
}

static enum row_type row_type(const struct kmeans_shape *s)
{
    return s->pairs            ? ROW_PAIRS
           : s->type == LP_F32 ? ROW_F32
           : s->type == LP_F16 ? ROW_F16
                               : ROW_BF16;
}

/* Bytes of a row a step. */
INLINE int step_bytes(enum row_type type)
{
    return type == ROW_F32 || type == ROW_PAIRS ? 64 : 32;
}

INLINE __m512 widen(enum row_type type, __m256i x)
{
    return type == ROW_F16 ? _mm512_cvtph_ps(x)
                           : _mm512_castsi512_ps(_mm512_slli_epi32(
                                 _mm512_cvtepu16_epi32(x), 16));
}

INLINE __m512 load(enum row_type type, const char *p)
{
    if (step_bytes(type) == 64)
        return _mm512_loadu_ps(p);
    return widen(type, _mm256_loadu_si256((const void *)p));
}

/* The first n channels of a step, zeros behind them. */
INLINE __m512 load_part(enum row_type type, const char *p, int n)
{
    const uint32_t mask = n >= 32 ? ~0u : (1u << n) - 1;
    if (type == ROW_F32)
        return _mm512_maskz_loadu_ps((__mmask16)mask, p);
    if (type == ROW_PAIRS)
        return _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(mask, p));
    return widen(type, _mm256_maskz_loadu_epi16((__mmask16)mask, p));
}

INLINE __m512 multiply_add(enum row_type type, __m512 x, __m512 c, __m512 a)
{
    return type == ROW_PAIRS ? _mm512_dpbf16_ps(a, (__m512bh)x, (__m512bh)c)
                             : _mm512_fmadd_ps(x, c, a);
}

/* One step of a tile. n: channels, where not all. */
INLINE void step(enum row_type type, int group, bool part, int n,
                 const char *const *x, const float *centers,
                 __m512 a[KMEANS_TILE][KMEANS_MOST_GROUP])
{
    __m512 c[KMEANS_MOST_GROUP];
#pragma GCC unroll 6
    for (int j = 0; j < group; ++j) {
        c[j] = _mm512_load_ps(centers + j * KMEANS_LANES);
        __asm__("" : "+v"(c[j])); /* or the compiler loads it four times */
    }
#pragma GCC unroll 4
    for (int r = 0; r < KMEANS_TILE; ++r) {
        const __m512 v = part ? load_part(type, x[r], n) : load(type, x[r]);
#pragma GCC unroll 6
        for (int j = 0; j < group; ++j)
            a[r][j] = multiply_add(type, v, c[j], a[r][j]);
    }
}

/* [a0 + a8 .. a7 + a15, b0 + b8 .. b7 + b15] */
INLINE __m512 halve(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44),
                         _mm512_shuffle_f32x4(a, b, 0xee));
}

/* The lanes of four rows with one centre. */
INLINE __m128 add_lanes(__m512 a, __m512 b, __m512 c, __m512 d)
{
    const __m512i first =
        _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512 ab = halve(a, b), cd = halve(c, d);
    __m512 x = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88),
                             _mm512_shuffle_f32x4(ab, cd, 0xdd));
    x = _mm512_add_ps(x, _mm512_permute_ps(x, 0x4e));
    x = _mm512_add_ps(x, _mm512_permute_ps(x, 0xb1));
    return _mm512_castps512_ps128(_mm512_permutexvar_ps(first, x));
}

INLINE void begin_tile(int group, bool fresh, const float *acc,
                       __m512 a[KMEANS_TILE][KMEANS_MOST_GROUP])
{
#pragma GCC unroll 4
    for (int r = 0; r < KMEANS_TILE; ++r)
#pragma GCC unroll 6
        for (int j = 0; j < group; ++j)
            a[r][j] =
                fresh ? _mm512_setzero_ps()
                      : _mm512_load_ps(acc + (r * group + j) * KMEANS_LANES);
}

/* Into acc, or where this was the last slice added up into dot. */
INLINE void end_tile(int group, bool last, float *acc, float *dot,
                     __m512 a[KMEANS_TILE][KMEANS_MOST_GROUP])
{
#pragma GCC unroll 6
    for (int j = 0; j < group; ++j)
        if (last)
            _mm_storeu_ps(dot + j * KMEANS_BLOCK,
                          add_lanes(a[0][j], a[1][j], a[2][j], a[3][j]));
        else
#pragma GCC unroll 4
            for (int r = 0; r < KMEANS_TILE; ++r)
                _mm512_store_ps(acc + (r * group + j) * KMEANS_LANES, a[r][j]);
}

/* Where a slice stands among those of a dot. */
struct place {
    bool first, last;
};

/* A slice of 4 rows times one group, `lines` cache lines ahead a step; the last
 * step has n_last channels. next: rows to be brought from L2, NULL: none. */
INLINE void tile(enum row_type type, int group, const char *const *row,
                 struct place place, int n_steps, int n_last,
                 const float *centers, float *acc, float *dot,
                 const char *ahead, int lines, const char *const *next)
{
    const int bytes = step_bytes(type);
    const int lanes = type == ROW_PAIRS ? 2 * KMEANS_LANES : KMEANS_LANES;
    const int n_full = n_last < lanes ? n_steps - 1 : n_steps;
    const char *x[KMEANS_TILE];
    __m512 a[KMEANS_TILE][KMEANS_MOST_GROUP];

#pragma GCC unroll 4
    for (int r = 0; r < KMEANS_TILE; ++r)
        x[r] = row[r];
    begin_tile(group, place.first, acc, a);
#pragma GCC unroll 1
    for (int t = 0; t < n_full; ++t) {
        for (const char *end = ahead + lines * 64; ahead < end; ahead += 64)
            _mm_prefetch(ahead, _MM_HINT_T0);
        if (next)
#pragma GCC unroll 4
            for (int r = 0; r < KMEANS_TILE; ++r)
                _mm_prefetch(next[r] + (int64_t)t * bytes, _MM_HINT_T0);
        step(type, group, false, 0, x, centers, a);
        centers += group * KMEANS_LANES;
#pragma GCC unroll 4
        for (int r = 0; r < KMEANS_TILE; ++r)
            x[r] += bytes;
    }
    if (n_full < n_steps)
        step(type, group, true, n_last, x, centers, a);
    end_tile(group, place.last, acc, dot, a);
}

/* All groups of a slice. As many bytes are brought to L2 as are multiplied; the
 * last group brings the next tile to L1, which pays for rows of 64 bytes a
 * step. */
INLINE void groups(enum row_type type, int group, const struct kmeans_shape *s,
                   const char *const *row, int first_step, int n_steps,
                   const float *centers, float *acc, float *dot,
                   struct kmeans_ahead *ahead)
{
    const struct place place = {first_step == 0,
                                kmeans_last_slice(s, first_step, n_steps)};
    const int bytes = step_bytes(type), left = s->d - first_step * s->lanes;
    const int n_last = left - (n_steps - 1) * s->lanes;
    const int total = KMEANS_TILE * bytes / 64; /* lines a step, all groups */
    const int lines = total > s->n_groups ? total / s->n_groups : 1;
    const char *x[KMEANS_TILE], *next[KMEANS_TILE];

    for (int r = 0; r < KMEANS_TILE; ++r) {
        x[r] = row[r] + (int64_t)first_step * bytes;
        next[r] = row[r + KMEANS_TILE] + (int64_t)first_step * bytes;
    }
    for (int g = 0; g < s->n_groups; ++g) {
        const bool fetch = g * lines < total && ahead->at < ahead->end;
        const int n = n_last < s->lanes ? n_last : s->lanes;
        const char *at = ahead->at;
        ahead->at += fetch ? lines * n_steps * 64 : 0;
        if (bytes == 64 && g == s->n_groups - 1)
            tile(type, group, x, place, n_steps, n, centers, acc, dot, at,
                 fetch ? lines : 0, next);
        else
            tile(type, group, x, place, n_steps, n, centers, acc, dot, at,
                 fetch ? lines : 0, NULL);
        centers += n_steps * group * KMEANS_LANES;
        acc += KMEANS_TILE * group * KMEANS_LANES;
        dot += group * KMEANS_BLOCK;
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
PANELS(ROW_F32)
PANELS(ROW_F16)
PANELS(ROW_BF16)
PANELS(ROW_PAIRS)

#define THREE(type)                                                            \
    {                                                                          \
        panel_##type##_4, panel_##type##_5, panel_##type##_6                   \
    }
static void panel(const struct kmeans_shape *s, const char *const *row,
                  int first_step, int n_steps, const float *centers, float *acc,
                  float *dot, struct kmeans_ahead *ahead)
{
    static kmeans_panel *const all[][3] = {THREE(ROW_F32), THREE(ROW_F16),
                                           THREE(ROW_BF16), THREE(ROW_PAIRS)};
    all[row_type(s)][s->group - 4](s, row, first_step, n_steps, centers, acc,
                                   dot, ahead);
}

/* A run of channels, RUN vectors of 16, whose sums stay in registers. */
enum { RUN = 8 };

/* x as integers, once `zero` is taken off. */
INLINE __m512i fixed(__m512 x, __m512 magic)
{
    return _mm512_castps_si512(_mm512_add_ps(x, magic));
}

INLINE void sum_run(enum row_type type, const char *const *row, int n_in, int n,
                    int64_t first, __m512 magic, int32_t *sum)
{
    const int bytes = type == ROW_F32 ? 4 : 2;
    const __m512i zero = _mm512_mullo_epi32(_mm512_castps_si512(magic),
                                            _mm512_set1_epi32(2 * n_in - n));
    __m512i a[RUN];
#pragma GCC unroll 8
    for (int v = 0; v < RUN; ++v)
        a[v] = _mm512_setzero_si512();
    for (int r = 0; r < n_in; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            a[v] = _mm512_add_epi32(
                a[v],
                fixed(load(type, row[r] + (first + v * 16) * bytes), magic));
    for (int r = n_in; r < n; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < RUN; ++v)
            a[v] = _mm512_sub_epi32(
                a[v],
                fixed(load(type, row[r] + (first + v * 16) * bytes), magic));
#pragma GCC unroll 8
    for (int v = 0; v < RUN; ++v) {
        int32_t *to = sum + first + v * 16;
        const __m512i x = _mm512_sub_epi32(a[v], zero);
        _mm512_storeu_si512(to, _mm512_add_epi32(_mm512_loadu_si512(to), x));
    }
}

/* The channels behind the last whole run. */
INLINE void sum_rest(enum row_type type, const char *const *row, int n_in,
                     int n, int64_t first, int64_t d, __m512 magic,
                     int32_t *sum)
{
    const int bytes = type == ROW_F32 ? 4 : 2;
    for (; first < d; first += KMEANS_LANES) {
        const int width = (int)(d - first < 16 ? d - first : 16);
        int32_t whole[KMEANS_LANES];
        for (int r = 0; r < n; ++r) {
            const __m512 x = load_part(type, row[r] + first * bytes, width);
            _mm512_storeu_si512(
                whole,
                _mm512_sub_epi32(fixed(x, magic), _mm512_castps_si512(magic)));
            for (int i = 0; i < width; ++i)
                sum[first + i] += r < n_in ? whole[i] : -whole[i];
        }
    }
}

INLINE void sum_all(enum row_type type, const char *const *row, int n_in, int n,
                    int d, float magic, int32_t *sum)
{
    const __m512 m = _mm512_set1_ps(magic);
    int64_t first = 0;
    for (; first + RUN * 16 <= d; first += RUN * 16)
        sum_run(type, row, n_in, n, first, m, sum);
    sum_rest(type, row, n_in, n, first, d, m, sum);
}

static void add(const struct kmeans_shape *s, const char *const *row, int n_in,
                int n, int bits, int32_t *sum)
{
    const float magic = ldexpf(1.5f, 23 - bits);
    if (s->type == LP_F32)
        sum_all(ROW_F32, row, n_in, n, s->d, magic, sum);
    else if (s->type == LP_F16)
        sum_all(ROW_F16, row, n_in, n, s->d, magic, sum);
    else
        sum_all(ROW_BF16, row, n_in, n, s->d, magic, sum);
}

const struct kmeans_kernel kmeans_kernel_avx512 = {
    .name = "avx512",
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

const struct kmeans_kernel kmeans_kernel_avx512 = {
    .name = "avx512",
    .runs = never,
    .pairs = never,
};
#endif
