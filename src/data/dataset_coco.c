/* SPDX-License-Identifier: MIT */
/* Layout coco: an instances_*.json and the photographs that it names. */
#include <stdlib.h>
#include <string.h>

#include "coco_objects.h"
#include "lpcam/data/coco_json.h"
#include "lpcam/data/image.h"

/* What is collected while the file streams by. */
struct coco {
    struct source *source;
    struct coco_annotation *annotation;
    struct coco_category *category;
    int64_t n_annotations, n_categories;
    int64_t annotation_room, category_room, image_room;
    struct text_buffer names; /* each with its zero; name_at counts in it;
                                 so does first of an image until the end */
};

/* item with room for one more than n, moved where it must; NULL: no memory,
 * and item is as it was. */
static void *grown(void *item, size_t size, int64_t n, int64_t *room)
{
    if (n < *room)
        return item;
    const int64_t wider = *room + *room / 2 + 1024;
    void *moved = realloc(item, (size_t)wider * size);
    if (moved)
        *room = wider;
    return moved;
}

static enum lp_status no_memory(const struct coco *c)
{
    return lp_fail(LP_ENOMEM, "no memory for what %s names",
                   c->source->annotations);
}

/* -1 without memory. */
static int64_t keep_name(struct coco *c, const char *name)
{
    const int64_t at = (int64_t)c->names.n;
    if (!text_add(&c->names, "%s", name))
        return -1;
    ++c->names.n;
    return at;
}

static enum lp_status take_image(struct coco *c, const struct coco_element *e)
{
    struct source *s = c->source;
    if (e->height < 1 || e->width < 1 || e->height > IMAGE_MOST_SIDE ||
        e->width > IMAGE_MOST_SIDE ||
        e->height * e->width > IMAGE_MOST_PIXELS || e->id < 0)
        return lp_fail(LP_EFORMAT,
                       "%s, byte %lld: image %lld of %lld x %lld pixels cannot "
                       "be",
                       s->annotations, (long long)e->end, (long long)e->id,
                       (long long)e->width, (long long)e->height);
    const int64_t name_at = keep_name(c, e->name);
    struct source_image *image =
        grown(s->image, sizeof *image, s->n_images, &c->image_room);
    if (image)
        s->image = image;
    if (!image || name_at < 0)
        return no_memory(c);
    image[s->n_images++] = (struct source_image){.first = name_at,
                                                 .number = e->id,
                                                 .h = (int32_t)e->height,
                                                 .w = (int32_t)e->width};
    return LP_OK;
}

static enum lp_status take_annotation(struct coco *c,
                                      const struct coco_element *e)
{
    struct coco_annotation *a =
        grown(c->annotation, sizeof *a, c->n_annotations, &c->annotation_room);
    if (!a)
        return no_memory(c);
    if (e->bytes > INT32_MAX)
        return lp_fail(
            LP_EFORMAT, "%s, byte %lld: a segmentation of %lld bytes",
            c->source->annotations, (long long)e->at, (long long)e->bytes);
    c->annotation = a;
    a[c->n_annotations++] =
        (struct coco_annotation){.image = e->image_id,
                                 .category = e->category_id,
                                 .at = e->bytes > 0 ? e->at : e->end,
                                 .area = e->area,
                                 .bytes = (int32_t)e->bytes,
                                 .crowd = e->crowd};
    return LP_OK;
}

static enum lp_status take_category(struct coco *c,
                                    const struct coco_element *e)
{
    const int64_t name_at = keep_name(c, e->name);
    struct coco_category *k =
        grown(c->category, sizeof *k, c->n_categories, &c->category_room);
    if (k)
        c->category = k;
    if (!k || name_at < 0)
        return no_memory(c);
    k[c->n_categories++] = (struct coco_category){e->id, name_at, -1};
    return LP_OK;
}

static enum lp_status take(void *user, const struct coco_element *e)
{
    switch (e->kind) {
    case COCO_IMAGE:
        return take_image(user, e);
    case COCO_ANNOTATION:
        return take_annotation(user, e);
    default:
        return take_category(user, e);
    }
}

/* --- classes: the categories, numbered from 1 in the order of their ids, or
 * as data.classes numbers them */

static enum lp_status number_classes(struct coco *c)
{
    struct source *s = c->source;
    const int n = (int)c->n_categories;
    s->class = calloc((size_t)n, sizeof *s->class);
    if (!s->class)
        return no_memory(c);
    s->n_classes = n;
    for (int i = 0; i < n; ++i) {
        const char *name = c->names.s + c->category[i].name_at;
        for (int k = 0; k < i; ++k)
            if (strcmp(s->class[k].name, name) == 0)
                return lp_fail(LP_EFORMAT, "%s: two categories are called %s",
                               s->annotations, name);
        s->class[i] =
            (struct source_class){i + 1, name, source_class_kind(s, i + 1), 0};
    }
    return LP_OK;
}

static enum lp_status set_classes(struct coco *c)
{
    enum lp_status status = LP_OK;
    struct source *s = c->source;
    const char *file = s->config->data.classes;
    const bool own = !*file || strcmp(file, "classes.txt") == 0;
    char *path = own ? NULL : text_path(s->config->data.root, file);

    if (!own && !path)
        LP_TRY(no_memory(c));
    if (c->n_categories == 0 || c->n_categories > SOURCE_MOST_CLASSES)
        LP_TRY(lp_fail(LP_EFORMAT, "%s has %lld categories", s->annotations,
                       (long long)c->n_categories));
    qsort(c->category, (size_t)c->n_categories, sizeof *c->category,
          coco_compare_category);
    for (int64_t i = 1; i < c->n_categories; ++i)
        if (c->category[i - 1].id == c->category[i].id)
            LP_TRY(lp_fail(LP_EFORMAT, "%s: two categories have the id %lld",
                           s->annotations, (long long)c->category[i].id));
    LP_TRY(own ? number_classes(c) : source_read_classes(s, path));
    for (int64_t i = 0; i < c->n_categories; ++i) {
        const char *name = c->names.s + c->category[i].name_at;
        int k = s->n_classes - 1;
        while (k >= 0 && strcmp(s->class[k].name, name) != 0)
            --k;
        if (k < 0)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "category %s of %s has no line in %s; leave "
                           "data.classes empty to number the categories from 1",
                           name, s->annotations, path));
        c->category[i].class = k;
        s->class[k].category = c->category[i].id;
    }
done:
    free(path);
    return status;
}

/* --- images in ascending order, as the tools of the field have them */

static enum lp_status set_images(struct coco *c)
{
    struct source *s = c->source;
    if (s->n_images == 0)
        return lp_fail(LP_EFORMAT, "%s names no image", s->annotations);
    qsort(s->image, (size_t)s->n_images, sizeof *s->image, coco_compare_image);
    for (int64_t i = 0; i < s->n_images; ++i) {
        struct source_image *image = &s->image[i];
        image->id = source_stem(c->names.s + image->first);
        image->first = 0;
        if (i > 0 && image->number == image[-1].number)
            return lp_fail(LP_EFORMAT,
                           "%s: image %lld is there twice, as %s and %s",
                           s->annotations, (long long)image->number,
                           image[-1].id, image->id);
    }
    return source_refuse_twins(s);
}

static enum lp_status read_annotations(struct source *s)
{
    enum lp_status status = LP_OK;
    struct coco c = {.source = s};
    LP_TRY(coco_json_read(s->annotations, COCO_BLOCK_BYTES, take, &c));
    s->names = text_format("%s", s->annotations);
    if (!s->names)
        LP_TRY(no_memory(&c));
    LP_TRY(set_classes(&c));
    LP_TRY(set_images(&c));
    LP_TRY(coco_objects_set(s, c.annotation, c.n_annotations, c.category,
                            c.n_categories));
done:
    s->text[s->n_texts++] = c.names.s;
    free(c.annotation);
    free(c.category);
    return status;
}

/* train2014 for ../instances_train2014.json. */
static char *own_photographs(const char *root, const char *annotations)
{
    static const char start[] = "instances_", end[] = ".json";
    const char *slash = strrchr(annotations, '/');
    const char *name = slash ? slash + 1 : annotations;
    const int n = (int)strlen(name) - (int)strlen(start) - (int)strlen(end);
    if (n < 1 || strncmp(name, start, strlen(start)) != 0 ||
        strcmp(name + strlen(name) - strlen(end), end) != 0)
        return text_path(root, "images");
    char *folder = text_format("%.*s", n, name + strlen(start));
    char *path = folder ? text_path(root, folder) : NULL;
    free(folder);
    return path;
}

/* Keys of [data] that were left at the default of layout list mean what COCO
 * has in their place. */
enum lp_status dataset_read_coco(struct source *s)
{
    enum lp_status status = LP_OK;
    const struct config *config = s->config;
    const char *root = config->data.root, *masks = config->data.masks;
    const char *labels = config->data.labels, *images = config->data.images;
    const bool drawn = !*masks || strcmp(masks, "masks") == 0;
    const bool relabel = *labels && strcmp(labels, "labels.txt") != 0;
    char *labels_path = text_path(root, labels);
    char *list = text_path(root, config->data.list);

    s->annotations = text_path(root, config->data.annotations);
    s->images = !*images || strcmp(images, "images") == 0
                    ? own_photographs(root, config->data.annotations)
                    : text_path(root, images);
    s->masks = drawn ? NULL : text_path(root, masks);
    if (!labels_path || !list || !s->annotations || !s->images ||
        (!drawn && !s->masks))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of %s", root));
    LP_TRY(read_annotations(s));
    if (relabel)
        LP_TRY(source_relabel(s, labels_path));
    if (*config->data.list)
        LP_TRY(source_select(s, list));
done:
    free(labels_path);
    free(list);
    return status;
}
