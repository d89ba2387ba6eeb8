/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/deal.h"

#define WORLD MPI_COMM_WORLD

enum { MOST = 300 };

static const int balances[] = {BALANCE_STATIC, BALANCE_DYNAMIC};

static int64_t make_costs(int64_t *cost, uint64_t round)
{
    const int64_t n = (int64_t)(hash_mix(round, 0) % MOST);
    for (int64_t i = 0; i < n; ++i) {
        cost[i] = (int64_t)(hash_mix(round, 1 + (uint64_t)i) % 1000);
        cost[i] *= i % 5 != 0; /* some are done */
    }
    return n;
}

/* Take runs until there are no more, at most `most`; got [MOST] counts the
 * images over all ranks. Is each run within [0, n)? */
static bool take(struct deal *d, int64_t n, int most, int64_t *got)
{
    struct shard run;
    bool good = true;
    memset(got, 0, MOST * sizeof *got);
    for (int i = 0; i < most && deal_next(d, &run); ++i) {
        good = good && run.n_global == n && run.first >= 0 &&
               run.n_local >= 0 && run.first + run.n_local <= n;
        for (int64_t j = 0; good && j < run.n_local; ++j)
            ++got[run.first + j];
    }
    comm_sum_i64(WORLD, got, MOST);
    return good;
}

static void every_image_that_costs_is_dealt_once(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20; ++round)
        for (int b = 0; b < 2; ++b) {
            int64_t cost[MOST], got[MOST];
            struct deal d;
            bool good = true;
            const int64_t n = make_costs(cost, round);
            assert_true(
                on_all(deal_open(&d, cost, n, balances[b], WORLD) == LP_OK));
            assert_true(on_all(take(&d, n, MOST, got)));
            deal_close(&d);
            for (int64_t i = 0; i < n; ++i)
                good = good && got[i] <= 1 && (cost[i] == 0 || got[i] == 1);
            assert_true(on_all(good));
        }
}

static void nothing_is_dealt_where_nothing_costs(void **state)
{
    (void)state;
    const int64_t cost[MOST] = {0};
    for (int64_t n = 0; n < 3; ++n) {
        int64_t got[MOST];
        struct deal d;
        assert_true(
            on_all(deal_open(&d, cost, n, BALANCE_DYNAMIC, WORLD) == LP_OK));
        assert_true(on_all(take(&d, n, MOST, got) && got[0] == 0));
        deal_close(&d);
    }
}

/* A rank that is slow: it ends with its first run. */
static void who_comes_gets_the_work_of_who_does_not(void **state)
{
    (void)state;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    int64_t cost[MOST], got[MOST];
    struct deal d;
    for (int i = 0; i < MOST; ++i)
        cost[i] = 1;
    for (int away = 0; away < size && size > 1; ++away) {
        int64_t n_got = 0;
        assert_true(
            on_all(deal_open(&d, cost, MOST, BALANCE_DYNAMIC, WORLD) == LP_OK));
        assert_true(on_all(take(&d, MOST, rank == away ? 1 : MOST, got)));
        deal_close(&d);
        for (int i = 0; i < MOST; ++i)
            n_got += got[i];
        assert_true(on_all(n_got == MOST));
    }
}

/* Nobody gets what is left when all leave; the next deal has all again. */
static void a_new_deal_has_all_again(void **state)
{
    (void)state;
    int64_t cost[MOST], got[MOST];
    struct deal d;
    bool good = true;
    for (int i = 0; i < MOST; ++i)
        cost[i] = 1;
    assert_true(
        on_all(deal_open(&d, cost, MOST, BALANCE_DYNAMIC, WORLD) == LP_OK));
    take(&d, MOST, 1, got);
    deal_close(&d);
    assert_true(
        on_all(deal_open(&d, cost, MOST, BALANCE_DYNAMIC, WORLD) == LP_OK));
    assert_true(on_all(take(&d, MOST, MOST, got)));
    deal_close(&d);
    for (int i = 0; i < MOST; ++i)
        good = good && got[i] == 1;
    assert_true(on_all(good));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_that_costs_is_dealt_once),
        cmocka_unit_test(nothing_is_dealt_where_nothing_costs),
        cmocka_unit_test(who_comes_gets_the_work_of_who_does_not),
        cmocka_unit_test(a_new_deal_has_all_again),
    };
    return test_mpi_main(argc, argv, tests);
}
