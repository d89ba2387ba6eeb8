/* SPDX-License-Identifier: MIT */
/* run_file.h: what all output files share: who made them from what, which
 * images are done, and how a stopped job goes on.
 *
 * Its structure is made as PATH.new, which holds nothing yet and is replaced;
 * then it is PATH.partial until it is whole. Its settings are lines
 * "key = value"; a resume or a next stage whose lines differ is refused, naming
 * the first line that differs. */
#ifndef LPCAM_RUN_FILE_H
#define LPCAM_RUN_FILE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/store/h5.h"

enum run_file_found { FILE_ABSENT, FILE_PARTIAL, FILE_WHOLE };

struct run_file {
    struct h5 *h5;
    char *path;                /* of the whole file                          */
    enum run_file_found found; /* what was there at open                   */
    MPI_Comm comm;
};

/* Texts that describe a run; borrowed. */
struct run_about {
    const char *format;   /* "lpcam features 1"                         */
    const char *settings; /* lines "key = value" that decide the content */
    const char *config;   /* the whole configuration in use             */
};

/* What is at path: absent, partial, whole. If it is there and its format or
 * settings differ from about's: LP_EARG, one sentence naming the first setting
 * that differs with both values, and what to do (another run.out, or remove
 * the file). Collective. */
enum lp_status run_file_probe(const char *path, const struct run_about *about,
                              enum run_file_found *found, MPI_Comm comm);

/* Open path for a producer. Absent: rank 0 alone creates PATH.new, lets
 * define(arg, h5), which is not called elsewhere, make the structure and write
 * the tables, writes the head (attributes, /run), closes, renames to
 * PATH.partial; all reopen it. Partial: reopen to go on. Whole: open to
 * read. file->found says which. Collective. */
enum lp_status run_file_open(struct run_file *file, const char *path,
                             const struct run_about *about,
                             enum lp_status (*define)(void *arg, struct h5 *h5),
                             void *arg, MPI_Comm comm);

/* Open a whole file of an earlier stage (or written elsewhere: then it may
 * lack /run, and only format-free checks apply) to read. LP_EIO where it is
 * absent or partial: the sentence names the job that makes it. settings NULL:
 * not compared; else each of its lines must be the file's too, where the file
 * has /run. Collective. */
enum lp_status run_file_read(struct run_file *file, const char *path,
                             const char *settings, const char *made_by,
                             MPI_Comm comm);

/* Flush, write the report (texts of the end: timings, counts; at most 64 KiB)
 * into /run/report, close, rename to the whole name; a file that was whole is
 * only closed. Also after a failure *file is closed. Collective. */
enum lp_status run_file_finish(struct run_file *file, const char *report);

/* The file's own lines, the caller's to free; NULL where it has none because it
 * was made elsewhere. Collective. */
enum lp_status run_file_settings(const struct run_file *file, char **settings);

/* "lpcam 0.1.0 (commit)". Static. Local. */
const char *run_file_program(void);

/* Close without finishing; the partial file stays. Collective; safe on a zeroed
 * struct. */
void run_file_close(struct run_file *file);

#endif
