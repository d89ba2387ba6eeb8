/* SPDX-License-Identifier: MIT */
/* log.h: what the program says while it runs. All functions are Local. */
#ifndef LPCAM_LOG_H
#define LPCAM_LOG_H

#include <stdbool.h>

/* Who speaks. Until called, the process is rank 0 of 1. verbose adds source
 * file and line to errors. */
void log_init(int rank, int n_ranks, bool verbose);

/* This rank's number as given to log_init. */
int log_rank(void);

/* Seconds since the first call of any function of the base floor. */
double log_elapsed_s(void);

/* One line "[   12.3 s] text" on stdout, from rank 0 only. */
void lp_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line on stderr from any rank, "[rank 0017] warning: text". */
void lp_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Does a person watch? Open MPI's launcher gives programs a pseudo-terminal as
 * stdout whatever its own is, but a pipe as stderr: then the launcher's stdout
 * decides. */
bool log_terminal(void);

/* Replace the last status line of a terminal, or add a line where there is
 * none; rank 0 only. The next lp_log starts on a fresh line. */
void lp_status_line(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
