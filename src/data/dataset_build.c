/* SPDX-License-Identifier: MIT */
#include "dataset_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_rows.h"
#include "dataset_source.h"
#include "folder.h"
#include "lpcam/base/log.h"
#include "source_index.h"

static enum lp_status (*const reader[])(struct source *) = {
    [LAYOUT_LIST] = dataset_read_list,
    [LAYOUT_VOC] = dataset_read_voc,
    [LAYOUT_COCO] = dataset_read_coco,
};

/* What ground truth is where a class is: its row and 1, 0 for background. */
static uint8_t class_value(const struct rows *rows, const struct source *s,
                           int class)
{
    const int row = rows->of_class[class];
    if (s->class[class].kind == CLASS_BACKGROUND)
        return 0;
    if (s->class[class].kind == CLASS_IGNORED || row + 1 >= DATASET_IGNORE)
        return DATASET_IGNORE;
    if (row < 0)
        return s->config->score.unknown_ignore ? DATASET_IGNORE : 0;
    return (uint8_t)(row + 1);
}

static void set_mask_classes(struct dataset *d, const struct rows *rows,
                             const struct source *s)
{
    d->background = s->config->data.background;
    memset(d->mask_class, DATASET_IGNORE, sizeof d->mask_class);
    if (source_class_kind(s, 0) == CLASS_BACKGROUND)
        d->mask_class[0] = 0;
    for (int c = 0; c < s->n_classes; ++c)
        if (s->class[c].kind == CLASS_USED && s->class[c].id <= 255)
            d->mask_class[s->class[c].id] = class_value(rows, s, c);
    for (int c = 0; c < s->n_classes; ++c)
        if (rows->of_class[c] + 1 >= DATASET_IGNORE) {
            lp_warn("classes after row 254 of the model are not scored: a mask "
                    "has 8 bits");
            break;
        }
}

/* The data set's own numbers of classes and images. */
static enum lp_status set_numbers(struct dataset *d, const struct rows *rows,
                                  const struct source *s)
{
    d->number = malloc((size_t)s->n_images * sizeof *d->number);
    d->class_id = malloc((size_t)rows->n * sizeof *d->class_id);
    d->category = malloc((size_t)rows->n * sizeof *d->category);
    if (!d->number || !d->class_id || !d->category)
        return lp_fail(LP_ENOMEM, "no memory for the numbers of %lld images",
                       (long long)s->n_images);
    for (int64_t i = 0; i < s->n_images; ++i)
        d->number[i] = s->image[i].number < 0 ? source_number(s->image[i].id)
                                              : s->image[i].number;
    for (int r = 0; r < rows->n; ++r)
        d->class_id[r] = d->category[r] = -1;
    for (int c = 0; c < s->n_classes; ++c) {
        const struct source_class *class = &s->class[c];
        const int row = rows->of_class[c];
        if (row >= 0) {
            d->class_id[row] = class->id;
            d->category[row] = class->category ? class->category : class->id;
        }
    }
    return LP_OK;
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

static const char *const photograph_ending[] = {
    ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", NULL};
static const char *const mask_ending[] = {".png", ".PNG", NULL};

/* The ending of ID's file among those of the folder; NULL: there is none. */
static const char *find_ending(const struct folder *folder, const char *id,
                               const char *const *ending)
{
    char name[512];
    for (; *ending; ++ending) {
        const int length = snprintf(name, sizeof name, "%s%s", id, *ending);
        if (length < (int)sizeof name && folder_has(folder, name))
            return *ending;
    }
    return NULL;
}

static enum lp_status put_photographs(struct dataset *d,
                                      struct text_buffer *text,
                                      const struct source *s)
{
    const struct source_image *missing = NULL;
    int64_t n_missing = 0;
    char line[16] = "";
    struct folder folder = {0};
    enum lp_status status = LP_OK;

    LP_TRY(folder_list(&folder, s->images));
    for (int64_t i = 0; i < s->n_images; ++i) {
        const char *id = s->image[i].id;
        const char *end = find_ending(&folder, id, photograph_ending);
        if (!end && n_missing++ == 0)
            missing = &s->image[i];
        d->path_at[i] = put(text, s->images, id, end ? end : "");
        if (d->path_at[i] < 0)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of images"));
    }
    if (n_missing > 0 && missing->line > 0)
        snprintf(line, sizeof line, ":%d", missing->line);
    if (n_missing > 0)
        status = lp_fail(
            LP_EIO,
            "%s%s: there is no %s/%s.jpg, .jpeg or .png; %lld "
            "more %s missing",
            s->names, line, s->images, missing->id, (long long)(n_missing - 1),
            text_count(n_missing - 1, "photograph is", "photographs are"));
done:
    folder_release(&folder);
    return status;
}

/* The mask's ending and its name before that, of the image or its number; NULL:
 * there is none. */
static const char *find_mask(const struct folder *folder,
                             const struct source_image *image, char name[512])
{
    static const char *const form[] = {"%lld", "%012lld"};
    const int length = snprintf(name, 512, "%s", image->id);
    const char *end =
        length < 512 ? find_ending(folder, name, mask_ending) : NULL;
    for (int i = 0; i < 2 && !end && image->number >= 0; ++i) {
        snprintf(name, 512, form[i], (long long)image->number);
        end = find_ending(folder, name, mask_ending);
    }
    return end;
}

/* The default of data.masks names no folder that must be there. */
static bool masks_are_asked_for(const struct config *config)
{
    const char *masks = config->data.masks;
    return *masks && strcmp(masks, "masks") != 0;
}

static enum lp_status list_masks(const struct source *s, struct folder *folder)
{
    if (!s->masks)
        return LP_OK;
    if (folder_exists(s->masks))
        return folder_list(folder, s->masks);
    if (!masks_are_asked_for(s->config))
        return LP_OK;
    return lp_fail(LP_EARG,
                   "data.masks = %s: there is no folder %s; leave data.masks "
                   "empty where there are no masks",
                   s->config->data.masks, s->masks);
}

/* Masks may be missing, or their folder: most lists have none. */
static enum lp_status put_masks(struct dataset *d, struct text_buffer *text,
                                const struct source *s, int64_t *n_masks)
{
    struct folder folder = {0};
    enum lp_status status = LP_OK;
    char name[512];

    LP_TRY(list_masks(s, &folder));
    for (int64_t i = 0; i < s->n_images; ++i) {
        d->mask_at[i] = -1;
        const char *end = find_mask(&folder, &s->image[i], name);
        if (!end)
            continue;
        d->mask_at[i] = put(text, s->masks, name, end);
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
    d->shape_file = s->annotations ? put(&text, "", s->annotations, "") : -1;
    if (s->annotations && d->shape_file < 0)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the path of annotations"));
done:
    d->text = text.s;
    d->text_bytes = (int64_t)text.n;
    return status;
}

static enum lp_status set_shapes(struct dataset *d, const struct rows *rows,
                                 const struct source *s)
{
    const int64_t n = d->n_images;
    int64_t most = 0;
    for (int64_t i = 0; i < n; ++i)
        most += s->image[i].n_shapes;
    d->shape_offset = calloc((size_t)n + 1, sizeof *d->shape_offset);
    d->shape = malloc((size_t)most * sizeof *d->shape + 1);
    d->shape_size = malloc(2 * (size_t)n * sizeof *d->shape_size);
    if (!d->shape_offset || !d->shape || !d->shape_size)
        return lp_fail(LP_ENOMEM, "no memory for %lld annotations",
                       (long long)most);
    for (int64_t i = 0; i < n; ++i) {
        const struct source_image *image = &s->image[i];
        int64_t at = d->shape_offset[i];
        for (int64_t j = 0; j < image->n_shapes; ++j) {
            const struct source_shape *from = &s->shape[image->first_shape + j];
            d->shape[at++] = (struct dataset_shape){
                from->at, from->bytes,
                from->class < 0 ? DATASET_IGNORE
                                : class_value(rows, s, from->class)};
        }
        d->shape_offset[i + 1] = at;
        d->shape_size[2 * i] = image->h;
        d->shape_size[2 * i + 1] = image->w;
    }
    return LP_OK;
}

static void tell(const struct dataset *d, int64_t n_masks)
{
    const int64_t n_labels = d->label_offset[d->n_images];
    const int64_t n_outlines = d->shape ? d->shape_offset[d->n_images] : 0;
    lp_log("data set: %lld %s with %lld %s of %d %s, %lld %s",
           (long long)d->n_images,
           text_count(d->n_images, "photograph", "photographs"),
           (long long)n_labels, text_count(n_labels, "label", "labels"),
           d->n_classes, text_count(d->n_classes, "class", "classes"),
           (long long)(d->shape ? n_outlines : n_masks),
           d->shape ? text_count(n_outlines, "outline", "outlines")
                    : text_count(n_masks, "mask", "masks"));
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
    LP_TRY(set_numbers(d, &rows, &s));
    LP_TRY(set_texts(d, &rows, &s, &n_masks));
    if (s.shape && !s.masks)
        LP_TRY(set_shapes(d, &rows, &s));
    tell(d, n_masks);
done:
    rows_release(&rows);
    source_release(&s);
    return status;
}
