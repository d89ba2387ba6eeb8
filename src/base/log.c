/* SPDX-License-Identifier: MIT */
#include "lpcam/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/base/status.h"
#include "lpcam/base/text.h"

#define RED    "\033[1;31m"
#define YELLOW "\033[1;33m"
#define PLAIN  "\033[0m"

static struct {
    int rank, n_ranks;
    int manner;     /* enum log_manner, or-ed */
    bool line_open; /* a status line waits for its end of line */
    double start_s;
} state = {0, 1, 0, false, 0};

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

void log_init(int rank, int n_ranks, int manner)
{
    log_elapsed_s();
    state.rank = rank;
    state.n_ranks = n_ranks;
    state.manner = manner;
}

int log_rank(void)
{
    return state.rank;
}

/* Is this stream of the process that started us a terminal? */
static bool is_launchers_terminal(int stream)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getppid(), stream);
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    const bool terminal = fd >= 0 && isatty(fd);
    if (fd >= 0)
        close(fd);
    return terminal;
}

bool log_terminal(void)
{
    if (state.manner & (LOG_QUIET | LOG_JSON))
        return false;
    if (!isatty(STDOUT_FILENO) || isatty(STDERR_FILENO))
        return isatty(STDOUT_FILENO);
    return is_launchers_terminal(STDOUT_FILENO);
}

/* Are colours welcome on stderr? Open MPI's launcher reads it from a pipe. */
static bool is_coloured(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if ((no && *no) || !terminal || strcmp(terminal, "dumb") == 0)
        return false;
    return isatty(STDERR_FILENO) ||
           (getenv("OMPI_COMM_WORLD_SIZE") && isatty(STDOUT_FILENO) &&
            is_launchers_terminal(STDERR_FILENO));
}

static void close_line(void)
{
    if (state.line_open)
        putchar('\n');
    state.line_open = false;
}

/* ---- JSON */

/* One write a message, so that lines of several ranks do not mix. */
static void put_json(FILE *to, const char *level, const char *source,
                     const char *message)
{
    struct text_buffer b = {0};
    struct timespec now;
    struct tm utc;
    char time[24];

    clock_gettime(CLOCK_REALTIME, &now);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S",
             gmtime_r(&now.tv_sec, &utc));
    bool ok = text_add(&b,
                       "{\"time\": \"%s.%03ldZ\", \"elapsed_s\": %.3f, "
                       "\"rank\": %d, \"level\": \"%s\", \"message\": ",
                       time, now.tv_nsec / 1000000, log_elapsed_s(), state.rank,
                       level);
    ok = ok && text_add_json(&b, message);
    if (*source)
        ok = ok && text_add(&b, ", \"source\": \"%s\"", source);
    if (ok && text_add(&b, "}\n"))
        fputs(b.s, to);
    fflush(to);
    free(b.s);
}

/* A message of any length on stdout. */
static void say_json(const char *level, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    char *message = n >= 0 ? malloc((size_t)n + 1) : NULL;
    if (message) {
        vsnprintf(message, (size_t)n + 1, format, again);
        put_json(stdout, level, "", message);
    }
    va_end(again);
    free(message);
}

/* ---- lines */

void lp_log(const char *format, ...)
{
    va_list args;
    if (state.rank != 0 || state.manner & LOG_QUIET)
        return;
    va_start(args, format);
    if (state.manner & LOG_JSON) {
        say_json("info", format, args);
    } else {
        close_line();
        printf("[%7.1f s] ", log_elapsed_s());
        vprintf(format, args);
        putchar('\n');
        fflush(stdout);
    }
    va_end(args);
}

void lp_status_line(const char *format, ...)
{
    const bool terminal = log_terminal();
    va_list args;
    if (state.rank != 0 || state.manner & LOG_QUIET)
        return;
    va_start(args, format);
    if (state.manner & LOG_JSON) {
        say_json("progress", format, args);
    } else {
        printf(terminal ? "\r\033[K[%7.1f s] " : "[%7.1f s] ", log_elapsed_s());
        vprintf(format, args);
        if (!terminal)
            putchar('\n');
        state.line_open = terminal;
        fflush(stdout);
    }
    va_end(args);
}

/* "[rank 0017] error: message (comm.c:12)", in one write. */
static void complain(const char *kind, const char *colour, const char *source,
                     const char *format, va_list args)
{
    char message[4000], line[4300];
    const bool coloured = is_coloured();
    int n = 0;
    vsnprintf(message, sizeof message, format, args);
    if (state.manner & LOG_JSON) {
        put_json(stderr, kind, source, message);
        return;
    }
    close_line();
    if (state.n_ranks > 1)
        n = snprintf(line, sizeof line, "[rank %04d] ", state.rank);
    snprintf(line + n, sizeof line - (size_t)n, "%s%s:%s %s%s%s%s\n",
             coloured ? colour : "", kind, coloured ? PLAIN : "", message,
             *source ? " (" : "", source, *source ? ")" : "");
    fputs(line, stderr);
}

void lp_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain("warning", YELLOW, "", format, args);
    va_end(args);
}

void lp_report(const char *file, int line, enum lp_status status,
               const char *format, ...)
{
    char source[160] = "";
    const char *base = strrchr(file, '/');
    va_list args;
    (void)status;
    if (state.manner & LOG_VERBOSE)
        snprintf(source, sizeof source, "%s:%d", base ? base + 1 : file, line);
    va_start(args, format);
    complain("error", RED, source, format, args);
    va_end(args);
}
