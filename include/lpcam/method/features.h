/* SPDX-License-Identifier: MIT */
/* features.h: the unpooled features of this rank's photographs and their
 * split: what clustering reads. In memory, or read block by block. Local. */
#ifndef LPCAM_FEATURES_H
#define LPCAM_FEATURES_H

#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"

struct features {
    int d;              /* channels                                     */
    enum lp_value type; /* of the stored vectors                        */
    int n_classes;
    int64_t n_images;     /* of this rank, may be 0                       */
    int64_t first_image;  /* global number of the first                   */
    int64_t *offset;      /* [n_images + 1] cells before each image       */
    int32_t *grid_w;      /* [n_images] cells a row of the grid           */
    uint64_t *id_hash;    /* [n_images] hash_text of the image's ID       */
    int64_t *pair_offset; /* [n_images + 1] (image, class) pairs before   */
    int32_t *pair_class;  /* [pairs] class index                          */
    int64_t *side_offset; /* [pairs + 1] into side                        */
    uint8_t *side;        /* [pair cells] enum split_side, a pair's cells
                              row-major                                    */
    void *value;          /* [cells][d] of type, NULL: use read           */

    /* Where value is NULL: bring the rows [first, first + n) of this rank's
     * cells into rows. Set by the owner of the file. */
    enum lp_status (*read)(void *file, int64_t first, int64_t n, void *rows);
    void *file;
    void *block;         /* rows of the block in use                     */
    int64_t block_bytes; /* room; a block is at least one image          */
};

/* The rows of images [i, *end), at least one image: *rows [cells][d] of type,
 * valid until the next call. In memory all images come at once. Fails with
 * what read fails with, or LP_ENOMEM. */
enum lp_status features_block(struct features *f, int64_t i, int64_t *end,
                              const void **rows);

/* One row of this rank's cells as f32, x [d]. Ends the life of a block. */
enum lp_status features_row(struct features *f, int64_t cell, float *x);

/* Frees everything but file. */
void features_release(struct features *f);

#endif
