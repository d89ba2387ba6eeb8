/* SPDX-License-Identifier: MIT */
/* progress.h: a line for long work, and word between ranks that work alone:
 * that another was asked to stop or failed reaches all within about a second,
 * or within a few units of work where a unit takes longer. No rank waits for
 * another between begin and end, and none may use comm otherwise. */
#ifndef LPCAM_PROGRESS_H
#define LPCAM_PROGRESS_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

struct progress {
    MPI_Comm comm;
    MPI_Request request;
    const char *what;  /* "extract"                                     */
    const char *unit;  /* set by the caller: what is counted, "images"  */
    double interval_s; /* between lines                                 */
    double begin_s, begin_cpu_s, sent_s, served_s, printed_s;
    double idle_s; /* set by the caller: of its loop, waiting for work  */
    bool brief;    /* set by the caller: nothing at the end of what was quick */
    int64_t total; /* over all ranks, of units of work              */
    int64_t mine[4]; /* units done, ended, asked to stop, failed      */
    int64_t send[4]; /* the same when the running sum was started     */
    int64_t sum[4];  /* over the ranks                                */
    bool leave;      /* some rank was asked to stop or failed         */
};

/* Collective over comm; n_local, the units of this rank, differs by rank. The
 * line calls them images, unless the caller sets p->unit. what is borrowed until
 * progress_end. */
void progress_begin(struct progress *p, const char *what, int64_t n_local,
                    double interval_s, MPI_Comm comm);

/* This rank has done one more unit; what others ask of it is answered
 * (comm_serve), at most a hundred times a second. False: leave the loop, because
 * somewhere a stop was asked for or a rank failed. Local in effect: never
 * waits. */
bool progress_step(struct progress *p);

/* Every rank calls it once after its loop, also after a failure, with its own
 * status; waits for all. Where none failed, a line says how evenly they were
 * busy from begin to end. Returns status, or LP_STOP where that was LP_OK and
 * some rank was asked to stop. A failure of another rank is left to the
 * LP_AGREE that must follow. Collective over comm. */
enum lp_status progress_end(struct progress *p, enum lp_status status);

/* For work whose ranks go in step and know how far all are: is a line of rank 0
 * due (lp_status_line)? *said_s is when the last one was, 0 at the start.
 * interval_s as in progress_begin, 0: never. Local. */
bool progress_due(double *said_s, double interval_s);

#endif
