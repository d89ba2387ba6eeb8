/* SPDX-License-Identifier: MIT */
#include "dataset_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum lp_status source_text(struct source *s, const char *path, char **cursor)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    char *bytes;
    size_t n;
    enum lp_status status = text_read(path, &bytes, &n);
    if (status != LP_OK)
        return status;
    assert(s->n_texts < (int)(sizeof s->text / sizeof s->text[0]));
    s->text[s->n_texts++] = bytes;
    if (memchr(bytes, 0, n))
        return lp_fail(LP_EFORMAT,
                       "%s is not a text file: it has bytes of value 0; save "
                       "it as UTF-8",
                       path);
    *cursor = bytes;
    if (strncmp(bytes, byte_order_mark, 3) == 0)
        *cursor += 3;
    return LP_OK;
}

static int64_t count_lines(const char *text)
{
    int64_t n = 1;
    while ((text = strchr(text, '\n')) != NULL) {
        ++text;
        ++n;
    }
    return n;
}

enum class_kind source_class_kind(const struct source *s, int64_t id)
{
    const struct number_list *ignore = &s->config->data.ignore;
    for (int i = 0; i < ignore->n; ++i)
        if (ignore->v[i] == (double)id)
            return CLASS_IGNORED;
    return id == 0 && s->config->data.background ? CLASS_BACKGROUND
                                                 : CLASS_USED;
}

static enum lp_status add_class(struct source *s, char *id, char *name,
                                const char *path, int line)
{
    struct source_class c = {.name = name};
    if (!text_int64(id, &c.id) || c.id < 0 || !*name)
        return lp_fail(LP_EFORMAT, "%s:%d: a class is a number and a name",
                       path, line);
    if (s->n_classes == SOURCE_MOST_CLASSES)
        return lp_fail(LP_EFORMAT, "%s:%d: these are more than %d classes",
                       path, line, SOURCE_MOST_CLASSES);
    for (int i = 0; i < s->n_classes; ++i)
        if (s->class[i].id == c.id || strcmp(s->class[i].name, name) == 0)
            return lp_fail(LP_EFORMAT,
                           "%s:%d: class %lld %s is already there as %lld %s",
                           path, line, (long long)c.id, name,
                           (long long)s->class[i].id, s->class[i].name);
    c.kind = source_class_kind(s, c.id);
    if (c.kind == CLASS_BACKGROUND && !strstr(name, "background"))
        return lp_fail(LP_EFORMAT,
                       "%s:%d: class 0 is the background, not %s: number the "
                       "classes from 1, or set data.background = no",
                       path, line, name);
    s->class[s->n_classes++] = c;
    return LP_OK;
}

enum lp_status source_read_classes(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    char *cursor, *line;
    int number = 0, n_used = 0;

    LP_TRY(source_text(s, path, &cursor));
    s->class = calloc((size_t)count_lines(cursor), sizeof *s->class);
    if (!s->class)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the classes of %s", path));
    while ((line = text_line(&cursor, &number)) != NULL) {
        char *id = text_word(&line);
        if (!id)
            continue;
        LP_TRY(add_class(s, id, line + strspn(line, " \t"), path, number));
        n_used += s->class[s->n_classes - 1].kind == CLASS_USED;
    }
    if (n_used == 0)
        LP_TRY(lp_fail(LP_EFORMAT, "%s names no class", path));
done:
    return status;
}

int source_find_class(const struct source *s, const char *word)
{
    int64_t id;
    const bool number = text_int64(word, &id);
    for (int i = 0; i < s->n_classes; ++i)
        if (number ? s->class[i].id == id : strcmp(s->class[i].name, word) == 0)
            return i;
    return -1;
}

char *source_stem(char *word)
{
    static const char *const ending[] = {".jpg", ".jpeg", ".png"};
    char *slash = strrchr(word, '/');
    char *id = slash ? slash + 1 : word;
    char *dot = strrchr(id, '.');
    for (int i = 0; dot && i < 3; ++i)
        if (strcasecmp(dot, ending[i]) == 0) {
            *dot = 0;
            break;
        }
    return id;
}

/* Position in class[] of the class that counts as the n-th, from 0; or -1. */
static int nth_class(const struct source *s, int64_t n)
{
    for (int c = 0; c < s->n_classes; ++c)
        if (s->class[c].kind == CLASS_USED && n-- == 0)
            return c;
    return -1;
}

/* A label of 0 with a background is refused: in files that number from 0
 * every label would be taken for its neighbour. */
static enum lp_status add_labels(struct source *s, struct source_image *image,
                                 char *words, const char *path)
{
    char *word;
    while ((word = text_word(&words)) != NULL) {
        int64_t id;
        const bool number = text_int64(word, &id);
        const bool position = number && s->config->data.label_positions;
        const enum class_kind kind =
            number && !position ? source_class_kind(s, id) : CLASS_USED;
        const int c = position ? nth_class(s, id) : source_find_class(s, word);
        if (kind == CLASS_BACKGROUND)
            return lp_fail(LP_EFORMAT,
                           "%s:%d: label 0 is the background: write the ids "
                           "of the classes, set data.background = no, or "
                           "data.label_numbers = positions where 0 is the "
                           "first class",
                           path, image->line);
        if (kind == CLASS_IGNORED)
            continue;
        if (c < 0)
            return lp_fail(LP_EFORMAT, "%s:%d: label %s names no class", path,
                           image->line, word);
        if (s->class[c].kind == CLASS_USED) {
            s->label[s->n_labels++] = c;
            ++image->n_labels;
        }
    }
    return LP_OK;
}

static int compare_id_and_line(const void *a, const void *b)
{
    const struct source_image *const *x = a, *const *y = b;
    const int order = strcmp((*x)->id, (*y)->id);
    return order ? order : (*x)->line - (*y)->line;
}

enum lp_status source_refuse_twins(const struct source *s)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)s->n_images;
    const struct source_image **by_id = malloc(n * sizeof *by_id + 1);
    if (!by_id)
        return lp_fail(LP_ENOMEM, "no memory to sort %lld IDs",
                       (long long)s->n_images);
    for (size_t i = 0; i < n; ++i)
        by_id[i] = s->image + i;
    qsort(by_id, n, sizeof *by_id, compare_id_and_line);
    for (size_t i = 1; i < n && status == LP_OK; ++i) {
        const struct source_image *a = by_id[i - 1], *b = by_id[i];
        if (strcmp(a->id, b->id) != 0)
            continue;
        status =
            b->line > 0
                ? lp_fail(LP_EFORMAT, "%s:%d: image %s is already in line %d",
                          s->names, b->line, b->id, a->line)
                : lp_fail(LP_EFORMAT,
                          "%s: images %lld and %lld have the same file "
                          "name but for its folder and ending: %s",
                          s->names, (long long)a->number, (long long)b->number,
                          b->id);
    }
    free(by_id);
    return status;
}

enum lp_status source_read_images(struct source *s, const char *path,
                                  bool labels)
{
    enum lp_status status = LP_OK;
    char *cursor, *line;
    int number = 0;

    LP_TRY(source_text(s, path, &cursor));
    free(s->names);
    s->names = text_format("%s", path);
    s->n_images = 0;
    s->image = calloc((size_t)count_lines(cursor), sizeof *s->image);
    if (labels) { /* a label is a character and what ends it */
        free(s->label);
        s->n_labels = 0;
        s->label = malloc((strlen(cursor) / 2 + 1) * sizeof *s->label);
    }
    if (!s->names || !s->image || (labels && !s->label))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the images of %s", path));
    while ((line = text_line(&cursor, &number)) != NULL) {
        char *word = text_word(&line);
        if (!word)
            continue;
        struct source_image *image = &s->image[s->n_images++];
        *image = (struct source_image){.id = source_stem(word),
                                       .line = number,
                                       .first = s->n_labels,
                                       .number = -1};
        if (labels)
            LP_TRY(add_labels(s, image, line, path));
    }
    if (s->n_images == 0)
        LP_TRY(lp_fail(LP_EFORMAT, "%s names no image", path));
    LP_TRY(source_refuse_twins(s));
done:
    return status;
}

void source_release(struct source *s)
{
    free(s->class);
    free(s->image);
    free(s->label);
    free(s->shape);
    free(s->images);
    free(s->masks);
    free(s->annotations);
    free(s->names);
    for (int i = 0; i < s->n_texts; ++i)
        free(s->text[i]);
    *s = (struct source){0};
}
