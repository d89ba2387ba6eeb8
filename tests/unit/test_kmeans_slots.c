/* SPDX-License-Identifier: MIT */
/* The order of slots for layouts of nodes larger than a test can start. */
#include "support.h"

#include <stdlib.h>

#include "../../src/method/kmeans_parts.h"

#define K 5

static const int running[] = {0, 3, 4, 8, 9, 10, 15};
enum { N_RUNNING = sizeof running / sizeof *running, N = N_RUNNING * K };

/* In the message of a column every place is taken once, node by node. Returns
 * the number of its slots. */
static int check_column(const struct kmeans_slots *s, int column)
{
    int n = 0, last_node = 0;
    for (int64_t i = 0; i < s->n; ++i)
        n += kmeans_slot_column(s, s->slot[i]) == column;
    for (int at = 0; at < n; ++at) {
        int64_t found = -1;
        for (int64_t i = 0; i < s->n; ++i)
            if (kmeans_slot_column(s, s->slot[i]) == column && s->at[i] == at) {
                assert_int_equal(found, -1);
                found = s->slot[i];
            }
        assert_true(found >= 0);
        const int node = kmeans_slot_node(s, found);
        assert_true(node >= last_node && node < s->n_nodes);
        last_node = node;
        if (column == s->column)
            assert_true(at >= s->begin[node] &&
                        at < s->begin[node] + s->part[node]);
    }
    return n;
}

/* All blocks of one rank of n_nodes x n_columns. */
static void check(int n_nodes, int n_columns, int place, int node, int most)
{
    const struct comm_nodes nodes = {.n_nodes = n_nodes,
                                     .n_columns = n_columns,
                                     .place = place,
                                     .node = node};
    struct kmeans_slots s;
    assert_int_equal(kmeans_slots_init(&s, &nodes, K, 16 * K, most), LP_OK);
    assert_int_equal(s.owner, node < 0 ? -1 : node * n_columns + place);
    assert_true(s.most <= most);
    for (int64_t seen = 0, next; seen < N; seen = next) {
        int longest = 0;
        next = kmeans_slots_next(&s, running, N_RUNNING, seen);
        assert_true(next > seen && next <= N && s.n == next - seen);
        for (int64_t i = 0; i < s.n; ++i)
            assert_int_equal(s.slot[i],
                             running[(seen + i) / K] * K + (seen + i) % K);
        for (int c = 0; c < n_columns; ++c) {
            const int n = check_column(&s, c);
            longest = n > longest ? n : longest;
        }
        assert_int_equal(longest, s.longest);
        assert_true(longest <= s.most && (longest == s.most || next == N));
    }
    kmeans_slots_release(&s);
}

static void every_running_slot_travels_once_in_every_layout(void **state)
{
    (void)state;
    for (int n_nodes = 1; n_nodes <= 40; n_nodes += 13)
        for (int n_columns = 1; n_columns <= 64; n_columns += 9)
            for (int most = 1; most <= 30; most = 3 * most + 1) {
                check(n_nodes, n_columns, 0, 0, most);
                check(n_nodes, n_columns, n_columns - 1, n_nodes - 1, most);
                check(n_nodes, n_columns, n_columns, -1, most);
            }
}

static void owners_have_as_many_slots_but_for_one(void **state)
{
    (void)state;
    const struct comm_nodes nodes = {.n_nodes = 3, .n_columns = 4};
    struct kmeans_slots s;
    int n_of[12] = {0};
    assert_int_equal(kmeans_slots_init(&s, &nodes, K, 95, 9), LP_OK);
    for (int64_t slot = 0; slot < 95; ++slot) {
        const int owner =
            kmeans_slot_node(&s, slot) * 4 + kmeans_slot_column(&s, slot);
        assert_int_equal(kmeans_slot_owned(&s, slot), owner == 0);
        ++n_of[owner];
    }
    for (int o = 0; o < 12; ++o)
        assert_true(n_of[o] == 7 || n_of[o] == 8);
    kmeans_slots_release(&s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_running_slot_travels_once_in_every_layout),
        cmocka_unit_test(owners_have_as_many_slots_but_for_one),
    };
    (void)argc, (void)argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
