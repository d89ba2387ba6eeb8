/* SPDX-License-Identifier: MIT */
#include "source_index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int64_t source_number(const char *id)
{
    static const char coco[] = "COCO_";
    int64_t number = 0;
    int n_digits = 0;

    if (strncmp(id, coco, strlen(coco)) == 0) {
        id = strchr(id + strlen(coco), '_');
        if (!id)
            return -1;
    }
    for (; *id; ++id) {
        if (*id == '_')
            continue;
        if (!isdigit((unsigned char)*id) || number > INT64_MAX / 100)
            return -1;
        number = 10 * number + (*id - '0');
        ++n_digits;
    }
    return n_digits > 0 ? number : -1;
}

static int compare_id(const void *a, const void *b)
{
    const struct source_entry *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static int compare_number(const void *a, const void *b)
{
    const struct source_entry *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

enum lp_status source_index_init(struct source_index *index,
                                 const struct source_image *image, int64_t n)
{
    const size_t bytes = (size_t)n * sizeof *index->by_id;
    index->n = n;
    index->by_id = malloc(bytes + 1);
    index->by_number = malloc(bytes + 1);
    if (!index->by_id || !index->by_number)
        return lp_fail(LP_ENOMEM, "no memory to sort %lld IDs", (long long)n);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t number =
            image[i].number < 0 ? source_number(image[i].id) : image[i].number;
        index->by_id[i] = (struct source_entry){image[i].id, number, i};
    }
    memcpy(index->by_number, index->by_id, bytes);
    qsort(index->by_id, (size_t)n, sizeof *index->by_id, compare_id);
    qsort(index->by_number, (size_t)n, sizeof *index->by_number,
          compare_number);
    return LP_OK;
}

void source_index_release(struct source_index *index)
{
    free(index->by_id);
    free(index->by_number);
    *index = (struct source_index){0};
}

int64_t source_index_find(const struct source_index *index, const char *id)
{
    const struct source_entry key = {id, source_number(id), 0};
    const size_t n = (size_t)index->n, size = sizeof key;
    const struct source_entry *e =
        bsearch(&key, index->by_id, n, size, compare_id);
    if (e)
        return e->image;
    if (key.number < 0)
        return -1;
    e = bsearch(&key, index->by_number, n, size, compare_number);
    if (!e || (e > index->by_number && e[-1].number == key.number) ||
        (e + 1 < index->by_number + n && e[1].number == key.number))
        return -1;
    return e->image;
}
