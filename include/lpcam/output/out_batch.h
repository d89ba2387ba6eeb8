/* SPDX-License-Identifier: MIT */
/* out_batch.h: many small files that get their names only after their bytes are
 * on the disk, so that what a later start finds there survives a loss of power,
 * without a wait for the disk after each: syncfs once for all that have been
 * written meanwhile, as often as costs a twentieth of the time. What a kill
 * finds still without its name is written again. Local. */
#ifndef LPCAM_OUT_BATCH_H
#define LPCAM_OUT_BATCH_H

#include "lpcam/output/out_folder.h"

/* Folders of one batch that lie on different file systems, as links may. */
enum { OUT_BATCH_SYSTEMS = 16 };

/* Starts as zeros. */
struct out_batch {
    bool open;
    struct out_held *held; /* [n] written, without their names             */
    int n, room;
    const struct out_folder *on[OUT_BATCH_SYSTEMS]; /* one a file system     */
    int n_on;
    double settled_s, cost_s; /* when it was done last, what that took       */
};

/* From now on files of the folders that name this batch wait. */
void out_batch_begin(struct out_batch *b);

/* After a piece of work: give the files their names if it is time to. LP_EIO. */
enum lp_status out_batch_step(struct out_batch *b);

/* Give all files their names, those that came before a failure too, and see to
 * it that the names last. Returns status, or LP_EIO where that was LP_OK. */
enum lp_status out_batch_end(struct out_batch *b, enum lp_status status);

/* Called by out_folder.c: the file of this name is written as partial. */
enum lp_status out_batch_hold(struct out_batch *b,
                              const struct out_folder *folder,
                              const char *partial, const char *name);

#endif
