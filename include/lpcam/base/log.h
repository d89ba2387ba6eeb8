/* SPDX-License-Identifier: MIT */
/* log.h: what the program says while it runs. All functions are Local.
 *
 * A person gets lines; LOG_JSON gives a JSON object a line instead, on the same
 * stream: "time" (UTC, ISO 8601), "elapsed_s", "rank", "level" (info or progress
 * on stdout, warning or error on stderr), "message", and with LOG_VERBOSE the
 * "source" of an error.
 *
 * Whatever a message holds stays on its line and moves no cursor: its control
 * characters, and bytes that are no UTF-8, are written as \x1b. */
#ifndef LPCAM_LOG_H
#define LPCAM_LOG_H

#include <stdbool.h>

enum log_manner {
    LOG_VERBOSE = 1, /* errors name their source file and line             */
    LOG_QUIET = 2,   /* warnings and errors only                            */
    LOG_JSON = 4
};

/* Who speaks and how, enum log_manner or-ed. Until called, the process is rank 0
 * of 1. */
void log_init(int rank, int n_ranks, int manner);

/* This rank's number as given to log_init. */
int log_rank(void);

/* Seconds since the first call of any function of the base floor. */
double log_elapsed_s(void);

/* One line "[   12.3 s] text" on stdout, from rank 0 only. */
void lp_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and whole lines below it: one message. Names in them must have been
 * added with text_add_shown, or they may end a line. */
void lp_log_table(const char *title, const char *lines);

/* One line on stderr from any rank, "[rank 0017] warning: text"; the word is
 * coloured on a terminal, unless NO_COLOR is set. */
void lp_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line "lpcam: text" on stderr, for a command line that cannot be run. */
void lp_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does a person watch the lines on stdout? Open MPI's launcher gives programs a
 * pseudo-terminal as stdout whatever its own is, but a pipe as stderr: then the
 * launcher's stdout decides. */
bool log_terminal(void);

/* Replace the last status line of a terminal, or add a line where there is
 * none; rank 0 only. The next lp_log starts on a fresh line. */
void lp_status_line(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
