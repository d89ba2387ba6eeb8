/* SPDX-License-Identifier: MIT */
#include "lpcam/data/dataset_index.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct dataset_entry *x = a, *y = b;
    return strcmp(x->id, y->id);
}

enum lp_status dataset_index_init(struct dataset_index *index,
                                  const struct dataset *d)
{
    index->n = d->n_images;
    index->entry = malloc((size_t)(d->n_images + 1) * sizeof *index->entry);
    if (!index->entry)
        return lp_fail(LP_ENOMEM, "no memory to sort %lld image IDs",
                       (long long)d->n_images);
    for (int64_t i = 0; i < d->n_images; ++i)
        index->entry[i] = (struct dataset_entry){dataset_id(d, i), i};
    qsort(index->entry, (size_t)d->n_images, sizeof *index->entry, compare);
    return LP_OK;
}

void dataset_index_release(struct dataset_index *index)
{
    free(index->entry);
    *index = (struct dataset_index){0};
}

int64_t dataset_index_find(const struct dataset_index *index, const char *id)
{
    const struct dataset_entry key = {id, 0};
    const struct dataset_entry *found = bsearch(
        &key, index->entry, (size_t)index->n, sizeof *index->entry, compare);
    return found ? found->image : -1;
}

int dataset_find_class(const struct dataset *d, const char *name)
{
    for (int c = 0; c < d->n_classes; ++c)
        if (strcmp(dataset_class(d, c), name) == 0)
            return c;
    return -1;
}
