/* SPDX-License-Identifier: MIT */
/* dataset_build.h: a data set from the files of its layout. On rank 0 only. */
#ifndef LPCAM_DATASET_BUILD_H
#define LPCAM_DATASET_BUILD_H

#include "lpcam/data/dataset.h"

/* What dataset_load does before the other ranks get to know; d starts zeroed
 * and is the caller's to release, also after a failure. Local. */
enum lp_status dataset_build(struct dataset *d, const struct config *config,
                             int n_rows);

#endif
