/* SPDX-License-Identifier: MIT */
/* job_table.h: the jobs of the program, and what its command line says of them.
 * lpcam.1 and lpcam.bash say it too: tests/job/test_terminal.sh compares. */
#ifndef LPCAM_JOB_TABLE_H
#define LPCAM_JOB_TABLE_H

#include "job.h"

struct job {
    const char *name, *argument;
    const char *summary; /* one line, what comes in -> what comes out         */
    const char *reads, *writes;
    const char *keys;    /* those that matter to it, between spaces           */
    const char *example; /* a whole command                                   */
    enum lp_status (*run)(const struct job_args *args);
};

extern const struct job jobs[];
extern const int n_jobs;

/* The option with a value that only this job has, and its line of help; NULL:
 * there is none. */
const char *job_option(const struct job *job, const char **help);

/* The job of that name; NULL: none, and stderr says which is near. */
const struct job *job_find(const char *name);

/* What the program says without doing anything, on stdout; the exit code. */
int help_program(void);
int help_job(const struct job *job);

/* configs/reference.ini, or of it one [section]; NULL: all. */
int help_keys(const char *section);

#endif
