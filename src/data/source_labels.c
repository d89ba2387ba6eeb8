/* SPDX-License-Identifier: MIT */
/* Lists and labels of other files for the images of a data set. */
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/file.h"
#include "lpcam/base/log.h"
#include "source_index.h"

/* What NumPy writes begins so. */
static enum lp_status is_array(const char *path, bool *array)
{
    static const char magic[] = "\x93NUMPY";
    char first[sizeof magic - 1];
    const char *why;
    FILE *file = file_open(path, &why);
    if (!file)
        return lp_fail(LP_EIO, "cannot read %s: %s", path, why);
    *array = fread(first, 1, sizeof first, file) == sizeof first &&
             memcmp(first, magic, sizeof first) == 0;
    fclose(file);
    return LP_OK;
}

enum lp_status source_read_labelled(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    const struct config *config = s->config;
    char *ids = NULL;
    bool array;

    LP_TRY(is_array(path, &array));
    if (!array) {
        LP_TRY(source_read_images(s, path, true));
        goto done;
    }
    if (!*config->data.label_ids)
        LP_TRY(lp_fail(LP_EUSAGE,
                       "%s is a NumPy array, which does not name its images: "
                       "set data.label_ids to a file with the ID of each row, "
                       "a line each",
                       path));
    ids = text_path(config->data.root, config->data.label_ids);
    if (!ids)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the path of label_ids"));
    LP_TRY(source_read_images(s, ids, false));
    LP_TRY(source_read_array(s, path));
done:
    free(ids);
    return status;
}

/* Give the labels of the rows that were read into s->image to the images. */
static enum lp_status hand_over(const struct source *s,
                                struct source_image *image, int64_t n,
                                const char *annotations)
{
    enum lp_status status = LP_OK;
    struct source_index index = {0};
    int *line = calloc((size_t)n + 1, sizeof *line); /* that named an image */

    if (!line)
        LP_TRY(
            lp_fail(LP_ENOMEM, "no memory to match %lld labels", (long long)n));
    LP_TRY(source_index_init(&index, image, n));
    for (int64_t i = 0; i < n; ++i)
        image[i].n_labels = 0;
    for (int64_t r = 0; r < s->n_images; ++r) {
        const struct source_image *row = &s->image[r];
        const int64_t i = source_index_find(&index, row->id);
        if (i < 0)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "%s:%d: image %s is not in %s: take the labels that "
                           "belong to these annotations",
                           s->names, row->line, row->id, annotations));
        if (line[i])
            LP_TRY(lp_fail(LP_EFORMAT, "%s:%d: image %s is already in line %d",
                           s->names, row->line, row->id, line[i]));
        line[i] = row->line;
        image[i].first = row->first;
        image[i].n_labels = row->n_labels;
    }
    if (s->n_images < n)
        lp_log("%s: %lld images of %s are not in it: they have no labels",
               s->names, (long long)(n - s->n_images), annotations);
done:
    source_index_release(&index);
    free(line);
    return status;
}

enum lp_status source_relabel(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    struct source_image *image = s->image;
    const int64_t n = s->n_images;
    char *annotations = s->names;
    bool array;

    LP_TRY(is_array(path, &array));
    if (array && !*s->config->data.label_ids)
        return source_read_array(s, path);
    s->image = NULL;
    s->names = NULL;
    status = source_read_labelled(s, path);
    if (status == LP_OK)
        status = hand_over(s, image, n, annotations);
    free(s->image);
    free(s->names);
    s->image = image;
    s->n_images = n;
    s->names = annotations;
done:
    return status;
}

enum lp_status source_select(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    struct source_image *all = s->image;
    const int64_t n_all = s->n_images;
    char *labels = s->names;
    struct source_index index = {0};

    s->image = NULL;
    s->names = NULL;
    LP_TRY(source_index_init(&index, all, n_all));
    LP_TRY(source_read_images(s, path, false));
    for (int64_t i = 0; i < s->n_images; ++i) {
        struct source_image *image = &s->image[i];
        const int64_t known = source_index_find(&index, image->id);
        const int line = image->line;
        if (known < 0)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "%s:%d: image %s has no line in %s; one without "
                           "classes needs a line with its ID alone",
                           path, line, image->id, labels));
        *image = all[known];
        image->line = line;
    }
    LP_TRY(source_refuse_twins(s));
done:
    source_index_release(&index);
    free(labels);
    free(all);
    return status;
}
