/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/stop.h"

#define WORLD MPI_COMM_WORLD

/* Word of a stop or a failure travels in half a second where cores are free. */
#define LATE_S 20

static void sleep_ms(int ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

/* Steps of 5 ms until told to leave, at most n. Returns how many. */
static int64_t step(struct progress *p, int64_t n)
{
    int64_t i = 0;
    for (bool on = true; on && i < n; ++i) {
        sleep_ms(5);
        on = progress_step(p);
    }
    return i;
}

static void no_rank_waits_for_another_before_the_end(void **state)
{
    (void)state;
    struct progress p;
    const int rank = comm_rank(WORLD);
    const int64_t n_local = rank == 0 ? 0 : 10;
    progress_begin(&p, "rest", n_local, 1, WORLD);
    const double since_s = phase_now_s();
    if (rank == 0)
        sleep_ms(3000); /* takes no part, and the others must not mind */
    const int64_t n = step(&p, n_local);
    const double spent_s = phase_now_s() - since_s;
    const enum lp_status got = progress_end(&p, LP_OK);
    assert_true(on_all(got == LP_OK && n == n_local));
    assert_true(on_all(rank == 0 || spent_s < 2.5));
    assert_true(on_all(p.sum[0] == 10 * (comm_size(WORLD) - 1)));
}

static void all_units_are_counted_whoever_did_them(void **state)
{
    (void)state;
    struct progress p;
    const int64_t n_local = 7 * comm_rank(WORLD), size = comm_size(WORLD);
    progress_begin(&p, "count", n_local, 0.1, WORLD);
    assert_true(on_all(p.total == 7 * size * (size - 1) / 2));
    for (int64_t i = 0; i < n_local; ++i)
        progress_step(&p);
    assert_true(on_all(progress_end(&p, LP_OK) == LP_OK));
    assert_true(on_all(p.sum[0] == p.total));
}

static void a_failure_of_any_rank_ends_the_loops_of_all(void **state)
{
    (void)state;
    for (int r = 0; r < comm_size(WORLD); ++r) {
        struct progress p;
        const bool mine = comm_rank(WORLD) == r;
        progress_begin(&p, "fail", 1000000, 30, WORLD);
        const double since_s = phase_now_s();
        const int64_t n = step(&p, mine ? 3 : 1000000);
        const enum lp_status got = progress_end(&p, mine ? LP_EIO : LP_OK);
        assert_true(on_all(got == (mine ? LP_EIO : LP_OK)));
        assert_true(on_all(n < 1000000));
        assert_true(on_all(phase_now_s() - since_s < LATE_S));
    }
}

/* What rank 0 prints into a file while the others work. */
static void lines_come_at_intervals_and_at_the_end(void **state)
{
    (void)state;
    const int n_local = 500;
    const double interval_s = 0.4;
    char text[4096] = "", total[32];
    struct progress p;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    FILE *file = tmpfile();
    int keep = -1, n_lines = 0;
    assert_true(on_all(file != NULL));
    fflush(stdout);
    keep = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    const double since_s = phase_now_s();
    progress_begin(&p, "extract", n_local, interval_s, WORLD);
    step(&p, n_local); /* 2.5 s or more */
    progress_end(&p, LP_OK);
    const int most = (int)((phase_now_s() - since_s) / interval_s) + 1;
    fflush(stdout);
    dup2(keep, STDOUT_FILENO);
    close(keep);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);

    for (const char *at = text; (at = strchr(at, '\n')); ++at)
        ++n_lines;
    if (size * n_local < 1000)
        snprintf(total, sizeof total, "%d", size * n_local);
    else
        snprintf(total, sizeof total, "%d,%03d", size * n_local / 1000,
                 size * n_local % 1000);
    assert_true(on_all(rank != 0 || (n_lines >= 3 && n_lines <= most)));
    char line[128];
    snprintf(line, sizeof line, "extract %s of %s images in ", total, total);
    assert_true(on_all(rank != 0 || strstr(text, line)));
    assert_true(on_all(rank != 0 || strstr(text, " a second, ")));
    assert_true(on_all(rank != 0 || strstr(text, " s left\n")));
    assert_true(on_all(rank == 0 || n_lines == 0));
}

/* Last, because a process that was asked to stop stays so. */
static void a_signal_to_one_rank_stops_all(void **state)
{
    (void)state;
    struct progress p;
    const int last = comm_size(WORLD) - 1;
    const bool mine = comm_rank(WORLD) == last;
    stop_install();
    assert_true(on_all(!stop_asked()));
    progress_begin(&p, "stop", 1000000, 30, WORLD);
    const double since_s = phase_now_s();
    step(&p, 3);
    if (mine)
        raise(SIGUSR1);
    const int64_t n = step(&p, 1000000);
    const enum lp_status got = progress_end(&p, LP_OK);
    assert_true(on_all(got == LP_STOP && n < 1000000));
    assert_true(on_all(!mine || n == 1));
    assert_true(on_all(phase_now_s() - since_s < LATE_S));

    progress_begin(&p, "fail", 1, 30, WORLD);
    assert_true(on_all(progress_end(&p, mine ? LP_EIO : LP_OK) ==
                       (mine ? LP_EIO : LP_STOP)));
    raise(SIGTERM);
    assert_true(on_all(stop_asked()));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rank_waits_for_another_before_the_end),
        cmocka_unit_test(all_units_are_counted_whoever_did_them),
        cmocka_unit_test(a_failure_of_any_rank_ends_the_loops_of_all),
        cmocka_unit_test(lines_come_at_intervals_and_at_the_end),
        cmocka_unit_test(a_signal_to_one_rank_stops_all),
    };
    return test_mpi_main(argc, argv, tests);
}
