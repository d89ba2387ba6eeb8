/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "lpcam/base/hash.h"
#include "lpcam/run/shard.h"

/* The runs of all ranks, one behind the other, are the whole list. Returns the
 * largest sum of cost of any rank. */
static int64_t check_tiles(const int64_t *cost, int64_t n, int n_ranks)
{
    int64_t next = 0, most = 0;
    for (int r = 0; r < n_ranks; ++r) {
        const struct shard s = cost ? shard_by_cost(cost, n, r, n_ranks)
                                    : shard_by_count(n, r, n_ranks);
        int64_t sum = 0;
        assert_int_equal(s.n_global, n);
        assert_int_equal(s.first, next);
        assert_true(s.n_local >= 0);
        for (int64_t i = 0; i < s.n_local; ++i)
            sum += cost ? cost[s.first + i] : 1;
        most = sum > most ? sum : most;
        next += s.n_local;
    }
    assert_int_equal(next, n);
    return most;
}

static void equal_counts_differ_by_one_at_most(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 40; ++n)
        for (int n_ranks = 1; n_ranks < 12; ++n_ranks)
            assert_int_equal(check_tiles(NULL, n, n_ranks),
                             (n + n_ranks - 1) / n_ranks);
}

static void counts_beyond_32_bits_are_shared(void **state)
{
    (void)state;
    const int64_t n = ((int64_t)1 << 62) + 5;
    const struct shard last = shard_by_count(n, 6, 7);
    assert_int_equal(last.first + last.n_local, n);
    assert_in_range(last.n_local, n / 7, n / 7 + 1);
}

static void no_rank_has_more_than_its_share_and_one_image(void **state)
{
    (void)state;
    int64_t cost[300];
    for (uint64_t round = 0; round < 50; ++round) {
        const int64_t n = (int64_t)(hash_mix(round, 0) % 300);
        int64_t total = 0, largest = 0;
        for (int64_t i = 0; i < n; ++i) {
            cost[i] = (int64_t)(hash_mix(round, 1 + (uint64_t)i) % 1000);
            cost[i] *= i % 7 != 0; /* some cost nothing */
            total += cost[i];
            largest = cost[i] > largest ? cost[i] : largest;
        }
        for (int n_ranks = 1; n_ranks < 30; n_ranks += 3)
            assert_true(check_tiles(cost, n, n_ranks) <=
                        total / n_ranks + largest + 1);
    }
}

static void equal_costs_give_equal_counts(void **state)
{
    (void)state;
    int64_t cost[60];
    for (int64_t each = 1; each <= 77; each += 76) {
        for (int i = 0; i < 60; ++i)
            cost[i] = each;
        for (int n_ranks = 1; n_ranks <= 60; ++n_ranks)
            assert_int_equal(check_tiles(cost, 60, n_ranks),
                             each * ((60 + n_ranks - 1) / n_ranks));
    }
}

static void free_images_are_shared_by_count(void **state)
{
    (void)state;
    const int64_t cost[9] = {0};
    for (int r = 0; r < 3; ++r)
        assert_int_equal(shard_by_cost(cost, 9, r, 3).n_local, 3);
    assert_int_equal(check_tiles(cost, 9, 4), 0);
}

static void one_dear_image_stands_alone(void **state)
{
    (void)state;
    const int64_t cost[] = {1, 1, 1, 1000, 1, 1, 1};
    assert_true(check_tiles(cost, 7, 3) <= 1003);
}

static void large_costs_do_not_overflow(void **state)
{
    (void)state;
    int64_t cost[8];
    for (int i = 0; i < 8; ++i)
        cost[i] = INT64_MAX / 8;
    assert_int_equal(check_tiles(cost, 8, 4), INT64_MAX / 8 * 2);
}

static int64_t sum_of(const int64_t *cost, int64_t first, int64_t end)
{
    int64_t sum = 0;
    for (int64_t i = first; i < end; ++i)
        sum += cost[i];
    return sum;
}

/* Chunks tile the list; none is for nothing; none is larger than a rank four
 * times as slow as the others could bear, but for its last image. Returns how
 * many there are. */
static int64_t check_chunks(const int64_t *cost, int64_t n, int n_ranks)
{
    int64_t first[301];
    const int64_t n_chunks = shard_chunks(cost, n, n_ranks, first);
    assert_in_range(n_chunks, 0, n);
    assert_int_equal(first[n_chunks], n);
    assert_true(n_chunks == 0 || first[0] == 0);
    for (int64_t c = 0; c < n_chunks; ++c) {
        const int64_t left = sum_of(cost, first[c], n);
        assert_true(first[c] < first[c + 1]);
        assert_true(sum_of(cost, first[c], first[c + 1]) > 0);
        if (c + 1 == n_chunks)
            continue; /* with what costs nothing behind it */
        int64_t last = first[c + 1] - 1;
        const int64_t before = sum_of(cost, first[c], last);
        if (before > 0)
            assert_true(before + cost[last] / 2 <= left / n_ranks / 4);
    }
    return n_chunks;
}

static void chunks_hold_every_image_once(void **state)
{
    (void)state;
    int64_t cost[300];
    for (uint64_t round = 0; round < 60; ++round) {
        const int64_t n = (int64_t)(hash_mix(round, 0) % 300);
        for (int64_t i = 0; i < n; ++i) {
            cost[i] = (int64_t)(hash_mix(round, 1 + (uint64_t)i) % 1000);
            cost[i] *= i % 5 != 0 && round % 10 != 9; /* some, or all, done */
        }
        for (int n_ranks = 1; n_ranks < 80; n_ranks += 6)
            check_chunks(cost, n, n_ranks);
    }
}

static void chunks_are_large_at_first_and_single_images_at_the_end(void **state)
{
    (void)state;
    int64_t cost[300], first[301];
    for (int i = 0; i < 300; ++i)
        cost[i] = 10;
    const int64_t n_chunks = shard_chunks(cost, 300, 3, first);
    assert_int_equal(first[1], 25); /* 300 / (4 3) */
    assert_int_equal(first[n_chunks] - first[n_chunks - 1], 1);
    for (int64_t c = 1; c < n_chunks; ++c)
        assert_true(first[c + 1] - first[c] <= first[c] - first[c - 1]);
    assert_true(n_chunks < 60);
    assert_int_equal(check_chunks(cost, 300, 1000), 300);
}

static void where_nothing_costs_there_are_no_chunks(void **state)
{
    (void)state;
    const int64_t cost[9] = {0};
    int64_t first[10];
    assert_int_equal(shard_chunks(cost, 9, 3, first), 0);
    assert_int_equal(first[0], 9);
    assert_int_equal(shard_chunks(cost, 0, 3, first), 0);
    assert_int_equal(first[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_counts_differ_by_one_at_most),
        cmocka_unit_test(counts_beyond_32_bits_are_shared),
        cmocka_unit_test(no_rank_has_more_than_its_share_and_one_image),
        cmocka_unit_test(equal_costs_give_equal_counts),
        cmocka_unit_test(free_images_are_shared_by_count),
        cmocka_unit_test(one_dear_image_stands_alone),
        cmocka_unit_test(large_costs_do_not_overflow),
        cmocka_unit_test(chunks_hold_every_image_once),
        cmocka_unit_test(
            chunks_are_large_at_first_and_single_images_at_the_end),
        cmocka_unit_test(where_nothing_costs_there_are_no_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
