/* SPDX-License-Identifier: MIT */
/* start_rows.h: start centres named in a file, to repeat somebody's run. */
#ifndef LPCAM_START_ROWS_H
#define LPCAM_START_ROWS_H

#include <mpi.h>

#include "lpcam/data/dataset.h"
#include "lpcam/method/kmeans.h"

/* Read a tab-separated file, a line a start row: class name, object or
 * context, k, image ID, cell (row-major). *start [2 n_classes][k] is the
 * caller's to free; image -1 where the file names none. A class, image or k
 * that does not exist, or a row given twice, fails with LP_EFORMAT naming file
 * and line. Rank 0 reads. Collective over comm. */
enum lp_status start_rows_read(const char *path, const struct dataset *d, int k,
                               struct kmeans_start **start, MPI_Comm comm);

#endif
