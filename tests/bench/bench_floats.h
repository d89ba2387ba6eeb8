/* SPDX-License-Identifier: MIT */
/* bench_floats.h: what exact sums cost: the clustering with its sums in floating
 * point. */
#ifndef LPCAM_BENCH_FLOATS_H
#define LPCAM_BENCH_FLOATS_H

#include "lpcam/method/kmeans.h"

/* Let km add rows as f32 into the memory of its exact sums, from now on: all it
 * computes but the time is then wrong. One thread. Local. Fails with LP_EARG
 * where there is no such kernel. */
enum lp_status kmeans_use_floats(struct kmeans *km);

#endif
