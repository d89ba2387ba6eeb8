/* SPDX-License-Identifier: MIT */
/* run_lock.h: one job at a time on a folder of outputs. */
#ifndef LPCAM_RUN_LOCK_H
#define LPCAM_RUN_LOCK_H

#include <mpi.h>
#include <stdbool.h>

#include "lpcam/base/status.h"

/* A lock on folder's outputs: a second job is refused with LP_EARG until every
 * rank of the first has ended, however it ended: fcntl locks of each rank on
 * FOLDER/lpcam.lock, which the system of a dead process gives back, or, of a
 * dead node, the file server. The folder is made, or with make = false LP_EIO says
 * that it is not there. A file system without locks gives a warning and *lock -1.
 * key: what names the folder, such as "run.out". Not for a folder that this job
 * has locked. Collective. */
enum lp_status run_lock(const char *folder, const char *key, bool make,
                        int *lock, MPI_Comm comm);

/* Local; -1 is allowed. */
void run_unlock(int lock);

#endif
