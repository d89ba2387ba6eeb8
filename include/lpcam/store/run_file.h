/* SPDX-License-Identifier: MIT */
/* run_file.h: what all output files share: who made them from what, which
 * images are done, and how a stopped job goes on.
 *
 * A file is PATH.partial until it is whole. Its settings are lines
 * "key = value"; a resume or a next stage whose lines differ is refused, naming
 * the first line that differs. */
#ifndef LPCAM_RUN_FILE_H
#define LPCAM_RUN_FILE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/data/dataset.h"
#include "lpcam/store/h5.h"

enum image_state { IMAGE_TO_DO = 0, IMAGE_DONE = 1, IMAGE_BAD = 2 };

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

/* Open path for a producer. Absent: create PATH.partial, let define(arg, h5)
 * make the structure, write the head (attributes, /run), close, reopen.
 * Partial: reopen to go on. Whole: open to read. file->found says which.
 * Collective. */
enum lp_status run_file_open(struct run_file *file, const char *path,
                             const struct run_about *about,
                             enum lp_status (*define)(void *arg, struct h5 *h5),
                             void *arg, MPI_Comm comm);

/* Open a whole file of an earlier stage (or written elsewhere: then it may
 * lack /run, and only format-free checks apply) to read. LP_EIO where it is
 * absent or partial: the sentence names the job that makes it. settings NULL:
 * not compared; else all its lines must be equal where the file has /run. */
enum lp_status run_file_read(struct run_file *file, const char *path,
                             const char *settings, const char *made_by,
                             MPI_Comm comm);

/* Flush, write the report (texts of the end: timings, counts) into
 * /run/report, close, rename to the whole name. Collective. */
enum lp_status run_file_finish(struct run_file *file, const char *report);

/* Close without finishing; the partial file stays. Collective; safe on a zeroed
 * struct. */
void run_file_close(struct run_file *file);

/* The /image and /class groups of every per-image file. define: structure;
 * write: rank 0 writes ids, sizes, labels, class names. */
enum lp_status image_group_define(struct h5 *h5, const struct dataset *d);
enum lp_status image_group_write(struct h5 *h5, const struct dataset *d,
                                 const int64_t *size);

/* Mark rows [first, first + n) with state [n] after their data: sync, write,
 * sync. Local in effect. */
enum lp_status image_group_mark(struct h5 *h5, int64_t first, int64_t n,
                                const uint8_t *state);
/* Read state [n] of images from first. Local in effect. */
enum lp_status image_group_states(struct h5 *h5, int64_t first, int64_t n,
                                  uint8_t *state);

/* A lock on folder's outputs: a second job is refused with LP_EARG until the
 * first ends, however it ends (fcntl lock of rank 0 on FOLDER/lpcam.lock).
 * The folder is made. Collective. */
enum lp_status run_lock(const char *folder, int *lock, MPI_Comm comm);
void run_unlock(int lock);

#endif
