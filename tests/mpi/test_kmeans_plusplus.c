/* SPDX-License-Identifier: MIT */
/* kmeans_start_plusplus: the same bits however the photographs lie, and starts
 * that know the data. */
#include "support.h"

#include <signal.h>
#include <stdio.h>

#include "kmeans_data.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"

#define K      4
#define SWAPS  6
#define SAMPLE 4096

static const uint64_t name_hash[] = {11, 22, 33};

static int world_rank(void)
{
    return comm_rank(MPI_COMM_WORLD);
}

static struct features my_share(const struct features *all, int mode)
{
    return data_share(all, mode, world_rank(), comm_size(MPI_COMM_WORLD));
}

static enum lp_status start(struct kmeans *km, struct features *f, int k,
                            uint64_t seed, int sample, int swaps, MPI_Comm comm)
{
    enum lp_status status = kmeans_init(km, f, k);
    if (status == LP_OK)
        status =
            kmeans_start_plusplus(km, f, name_hash, seed, sample, swaps, comm);
    return status;
}

static bool same_centers(const struct kmeans *a, const struct kmeans *b)
{
    return memcmp(a->center, b->center,
                  (size_t)a->n_problems * (size_t)a->k * (size_t)a->d *
                      sizeof *a->center) == 0;
}

static void check_all_shares(enum lp_value type, int sample)
{
    struct features all = data_made(29, 3, 33, type);
    struct kmeans whole;
    assert_true(on_all(
        start(&whole, &all, K, 5, sample, SWAPS, MPI_COMM_SELF) == LP_OK));
    for (int mode = 0; mode < 4; ++mode)
        for (int streamed = 0; streamed < 2; ++streamed) {
            struct features f = my_share(&all, mode);
            struct data_file file;
            struct kmeans part;
            if (streamed)
                data_stream(&f, &file, mode % 2 ? 0 : 60000);
            assert_true(on_all(start(&part, &f, K, 5, sample, SWAPS,
                                     MPI_COMM_WORLD) == LP_OK));
            assert_true(on_all(same_centers(&whole, &part)));
            if (streamed)
                free(file.value);
            kmeans_release(&part);
            features_release(&f);
        }
    kmeans_release(&whole);
    features_release(&all);
}

static void any_sharding_gives_the_same_bits(void **state)
{
    (void)state;
    check_all_shares(LP_F32, SAMPLE);
    check_all_shares(LP_F32, 100);
    check_all_shares(LP_F16, 400);
    check_all_shares(LP_BF16, 100);
}

static void the_order_of_the_list_does_not_matter(void **state)
{
    (void)state;
    enum { N = 300, D = 8 };
    float x[N * D], turned[N * D];
    struct kmeans a, b;
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j)
            turned[(N - 1 - i) * D + j] = x[i * D + j] = data_entry(i, 0, j);
    struct features all = data_rows(N, D, x), back = data_rows(N, D, turned);
    for (int i = 0; i < N; ++i)
        back.id_hash[N - 1 - i] = all.id_hash[i];
    struct features f = my_share(&all, 0), g = my_share(&back, 0);
    assert_true(
        on_all(start(&a, &f, K, 1, 150, SWAPS, MPI_COMM_WORLD) == LP_OK &&
               start(&b, &g, K, 1, 150, SWAPS, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(same_centers(&a, &b)));
    kmeans_release(&a);
    kmeans_release(&b);
    features_release(&f);
    features_release(&g);
    features_release(&all);
    features_release(&back);
}

static void any_kernel_and_threads_give_the_same_bits(void **state)
{
    (void)state;
    static const char *const kernel[] = {"avx512", "avx2", "plain"};
    struct features all = data_made(29, 3, 33, LP_F16);
    struct features f = my_share(&all, 0);
    struct kmeans first, km;
    assert_true(
        on_all(start(&first, &f, 13, 5, 300, SWAPS, MPI_COMM_WORLD) == LP_OK));
    for (int i = 0; i < 6; ++i) {
        assert_true(on_all(kmeans_init(&km, &f, 13) == LP_OK));
        const bool runs = kmeans_use(&km, kernel[i % 3], 1 + i) == LP_OK;
        if (on_all(runs)) {
            assert_true(
                on_all(kmeans_start_plusplus(&km, &f, name_hash, 5, 300, SWAPS,
                                             MPI_COMM_WORLD) == LP_OK));
            assert_true(on_all(same_centers(&first, &km)));
        }
        kmeans_release(&km);
    }
    kmeans_release(&first);
    features_release(&f);
    features_release(&all);
}

static void another_seed_starts_elsewhere(void **state)
{
    (void)state;
    struct features all = data_made(12, 3, 16, LP_F32);
    struct features f = my_share(&all, 0);
    struct kmeans a, b;
    assert_true(
        on_all(start(&a, &f, K, 1, SAMPLE, 0, MPI_COMM_WORLD) == LP_OK &&
               start(&b, &f, K, 2, SAMPLE, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(!same_centers(&a, &b)));
    kmeans_release(&a);
    kmeans_release(&b);
    features_release(&f);
    features_release(&all);
}

/* --- twelve clusters of very different size, far from each other */

enum { CLUSTERS = 12, WIDTH = 24, MOST_ROWS = 1000 };

static struct features far_clusters(uint64_t seed)
{
    float x[MOST_ROWS * WIDTH];
    int n = 0;
    for (int c = 0; c < CLUSTERS; ++c)
        for (int i = 0; i < (c < 4 ? 200 : 5 + c); ++i, ++n)
            for (int j = 0; j < WIDTH; ++j)
                x[n * WIDTH + j] =
                    (float)(1 + c) *
                    (float)((j / 2 == c) +
                            0.05 * data_uniform(hash_mix(seed, (uint64_t)n),
                                                (uint64_t)j));
    return data_rows(n, WIDTH, x);
}

/* How many of the clusters have a centre. */
static int n_found(const struct kmeans *km)
{
    int n = 0;
    for (int c = 0; c < CLUSTERS; ++c) {
        bool found = false;
        for (int slot = 0; slot < CLUSTERS; ++slot) {
            const float *x = km->center + slot * WIDTH;
            double square = 0;
            for (int j = 0; j < WIDTH; ++j)
                square += (double)x[j] * (double)x[j];
            const double along = (double)x[2 * c] + (double)x[2 * c + 1];
            found = found || along * along > 1.9 * square;
        }
        n += found;
    }
    return n;
}

static void clusters_far_apart_are_all_found(void **state)
{
    (void)state;
    int n_missed = 0;
    for (uint64_t seed = 0; seed < 8; ++seed) {
        struct features all = far_clusters(seed), f = my_share(&all, 3);
        struct kmeans hash, plus;
        assert_true(on_all(start(&plus, &f, CLUSTERS, seed, SAMPLE, 0,
                                 MPI_COMM_WORLD) == LP_OK));
        assert_int_equal(n_found(&plus), CLUSTERS);
        assert_true(on_all(kmeans_init(&hash, &f, CLUSTERS) == LP_OK));
        assert_true(on_all(kmeans_start_hash(&hash, &f, name_hash, seed,
                                             MPI_COMM_WORLD) == LP_OK));
        n_missed += CLUSTERS - n_found(&hash);
        kmeans_release(&hash);
        kmeans_release(&plus);
        features_release(&f);
        features_release(&all);
    }
    assert_true(n_missed > 8);
}

/* The cosines of all rows with their nearest centre of problem 0. */
static double objective(const struct features *all, const struct kmeans *km)
{
    double sum = 0;
    for (int64_t i = 0; i < all->n_images; ++i) {
        const float *x = (float *)all->value + i * km->d;
        double best = -1;
        for (int c = 0; c < km->k; ++c) {
            const float *y = km->center + (int64_t)c * km->d;
            double xy = 0, xx = 0, yy = 0;
            for (int j = 0; j < km->d; ++j) {
                xy += (double)x[j] * (double)y[j];
                xx += (double)x[j] * (double)x[j];
                yy += (double)y[j] * (double)y[j];
            }
            best = xy / sqrt(xx * yy) > best ? xy / sqrt(xx * yy) : best;
        }
        sum += best;
    }
    return sum;
}

static void swaps_never_lose_and_mostly_win(void **state)
{
    (void)state;
    enum { N = 400, D = 16 };
    float x[N * D];
    int n_better = 0;
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j)
            x[i * D + j] = data_entry(i, 0, j) + (j == 0);
    struct features all = data_rows(N, D, x), f = my_share(&all, 0);
    for (uint64_t seed = 0; seed < 6; ++seed) {
        struct kmeans none, some;
        assert_true(on_all(
            start(&none, &f, K, seed, SAMPLE, 0, MPI_COMM_WORLD) == LP_OK &&
            start(&some, &f, K, seed, SAMPLE, 24, MPI_COMM_WORLD) == LP_OK));
        const double a = objective(&all, &none), b = objective(&all, &some);
        assert_true(b > 0.998 * a);
        n_better += b > a + 1e-3;
        kmeans_release(&none);
        kmeans_release(&some);
    }
    assert_true(n_better >= 4);
    features_release(&f);
    features_release(&all);
}

/* --- problems with little in them */

/* Four rows, the zero-th of them zero: the three others stand in front, each
 * once. */
static bool rows_are_the_starts(const struct kmeans *km, const float *x,
                                int zero)
{
    int n[4] = {0}, n_other = 0;
    for (int c = 0; c < km->k; ++c)
        for (int i = 0; i < 4; ++i)
            n[i] += memcmp(km->center + 2 * c, x + 2 * i, 2 * sizeof *x) == 0;
    for (int i = 6; i < 4 * km->k; ++i) /* the context has no rows */
        n_other += km->center[i] != 0;
    for (int i = 0; i < 4; ++i)
        n_other += n[i] != (i == zero ? km->k - 3 : 1);
    return n_other == 0;
}

static void rows_of_a_problem_too_small_are_the_starts(void **state)
{
    (void)state;
    for (int zero = 0; zero < 4; ++zero) {
        float x[] = {1, 0, 5, 1, 0, 2, 3, 3};
        x[2 * zero] = x[2 * zero + 1] = 0;
        struct features all = data_rows(4, 2, x), f = my_share(&all, 0);
        for (int k = 3; k <= 5; ++k) {
            struct kmeans km;
            assert_true(on_all(
                start(&km, &f, k, 1, SAMPLE, SWAPS, MPI_COMM_WORLD) == LP_OK));
            assert_true(on_all(rows_are_the_starts(&km, x, zero)));
            kmeans_release(&km);
        }
        features_release(&f);
        features_release(&all);
    }
}

static void equal_rows_fill_every_slot(void **state)
{
    (void)state;
    float x[20 * 3];
    for (int i = 0; i < 60; ++i)
        x[i] = (float)(1 + i % 3) / 3;
    struct features all = data_rows(20, 3, x), f = my_share(&all, 0);
    struct kmeans km;
    assert_true(
        on_all(start(&km, &f, 5, 1, SAMPLE, SWAPS, MPI_COMM_WORLD) == LP_OK));
    for (int i = 0; i < 15; ++i)
        assert_true(fabsf(km.center[i] - x[i % 3]) < 1e-6f);
    kmeans_release(&km);
    features_release(&f);
    features_release(&all);
}

/* Three directions, one of them rare, each many times and of many lengths. */
static void duplicates_are_not_chosen_twice(void **state)
{
    (void)state;
    enum { N = 600 };
    float x[N * 3] = {0};
    for (int i = 0; i < N; ++i) {
        const int direction = i == 77 ? 2 : i % 2;
        for (int j = 0; j <= direction; ++j)
            x[3 * i + j] = (float)(1 + i % 7) * 0.3f;
    }
    struct features all = data_rows(N, 3, x), f = my_share(&all, 0);
    for (uint64_t seed = 0; seed < 20; ++seed) {
        struct kmeans km;
        bool seen[3] = {false};
        assert_true(on_all(start(&km, &f, 3, seed, SAMPLE, 0, MPI_COMM_WORLD) ==
                           LP_OK));
        for (int c = 0; c < 3; ++c) {
            const float *y = km.center + 3 * c;
            seen[(y[1] > 0) + (y[2] > 0)] = true;
        }
        assert_true(seen[0] && seen[1] && seen[2]);
        kmeans_release(&km);
    }
    features_release(&f);
    features_release(&all);
}

/* With one centre it is the mean of the sample: of all rows where the sample
 * has room for them, and never moved by zero vectors. */
static void one_centre_is_the_mean_of_the_sample(void **state)
{
    (void)state;
    enum { N = 200, D = 5 };
    float x[N * D];
    double mean[D] = {0}, n = 0, off = 0;
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j) {
            x[i * D + j] = i % 5 ? data_entry(i, 0, j) + 1 : 0;
            mean[j] += (double)x[i * D + j];
            n += j == 0 && i % 5;
        }
    struct features all = data_rows(N, D, x), f = my_share(&all, 1);
    struct kmeans km, few;
    assert_true(on_all(
        start(&km, &f, 1, 1, (int)n, SWAPS, MPI_COMM_WORLD) == LP_OK &&
        start(&few, &f, 1, 1, (int)n / 4, SWAPS, MPI_COMM_WORLD) == LP_OK));
    for (int j = 0; j < D; ++j) {
        assert_true(fabs((double)km.center[j] - mean[j] / n) < 1e-5);
        off += fabs((double)few.center[j] - mean[j] / n);
    }
    assert_true(off > 1e-3);
    kmeans_release(&km);
    kmeans_release(&few);
    features_release(&f);
    features_release(&all);
}

/* --- reading and failing */

struct watched_file {
    struct data_file file;
    int64_t last, n_single, n_back;
};

static enum lp_status watch(void *file, int64_t first, int64_t n, void *rows)
{
    struct watched_file *w = file;
    if (n == 1) {
        ++w->n_single;
        w->n_back += first <= w->last;
        w->last = first;
    }
    return data_read(&w->file, first, n, rows);
}

/* Reads go back only where a round begins, and no row is read twice in one. */
static void a_file_is_read_from_front_to_back(void **state)
{
    (void)state;
    const int n_ranks = comm_size(MPI_COMM_WORLD);
    struct features all = data_made(29, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    struct watched_file w = {.last = INT64_MAX};
    struct kmeans km;
    data_stream(&f, &w.file, 60000);
    f.read = watch;
    f.file = &w;
    assert_true(on_all(start(&km, &f, K, 1, 300, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(w.n_back <= (6 + n_ranks - 1) / n_ranks));
    assert_true(on_all(f.n_images < 4 || w.n_single > 20));
    kmeans_release(&km);
    free(w.file.value);
    features_release(&f);
    features_release(&all);
}

/* On each rank its own status where it failed, LP_EPEER elsewhere. */
static bool fails_as(enum lp_status status, bool here, enum lp_status expected)
{
    return on_all(status == (here ? expected : LP_EPEER));
}

static void a_fault_at_any_site_ends_all_ranks(void **state)
{
    (void)state;
    static const char *const site[] = {"kmeans_sample", "exchange_rows",
                                       "kmeans_plusplus", "kmeans_assign"};
    struct features all = data_made(9, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    struct kmeans km;
    for (size_t i = 0; i < sizeof site / sizeof *site; ++i)
        for (int r = 0; r < comm_size(MPI_COMM_WORLD) && r < 6; ++r) {
            char wish[64];
            snprintf(wish, sizeof wish, "%s@%d", site[i], r);
            setenv("LPCAM_FAULT", wish, 1);
            const enum lp_status status =
                start(&km, &f, K, 1, SAMPLE, 1, MPI_COMM_WORLD);
            unsetenv("LPCAM_FAULT");
            assert_true(fails_as(status, world_rank() == r, LP_ENOMEM));
            kmeans_release(&km);
        }
    features_release(&f);
    features_release(&all);
}

static void a_failing_read_ends_all_ranks(void **state)
{
    (void)state;
    struct features all = data_made(28, 3, 8, LP_F32);
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    struct features f = my_share(&all, 0);
    struct data_file file;
    struct kmeans km;
    data_stream(&f, &file, 1 << 20);
    file.fail_at = world_rank() == last ? 9 : 0;
    const enum lp_status status =
        start(&km, &f, K, 1, SAMPLE, SWAPS, MPI_COMM_WORLD);
    assert_true(fails_as(status, world_rank() == last, LP_EIO));
    kmeans_release(&km);
    free(file.value);
    features_release(&f);
    features_release(&all);
}

static void a_sample_too_small_for_k_is_refused(void **state)
{
    (void)state;
    struct features all = data_made(3, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    struct kmeans km;
    assert_true(fails_as(
        start(&km, &f, K, 1, KMEANS_LEAST_SAMPLE * K - 1, 0, MPI_COMM_WORLD),
        world_rank() == 0, LP_EARG));
    kmeans_release(&km);
    features_release(&f);
    features_release(&all);
}

/* Last, because a process that was asked to stop stays so. */
static void a_signal_to_one_rank_stops_all(void **state)
{
    (void)state;
    struct features all = data_made(8, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    struct kmeans km;
    stop_install();
    if (world_rank() == comm_size(MPI_COMM_WORLD) - 1)
        raise(SIGUSR1);
    assert_true(
        on_all(start(&km, &f, K, 1, SAMPLE, SWAPS, MPI_COMM_WORLD) == LP_STOP));
    kmeans_release(&km);
    features_release(&f);
    features_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sharding_gives_the_same_bits),
        cmocka_unit_test(the_order_of_the_list_does_not_matter),
        cmocka_unit_test(any_kernel_and_threads_give_the_same_bits),
        cmocka_unit_test(another_seed_starts_elsewhere),
        cmocka_unit_test(clusters_far_apart_are_all_found),
        cmocka_unit_test(swaps_never_lose_and_mostly_win),
        cmocka_unit_test(rows_of_a_problem_too_small_are_the_starts),
        cmocka_unit_test(equal_rows_fill_every_slot),
        cmocka_unit_test(duplicates_are_not_chosen_twice),
        cmocka_unit_test(one_centre_is_the_mean_of_the_sample),
        cmocka_unit_test(a_file_is_read_from_front_to_back),
        cmocka_unit_test(a_fault_at_any_site_ends_all_ranks),
        cmocka_unit_test(a_failing_read_ends_all_ranks),
        cmocka_unit_test(a_sample_too_small_for_k_is_refused),
        cmocka_unit_test(a_signal_to_one_rank_stops_all),
    };
    return test_mpi_main(argc, argv, tests);
}
