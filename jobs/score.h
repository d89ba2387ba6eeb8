/* SPDX-License-Identifier: MIT */
/* score.h: what the two halves of scoring share: counting and telling. */
#ifndef LPCAM_SCORE_H
#define LPCAM_SCORE_H

#include "lpcam/data/dataset.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/run/config.h"

/* The counts of one kind of maps. */
struct scored {
    const char *name; /* "cam", "lpcam"                                */
    struct seed_score score;
    bool there; /* its file exists and was counted               */
};

/* Where the mean IoU is largest, the first of equals. Local. */
int score_best_threshold(const struct seed_score *s);

/* The curve and the per-class table on stdout of rank 0, and score.json at
 * path. kind [n]; the counts are summed over the ranks. Local, rank 0. */
enum lp_status score_report(const struct scored *kind, int n,
                            const struct dataset *d,
                            const struct config *config, const char *path);

#endif
