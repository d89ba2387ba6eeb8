/* SPDX-License-Identifier: MIT */
/* phase.h: where the time went: seconds by phase on every rank, one table at
 * the end. */
#ifndef LPCAM_PHASE_H
#define LPCAM_PHASE_H

#include <mpi.h>

#include "lpcam/base/text.h"

enum phase {
    PHASE_INPUT,     /* lists, labels, headers of photographs */
    PHASE_MODEL,     /* read, cut, compile, prove             */
    PHASE_BASIS,     /* principal components                  */
    PHASE_DECODE,    /* JPEG and PNG                          */
    PHASE_RESIZE,    /* scales, normalisation                 */
    PHASE_NETWORK,   /* forward passes                        */
    PHASE_MAPS,      /* CAM, LPCAM, split, their resizing     */
    PHASE_FIT,       /* regressions of a classifier           */
    PHASE_CLUSTER,   /* k-means                               */
    PHASE_PROTOTYPE, /* selection, nearest cells              */
    PHASE_READ,      /* from HDF5                             */
    PHASE_WRITE,     /* to HDF5, flush included               */
    PHASE_SCORE,     /* masks and counts                      */
    PHASE_WAIT,      /* for other ranks                       */
    N_PHASES
};

/* Seconds of each phase on this rank; a plain counter, zero at the start. */
extern double phase_s[N_PHASES];

/* Seconds of a steady clock. Local. */
double phase_now_s(void);

/* Seconds of all processors that this process has used. Local. */
double phase_cpu_s(void);

/* phase_s[p] += seconds since since_s; returns now. Local. */
double phase_add(enum phase p, double since_s);

/* Table "phase  min  mean  max  slowest rank" of the phases that took time.
 * Collective over comm; appended to out on rank 0. */
void phase_table(struct text_buffer *out, MPI_Comm comm);

#endif
