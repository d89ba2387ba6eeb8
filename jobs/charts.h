/* SPDX-License-Identifier: MIT */
/* charts.h: the pictures beside the files: score.svg, convergence.svg. Local. */
#ifndef LPCAM_CHARTS_H
#define LPCAM_CHARTS_H

#include "lpcam/base/text.h"
#include "lpcam/method/kmeans.h"
#include "score.h"

/* The curve of mIoU over thresholds of the kinds that are there, each with its
 * best point marked. False: no memory. */
bool chart_scores(struct text_buffer *b, const struct scored *kind, int n);

/* How clustering settled, by iteration, over all problems; of the first
 * SVG_MAX_SERIES starts: the share of the vectors that changed their cluster,
 * and the mean cosine of a vector to its centre. Written to path. LP_EIO,
 * LP_ENOMEM. */
enum lp_status chart_convergence(const char *path,
                                 const struct kmeans *const *start,
                                 int n_starts);

#endif
