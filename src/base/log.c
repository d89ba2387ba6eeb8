/* SPDX-License-Identifier: MIT */
#include "lpcam/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/base/status.h"

static struct {
    int rank, n_ranks;
    bool verbose;
    bool line_open; /* a status line waits for its end of line */
    double start_s;
} state = {0, 1, false, false, 0};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double log_elapsed_s(void)
{
    if (state.start_s == 0)
        state.start_s = now_s();
    return now_s() - state.start_s;
}

void log_init(int rank, int n_ranks, bool verbose)
{
    log_elapsed_s();
    state.rank = rank;
    state.n_ranks = n_ranks;
    state.verbose = verbose;
}

int log_rank(void)
{
    return state.rank;
}

static void close_line(void)
{
    if (state.line_open)
        putchar('\n');
    state.line_open = false;
}

void lp_log(const char *format, ...)
{
    va_list args;
    if (state.rank != 0)
        return;
    close_line();
    printf("[%7.1f s] ", log_elapsed_s());
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

bool log_terminal(void)
{
    char path[40];
    if (!isatty(STDOUT_FILENO) || isatty(STDERR_FILENO))
        return isatty(STDOUT_FILENO);
    /* mpirun gives its ranks a terminal whatever its own output is. */
    snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    const bool terminal = fd >= 0 && isatty(fd);
    if (fd >= 0)
        close(fd);
    return terminal;
}

void lp_status_line(const char *format, ...)
{
    const bool terminal = log_terminal();
    va_list args;
    if (state.rank != 0)
        return;
    printf(terminal ? "\r\033[K[%7.1f s] " : "[%7.1f s] ", log_elapsed_s());
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    if (!terminal)
        putchar('\n');
    state.line_open = terminal;
    fflush(stdout);
}

/* One write a message, so that lines of several ranks do not mix. */
static void complain(const char *kind, const char *where, const char *format,
                     va_list args)
{
    char line[4096];
    int n = 0;
    close_line();
    if (state.n_ranks > 1)
        n = snprintf(line, sizeof line, "[rank %04d] ", state.rank);
    n += snprintf(line + n, sizeof line - (size_t)n, "%s: ", kind);
    n += vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    if (n > (int)sizeof line - 200)
        n = (int)sizeof line - 200;
    snprintf(line + n, sizeof line - (size_t)n, "%s\n", where);
    fputs(line, stderr);
}

void lp_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain("warning", "", format, args);
    va_end(args);
}

void lp_report(const char *file, int line, enum lp_status status,
               const char *format, ...)
{
    char where[160] = "";
    const char *base = strrchr(file, '/');
    va_list args;
    (void)status;
    if (state.verbose)
        snprintf(where, sizeof where, " (%s:%d)", base ? base + 1 : file, line);
    va_start(args, format);
    complain("error", where, format, args);
    va_end(args);
}
