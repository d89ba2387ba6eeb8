/* SPDX-License-Identifier: MIT */
/* Layout voc: a folder such as VOCdevkit/VOC2012. */
#include "dataset_source.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const voc_class[] = {
    "aeroplane",   "bicycle", "bird",  "boat",      "bottle",
    "bus",         "car",     "cat",   "chair",     "cow",
    "diningtable", "dog",     "horse", "motorbike", "person",
    "pottedplant", "sheep",   "sofa",  "train",     "tvmonitor"};

/* A value that was left at the default of layout list becomes VOC's. */
static const char *unless_default(const char *value, const char *list_default,
                                  const char *voc)
{
    return !*value || strcmp(value, list_default) == 0 ? voc : value;
}

static const char *root_of(const struct source *s)
{
    return *s->config->data.root ? s->config->data.root : ".";
}

static enum lp_status use_voc_classes(struct source *s)
{
    const int n = (int)(sizeof voc_class / sizeof voc_class[0]);
    s->class = calloc((size_t)n, sizeof *s->class);
    if (!s->class)
        return lp_fail(LP_ENOMEM, "no memory for the classes of VOC");
    for (int i = 0; i < n; ++i)
        s->class[i] = (struct source_class){i + 1, voc_class[i],
                                            source_class_kind(s, i + 1), 0};
    s->n_classes = n;
    return LP_OK;
}

/* The file that data.list means: a path, or a name in ImageSets. */
static enum lp_status find_list(const struct source *s, char **path)
{
    static const char *const form[] = {"%s/ImageSets/Segmentation/%s.txt",
                                       "%s/ImageSets/Main/%s.txt"};
    const char *root = root_of(s), *list = s->config->data.list;
    for (int i = 0; i < 3; ++i) {
        *path =
            i < 2 ? text_format(form[i], root, list) : text_path(root, list);
        if (!*path)
            return lp_fail(LP_ENOMEM, "no memory for the paths of %s", root);
        if (access(*path, F_OK) == 0)
            return LP_OK;
        free(*path);
        *path = NULL;
    }
    return lp_fail(LP_EIO,
                   "data.list = %s is neither a file in %s nor a name in its "
                   "ImageSets/Segmentation or ImageSets/Main",
                   list, root);
}

/* Where the parser is in an annotation: <annotation><object><name> counts,
 * the names of an object's parts, one level deeper, do not. */
struct annotation {
    struct source *source;
    const char *path;
    XML_Parser parser;
    int depth;
    bool in_object, in_name;
    char name[128];
    size_t n;
    bool *present; /* [n_classes]                                         */
    enum lp_status status;
};

static void on_start(void *user, const XML_Char *element,
                     const XML_Char **attributes)
{
    struct annotation *a = user;
    (void)attributes;
    ++a->depth;
    if (a->depth == 2)
        a->in_object = strcmp(element, "object") == 0;
    if (a->depth == 3 && a->in_object && strcmp(element, "name") == 0) {
        a->in_name = true;
        a->n = 0;
    }
}

static void on_text(void *user, const XML_Char *text, int n)
{
    struct annotation *a = user;
    for (int i = 0; a->in_name && a->depth == 3 && i < n; ++i)
        if (a->n < sizeof a->name - 1)
            a->name[a->n++] = text[i];
}

/* The name without the white space around it. */
static const char *trimmed(struct annotation *a)
{
    static const char space[] = " \t\r\n";
    while (a->n > 0 && strchr(space, a->name[a->n - 1]))
        --a->n;
    a->name[a->n] = 0;
    return a->name + strspn(a->name, space);
}

static void on_end(void *user, const XML_Char *element)
{
    struct annotation *a = user;
    (void)element;
    if (a->depth-- != 3 || !a->in_name)
        return;
    a->in_name = false;
    const char *name = trimmed(a);
    const int c = source_find_class(a->source, name);
    if (c >= 0) {
        a->present[c] = a->source->class[c].kind == CLASS_USED;
        return;
    }
    a->status =
        lp_fail(LP_EFORMAT, "%s:%lu: object %s names no class", a->path,
                (unsigned long)XML_GetCurrentLineNumber(a->parser), name);
    XML_StopParser(a->parser, XML_FALSE);
}

static enum lp_status parse(struct annotation *a, const char *xml, size_t n)
{
    XML_SetUserData(a->parser, a);
    XML_SetElementHandler(a->parser, on_start, on_end);
    XML_SetCharacterDataHandler(a->parser, on_text);
    if (XML_Parse(a->parser, xml, (int)n, XML_TRUE) == XML_STATUS_OK ||
        a->status != LP_OK)
        return a->status;
    return lp_fail(LP_EFORMAT, "%s:%lu: not an annotation: %s", a->path,
                   (unsigned long)XML_GetCurrentLineNumber(a->parser),
                   XML_ErrorString(XML_GetErrorCode(a->parser)));
}

/* The classes of one image from Annotations/ID.xml. */
static enum lp_status read_annotation(struct source *s,
                                      struct source_image *image, bool *present)
{
    enum lp_status status = LP_OK;
    char *xml = NULL;
    size_t n;
    char *path = text_format("%s/Annotations/%s.xml", root_of(s), image->id);
    struct annotation a = {.source = s, .path = path, .present = present};

    a.parser = XML_ParserCreate(NULL);
    if (!path || !a.parser)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to read an annotation"));
    LP_TRY(text_read(path, &xml, &n));
    memset(present, 0, (size_t)s->n_classes * sizeof *present);
    LP_TRY(parse(&a, xml, n));
    image->first = s->n_labels;
    for (int c = 0; c < s->n_classes; ++c)
        if (present[c])
            s->label[s->n_labels++] = c;
    image->n_labels = s->n_labels - image->first;
done:
    if (a.parser)
        XML_ParserFree(a.parser);
    free(path);
    free(xml);
    return status;
}

/* Room for the labels of one more image, of all classes at most. */
static enum lp_status reserve_labels(struct source *s, int64_t *room)
{
    if (s->n_labels + s->n_classes <= *room)
        return LP_OK;
    const int64_t wider = 2 * (s->n_labels + s->n_classes);
    int *label = realloc(s->label, (size_t)wider * sizeof *label);
    if (!label)
        return lp_fail(LP_ENOMEM, "no memory for %lld labels",
                       (long long)wider);
    s->label = label;
    *room = wider;
    return LP_OK;
}

static enum lp_status read_annotations(struct source *s)
{
    enum lp_status status = LP_OK;
    int64_t room = 0;
    bool *present = malloc((size_t)s->n_classes * sizeof *present);
    if (!present)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %d classes", s->n_classes));
    for (int64_t i = 0; i < s->n_images; ++i) {
        LP_TRY(reserve_labels(s, &room));
        LP_TRY(read_annotation(s, &s->image[i], present));
    }
done:
    free(present);
    return status;
}

static enum lp_status read_images_and_labels(struct source *s,
                                             const char *labels)
{
    enum lp_status status = LP_OK;
    const char *name = s->config->data.list;
    char *list = NULL;

    if (*name)
        LP_TRY(find_list(s, &list));
    if (labels) {
        LP_TRY(source_read_labelled(s, labels));
        if (list)
            LP_TRY(source_select(s, list));
    } else if (list) {
        LP_TRY(source_read_images(s, list, false));
        LP_TRY(read_annotations(s));
    } else {
        status = lp_fail(LP_EUSAGE,
                         "data.list is empty: name the images of %s, such as "
                         "train for ImageSets/Segmentation/train.txt",
                         root_of(s));
    }
done:
    free(list);
    return status;
}

enum lp_status dataset_read_voc(struct source *s)
{
    const struct config *config = s->config;
    const char *root = root_of(s);
    const char *classes =
        unless_default(config->data.classes, "classes.txt", NULL);
    const char *labels =
        unless_default(config->data.labels, "labels.txt", NULL);
    enum lp_status status = LP_OK;
    char *classes_path = classes ? text_path(root, classes) : NULL;
    char *labels_path = labels ? text_path(root, labels) : NULL;

    s->images = text_path(
        root, unless_default(config->data.images, "images", "JPEGImages"));
    s->masks = text_path(
        root, unless_default(config->data.masks, "masks", "SegmentationClass"));
    if (!s->images || !s->masks || (classes && !classes_path) ||
        (labels && !labels_path))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of %s", root));
    LP_TRY(classes ? source_read_classes(s, classes_path) : use_voc_classes(s));
    LP_TRY(read_images_and_labels(s, labels_path));
done:
    free(classes_path);
    free(labels_path);
    return status;
}
