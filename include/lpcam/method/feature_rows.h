/* SPDX-License-Identifier: MIT */
/* feature_rows.h: from the network's layout to stored feature vectors.
 * Local. */
#ifndef LPCAM_FEATURE_ROWS_H
#define LPCAM_FEATURE_ROWS_H

#include <stdint.h>

#include "lpcam/base/half.h"

/* rows [cells][d] of type from f [d][cells]. Returns the largest |f|; infinity
 * when f holds a value that is not finite. The caller compares it with
 * feature_rows_most(type). */
float feature_rows_pack(const float *f, int d, int64_t cells,
                        enum lp_value type, void *rows);

/* The largest |x| of n; infinity when one is not finite. */
float feature_rows_largest(const float *x, int64_t n);

/* The largest |value| that type holds. */
float feature_rows_most(enum lp_value type);

#endif
