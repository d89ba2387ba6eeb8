/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise */
#include "probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#ifdef __AVX512F__
typedef float vector __attribute__((vector_size(64)));
#else
typedef float vector __attribute__((vector_size(32)));
#endif

enum {
    LANES = sizeof(vector) / sizeof(float),
    CHAINS = 12, /* independent, to cover the latency of two units      */
    STEPS = 1000,
    MOST_THREADS = 64,
    HUGE_PAGE = 1 << 21,
    AHEAD = 8192 /* bytes that are prefetched                           */
};

struct job {
    pthread_t thread;
    pthread_barrier_t *start;
    double seconds;    /* to compute for                                 */
    const vector *row; /* to read                                        */
    long n_rows;       /* vectors                                        */
    double rate;       /* what came of it, a second                      */
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A use that the compiler cannot leave out. */
static void keep(vector x)
{
    volatile float sink = x[0];
    (void)sink;
}

/* The empty asm keeps a chain in its register and the step in the program;
 * named variables, because the compiler would keep an array in memory. */
#define HOLD(x)          __asm__ volatile("" : "+v"(x));
#define EACH(step, a)    step(a##0) step(a##1) step(a##2) step(a##3)
#define EACH_CHAIN(step) EACH(step, x) EACH(step, y) EACH(step, z)
#define FMA_STEP(x)                                                            \
    x = x * a + b;                                                             \
    HOLD(x)

static void *run_fma(void *state)
{
    struct job *job = state;
    vector a = {0}, b = {0};
    a += 0.999f;
    b += 1e-3f;
    vector x0 = a, x1 = b, x2 = a + a, x3 = a + b;
    vector y0 = x0, y1 = x1, y2 = x2, y3 = x3;
    vector z0 = x0, z1 = x1, z2 = x2, z3 = x3;
    long steps = 0;
    double s;

    pthread_barrier_wait(job->start);
    const double begin_s = now_s();
    do {
        for (int i = 0; i < STEPS; ++i) {
            EACH_CHAIN(FMA_STEP)
        }
        steps += STEPS;
        s = now_s() - begin_s;
    } while (s < job->seconds);
    keep(x0 + x1 + x2 + x3 + y0 + y1 + y2 + y3 + z0 + z1 + z2 + z3);
    job->rate = 2.0 * LANES * CHAINS * (double)steps / s;
    return NULL;
}

#ifdef __AVX512BF16__
#define BF16_STEP(x)                                                           \
    x = (vector)_mm512_dpbf16_ps((__m512)(x), a, b);                           \
    HOLD(x)

static void *run_bf16(void *state)
{
    struct job *job = state;
    const __m512bh a =
        _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
    const __m512bh b =
        _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-3f), _mm512_set1_ps(2e-3f));
    vector x0 = {0}, x1 = x0, x2 = x0, x3 = x0;
    vector y0 = x0, y1 = x0, y2 = x0, y3 = x0;
    vector z0 = x0, z1 = x0, z2 = x0, z3 = x0;
    vector w0 = x0, w1 = x0, w2 = x0, w3 = x0; /* they take longer */
    long steps = 0;
    double s;

    pthread_barrier_wait(job->start);
    const double begin_s = now_s();
    do {
        for (int i = 0; i < STEPS; ++i) {
            EACH_CHAIN(BF16_STEP) EACH(BF16_STEP, w)
        }
        steps += STEPS;
        s = now_s() - begin_s;
    } while (s < job->seconds);
    keep(x0 + x1 + x2 + x3 + y0 + y1 + y2 + y3 + z0 + z1 + z2 + z3 + w0 + w1 +
         w2 + w3);
    job->rate = 4.0 * LANES * (CHAINS + 4) * (double)steps / s;
    return NULL;
}
#endif

static void *run_stream(void *state)
{
    struct job *job = state;
    const vector *x = job->row;
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0;

    pthread_barrier_wait(job->start);
    const double begin_s = now_s();
    for (long i = 0; i < job->n_rows; i += 4) {
        for (int line = 0; line < 4 * (int)sizeof(vector); line += 64)
            __builtin_prefetch((const char *)(x + i) + AHEAD + line, 0, 2);
        s0 += x[i];
        s1 += x[i + 1];
        s2 += x[i + 2];
        s3 += x[i + 3];
    }
    job->rate =
        (double)job->n_rows * (double)sizeof(vector) / (now_s() - begin_s);
    keep(s0 + s1 + s2 + s3);
    return NULL;
}

/* All at once; the sum of their rates in 1e9. job [n] has its input. */
static double run_jobs(struct job *job, int n, void *(*run)(void *))
{
    pthread_barrier_t start;
    double rate = 0;
    int n_started = 1;

    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; ++i)
        job[i].start = &start;
    while (n_started < n && pthread_create(&job[n_started].thread, NULL, run,
                                           &job[n_started]) == 0)
        ++n_started;
    if (n_started < n)
        abort(); /* the others wait for it */
    run(&job[0]);
    for (int i = 1; i < n; ++i)
        pthread_join(job[i].thread, NULL);
    for (int i = 0; i < n; ++i)
        rate += 1e-9 * job[i].rate;
    pthread_barrier_destroy(&start);
    return rate;
}

static int at_most(int n_threads)
{
    return n_threads < MOST_THREADS ? n_threads : MOST_THREADS;
}

static double peak(int n_threads, double seconds, void *(*run)(void *))
{
    struct job job[MOST_THREADS];
    for (int i = 0; i < at_most(n_threads); ++i)
        job[i] = (struct job){.seconds = seconds};
    return run_jobs(job, at_most(n_threads), run);
}

double probe_fma_gflops(int n_threads, double seconds)
{
    return peak(n_threads, seconds, run_fma);
}

double probe_bf16_gflops(int n_threads, double seconds)
{
#ifdef __AVX512BF16__
    return peak(n_threads, seconds, run_bf16);
#else
    return 0 * (n_threads + seconds);
#endif
}

/* Touched memory; the one of the call before when it was as large. */
static vector *stream_memory(long n_bytes)
{
    static void *memory;
    static long n_had;
    if (n_had == n_bytes)
        return memory;
    free(memory);
    n_had = 0;
    if (posix_memalign(&memory, HUGE_PAGE, (size_t)n_bytes) != 0)
        return memory = NULL;
    madvise(memory, (size_t)n_bytes, MADV_HUGEPAGE);
    memset(memory, 0, (size_t)n_bytes);
    n_had = n_bytes;
    return memory;
}

double probe_stream_gbs(int n_threads, long n_bytes)
{
    struct job job[MOST_THREADS];
    const int n = at_most(n_threads);
    const long each = n_bytes / (long)sizeof(vector) / n / 4 * 4;
    const vector *memory = stream_memory(n_bytes);

    for (int i = 0; i < n; ++i)
        job[i] = (struct job){.row = memory + i * each, .n_rows = each};
    return memory ? run_jobs(job, n, run_stream) : 0;
}
