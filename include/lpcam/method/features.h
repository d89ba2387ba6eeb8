/* SPDX-License-Identifier: MIT */
/* features.h: the unpooled features of this rank's photographs and their
 * split: what clustering reads. In memory, or read block by block. Local. */
#ifndef LPCAM_FEATURES_H
#define LPCAM_FEATURES_H

#include <stdbool.h>
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
    float *norm;          /* [cells] lengths of the whole vectors, where the
                              rows are their components (basis.h); else NULL */
    void *value;          /* [cells][d] of type, NULL: use read           */

    /* Where value is NULL: bring the rows [first, first + n) of this rank's
     * cells into rows. Set by the owner of the file. */
    enum lp_status (*read)(void *file, int64_t first, int64_t n, void *rows);
    void *file;
    const char *path; /* where a plain file holds the rows as memory would:
                         a thread reads blocks ahead from it; else NULL;
                         borrowed                                         */
    int64_t at;       /* byte of path where this rank's rows begin        */

    /* [n_images] images that blocks are to bring, NULL: all. May change
     * between blocks. Borrowed. */
    const bool *wanted;
    int64_t block_bytes; /* room of a block, one at least; with path two are
                            held                                          */
    struct feature_blocks *blocks; /* inner                               */
};

/* Brings image i and those of (i, *end) that are wanted. *rows [cells][d] of
 * type are those of image i, and of all images behind it where wanted is NULL;
 * features_rows finds the others. Valid until the next call. In memory all
 * images come at once. What is read ahead are the wanted images in order and
 * then, for the next pass, the first again. Fails with what read fails with,
 * LP_EIO or LP_ENOMEM. */
enum lp_status features_block(struct features *f, int64_t i, int64_t *end,
                              const void **rows);

/* The rows of an image that the last block brought. Threads may ask at the
 * same time. */
const void *features_rows(const struct features *f, int64_t image);

/* One row of this rank's cells as f32, x [d]. */
enum lp_status features_row(struct features *f, int64_t cell, float *x);

/* Frees everything but file; path and wanted are forgotten. */
void features_release(struct features *f);

#endif
