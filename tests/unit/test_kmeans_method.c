/* SPDX-License-Identifier: MIT */
/* kmeans on cases small enough to be worked out by hand. */
#include "support.h"

#include "../../src/method/kmeans_parts.h"
#include "kmeans_data.h"

/* Start rows 0 .. k - 1 of one-cell images. */
static struct kmeans fit_rows(struct features *f, int k, int rule, double tol,
                              int max_iter)
{
    struct kmeans km;
    struct kmeans_start start[2 * 16];
    for (int c = 0; c < 2 * k; ++c)
        start[c] = c < k && c < f->n_images ? (struct kmeans_start){c, 0}
                                            : (struct kmeans_start){-1, -1};
    assert_int_equal(kmeans_init(&km, f, k), LP_OK);
    assert_int_equal(kmeans_start_rows(&km, f, start, MPI_COMM_SELF), LP_OK);
    assert_int_equal(kmeans_fit(&km, f, rule, tol, max_iter, MPI_COMM_SELF),
                     LP_OK);
    return km;
}

static void ties_go_to_the_lower_cluster(void **state)
{
    (void)state;
    const float x[][2] = {{0, 1}, {1, 0}, {1, 1}, {3, 3}};
    struct features f = data_rows(4, 2, x[0]);
    struct kmeans km = fit_rows(&f, 2, STOP_MOVED, 0, 1);
    const uint8_t expected[] = {0, 1, 0, 0};
    assert_memory_equal(km.assignment, expected, 4);
    assert_int_equal(km.why[0], KMEANS_CAP);
    assert_int_equal(km.why[1], KMEANS_EMPTY);
    kmeans_release(&km);
    features_release(&f);
}

static void a_centre_is_the_mean_of_raw_vectors(void **state)
{
    (void)state;
    const float x[][2] = {{1, 0}, {0, 1}, {5, 1}, {0, 4}};
    struct features f = data_rows(4, 2, x[0]);
    struct kmeans km = fit_rows(&f, 2, STOP_MOVED, 0, 9);
    const float expected[] = {3, 0.5f, 0, 2.5f};
    assert_memory_equal(km.center, expected, sizeof expected);
    assert_int_equal(km.why[0], KMEANS_SETTLED);
    assert_int_equal(km.iterations[0], 2);
    /* all four move out of no cluster; then none. (|(2, .5)| + |(0, 1.5)|)^2 */
    assert_int_equal(km.step[0].moved, 4);
    assert_int_equal(km.step[2].moved, 0);
    assert_true(fabs(km.step[0].shift2 - pow(sqrt(4.25) + 1.5, 2)) < 1e-12);
    assert_true(fabs(km.step[0].objective - (3 + 5 / sqrt(26))) < 1e-6);
    kmeans_release(&km);
    features_release(&f);
}

/* Rows that are components of longer vectors: the same clusters, cosines of the
 * whole; a row without components is a zero vector whatever its norm. */
static void cosines_are_those_of_whole_vectors(void **state)
{
    (void)state;
    const float x[][2] = {{1, 0}, {0, 1}, {5, 1}, {0, 4}, {0, 0}};
    const float norm[] = {2, 1, 10, 8, 3};
    struct features f = data_rows(5, 2, x[0]);
    f.norm = malloc(sizeof norm);
    memcpy(f.norm, norm, sizeof norm);
    struct kmeans km = fit_rows(&f, 2, STOP_MOVED, 0, 9);
    const float expected[] = {3, 0.5f, 0, 2.5f};
    assert_memory_equal(km.center, expected, sizeof expected);
    assert_int_equal(km.iterations[0], 2);
    assert_true(fabs(km.step[0].objective - (0.5 + 1 + 0.5 + 0.5)) < 1e-6);
    assert_int_equal(km.n_zero[0], 1);
    assert_int_equal(km.assignment[4], KMEANS_NONE);
    kmeans_release(&km);
    features_release(&f);
}

static void a_norm_that_is_none_is_refused(void **state)
{
    (void)state;
    const float x[][2] = {{1, 0}, {0, 1}, {5, 1}};
    const float wrong[] = {0, -1, NAN, INFINITY};
    for (int i = 0; i < 4; ++i) {
        struct features f = data_rows(3, 2, x[0]);
        struct kmeans km;
        f.norm = malloc(3 * sizeof *f.norm);
        f.norm[0] = f.norm[2] = 6;
        f.norm[1] = wrong[i];
        assert_int_equal(kmeans_init(&km, &f, 2), LP_OK);
        assert_int_equal(kmeans_fit(&km, &f, STOP_MOVED, 0, 9, MPI_COMM_SELF),
                         LP_EFORMAT);
        kmeans_release(&km);
        features_release(&f);
    }
}

static void zero_vectors_join_no_cluster_and_are_counted(void **state)
{
    (void)state;
    const float x[][2] = {{1, 0}, {0, 1}, {0, 0}, {-0.0f, 0}, {3, 0}};
    struct features f = data_rows(5, 2, x[0]);
    struct kmeans km = fit_rows(&f, 2, STOP_MOVED, 0, 9);
    assert_int_equal(km.n_rows[0], 3);
    assert_int_equal(km.n_zero[0], 2);
    assert_int_equal(km.assignment[2], KMEANS_NONE);
    assert_int_equal(km.assignment[3], KMEANS_NONE);
    assert_int_equal(km.size[0], 2);
    assert_true(km.center[0] == 2);
    kmeans_release(&km);
    features_release(&f);
}

static void equal_vectors_fill_all_clusters_and_settle(void **state)
{
    (void)state;
    float x[7][2];
    for (int i = 0; i < 7; ++i)
        x[i][0] = 1, x[i][1] = 2;
    struct features f = data_rows(7, 2, x[0]);
    struct kmeans km = fit_rows(&f, 3, STOP_MOVED, 0, 50);
    const int64_t size[] = {5, 1, 1};
    assert_memory_equal(km.size, size, sizeof size);
    assert_int_equal(km.why[0], KMEANS_SETTLED);
    assert_int_equal(km.iterations[0], 2);
    for (int c = 0; c < 3; ++c)
        assert_true(km.center[2 * c] == 1 && km.center[2 * c + 1] == 2);
    kmeans_release(&km);
    features_release(&f);
}

static void an_empty_cluster_takes_the_farthest_vector(void **state)
{
    (void)state;
    /* Two equal starts; the farthest from them is row 3, of two equal ones. */
    const float x[][2] = {{1, 0}, {1, 0}, {2, 1}, {1, 2}, {1, 2}};
    struct features f = data_rows(5, 2, x[0]);
    struct kmeans km = fit_rows(&f, 2, STOP_MOVED, 0, 1);
    const uint8_t expected[] = {0, 0, 0, 1, 0};
    assert_memory_equal(km.assignment, expected, 5);
    assert_true(km.center[2] == 1 && km.center[3] == 2);
    assert_true(km.center[0] == 1.25f && km.center[1] == 0.75f);
    kmeans_release(&km);
    features_release(&f);
}

static void fewer_vectors_than_clusters_leave_slots_empty(void **state)
{
    (void)state;
    const float x[][2] = {{1, 0}, {0, 1}, {0, 0}};
    for (int n = 0; n <= 3; ++n) {
        struct features f = data_rows(n, 2, x[0]);
        struct kmeans km;
        const uint64_t name = 5;
        const int n_filled = n < 2 ? n : 2;
        assert_int_equal(kmeans_init(&km, &f, 4), LP_OK);
        assert_int_equal(kmeans_start_hash(&km, &f, &name, 1, MPI_COMM_SELF),
                         LP_OK);
        assert_int_equal(kmeans_fit(&km, &f, STOP_MOVED, 0, 9, MPI_COMM_SELF),
                         LP_OK);
        assert_int_equal(km.why[0], n ? KMEANS_SETTLED : KMEANS_EMPTY);
        for (int c = 0; c < 4; ++c) {
            assert_int_equal(km.size[c], c < n_filled);
            if (c >= n_filled)
                assert_true(km.center[2 * c] == 0 && km.center[2 * c + 1] == 0);
        }
        kmeans_release(&km);
        features_release(&f);
    }
}

static void a_centre_of_zero_is_an_empty_cluster(void **state)
{
    (void)state;
    /* Without a start slot 0 takes all, slot 1 the first row; rows 1 and 2
     * then have the mean 0, lose their cluster, and row 2 is farthest. */
    const float x[][2] = {{1, 0}, {2, 1}, {-2, -1}};
    struct features f = data_rows(3, 2, x[0]);
    struct kmeans km;
    const float center[] = {-2, -1, 1.5f, 0.5f};
    assert_int_equal(kmeans_init(&km, &f, 2), LP_OK);
    assert_int_equal(kmeans_fit(&km, &f, STOP_MOVED, 0, 9, MPI_COMM_SELF),
                     LP_OK);
    assert_memory_equal(km.center, center, sizeof center);
    assert_true(km.step[0].objective == 0);
    kmeans_release(&km);
    features_release(&f);
}

static void sums_keep_22_bits_of_the_largest_entry(void **state)
{
    (void)state;
    enum { N = 3001 };
    struct features f = data_rows(0, 1, NULL);
    float x[N];
    features_release(&f);
    for (int i = 0; i < N; ++i) /* big ones cancel, small ones must remain */
        x[i] = i == N - 1 ? 0x1p-16f : i % 2 ? 63.0f : -63.0f;
    f = data_rows(N, 1, x);
    f.type = LP_F16;
    value_from_f32(LP_F16, x, N, f.value);
    struct kmeans km;
    assert_int_equal(kmeans_init(&km, &f, 1), LP_OK);
    assert_int_equal(kmeans_fit(&km, &f, STOP_MOVED, 0, 5, MPI_COMM_SELF),
                     LP_OK);
    assert_int_equal(km.size[0], N);
    assert_true(km.center[0] == (float)(0x1p-16 / N));
    kmeans_release(&km);
    features_release(&f);
}

static void sums_of_any_scale_keep_their_digits(void **state)
{
    (void)state;
    for (int e = -100; e <= 50; e += 25) {
        float x[4][2];
        for (int i = 0; i < 4; ++i) {
            x[i][0] = ldexpf(1.0f + 0x1p-20f * (float)i, e);
            x[i][1] = ldexpf(-1.0f, e - 3);
        }
        struct features f = data_rows(4, 2, x[0]);
        struct kmeans km = fit_rows(&f, 1, STOP_MOVED, 0, 3);
        assert_true(km.center[0] == ldexpf(1.0f + 0x1.8p-20f, e));
        assert_true(km.center[1] == ldexpf(-1.0f, e - 3));
        kmeans_release(&km);
        features_release(&f);
    }
}

static void sums_cannot_overflow(void **state)
{
    (void)state;
    for (int e = -60; e <= 60; e += 20)
        for (int64_t n = 1; n < (int64_t)1 << 50; n = 3 * n + 1) {
            const int bits = kmeans_bits(n, e);
            const float x = ldexpf(1 - 0x1p-24f, e);
            int64_t sum = 0;
            kmeans_fix_row(&sum, &x, 1, bits, 1);
            assert_true((double)sum == ldexp((double)x, bits) || bits + e < 24);
            assert_true((double)sum * (double)n < 0x1p62);
            assert_true(bits + e == 50 || (double)sum * (double)n > 0x1p60);
            kmeans_fix_row(&sum, &x, 1, bits, -1);
            assert_int_equal(sum, 0);
        }
}

static void settled_means_at_most_one_in_ten_thousand_moved(void **state)
{
    (void)state;
    enum { N = 30000 };
    float(*x)[2] = malloc(N * sizeof *x);
    for (uint64_t i = 0; i < N; ++i) {
        x[i][0] = (float)data_uniform(i, 1) + 0.01f;
        x[i][1] = (float)data_uniform(i, 2);
    }
    struct features f = data_rows(N, 2, x[0]);
    struct kmeans km = fit_rows(&f, 4, STOP_MOVED, 0, 1000);
    assert_int_equal(km.why[0], KMEANS_SETTLED);
    for (int s = 0; s < km.n_steps; ++s)
        assert_true((km.step[2 * s].moved <= 3) == (s == km.n_steps - 1));
    assert_true(km.step[2 * (km.n_steps - 1)].moved > 0);
    kmeans_release(&km);
    features_release(&f);
    free(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_go_to_the_lower_cluster),
        cmocka_unit_test(a_centre_is_the_mean_of_raw_vectors),
        cmocka_unit_test(cosines_are_those_of_whole_vectors),
        cmocka_unit_test(a_norm_that_is_none_is_refused),
        cmocka_unit_test(zero_vectors_join_no_cluster_and_are_counted),
        cmocka_unit_test(equal_vectors_fill_all_clusters_and_settle),
        cmocka_unit_test(an_empty_cluster_takes_the_farthest_vector),
        cmocka_unit_test(fewer_vectors_than_clusters_leave_slots_empty),
        cmocka_unit_test(a_centre_of_zero_is_an_empty_cluster),
        cmocka_unit_test(sums_keep_22_bits_of_the_largest_entry),
        cmocka_unit_test(sums_of_any_scale_keep_their_digits),
        cmocka_unit_test(sums_cannot_overflow),
        cmocka_unit_test(settled_means_at_most_one_in_ten_thousand_moved),
    };
    return test_mpi_main(argc, argv, tests);
}
