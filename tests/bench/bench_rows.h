/* SPDX-License-Identifier: MIT */
/* bench_rows.h: rows in memory for the timings of clustering, in huge pages as
 * numpy's are for the peers. */
#ifndef LPCAM_BENCH_ROWS_H
#define LPCAM_BENCH_ROWS_H

#include "lpcam/method/features.h"

/* A file of float32 [n][d]. Every 512 rows are an image with one class, the
 * classes in turn, all of its cells object. */
struct matrix {
    const char *path;
    int64_t n;
    int d, n_classes;
    enum lp_value type; /* of the rows in memory                            */
};

/* This rank's images. Local; f is released by the caller, also after a failure.
 * Fails with LP_ENOMEM or LP_EIO. */
enum lp_status matrix_load(const struct matrix *m, struct features *f);

/* The rows in memory as another type. Local. Fails with LP_ENOMEM. */
enum lp_status features_convert(struct features *f, enum lp_value type);

#endif
