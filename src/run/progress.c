/* SPDX-License-Identifier: MIT */
/* The ranks add their counts in rounds, one non-blocking sum at a time. A rank
 * that works starts a round at most every half second, and only after the last
 * one has ended, so all ranks start the same rounds. A rank whose loop is over
 * takes part until a round shows that all loops are over. */
#include "lpcam/run/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/stop.h"

#define ROUND_S 0.5

/* Where ranks share cores MPI may hand this one's to another whenever it is
 * called: not after each of many small units. */
#define SERVE_S 0.01

/* Places in send and sum. */
enum { DONE, ENDED, STOP, FAILED, N_SUMS };

/* "1,234,567"; buffer holds 32 characters. */
static const char *grouped(int64_t n, char *buffer)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    char *to = buffer;
    for (int i = 0; i < len; ++i) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return buffer;
}

/* "1 h 52 min", "3 min 5 s" or "12 s"; buffer holds 32 characters. */
static const char *duration(double seconds, char *buffer)
{
    const int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(buffer, 32, "%" PRId64 " h %" PRId64 " min", s / 3600,
                 s % 3600 / 60);
    else if (s >= 60)
        snprintf(buffer, 32, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else
        snprintf(buffer, 32, "%" PRId64 " s", s);
    return buffer;
}

/* One line, shown by rank 0, of the counts the last round brought. */
static void print_line(struct progress *p, bool last)
{
    char done[32], total[32], time[32];
    const double now_s = phase_now_s(), elapsed_s = now_s - p->begin_s;
    const double a_second =
        elapsed_s > 0 ? (double)p->sum[DONE] / elapsed_s : 0;
    grouped(p->sum[DONE], done);
    grouped(p->total, total);
    p->printed_s = now_s;
    if (last)
        lp_status_line("%s %s of %s %s in %s, %.1f a second", p->what, done,
                       total, p->unit, duration(elapsed_s, time), a_second);
    else if (a_second > 0)
        lp_status_line(
            "%s %s of %s %s, %.1f a second, %s left", p->what, done, total,
            p->unit, a_second,
            duration((double)(p->total - p->sum[DONE]) / a_second, time));
}

/* How evenly the ranks were busy, busy {elapsed, of processors}: where ranks
 * share cores, only the second tells. */
static void print_busy(const struct progress *p, const double busy[2])
{
    const int size = comm_size(p->comm);
    double max[2] = {busy[0], busy[1]}, mean[2] = {busy[0], busy[1]};
    comm_max_f64(p->comm, max, 2);
    comm_sum_f64(p->comm, mean, 2);
    for (int i = 0; i < 2; ++i)
        mean[i] /= size;
    if (size > 1 && mean[0] > 0 && mean[1] > 0)
        lp_log("%s: busy max %.1f s, mean %.1f s, max/mean %.3f; processor "
               "time max/mean %.3f",
               p->what, max[0], mean[0], max[0] / mean[0], max[1] / mean[1]);
}

static void start_round(struct progress *p)
{
    if (stop_asked())
        p->mine[STOP] = 1;
    memcpy(p->send, p->mine, sizeof p->send);
    p->request = comm_sum_start(p->comm, p->send, p->sum, N_SUMS);
    p->sent_s = phase_now_s();
}

/* Has the round ended just now? Only then may sum be read. */
static bool end_round(struct progress *p)
{
    if (p->request == MPI_REQUEST_NULL || !comm_sum_ended(&p->request))
        return false;
    p->leave = p->sum[STOP] > 0 || p->sum[FAILED] > 0;
    if (phase_now_s() - p->printed_s >= p->interval_s)
        print_line(p, false);
    return true;
}

/* A person wants to see that something goes on. */
static double line_interval(double interval_s)
{
    return log_terminal() && interval_s > ROUND_S ? ROUND_S : interval_s;
}

void progress_begin(struct progress *p, const char *what, int64_t n_local,
                    double interval_s, MPI_Comm comm)
{
    const int64_t total = comm_total(comm, n_local);
    const double now_s = phase_now_s();
    *p = (struct progress){
        .comm = comm,
        .request = MPI_REQUEST_NULL,
        .what = what,
        .unit = "images",
        .interval_s = line_interval(interval_s),
        .begin_s = now_s,
        .begin_cpu_s = phase_cpu_s(),
        .sent_s = now_s,
        .served_s = now_s,
        .printed_s = now_s,
        .total = total,
    };
}

bool progress_due(double *said_s, double interval_s)
{
    const double now = phase_now_s();
    if (*said_s == 0)
        *said_s = now;
    if (interval_s == 0 || now - *said_s < line_interval(interval_s))
        return false;
    *said_s = now;
    return true;
}

bool progress_step(struct progress *p)
{
    const double now_s = phase_now_s();
    ++p->mine[DONE];
    if (now_s - p->served_s >= SERVE_S) {
        p->served_s = now_s;
        comm_serve(p->comm);
        end_round(p);
    }
    if (p->request == MPI_REQUEST_NULL && now_s - p->sent_s >= ROUND_S)
        start_round(p);
    return !p->leave && !stop_asked();
}

enum lp_status progress_end(struct progress *p, enum lp_status status)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const double since_s = phase_now_s();
    const double busy[2] = {since_s - p->begin_s - p->idle_s,
                            phase_cpu_s() - p->begin_cpu_s};
    const int size = comm_size(p->comm);
    bool all_ended = false;

    p->mine[ENDED] = 1;
    p->mine[STOP] = status == LP_STOP;
    p->mine[FAILED] = status != LP_OK && status != LP_STOP;
    while (!all_ended) {
        if (p->request == MPI_REQUEST_NULL)
            start_round(p);
        if (end_round(p))
            all_ended = p->sum[ENDED] == size;
        else
            nanosleep(&pause, NULL); /* leave the core to who still works */
    }
    const bool told = p->total > 0 && (!p->brief || p->printed_s > p->begin_s);
    if (comm_any(p->comm, told)) {
        print_line(p, true);
        if (p->sum[FAILED] == 0)
            print_busy(p, busy);
    }
    phase_add(PHASE_WAIT, since_s);
    return status == LP_OK && p->sum[STOP] > 0 ? LP_STOP : status;
}
