/* SPDX-License-Identifier: MIT */
#include "dataset_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_rows.h"
#include "dataset_source.h"
#include "folder.h"
#include "lpcam/base/log.h"

static enum lp_status (*const reader[])(struct source *) = {
    [LAYOUT_LIST] = dataset_read_list,
    [LAYOUT_VOC] = dataset_read_voc,
};

static void set_mask_classes(struct dataset *d, const struct rows *rows,
                             const struct source *s)
{
    const bool as_background = !s->config->score.unknown_ignore;
    bool too_many = false;

    d->background = s->config->data.background;
    memset(d->mask_class, DATASET_IGNORE, sizeof d->mask_class);
    if (source_class_kind(s, 0) == CLASS_BACKGROUND)
        d->mask_class[0] = 0;
    for (int c = 0; c < s->n_classes; ++c) {
        const int row = rows->of_class[c];
        const int64_t value = s->class[c].id;
        if (s->class[c].kind != CLASS_USED || value > 255)
            continue;
        if (row >= 0 && row + 1 < DATASET_IGNORE)
            d->mask_class[value] = (uint8_t)(row + 1);
        else if (row < 0 && as_background)
            d->mask_class[value] = 0;
        too_many |= row + 1 >= DATASET_IGNORE;
    }
    if (too_many)
        lp_warn("classes after row 254 of the model are not scored: a mask "
                "has 8 bits");
}

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Each image's labels as class indices, ascending, each once. */
static enum lp_status set_labels(struct dataset *d, const struct rows *rows,
                                 const struct source *s)
{
    d->label_offset =
        malloc((size_t)(s->n_images + 1) * sizeof *d->label_offset);
    int64_t n = 0, most = 1;
    for (int64_t i = 0; i < s->n_images; ++i)
        most += s->image[i].n_labels;
    d->label = malloc((size_t)most * sizeof *d->label);
    if (!d->label_offset || !d->label)
        return lp_fail(LP_ENOMEM, "no memory for %lld labels", (long long)most);

    for (int64_t i = 0; i < s->n_images; ++i) {
        const int *class = s->label + s->image[i].first;
        int32_t *label = d->label + n;
        int64_t m = 0, once = 0;
        d->label_offset[i] = n;
        for (int64_t j = 0; j < s->image[i].n_labels; ++j)
            if (rows->of_class[class[j]] >= 0)
                label[m++] = rows->of_class[class[j]];
        qsort(label, (size_t)m, sizeof *label, ascending);
        for (int64_t j = 0; j < m; ++j)
            if (j == 0 || label[j] != label[j - 1])
                label[once++] = label[j];
        n += once;
    }
    d->label_offset[s->n_images] = n;
    return LP_OK;
}

/* Append a string with its zero; -1 without memory. */
static int64_t put(struct text_buffer *text, const char *folder,
                   const char *name, const char *ending)
{
    const int64_t at = (int64_t)text->n;
    if (!text_add(text, "%s%s%s%s", folder, *folder ? "/" : "", name, ending))
        return -1;
    ++text->n;
    return at;
}

/* First what identifies the data set, then where it lies (dataset.c relies on
 * it). */
static bool put_names(struct dataset *d, struct text_buffer *text,
                      const struct rows *rows, const struct source *s)
{
    bool ok = true;
    for (int64_t i = 0; i < s->n_images; ++i)
        ok &= (d->id_at[i] = put(text, "", s->image[i].id, "")) >= 0;
    for (int r = 0; r < rows->n; ++r)
        ok &= (d->name_at[r] = put(text, "", rows->name[r], "")) >= 0;
    return ok;
}

/* The ending of ID's file among those of the folder; NULL: there is none. */
static const char *find_ending(const struct folder *folder, const char *id,
                               const char *const *ending, int n)
{
    char name[512];
    for (int e = 0; e < n; ++e) {
        const int length = snprintf(name, sizeof name, "%s%s", id, ending[e]);
        if (length < (int)sizeof name && folder_has(folder, name))
            return ending[e];
    }
    return NULL;
}

static enum lp_status put_photographs(struct dataset *d,
                                      struct text_buffer *text,
                                      const struct source *s)
{
    static const char *const ending[] = {".jpg", ".jpeg", ".png"};
    const struct source_image *missing = NULL;
    int64_t n_missing = 0;
    struct folder folder = {0};
    enum lp_status status = LP_OK;

    LP_TRY(folder_list(&folder, s->images));
    for (int64_t i = 0; i < s->n_images; ++i) {
        const char *id = s->image[i].id;
        const char *end = find_ending(&folder, id, ending, 3);
        if (!end && n_missing++ == 0)
            missing = &s->image[i];
        d->path_at[i] = put(text, s->images, id, end ? end : "");
        if (d->path_at[i] < 0)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of images"));
    }
    if (n_missing > 0)
        status = lp_fail(LP_EIO,
                         "%s:%d: there is no %s/%s.jpg, .jpeg or .png; %lld "
                         "more photographs are missing",
                         s->names, missing->line, s->images, missing->id,
                         (long long)(n_missing - 1));
done:
    folder_release(&folder);
    return status;
}

/* Masks may be missing, or their folder: most lists have none. */
static enum lp_status put_masks(struct dataset *d, struct text_buffer *text,
                                const struct source *s, int64_t *n_masks)
{
    static const char *const ending[] = {".png"};
    struct folder folder = {0};
    enum lp_status status = LP_OK;

    if (folder_exists(s->masks))
        LP_TRY(folder_list(&folder, s->masks));
    for (int64_t i = 0; i < s->n_images; ++i) {
        const char *id = s->image[i].id;
        d->mask_at[i] = -1;
        if (!find_ending(&folder, id, ending, 1))
            continue;
        d->mask_at[i] = put(text, s->masks, id, ending[0]);
        if (d->mask_at[i] < 0)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of masks"));
        ++*n_masks;
    }
done:
    folder_release(&folder);
    return status;
}

static enum lp_status set_texts(struct dataset *d, const struct rows *rows,
                                const struct source *s, int64_t *n_masks)
{
    enum lp_status status = LP_OK;
    struct text_buffer text = {0};
    const size_t n = (size_t)s->n_images;

    d->id_at = malloc(n * sizeof *d->id_at);
    d->path_at = malloc(n * sizeof *d->path_at);
    d->mask_at = malloc(n * sizeof *d->mask_at);
    d->name_at = malloc((size_t)rows->n * sizeof *d->name_at);
    if (!d->id_at || !d->path_at || !d->mask_at || !d->name_at ||
        !put_names(d, &text, rows, s))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld images",
                       (long long)s->n_images));
    LP_TRY(put_photographs(d, &text, s));
    LP_TRY(put_masks(d, &text, s, n_masks));
done:
    d->text = text.s;
    d->text_bytes = (int64_t)text.n;
    return status;
}

enum lp_status dataset_build(struct dataset *d, const struct config *config,
                             int n_rows)
{
    enum lp_status status = LP_OK;
    struct source s = {.config = config};
    struct rows rows = {0};
    int64_t n_masks = 0;

    LP_TRY(reader[config->data.layout](&s));
    LP_TRY(rows_match(&rows, &s, n_rows));
    d->n_images = s.n_images;
    d->n_classes = rows.n;
    set_mask_classes(d, &rows, &s);
    LP_TRY(set_labels(d, &rows, &s));
    LP_TRY(set_texts(d, &rows, &s, &n_masks));
    lp_log("data set: %lld photographs with %lld labels of %d classes, %lld "
           "masks",
           (long long)d->n_images, (long long)d->label_offset[d->n_images],
           d->n_classes, (long long)n_masks);
done:
    rows_release(&rows);
    source_release(&s);
    return status;
}
