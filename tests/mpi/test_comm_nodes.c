/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "lpcam/run/comm.h"
#include "lpcam/run/comm_nodes.h"

#define WORLD MPI_COMM_WORLD

static int ranks_of(int node, int node_ranks, int size)
{
    const int left = size - node * node_ranks;
    return left < node_ranks ? left : node_ranks;
}

static void ranks_that_follow_each_other_make_a_node(void **state)
{
    (void)state;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    for (int m = 1; m <= size + 1; ++m) {
        struct comm_nodes n;
        const int nodes = (size + m - 1) / m,
                  last = ranks_of(nodes - 1, m, size);
        assert_true(on_all(comm_nodes_init(&n, m, 8, WORLD) == LP_OK));
        assert_true(on_all(n.n_nodes == nodes && n.n_columns == last));
        assert_true(on_all(n.most_local == ranks_of(0, m, size)));
        assert_true(on_all(n.n_local == ranks_of(rank / m, m, size)));
        assert_true(on_all(n.place == rank % m));
        assert_true(on_all(n.node == (n.place < last ? rank / m : -1)));
        assert_true(on_all(n.node < 0 || comm_size(n.column) == nodes));
        comm_nodes_release(&n);
    }
}

/* This machine is one node. */
static void without_a_number_the_machine_is_asked(void **state)
{
    (void)state;
    struct comm_nodes n;
    assert_true(on_all(comm_nodes_init(&n, 0, 8, WORLD) == LP_OK));
    assert_true(on_all(n.n_nodes == 1 && n.n_local == comm_size(WORLD)));
    assert_true(on_all(n.place == comm_rank(WORLD)));
    comm_nodes_release(&n);
}

/* Ranks are slow in turn, so that one that doesn't wait reads old numbers or
 * overwrites what another still reads. */
static void a_turn_shows_what_each_rank_of_the_node_wrote(void **state)
{
    (void)state;
    enum { N = 4096, TURNS = 40 };
    const int rank = comm_rank(WORLD);
    for (int m = 1; m <= 3; ++m) {
        struct comm_nodes n;
        bool good = true;
        const int64_t bytes = N * (int64_t)sizeof(int);
        assert_true(on_all(comm_nodes_init(&n, m, bytes, WORLD) == LP_OK));
        for (int t = 0; t < TURNS && n.n_local > 1; ++t) {
            int *mine = comm_nodes_mine(&n);
            volatile int work = rank == t % 3 ? 300000 : 0;
            while (work > 0)
                --work;
            for (int i = 0; i < N; ++i)
                mine[i] = 1000 * rank + t + i;
            comm_nodes_turn(&n);
            for (int p = 0; p < n.n_local; ++p) {
                const int *shown = comm_nodes_shown(&n, p);
                for (int i = 0; i < N; ++i)
                    good =
                        good && shown[i] == 1000 * (rank - n.place + p) + t + i;
            }
        }
        assert_true(on_all(good));
        comm_nodes_release(&n);
    }
}

static void no_memory_for_the_nodes_on_one_rank_fails_all(void **state)
{
    (void)state;
    for (int r = 0; r < comm_size(WORLD); ++r) {
        struct comm_nodes n;
        char wish[64];
        snprintf(wish, sizeof wish, "comm_nodes@%d", r);
        setenv("LPCAM_FAULT", wish, 1);
        const enum lp_status got = comm_nodes_init(&n, 2, 64, WORLD);
        unsetenv("LPCAM_FAULT");
        assert_true(
            on_all(got == (comm_rank(WORLD) == r ? LP_ENOMEM : LP_EPEER)));
        comm_nodes_release(&n);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_that_follow_each_other_make_a_node),
        cmocka_unit_test(without_a_number_the_machine_is_asked),
        cmocka_unit_test(a_turn_shows_what_each_rank_of_the_node_wrote),
        cmocka_unit_test(no_memory_for_the_nodes_on_one_rank_fails_all),
    };
    return test_mpi_main(argc, argv, tests);
}
