/* SPDX-License-Identifier: MIT */
/* dataset_index.h: images and classes by name. Local. */
#ifndef LPCAM_DATASET_INDEX_H
#define LPCAM_DATASET_INDEX_H

#include "lpcam/data/dataset.h"

struct dataset_entry {
    const char *id; /* the data set's */
    int64_t image;
};

struct dataset_index {
    int64_t n;
    struct dataset_entry *entry; /* [n] by ID */
};

/* Sort the images of d, which must stay. Fails with LP_ENOMEM, reported. */
enum lp_status dataset_index_init(struct dataset_index *index,
                                  const struct dataset *d);
void dataset_index_release(struct dataset_index *index);

/* The number of the image of that ID, -1 where there is none. */
int64_t dataset_index_find(const struct dataset_index *index, const char *id);

/* The index of the class of that name, -1 where there is none. */
int dataset_find_class(const struct dataset *d, const char *name);

#endif
