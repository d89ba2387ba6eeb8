/* SPDX-License-Identifier: MIT */
#include "coco_objects.h"

#include <stdlib.h>

#include "lpcam/base/log.h"

int coco_compare_category(const void *a, const void *b)
{
    const struct coco_category *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

int coco_compare_image(const void *a, const void *b)
{
    const struct source_image *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

struct owners {
    struct source *source;
    const struct coco_category *category;
    int64_t n_categories;
};

/* Ids become positions. */
static enum lp_status find_owner(const struct owners *o,
                                 struct coco_annotation *a)
{
    const struct source *s = o->source;
    const struct source_image image = {.number = a->image};
    const struct coco_category category = {.id = a->category};
    const struct source_image *i =
        bsearch(&image, s->image, (size_t)s->n_images, sizeof image,
                coco_compare_image);
    const struct coco_category *k =
        bsearch(&category, o->category, (size_t)o->n_categories,
                sizeof category, coco_compare_category);
    if (!i || !k)
        return lp_fail(LP_EFORMAT,
                       "%s, byte %lld: this annotation is of %s %lld, which is "
                       "not in the file",
                       s->annotations, (long long)a->at,
                       i ? "category" : "image",
                       (long long)(i ? a->category : a->image));
    a->image = i - s->image;
    a->category = k->class;
    return LP_OK;
}

/* order [n]: by image, and as in the file; for now the part of each image is
 * told by first_shape and n_shapes. */
static void group(struct source *s, const struct coco_annotation *annotation,
                  int64_t n, const struct coco_annotation **order)
{
    int64_t first = 0;
    for (int64_t i = 0; i < n; ++i)
        ++s->image[annotation[i].image].n_shapes;
    for (int64_t i = 0; i < s->n_images; ++i) {
        s->image[i].first_shape = first;
        first += s->image[i].n_shapes;
        s->image[i].n_shapes = 0;
    }
    for (int64_t i = 0; i < n; ++i) {
        struct source_image *image = &s->image[annotation[i].image];
        order[image->first_shape + image->n_shapes++] = &annotation[i];
    }
}

static void take_labels(struct source *s, struct source_image *image,
                        const struct coco_annotation *const *own)
{
    image->first = s->n_labels;
    for (int64_t j = 0; j < image->n_shapes; ++j) {
        const int class = (int)own[j]->category;
        if (s->class[class].kind == CLASS_USED)
            s->label[s->n_labels++] = class;
    }
    image->n_labels = s->n_labels - image->first;
}

/* Crowds first, then from large to small; of the same size the first in the
 * file comes last, and so on top. */
static int compare_drawing(const void *a, const void *b)
{
    const struct coco_annotation *x = *(const struct coco_annotation *const *)a;
    const struct coco_annotation *y = *(const struct coco_annotation *const *)b;
    if (x->crowd != y->crowd)
        return x->crowd ? -1 : 1;
    if (x->area != y->area)
        return x->area > y->area ? -1 : 1;
    return x < y ? 1 : -1;
}

/* Append what is drawn of an image, and count what has no outline. */
static enum lp_status take_shapes(struct source *s, struct source_image *image,
                                  const struct coco_annotation **own,
                                  int64_t *n_shapes, int64_t *n_without)
{
    const bool small = s->config->data.small_on_top;
    const int64_t first = *n_shapes;
    if (small)
        qsort(own, (size_t)image->n_shapes, sizeof *own, compare_drawing);
    for (int64_t j = 0; j < image->n_shapes; ++j) {
        const struct coco_annotation *a = own[j];
        if (small && !a->crowd && !(a->area >= 0))
            return lp_fail(LP_EFORMAT,
                           "%s, byte %lld: this annotation has no area: "
                           "data.overlap = small needs it",
                           s->annotations, (long long)a->at);
        *n_without += a->bytes == 0;
        if (a->bytes > 0 && (small || !a->crowd))
            s->shape[(*n_shapes)++] = (struct source_shape){
                a->at, a->bytes, a->crowd ? -1 : (int)a->category};
    }
    image->first_shape = first;
    image->n_shapes = *n_shapes - first;
    return LP_OK;
}

enum lp_status coco_objects_set(struct source *s,
                                struct coco_annotation *annotation, int64_t n,
                                const struct coco_category *category,
                                int64_t n_categories)
{
    enum lp_status status = LP_OK;
    const struct owners owners = {s, category, n_categories};
    const size_t room = (size_t)n + 1;
    const struct coco_annotation **order = malloc(room * sizeof *order);
    int64_t n_shapes = 0, n_without = 0;

    s->label = malloc(room * sizeof *s->label);
    s->shape = malloc(room * sizeof *s->shape);
    if (!order || !s->label || !s->shape)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the %lld annotations of %s",
                       (long long)n, s->annotations));
    for (int64_t i = 0; i < n; ++i)
        LP_TRY(find_owner(&owners, &annotation[i]));
    group(s, annotation, n, order);
    for (int64_t i = 0; i < s->n_images; ++i) {
        struct source_image *image = &s->image[i];
        const struct coco_annotation **own = order + image->first_shape;
        take_labels(s, image, own);
        LP_TRY(take_shapes(s, image, own, &n_shapes, &n_without));
    }
    if (n_without > 0)
        lp_log("%s: %lld annotations have no segmentation and are not drawn",
               s->annotations, (long long)n_without);
done:
    free(order);
    return status;
}
