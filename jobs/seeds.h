/* SPDX-License-Identifier: MIT */
/* seeds.h: full-size seeds of one photograph, maps.full = seed. Local. */
#ifndef LPCAM_SEEDS_H
#define LPCAM_SEEDS_H

#include "lpcam/method/class_maps.h"
#include "lpcam/store/map_file.h"

struct seeds {
    uint8_t *best_class, *q; /* [h][w] see map_file.h                      */
    float *value;
    int64_t room; /* pixels                                     */
};

/* From finished maps with high_res; label [m->n]. LP_ENOMEM, reported. */
enum lp_status seeds_make(struct seeds *s, const struct class_maps *m,
                          const int32_t *label);
void seeds_release(struct seeds *s);

#endif
