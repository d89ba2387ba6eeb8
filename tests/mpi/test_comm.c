/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"

#define WORLD MPI_COMM_WORLD

/* A function as the house writes them: alone, agree, together. *together is
 * set only where the rank came past the line. */
static enum lp_status work(enum lp_status status, bool *together)
{
    *together = false;
    LP_AGREE(WORLD);
    *together = true;
    comm_barrier(WORLD);
done:
    return status;
}

static void one_failure_on_any_rank_is_a_failure_on_all(void **state)
{
    (void)state;
    bool together;
    for (int r = 0; r < comm_size(WORLD); ++r)
        for (int s = LP_EDATA; s <= LP_EUSAGE; ++s) {
            const bool mine = comm_rank(WORLD) == r;
            const enum lp_status got =
                work(mine ? (enum lp_status)s : LP_OK, &together);
            assert_true(on_all(got == (mine ? (enum lp_status)s : LP_EPEER)));
            assert_true(on_all(!together));
        }
    assert_true(on_all(work(LP_OK, &together) == LP_OK));
    assert_true(on_all(together));
}

static void a_stop_of_one_rank_is_a_stop_of_all(void **state)
{
    (void)state;
    bool together;
    for (int r = 0; r < comm_size(WORLD); ++r) {
        const bool mine = comm_rank(WORLD) == r;
        assert_true(on_all(work(mine ? LP_STOP : LP_OK, &together) == LP_STOP));
    }
}

static void every_failing_rank_keeps_its_own_status(void **state)
{
    (void)state;
    bool together;
    const int rank = comm_rank(WORLD), last = comm_size(WORLD) - 1;
    const enum lp_status mine = rank == last ? LP_EIO
                                : rank == 0  ? LP_STOP
                                             : LP_OK;
    const enum lp_status got = work(mine, &together);
    assert_true(on_all(got == (mine == LP_OK ? LP_EPEER : mine)));
}

static void a_failure_weighs_more_than_wrong_usage_or_a_stop(void **state)
{
    (void)state;
    const int rank = comm_rank(WORLD), last = comm_size(WORLD) - 1;
    assert_true(on_all(comm_exit_code(WORLD, 0) == 0));
    assert_true(on_all(comm_exit_code(WORLD, rank == last ? 75 : 0) == 75));
    if (last == 0)
        return;
    assert_true(on_all(comm_exit_code(WORLD, rank == 0 ? 2 : 75) == 2));
    assert_true(on_all(comm_exit_code(WORLD, rank == 0 ? 2 : 1) == 1));
}

static void counts_and_times_are_reduced_in_place(void **state)
{
    (void)state;
    const int64_t rank = comm_rank(WORLD), size = comm_size(WORLD);
    const int64_t all = size * (size - 1) / 2, big = (int64_t)1 << 40;
    int64_t sum[2] = {rank, big}, max[2] = {rank, -rank};
    double low[1] = {(double)-rank}, high[1] = {(double)rank}, s[1] = {0.5};
    comm_sum_i64(WORLD, sum, 2);
    comm_max_i64(WORLD, max, 2);
    comm_min_f64(WORLD, low, 1);
    comm_max_f64(WORLD, high, 1);
    comm_sum_f64(WORLD, s, 1);
    assert_true(on_all(sum[0] == all && sum[1] == big * size));
    assert_true(on_all(max[0] == size - 1 && max[1] == 0));
    assert_true(on_all(low[0] == (double)(1 - size)));
    assert_true(on_all(high[0] == (double)(size - 1)));
    assert_true(on_all(s[0] == 0.5 * (double)size));
    assert_true(on_all(comm_total(WORLD, rank) == all));
    assert_true(on_all(comm_before(WORLD, rank) == rank * (rank - 1) / 2));
    assert_true(on_all(comm_any(WORLD, rank == size - 1)));
    assert_true(on_all(!comm_any(WORLD, false)));
}

static void a_block_of_rank_0_reaches_all(void **state)
{
    (void)state;
    const bool root = comm_rank(WORLD) == 0;
    static const char text[] = "what only rank 0 has read";
    for (int64_t n = 0; n <= 25; n += 25) {
        int64_t n_bytes = root ? n : -1;
        void *x = root ? malloc(sizeof text) : NULL;
        if (root)
            memcpy(x, text, sizeof text);
        assert_true(on_all(comm_bcast_block(WORLD, &x, &n_bytes) == LP_OK));
        assert_true(on_all(n_bytes == n));
        assert_true(on_all(memcmp(x, text, (size_t)n) == 0));
        free(x);
    }
}

/* Asks for a failure at site on rank r; the others come back with it. */
static void fault_on(const char *site, int r)
{
    char wish[64];
    snprintf(wish, sizeof wish, "%s@%d", site, r);
    setenv("LPCAM_FAULT", wish, 1);
}

static void no_memory_for_a_block_on_one_rank_fails_all(void **state)
{
    (void)state;
    for (int r = 1; r < comm_size(WORLD); ++r) {
        char one = 1;
        void *x = comm_rank(WORLD) == 0 ? &one : NULL;
        int64_t n = 1;
        fault_on("bcast_block", r);
        const enum lp_status got = comm_bcast_block(WORLD, &x, &n);
        unsetenv("LPCAM_FAULT");
        assert_true(
            on_all(got == (comm_rank(WORLD) == r ? LP_ENOMEM : LP_EPEER)));
        assert_true(on_all(comm_rank(WORLD) == 0 || x == NULL));
    }
}

/* Rank r has r % 3 rows, so that some have none. */
static void every_rank_gets_the_rows_of_all(void **state)
{
    (void)state;
    for (int64_t width = 1; width <= 3; ++width) {
        const int64_t n_local = comm_rank(WORLD) % 3;
        const int64_t first = comm_before(WORLD, n_local);
        const int64_t n = comm_total(WORLD, n_local) * width;
        int64_t *x = calloc((size_t)n + 1, sizeof *x);
        bool good = x != NULL;
        assert_true(on_all(good));
        for (int64_t i = first * width; i < (first + n_local) * width; ++i)
            x[i] = 1000 + i;
        x[n] = -7;
        const enum lp_status got =
            comm_share_rows_i64(WORLD, x, first, n_local, width);
        assert_true(on_all(got == LP_OK));
        for (int64_t i = 0; i < n; ++i)
            good = good && x[i] == 1000 + i;
        assert_true(on_all(good && x[n] == -7));
        free(x);
    }
}

static void no_memory_for_rows_on_one_rank_fails_all(void **state)
{
    (void)state;
    for (int r = 0; r < comm_size(WORLD); ++r) {
        int64_t x[1] = {0};
        const bool mine = comm_rank(WORLD) == r;
        fault_on("share_rows", r);
        const enum lp_status got = comm_share_rows_i64(
            WORLD, x, comm_rank(WORLD) > 0, comm_rank(WORLD) == 0, 1);
        unsetenv("LPCAM_FAULT");
        assert_true(on_all(got == (mine ? LP_ENOMEM : LP_EPEER)));
    }
}

/* Rank r brings base (r + 1) (i + 1) for number i and gets r % 3 of them. */
static bool scatters(int64_t base, int bytes)
{
    enum { MOST = 64 };
    int64_t x[MOST];
    int count[MOST], n = 0, first = 0;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    for (int r = 0; r < size; ++r) {
        count[r] = r % 3;
        first += r < rank ? count[r] : 0;
        n += count[r];
    }
    for (int i = 0; i < n; ++i)
        x[i] = base * (rank + 1) * (i + 1);
    const int got = comm_sum_scatter_i64(WORLD, x, count);
    bool good = got == (size == 1 ? 8 : bytes);
    for (int i = 0; i < count[rank]; ++i)
        good = good && x[i] == base * (first + i + 1) * (size * (size + 1) / 2);
    return good;
}

static void each_rank_gets_its_run_of_the_sum(void **state)
{
    (void)state;
    int64_t n = 0, ranks = comm_size(WORLD) * (comm_size(WORLD) + 1) / 2;
    for (int r = 0; r < comm_size(WORLD); ++r)
        n += r % 3;
    if (n == 0)
        n = 1;
    /* n ranks base is the largest sum: the last that 32 bits take, and more. */
    const int64_t last = (((int64_t)1 << 31) - 1) / (n * ranks);
    const int more = comm_size(WORLD) < 2 ? 4 : 8;
    assert_true(on_all(scatters(3, 4)));
    assert_true(on_all(scatters(-3, 4)));
    assert_true(on_all(scatters(last, 4)));
    assert_true(on_all(scatters(-last, 4)));
    assert_true(on_all(scatters(last + 1, more)));
    assert_true(on_all(scatters(-last - 1, more)));
    assert_true(on_all(scatters((int64_t)1 << 40, more)));
}

static void every_rank_gets_the_floats_of_all(void **state)
{
    (void)state;
    enum { MOST = 64 };
    float x[MOST];
    int count[MOST], begin[MOST], n = 0;
    const int rank = comm_rank(WORLD);
    for (int r = 0; r < comm_size(WORLD); ++r) {
        begin[r] = n;
        count[r] = r % 3;
        n += count[r];
    }
    for (int i = 0; i < n; ++i)
        x[i] = i >= begin[rank] && i < begin[rank] + count[rank]
                   ? (float)i + 0.5f
                   : -1;
    comm_share_f32(WORLD, x, count, begin);
    bool good = true;
    for (int i = 0; i < n; ++i)
        good = good && x[i] == (float)i + 0.5f;
    assert_true(on_all(good));
}

static void a_running_sum_ends_when_all_have_started_it(void **state)
{
    (void)state;
    const int64_t send[2] = {comm_rank(WORLD), 1}, size = comm_size(WORLD);
    int64_t sum[2] = {-1, -1};
    MPI_Request request = comm_sum_start(WORLD, send, sum, 2);
    while (!comm_sum_ended(&request))
        ;
    assert_true(on_all(request == MPI_REQUEST_NULL));
    assert_true(on_all(sum[0] == size * (size - 1) / 2 && sum[1] == size));
}

/* The key of draw i in list l; few values, so that many keys are equal. */
static struct comm_key draw(int64_t l, int64_t i)
{
    const uint64_t h = hash_mix(hash_mix(3, (uint64_t)l), (uint64_t)i);
    return (struct comm_key){h % 5, (int64_t)(h >> 8) % 10, i};
}

static void the_best_keys_do_not_depend_on_who_saw_them(void **state)
{
    (void)state;
    enum { LISTS = 6, M = 4, DRAWS = 50 };
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    struct comm_key want[LISTS][M], got[LISTS][M];
    for (int l = 0; l < LISTS; ++l)
        for (int j = 0; j < M; ++j)
            want[l][j] = got[l][j] = COMM_KEY_NONE;
    /* List 0 stays empty, list 1 has fewer draws than places. */
    for (int l = 1; l < LISTS; ++l)
        for (int i = 0; i < (l == 1 ? M - 1 : DRAWS); ++i) {
            comm_key_keep(want[l], M, draw(l, i));
            if (i * i % size == rank)
                comm_key_keep(got[l], M, draw(l, i));
        }
    assert_true(on_all(comm_best_keys(WORLD, got[0], LISTS, M) == LP_OK));
    assert_true(on_all(memcmp(want, got, sizeof want) == 0));
    assert_true(on_all(want[1][M - 1].key == UINT64_MAX));
    for (int l = 2; l < LISTS; ++l)
        for (int i = 0, better = 0; i < DRAWS; ++i) {
            const struct comm_key key = draw(l, i);
            better += comm_key_before(&key, &want[l][M - 1]);
            assert_true(on_all(better < M));
        }
}

static void the_table_names_the_slowest_rank(void **state)
{
    (void)state;
    struct text_buffer table = {0};
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    char line[128];
    memset(phase_s, 0, sizeof phase_s);
    phase_s[PHASE_DECODE] = rank == size - 1 ? 9 : 2;
    phase_s[PHASE_NETWORK] = 4;
    const double now_s = phase_now_s();
    assert_true(on_all(phase_add(PHASE_WAIT, now_s - 100) >= now_s));
    assert_true(on_all(phase_s[PHASE_WAIT] >= 100));
    phase_s[PHASE_WAIT] = 0;
    phase_table(&table, WORLD);
    snprintf(line, sizeof line, "decode     %10.2f %10.2f %10.2f  %d\n",
             size == 1 ? 9.0 : 2.0, (7.0 + 2 * size) / size, 9.0, size - 1);
    assert_true(on_all(rank > 0 || strstr(table.s, line)));
    assert_true(on_all(rank > 0 || strstr(table.s, "network ")));
    assert_true(on_all(rank > 0 || !strstr(table.s, "cluster")));
    assert_true(on_all(rank == 0 || !table.s));
    free(table.s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failure_on_any_rank_is_a_failure_on_all),
        cmocka_unit_test(a_stop_of_one_rank_is_a_stop_of_all),
        cmocka_unit_test(every_failing_rank_keeps_its_own_status),
        cmocka_unit_test(a_failure_weighs_more_than_wrong_usage_or_a_stop),
        cmocka_unit_test(counts_and_times_are_reduced_in_place),
        cmocka_unit_test(a_block_of_rank_0_reaches_all),
        cmocka_unit_test(no_memory_for_a_block_on_one_rank_fails_all),
        cmocka_unit_test(every_rank_gets_the_rows_of_all),
        cmocka_unit_test(no_memory_for_rows_on_one_rank_fails_all),
        cmocka_unit_test(each_rank_gets_its_run_of_the_sum),
        cmocka_unit_test(every_rank_gets_the_floats_of_all),
        cmocka_unit_test(a_running_sum_ends_when_all_have_started_it),
        cmocka_unit_test(the_best_keys_do_not_depend_on_who_saw_them),
        cmocka_unit_test(the_table_names_the_slowest_rank),
    };
    return test_mpi_main(argc, argv, tests);
}
