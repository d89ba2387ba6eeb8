/* SPDX-License-Identifier: MIT */
/* Labels as NumPy writes them: a header that looks like Python, then the rows,
 * as described in NumPy's format.py, versions 1 to 3. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset_source.h"
#include "lpcam/base/file.h"

struct array {
    const char *path;
    FILE *file;
    char kind;     /* b, i, u or f                                         */
    int item_size; /* bytes                                                */
    int64_t n_rows, n_columns;
};

/* The value of a key of the header, or NULL. */
static const char *find_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return at + strspn(at, " :");
}

static enum lp_status refuse_objects(const char *path)
{
    return lp_fail(
        LP_EFORMAT,
        "%s holds pickled Python objects, which are not read; if it is a "
        "dictionary of label vectors, convert it: d = np.load(\"%s\", "
        "allow_pickle=True).item(); np.save(\"labels.npy\", "
        "np.stack(list(d.values()))); open(\"ids.txt\", "
        "\"w\").write(\"\\n\".join("
        "map(str, d))) and set data.labels and data.label_ids to the two files",
        path, path);
}

/* The end of a text is none of the letters, for strchr it is. */
static bool is_one_of(char c, const char *letters)
{
    return c && strchr(letters, c);
}

/* descr: '<f4', '|u1', '|b1', ... */
static enum lp_status read_type(struct array *a, const char *descr)
{
    char *end;
    if (descr && strncmp(descr, "'|O'", 4) == 0)
        return refuse_objects(a->path);
    if (!descr || descr[0] != '\'' || !is_one_of(descr[1], "<|") ||
        !is_one_of(descr[2], "biuf"))
        return lp_fail(LP_EFORMAT,
                       "%s is not an array of little-endian numbers; write it "
                       "with np.save(..., labels.astype(\"u1\"))",
                       a->path);
    a->kind = descr[2];
    const long size = strtol(descr + 3, &end, 10);
    const bool known = a->kind == 'f' ? size == 4 || size == 8
                       : a->kind == 'b'
                           ? size == 1
                           : size == 1 || size == 2 || size == 4 || size == 8;
    if (!known || *end != '\'')
        return lp_fail(LP_EFORMAT,
                       "%s has numbers of a type that is not read; write it "
                       "with np.save(..., labels.astype(\"u1\"))",
                       a->path);
    a->item_size = (int)size;
    return LP_OK;
}

/* shape: (82783, 80) */
static enum lp_status read_shape(struct array *a, const char *order,
                                 const char *shape)
{
    char *end = NULL;
    if (!order || strncmp(order, "False", 5) != 0)
        return lp_fail(LP_EFORMAT,
                       "%s is stored by columns; write it with np.save(..., "
                       "np.ascontiguousarray(labels))",
                       a->path);
    if (shape && *shape == '(') {
        a->n_rows = strtoll(shape + 1, &end, 10);
        if (*end == ',')
            a->n_columns = strtoll(end + 1, &end, 10);
    }
    if (!end || *end != ')' || a->n_rows < 1 || a->n_columns < 1 ||
        a->n_columns > 1 << 20)
        return lp_fail(LP_EFORMAT, "%s is not an array of images times classes",
                       a->path);
    return LP_OK;
}

static enum lp_status read_header(struct array *a)
{
    enum { MOST = 65536 };
    enum lp_status status = LP_OK;
    unsigned char start[12] = {0}; /* magic, version, length of 2 or 4 bytes */
    char *header = NULL;
    size_t n = 0, length = 0;

    if (fread(start, 1, 10, a->file) == 10) {
        length = start[8] + 256u * start[9];
        n = start[6] == 1 ? 10 : 10 + fread(start + 10, 1, 2, a->file);
        if (n == 12)
            length += 65536u * (start[10] + 256u * start[11]);
    }
    header = calloc(1, MOST + 1);
    if (!header)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the header of %s", a->path));
    if (n != (start[6] == 1 ? 10u : 12u) || length > MOST ||
        fread(header, 1, length, a->file) != length)
        LP_TRY(
            lp_fail(LP_EFORMAT, "%s ends in its header, or has none", a->path));
    LP_TRY(read_type(a, find_value(header, "'descr'")));
    LP_TRY(read_shape(a, find_value(header, "'fortran_order'"),
                      find_value(header, "'shape'")));
done:
    free(header);
    return status;
}

static double value_at(const struct array *a, const char *row, int64_t column)
{
    const char *at = row + column * a->item_size;
    float f4;
    double f8;
    int64_t whole = 0;
    if (a->kind == 'f' && a->item_size == 4) {
        memcpy(&f4, at, sizeof f4);
        return (double)f4;
    }
    if (a->kind == 'f') {
        memcpy(&f8, at, sizeof f8);
        return f8;
    }
    memcpy(&whole, at, (size_t)a->item_size); /* little-endian */
    const int unused = 64 - 8 * a->item_size;
    return a->kind == 'i'
               ? (double)((int64_t)((uint64_t)whole << unused) >> unused)
               : (double)(uint64_t)whole;
}

/* The classes of one row; class_of [n_columns] positions in class[]. */
static enum lp_status take_row(struct source *s, const struct array *a,
                               int64_t r, const char *row, const int *class_of)
{
    struct source_image *image = &s->image[r];
    image->first = s->n_labels;
    for (int64_t c = 0; c < a->n_columns; ++c) {
        const double v = value_at(a, row, c);
        if (!(v >= 0))
            return lp_fail(LP_EFORMAT,
                           "%s has %g for image %s (row %lld, column %lld): a "
                           "class is there (1) or not (0)",
                           a->path, v, image->id, (long long)r, (long long)c);
        if (v > 0)
            s->label[s->n_labels++] = class_of[c];
    }
    image->n_labels = s->n_labels - image->first;
    return LP_OK;
}

/* Room for the labels of a row more, all there at most. */
static enum lp_status reserve_labels(struct source *s, int64_t n, int64_t *room)
{
    if (s->n_labels + n <= *room)
        return LP_OK;
    *room = 2 * (s->n_labels + n);
    int *label = realloc(s->label, (size_t)*room * sizeof *label);
    if (!label)
        return lp_fail(LP_ENOMEM, "no memory for %lld labels",
                       (long long)*room);
    s->label = label;
    return LP_OK;
}

static enum lp_status read_rows(struct source *s, const struct array *a,
                                const int *class_of)
{
    enum lp_status status = LP_OK;
    const size_t row_bytes = (size_t)(a->n_columns * a->item_size);
    char *row = malloc(row_bytes);
    int64_t room = 0;

    s->n_labels = 0;
    if (!row)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a row of %s", a->path));
    for (int64_t r = 0; r < a->n_rows; ++r) {
        if (fread(row, 1, row_bytes, a->file) != row_bytes)
            LP_TRY(lp_fail(LP_EFORMAT, "%s ends in row %lld of %lld", a->path,
                           (long long)r, (long long)a->n_rows));
        LP_TRY(reserve_labels(s, a->n_columns, &room));
        LP_TRY(take_row(s, a, r, row, class_of));
    }
    if (fgetc(a->file) != EOF)
        status = lp_fail(LP_EFORMAT, "%s goes on behind its last row", a->path);
done:
    free(row);
    return status;
}

/* The rows must be the images, the columns the classes, both in order. */
static enum lp_status check_shape(const struct source *s, const struct array *a,
                                  int n_used)
{
    if (a->n_rows != s->n_images)
        return lp_fail(LP_EFORMAT,
                       "%s has %lld rows where %s has %lld images: name the "
                       "image of each row in a file, data.label_ids",
                       a->path, (long long)a->n_rows, s->names,
                       (long long)s->n_images);
    if (a->n_columns != n_used)
        return lp_fail(LP_EFORMAT,
                       "%s has %lld columns where the data set has %d classes",
                       a->path, (long long)a->n_columns, n_used);
    return LP_OK;
}

enum lp_status source_read_array(struct source *s, const char *path)
{
    enum lp_status status = LP_OK;
    struct array a = {.path = path};
    const char *why;
    int n_used = 0;
    int *class_of = malloc((size_t)s->n_classes * sizeof *class_of + 1);

    if (!class_of)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %d classes", s->n_classes));
    for (int c = 0; c < s->n_classes; ++c)
        if (s->class[c].kind == CLASS_USED)
            class_of[n_used++] = c;
    a.file = file_open(path, &why);
    if (!a.file)
        LP_TRY(lp_fail(LP_EIO, "cannot read %s: %s", path, why));
    LP_TRY(read_header(&a));
    LP_TRY(check_shape(s, &a, n_used));
    LP_TRY(read_rows(s, &a, class_of));
done:
    if (a.file)
        fclose(a.file);
    free(class_of);
    return status;
}
