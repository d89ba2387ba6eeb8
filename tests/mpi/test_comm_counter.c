/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <time.h>

#include "lpcam/run/comm.h"
#include "lpcam/run/comm_counter.h"
#include "lpcam/run/progress.h"

#define WORLD MPI_COMM_WORLD

enum { N = 400 };

/* Was every number below n taken by exactly one rank? taken [N]. */
static bool each_once(const int64_t *taken, int64_t n)
{
    int64_t sum[N];
    bool good = true;
    for (int i = 0; i < N; ++i)
        sum[i] = taken[i];
    comm_sum_i64(WORLD, sum, N);
    for (int i = 0; i < N; ++i)
        good = good && sum[i] == (i < n);
    return good;
}

static void every_number_is_given_once(void **state)
{
    (void)state;
    struct comm_counter c;
    int64_t taken[N] = {0}, number, before = -1;
    bool rises = true;
    comm_counter_init(&c, WORLD);
    while ((number = comm_counter_next(&c)) < N) {
        rises = rises && number > before;
        before = number;
        ++taken[number];
    }
    comm_counter_release(&c);
    assert_true(on_all(rises && number < N + comm_size(WORLD)));
    assert_true(on_all(each_once(taken, N)));
}

static void a_rank_may_take_none(void **state)
{
    (void)state;
    const int size = comm_size(WORLD);
    for (int idle = 0; idle < size && size > 1; ++idle) {
        struct comm_counter c;
        int64_t taken[N] = {0}, number;
        comm_counter_init(&c, WORLD);
        while (comm_rank(WORLD) != idle && (number = comm_counter_next(&c)) < N)
            ++taken[number];
        comm_counter_release(&c);
        assert_true(on_all(each_once(taken, N)));
    }
}

static void a_new_count_begins_at_nought(void **state)
{
    (void)state;
    for (int i = 0; i < 3; ++i) {
        struct comm_counter c;
        comm_counter_init(&c, WORLD);
        int64_t least = comm_counter_next(&c);
        comm_counter_release(&c);
        least = -least;
        comm_max_i64(WORLD, &least, 1);
        assert_true(on_all(least == 0));
    }
}

/* All are in long work, in which they call MPI now and then only. */
static void a_rank_that_fails_holds_nobody_up(void **state)
{
    (void)state;
    const struct timespec work = {.tv_nsec = 2000000};
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    for (int bad = 0; bad < size; ++bad) {
        struct comm_counter c;
        struct progress p;
        enum lp_status status = LP_OK;
        bool go_on = true;
        comm_counter_init(&c, WORLD);
        progress_begin(&p, "count", 0, 30, WORLD);
        for (int i = 0; go_on && status == LP_OK; ++i) {
            comm_counter_next(&c);
            nanosleep(&work, NULL);
            if (rank == bad && i == 5)
                status = LP_EIO;
            go_on = progress_step(&p);
        }
        status = progress_end(&p, status);
        comm_counter_release(&c);
        assert_true(on_all(status == (rank == bad ? LP_EIO : LP_OK)));
        assert_true(on_all(comm_agree(WORLD, status, "") ==
                           (rank == bad ? LP_EIO : LP_EPEER)));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_given_once),
        cmocka_unit_test(a_rank_may_take_none),
        cmocka_unit_test(a_new_count_begins_at_nought),
        cmocka_unit_test(a_rank_that_fails_holds_nobody_up),
    };
    return test_mpi_main(argc, argv, tests);
}
