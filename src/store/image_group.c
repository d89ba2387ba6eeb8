/* SPDX-License-Identifier: MIT */
#include "lpcam/store/image_group.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/data/image.h"
#include "lpcam/run/comm.h"

typedef const char *(*name_of)(const struct dataset *d, int64_t i);

static const char *class_name(const struct dataset *d, int64_t i)
{
    return dataset_class(d, (int)i);
}

static int longest_name(const struct dataset *d, name_of name, int64_t n)
{
    size_t length = 1;
    for (int64_t i = 0; i < n; ++i)
        if (strlen(name(d, i)) > length)
            length = strlen(name(d, i));
    return (int)length;
}

static enum lp_status write_names(struct h5 *h5, const char *set,
                                  const struct dataset *d, name_of name,
                                  int64_t n)
{
    const size_t length = (size_t)longest_name(d, name, n);
    char *text = calloc((size_t)n + 1, length);
    if (!text)
        return lp_fail(LP_ENOMEM, "no memory for %s, %lld strings", set,
                       (long long)n);
    for (int64_t i = 0; i < n; ++i)
        memcpy(text + (size_t)i * length, name(d, i), strlen(name(d, i)));
    const enum lp_status status =
        h5_write_text(h5, set, 0, n, (int)length, text);
    free(text);
    return status;
}

enum lp_status name_group_define(struct h5 *h5, const struct dataset *d)
{
    enum lp_status status;
    LP_TRY(h5_define_text(h5, "/image/id", d->n_images,
                          longest_name(d, dataset_id, d->n_images),
                          "ID of the photograph"));
    LP_TRY(h5_define_text(h5, "/class/name", d->n_classes,
                          longest_name(d, class_name, d->n_classes),
                          "name of the class"));
done:
    return status;
}

enum lp_status name_group_write(struct h5 *h5, const struct dataset *d)
{
    enum lp_status status;
    LP_TRY(write_names(h5, "/image/id", d, dataset_id, d->n_images));
    LP_TRY(write_names(h5, "/class/name", d, class_name, d->n_classes));
done:
    return status;
}

enum lp_status image_group_define(struct h5 *h5, const struct dataset *d)
{
    enum lp_status status;
    const int64_t n = d->n_images, size[2] = {n, 2}, offsets = n + 1;
    LP_TRY(name_group_define(h5, d));
    LP_TRY(h5_define(h5, "/image/size", H5_I64, 2, size,
                     "height and width of the photograph, 0 0 where it cannot "
                     "be read",
                     "pixels", NULL));
    LP_TRY(h5_define(h5, "/image/state", H5_U8, 1, &n,
                     "0 to do, 1 done, 2 bad (its rows are empty)", "", NULL));
    LP_TRY(h5_define(h5, "/image/label_offset", H5_I64, 1, &offsets,
                     "labels before each photograph; the last is their number",
                     "labels", "/image/label"));
    LP_TRY(h5_define(h5, "/image/label", H5_I32, 1, &d->label_offset[n],
                     "classes present, ascending in each photograph",
                     "class index", "/class/name"));
done:
    return status;
}

enum lp_status image_group_write(struct h5 *h5, const struct dataset *d,
                                 const int64_t *size)
{
    enum lp_status status = LP_OK;
    const int64_t n = d->n_images;
    uint8_t *state = calloc((size_t)n + 1, 1);
    if (!state)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld states", (long long)n));
    LP_TRY(name_group_write(h5, d));
    LP_TRY(h5_write(h5, "/image/size", H5_I64, 0, n, size));
    LP_TRY(h5_write(h5, "/image/state", H5_U8, 0, n, state));
    LP_TRY(
        h5_write(h5, "/image/label_offset", H5_I64, 0, n + 1, d->label_offset));
    LP_TRY(
        h5_write(h5, "/image/label", H5_I32, 0, d->label_offset[n], d->label));
done:
    free(state);
    return status;
}

/* One state an image, where there are any: who reads them looks no more. */
static enum lp_status expect_states(struct h5 *h5, int64_t n_images)
{
    enum h5_type type;
    if (!h5_has(h5, "/image/state"))
        return LP_OK;
    return h5_expect(h5, "/image/state", 1, &n_images, &type);
}

enum lp_status image_group_check(struct h5 *h5, const struct dataset *d,
                                 const int64_t *size, MPI_Comm comm)
{
    enum lp_status status;
    int64_t dims[2] = {d->n_images, 2};
    void *table = NULL;
    LP_TRY(h5_read_shared(h5, "/image/size", H5_I64, 2, dims, &table));
    LP_TRY(expect_states(h5, d->n_images));
    const int64_t *was = table;
    for (int64_t i = 0; i < d->n_images && status == LP_OK; ++i)
        if (comm_rank(comm) == 0 &&
            memcmp(was + 2 * i, size + 2 * i, 2 * sizeof *was) != 0)
            status = lp_fail(
                LP_EARG,
                "photograph %s had %lld x %lld pixels when %s was begun and "
                "has %lld x %lld now: choose another run.out or remove the "
                "file",
                dataset_id(d, i), (long long)was[2 * i + 1],
                (long long)was[2 * i], h5_path(h5), (long long)size[2 * i + 1],
                (long long)size[2 * i]);
    LP_AGREE(comm);
done:
    free(table);
    return status;
}

static enum lp_status check_sizes(const int64_t *size, int64_t n,
                                  const char *path)
{
    for (int64_t i = 0; i < n; ++i) {
        const int64_t h = size[2 * i], w = size[2 * i + 1];
        if (h < 0 || w < 0 || h > IMAGE_MOST_SIDE || w > IMAGE_MOST_SIDE ||
            h * w > IMAGE_MOST_PIXELS)
            return lp_fail(LP_EFORMAT,
                           "/image/size[%lld] of %s is %lld x %lld pixels",
                           (long long)i, path, (long long)h, (long long)w);
    }
    return LP_OK;
}

enum lp_status image_group_sizes(struct h5 *h5, int64_t n, int64_t **size,
                                 MPI_Comm comm)
{
    enum lp_status status;
    int64_t dims[2] = {n, 2};
    void *table = NULL;
    LP_TRY(h5_read_shared(h5, "/image/size", H5_I64, 2, dims, &table));
    *size = table;
    LP_TRY(expect_states(h5, n));
    if (comm_rank(comm) == 0)
        status = check_sizes(*size, n, h5_path(h5));
    LP_AGREE(comm);
done:
    return status;
}

enum lp_status image_group_mark(struct h5 *h5, int64_t first, int64_t n,
                                const uint8_t *state)
{
    enum lp_status status;
    LP_TRY(h5_sync_local(h5));
    LP_TRY(h5_write(h5, "/image/state", H5_U8, first, n, state));
    LP_TRY(h5_sync_local(h5));
done:
    return status;
}

enum lp_status image_group_states(struct h5 *h5, int64_t first, int64_t n,
                                  uint8_t *state)
{
    if (h5_has(h5, "/image/state"))
        return h5_read(h5, "/image/state", H5_U8, first, n, state);
    memset(state, IMAGE_DONE, (size_t)n);
    return LP_OK;
}

/* The strings of two data sets into d->text, each with its zero. */
static enum lp_status take_names(struct dataset *d, const char *id, int id_len,
                                 const char *name, int name_len)
{
    const int64_t ids = d->n_images * (id_len + 1);
    d->text_bytes = ids + (int64_t)d->n_classes * (name_len + 1) + 1;
    d->text = calloc((size_t)d->text_bytes, 1);
    d->id_at = calloc((size_t)d->n_images + 1, sizeof *d->id_at);
    d->path_at = calloc((size_t)d->n_images + 1, sizeof *d->path_at);
    d->mask_at = calloc((size_t)d->n_images + 1, sizeof *d->mask_at);
    d->name_at = calloc((size_t)d->n_classes + 1, sizeof *d->name_at);
    if (!d->text || !d->id_at || !d->path_at || !d->mask_at || !d->name_at)
        return lp_fail(LP_ENOMEM, "no memory for %lld photographs",
                       (long long)d->n_images);
    for (int64_t i = 0; i < d->n_images; ++i) {
        d->id_at[i] = i * (id_len + 1);
        d->path_at[i] = d->text_bytes - 1; /* "" */
        d->mask_at[i] = -1;
        memcpy(d->text + d->id_at[i], id + i * id_len, (size_t)id_len);
    }
    for (int64_t i = 0; i < d->n_classes; ++i) {
        d->name_at[i] = ids + i * (name_len + 1);
        memcpy(d->text + d->name_at[i], name + i * name_len, (size_t)name_len);
    }
    return LP_OK;
}

/* Are label_offset and label what the rest of the program relies on? Local. */
static enum lp_status check_labels(const struct dataset *d, int64_t n_labels,
                                   const char *path)
{
    const int64_t *offset = d->label_offset;
    int64_t bad = offset[0] != 0                    ? 0
                  : offset[d->n_images] != n_labels ? d->n_images
                                                    : -1;
    for (int64_t i = 0; i < d->n_images && bad < 0; ++i)
        if (offset[i + 1] < offset[i])
            bad = i + 1;
    if (bad >= 0)
        return lp_fail(LP_EFORMAT,
                       "/image/label_offset of %s must ascend from 0 to %lld, "
                       "the number of labels; see index %lld",
                       path, (long long)n_labels, (long long)bad);
    for (int64_t i = 0; i < d->n_images; ++i)
        for (int64_t p = offset[i]; p < offset[i + 1]; ++p)
            if (d->label[p] < 0 || d->label[p] >= d->n_classes ||
                (p > offset[i] && d->label[p] <= d->label[p - 1]))
                return lp_fail(LP_EFORMAT,
                               "/image/label[%lld] of %s is %d: the labels of "
                               "a photograph ascend and are below %d",
                               (long long)p, path, (int)d->label[p],
                               d->n_classes);
    return LP_OK;
}

enum lp_status image_group_read(struct h5 *h5, struct dataset *d, MPI_Comm comm)
{
    enum lp_status status;
    char *id = NULL, *name = NULL;
    int id_len, name_len;
    int64_t n_classes, offsets, n_labels = -1;
    void *offset = NULL, *label = NULL;

    LP_TRY(h5_read_text_shared(h5, "/image/id", &d->n_images, &id_len, &id));
    LP_TRY(
        h5_read_text_shared(h5, "/class/name", &n_classes, &name_len, &name));
    if (n_classes > INT_MAX && comm_rank(comm) == 0)
        status = lp_fail(LP_EFORMAT, "/class/name of %s claims %lld classes",
                         h5_path(h5), (long long)n_classes);
    LP_AGREE(comm);
    d->n_classes = (int)n_classes;
    LP_TRY(expect_states(h5, d->n_images));
    offsets = d->n_images + 1;
    LP_TRY(h5_read_shared(h5, "/image/label_offset", H5_I64, 1, &offsets,
                          &offset));
    d->label_offset = offset;
    LP_TRY(h5_read_shared(h5, "/image/label", H5_I32, 1, &n_labels, &label));
    d->label = label;
    status = take_names(d, id, id_len, name, name_len);
    if (status == LP_OK && comm_rank(comm) == 0)
        status = check_labels(d, n_labels, h5_path(h5));
    LP_AGREE(comm);
done:
    free(id);
    free(name);
    return status;
}
