/* SPDX-License-Identifier: MIT */
/* source_index.h: images by the ways in which files name them. Local. */
#ifndef LPCAM_SOURCE_INDEX_H
#define LPCAM_SOURCE_INDEX_H

#include "dataset_source.h"

struct source_entry {
    const char *id;
    int64_t number; /* -1: none                                           */
    int64_t image;  /* position in the array                              */
};

/* Starts zeroed. */
struct source_index {
    int64_t n;
    struct source_entry *by_id, *by_number; /* [n]                        */
};

/* The images stay where they are as long as the index is used. Fails with
 * LP_ENOMEM, reported. */
enum lp_status source_index_init(struct source_index *index,
                                 const struct source_image *image, int64_t n);
void source_index_release(struct source_index *index);

/* The position of the one image of this ID, else of the one image of its
 * number: COCO_train2014_000000000009, 000000000009 and 9 are the same
 * photograph, so are 2007_000032 and 2007000032. -1: none, or several. */
int64_t source_index_find(const struct source_index *index, const char *id);

/* The number in an ID: its digits, without underscores and a COCO_SET_ in
 * front; -1 where anything else is in it. */
int64_t source_number(const char *id);

#endif
