/* SPDX-License-Identifier: MIT */
#include "lpcam/run/phase.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "lpcam/run/comm.h"

double phase_s[N_PHASES];

static const char *const phase_name[N_PHASES] = {
    [PHASE_INPUT] = "input",     [PHASE_MODEL] = "model",
    [PHASE_BASIS] = "basis",     [PHASE_DECODE] = "decode",
    [PHASE_RESIZE] = "resize",   [PHASE_NETWORK] = "network",
    [PHASE_MAPS] = "maps",       [PHASE_FIT] = "fit",
    [PHASE_CLUSTER] = "cluster", [PHASE_PROTOTYPE] = "prototypes",
    [PHASE_READ] = "read",       [PHASE_WRITE] = "write",
    [PHASE_SCORE] = "score",     [PHASE_WAIT] = "wait",
};

static double clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double phase_now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

double phase_cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

double phase_add(enum phase p, double since_s)
{
    const double now_s = phase_now_s();
    phase_s[p] += now_s - since_s;
    return now_s;
}

void phase_table(struct text_buffer *out, MPI_Comm comm)
{
    const int rank = comm_rank(comm), size = comm_size(comm);
    double min[N_PHASES], max[N_PHASES], sum[N_PHASES];
    int64_t slowest[N_PHASES]; /* as size - rank: the lowest rank wins a tie */

    memcpy(min, phase_s, sizeof min);
    memcpy(max, phase_s, sizeof max);
    memcpy(sum, phase_s, sizeof sum);
    comm_min_f64(comm, min, N_PHASES);
    comm_max_f64(comm, max, N_PHASES);
    comm_sum_f64(comm, sum, N_PHASES);
    for (int p = 0; p < N_PHASES; ++p)
        slowest[p] = phase_s[p] >= max[p] ? size - rank : 0;
    comm_max_i64(comm, slowest, N_PHASES);

    if (rank != 0)
        return;
    text_add(out, "%-10s %10s %10s %10s  slowest rank\n", "phase", "min s",
             "mean s", "max s");
    for (int p = 0; p < N_PHASES; ++p)
        if (max[p] > 0)
            text_add(out, "%-10s %10.2f %10.2f %10.2f  %d\n", phase_name[p],
                     min[p], sum[p] / size, max[p], size - (int)slowest[p]);
}
