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

/* ---- what is said: names and paths in it come from users' files */

/* In a line; without memory the format itself, which is ours. *memory is the
 * caller's to free. */
static const char *compose(char **memory, const char *format, va_list args)
{
    struct text_buffer said = {0}, shown = {0};
    const bool ok =
        text_add_v(&said, format, args) && text_add_shown(&shown, said.s, 0);
    free(said.s);
    *memory = shown.s;
    return ok ? shown.s : format;
}

/* A title and whole lines. */
static bool compose_lines(struct text_buffer *b, const char *title,
                          const char *lines)
{
    char *copy = strdup(lines), *line = copy;
    bool ok = copy && text_add_shown(b, title, 0);
    while (ok && line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = 0;
        ok = text_add(b, "\n") && text_add_shown(b, line, 0);
        line = end ? end + 1 : NULL;
    }
    free(copy);
    return ok;
}

/* ---- how: one write a message, so that lines of several ranks do not mix */

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

static bool is_heard(void)
{
    return state.rank == 0 && !(state.manner & LOG_QUIET);
}

static void say(const char *message)
{
    if (state.manner & LOG_JSON) {
        put_json(stdout, "info", "", message);
        return;
    }
    close_line();
    printf("[%7.1f s] %s\n", log_elapsed_s(), message);
    fflush(stdout);
}

void lp_log(const char *format, ...)
{
    char *memory;
    va_list args;
    if (!is_heard())
        return;
    va_start(args, format);
    say(compose(&memory, format, args));
    va_end(args);
    free(memory);
}

void lp_log_table(const char *title, const char *lines)
{
    struct text_buffer b = {0};
    if (!is_heard())
        return;
    say(compose_lines(&b, title, lines) ? b.s : title);
    free(b.s);
}

void lp_status_line(const char *format, ...)
{
    const bool terminal = log_terminal();
    char *memory;
    va_list args;
    if (!is_heard())
        return;
    va_start(args, format);
    const char *message = compose(&memory, format, args);
    va_end(args);
    if (state.manner & LOG_JSON) {
        put_json(stdout, "progress", "", message);
    } else {
        printf("%s[%7.1f s] %s%s", terminal ? "\r\033[K" : "", log_elapsed_s(),
               message, terminal ? "" : "\n");
        state.line_open = terminal;
        fflush(stdout);
    }
    free(memory);
}

/* "[rank 0017] error: message (comm.c:12)". */
static void complain(const char *kind, const char *colour, const char *source,
                     const char *format, va_list args)
{
    struct text_buffer line = {0};
    const bool coloured = is_coloured();
    char *memory;
    const char *message = compose(&memory, format, args);
    if (state.manner & LOG_JSON) {
        put_json(stderr, kind, source, message);
        free(memory);
        return;
    }
    close_line();
    bool ok = state.n_ranks < 2 || text_add(&line, "[rank %04d] ", state.rank);
    ok = ok && text_add(&line, "%s%s:%s %s%s%s%s\n", coloured ? colour : "",
                        kind, coloured ? PLAIN : "", message,
                        *source ? " (" : "", source, *source ? ")" : "");
    if (ok)
        fputs(line.s, stderr);
    else
        fprintf(stderr, "%s: %s\n", kind, message);
    free(line.s);
    free(memory);
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

void lp_misused(const char *format, ...)
{
    char *memory;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "lpcam: %s\n", compose(&memory, format, args));
    va_end(args);
    free(memory);
}
