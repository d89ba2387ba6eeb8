/* SPDX-License-Identifier: MIT */
/* kept.h: what activate works on with run.passes = 1: views.h5 in place of
 * photographs and network. */
#ifndef LPCAM_KEPT_H
#define LPCAM_KEPT_H

#include "lpcam/base/text.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/unit_rows.h"
#include "lpcam/store/view_file.h"
#include "walk.h"

struct kept {
    struct view_file file;
    struct features rows; /* of the file                                   */
    struct unit_rows unit;
    uint8_t *state; /* [n_images] enum image_state in views.h5             */
    bool *wanted;   /* [n_images] still to be read of the run at hand      */
    int64_t run;    /* the first image of that run, -1: there was none     */
    int64_t *cost;  /* [n_images] for the walk                             */
    float *vector;  /* [N][r] M in the dimensions of the file              */
    double *bound;  /* [N] how far sums over the scales are from those of
                       two passes                                          */
};

/* Open views.h5, and take the photographs' sizes from it where s->size is NULL.
 * Collective over the session's comm. kept_close accepts what is left. */
enum lp_status kept_open(struct kept *k, struct session *s);
void kept_close(struct kept *k); /* Collective */

/* Get ready for M [N][d]; tells the bound. Collective. LP_EFORMAT where the
 * views are not of d channels. */
enum lp_status kept_prepare(struct kept *k, const struct session *s,
                            const float *vector, int d);

/* Add all scales of one of the walk's images to its maps. LP_EDATA, not
 * reported, where it was broken when it was extracted. Alone. */
enum lp_status kept_add(struct kept *k, const struct walk *walk, int64_t image,
                        struct class_maps *maps);

/* What the bound is behind the division of each map by its maximum: a line for
 * each class, appended to report, and one in the log. maps is maps.h5, of which
 * all is written. By rank 0 alone. */
enum lp_status kept_report(const struct kept *k, const struct session *s,
                           struct h5 *maps, struct text_buffer *report);

#endif
