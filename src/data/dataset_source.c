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

/* "a/b/ID.jpg" and "ID" both mean ID. */
static char *stem(char *word)
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

/* A label of 0 with a background is refused: in files that number from 0
 * every label would be taken for its neighbour. */
static enum lp_status add_labels(struct source *s, struct source_image *image,
                                 char *words, const char *path)
{
    char *word;
    while ((word = text_word(&words)) != NULL) {
        int64_t id;
        const bool number = text_int64(word, &id);
        const enum class_kind kind =
            number ? source_class_kind(s, id) : CLASS_USED;
        const int c = source_find_class(s, word);
        if (kind == CLASS_BACKGROUND)
            return lp_fail(LP_EFORMAT,
                           "%s:%d: label 0 is the background: write the ids "
                           "of the classes, or set data.background = no",
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

static int compare_id(const void *a, const void *b)
{
    const struct source_image *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static int compare_id_and_line(const void *a, const void *b)
{
    const struct source_image *const *x = a, *const *y = b;
    const int order = compare_id(a, b);
    return order ? order : (*x)->line - (*y)->line;
}

/* Pointers to image [n] in the order of the IDs; free; NULL, reported,
 * without memory. */
static struct source_image **sort_images(struct source_image *image, int64_t n)
{
    struct source_image **by_id = malloc((size_t)n * sizeof *by_id);
    if (!by_id) {
        (void)lp_fail(LP_ENOMEM, "no memory to sort %lld IDs", (long long)n);
        return NULL;
    }
    for (int64_t i = 0; i < n; ++i)
        by_id[i] = image + i;
    qsort(by_id, (size_t)n, sizeof *by_id, compare_id_and_line);
    return by_id;
}

static enum lp_status refuse_duplicates(const struct source *s)
{
    enum lp_status status = LP_OK;
    struct source_image **by_id = sort_images(s->image, s->n_images);
    if (!by_id)
        return LP_ENOMEM;
    for (int64_t i = 1; i < s->n_images && status == LP_OK; ++i)
        if (strcmp(by_id[i - 1]->id, by_id[i]->id) == 0)
            status = lp_fail(LP_EFORMAT,
                             "%s:%d: image %s is already in line %d", s->names,
                             by_id[i]->line, by_id[i]->id, by_id[i - 1]->line);
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
    if (labels) /* a label is a character and what ends it */
        s->label = malloc((strlen(cursor) / 2 + 1) * sizeof *s->label);
    if (!s->names || !s->image || (labels && !s->label))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the images of %s", path));
    while ((line = text_line(&cursor, &number)) != NULL) {
        char *word = text_word(&line);
        if (!word)
            continue;
        struct source_image *image = &s->image[s->n_images++];
        *image = (struct source_image){stem(word), number, s->n_labels, 0};
        if (labels)
            LP_TRY(add_labels(s, image, line, path));
    }
    if (s->n_images == 0)
        LP_TRY(lp_fail(LP_EFORMAT, "%s names no image", path));
    LP_TRY(refuse_duplicates(s));
done:
    return status;
}

enum lp_status source_select(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    struct source_image *all = s->image;
    const int64_t n_all = s->n_images;
    char *labels = s->names;
    struct source_image **by_id = sort_images(all, n_all);

    s->image = NULL;
    s->names = NULL;
    if (!by_id)
        LP_TRY(LP_ENOMEM);
    LP_TRY(source_read_images(s, path, false));
    for (int64_t i = 0; i < s->n_images; ++i) {
        struct source_image *image = &s->image[i];
        struct source_image **known =
            bsearch(&image, by_id, (size_t)n_all, sizeof *by_id, compare_id);
        if (!known)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "%s:%d: image %s has no line in %s; one without "
                           "classes needs a line with its ID alone",
                           path, image->line, image->id, labels));
        image->first = (*known)->first;
        image->n_labels = (*known)->n_labels;
    }
done:
    free(by_id);
    free(labels);
    free(all);
    return status;
}

void source_release(struct source *s)
{
    free(s->class);
    free(s->image);
    free(s->label);
    free(s->images);
    free(s->masks);
    free(s->names);
    for (int i = 0; i < s->n_texts; ++i)
        free(s->text[i]);
    *s = (struct source){0};
}
