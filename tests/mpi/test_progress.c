/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
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

/* What is printed on stdout from begin to end, at most 4095 bytes. */
struct heard {
    FILE *file;
    int keep;
    char text[4096];
};

static bool hear_begin(struct heard *h)
{
    *h = (struct heard){.file = tmpfile()};
    fflush(stdout);
    h->keep = dup(STDOUT_FILENO);
    return h->file && dup2(fileno(h->file), STDOUT_FILENO) >= 0;
}

static void hear_end(struct heard *h)
{
    fflush(stdout);
    dup2(h->keep, STDOUT_FILENO);
    close(h->keep);
    rewind(h->file);
    h->text[fread(h->text, 1, sizeof h->text - 1, h->file)] = 0;
    fclose(h->file);
}

/* The last rank works twice as long as the others, and waits as they do. */
static void
how_evenly_ranks_were_busy_is_told_without_their_waiting(void **state)
{
    (void)state;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    const double mean_s = 0.4 * (size + 1) / size;
    double max = 0, mean = 0, ratio = 0;
    struct heard heard;
    struct progress p;
    assert_true(on_all(hear_begin(&heard)));
    progress_begin(&p, "extract", 1, 30, WORLD);
    sleep_ms(rank == size - 1 ? 2000 : 1600);
    p.idle_s = 1.2;
    progress_step(&p);
    progress_end(&p, LP_OK);
    hear_end(&heard);
    const char *line = strstr(heard.text, "extract: busy max ");
    assert_true(on_all((line != NULL) == (rank == 0 && size > 1)));
    const int n_read =
        line ? sscanf(line,
                      "extract: busy max %lf s, mean %lf s, max/mean %lf; "
                      "processor time max/mean ",
                      &max, &mean, &ratio)
             : 0;
    assert_true(on_all(!line || n_read == 3));
    assert_true(on_all(!line || (max > 0.7 && max < 1.1)));
    assert_true(on_all(!line || fabs(mean - mean_s) < 0.16));
    assert_true(on_all(!line || fabs(ratio - 0.8 / mean_s) < 0.2));
}

/* Of brief work nothing is told but what was slow: the first is not. */
static void brief_work_is_told_only_where_it_took_long(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; ++slow) {
        struct heard heard;
        struct progress p;
        assert_true(on_all(hear_begin(&heard)));
        progress_begin(&p, "sizes", 300, 0.2, WORLD);
        p.brief = true;
        for (int i = 0; i < 300; ++i) {
            sleep_ms(slow && comm_rank(WORLD) == 0 ? 2 : 0);
            progress_step(&p);
        }
        progress_end(&p, LP_OK);
        hear_end(&heard);
        if (slow)
            assert_true(on_all(comm_rank(WORLD) > 0 ||
                               strstr(heard.text, " images in ")));
        else
            assert_true(on_all(heard.text[0] == 0));
    }
}

static void a_line_counts_images_or_what_the_caller_names(void **state)
{
    (void)state;
    static const char *const unit[] = {"images", "classes"};
    for (int i = 0; i < 2; ++i) {
        char line[64];
        struct heard heard;
        struct progress p;
        assert_true(on_all(hear_begin(&heard)));
        progress_begin(&p, "draw", comm_rank(WORLD) == 0 ? 3 : 0, 30, WORLD);
        if (i == 1)
            p.unit = unit[i];
        for (int64_t j = 0; j < (comm_rank(WORLD) == 0 ? 3 : 0); ++j)
            progress_step(&p);
        progress_end(&p, LP_OK);
        hear_end(&heard);
        snprintf(line, sizeof line, "draw 3 of 3 %s in 0 s", unit[i]);
        assert_true(
            on_all(comm_rank(WORLD) > 0 || strstr(heard.text, line) != NULL));
    }
}

static void a_line_is_due_once_an_interval(void **state)
{
    (void)state;
    double said_s = 0, never_s = 0;
    bool good = !progress_due(&said_s, 0.2) && !progress_due(&said_s, 0.2);
    good = good && !progress_due(&never_s, 0);
    sleep_ms(300);
    good = good && progress_due(&said_s, 0.2) && !progress_due(&said_s, 0.2);
    good = good && !progress_due(&never_s, 0);
    assert_true(on_all(good));
}

static void lines_come_at_intervals_and_at_the_end(void **state)
{
    (void)state;
    const int n_local = 500;
    const double interval_s = 0.4;
    char total[32];
    struct heard heard;
    struct progress p;
    const int rank = comm_rank(WORLD), size = comm_size(WORLD);
    const char *const text = heard.text;
    int n_lines = 0;
    assert_true(on_all(hear_begin(&heard)));
    const double since_s = phase_now_s();
    progress_begin(&p, "extract", n_local, interval_s, WORLD);
    step(&p, n_local); /* 2.5 s or more */
    progress_end(&p, LP_OK);
    const int most = (int)((phase_now_s() - since_s) / interval_s) + 1;
    hear_end(&heard);

    for (const char *at = text; (at = strchr(at, '\n')); ++at)
        ++n_lines;
    if (size * n_local < 1000)
        snprintf(total, sizeof total, "%d", size * n_local);
    else
        snprintf(total, sizeof total, "%d,%03d", size * n_local / 1000,
                 size * n_local % 1000);
    assert_true(on_all(rank != 0 ||
                       (n_lines >= 3 && n_lines <= most + 1))); /* how busy */
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
        cmocka_unit_test(
            how_evenly_ranks_were_busy_is_told_without_their_waiting),
        cmocka_unit_test(brief_work_is_told_only_where_it_took_long),
        cmocka_unit_test(a_line_counts_images_or_what_the_caller_names),
        cmocka_unit_test(a_line_is_due_once_an_interval),
        cmocka_unit_test(lines_come_at_intervals_and_at_the_end),
        cmocka_unit_test(a_signal_to_one_rank_stops_all),
    };
    return test_mpi_main(argc, argv, tests);
}
