/* SPDX-License-Identifier: MIT */
#include "onnx_parts.h"

/* Elements of a tensor: far more than a file holds, far from overflow. */
#define MOST_ELEMENTS ((int64_t)1 << 40)

size_t onnx_type_bytes(int type)
{
    /* By TensorProto.DataType; 0: strings and numbers below a byte. */
    static const size_t bytes[] = {0, 4, 1, 1, 2,  2, 4, 8, 0, 1, 2,
                                   8, 4, 8, 8, 16, 2, 1, 1, 1, 1};
    const int n = (int)(sizeof bytes / sizeof bytes[0]);
    return type >= 0 && type < n ? bytes[type] : 0;
}

void onnx_add_dim(int64_t *dims, int *n_dims, int64_t dim)
{
    if (*n_dims < ONNX_MAX_DIMS)
        dims[*n_dims] = dim;
    if (*n_dims <= ONNX_MAX_DIMS)
        ++*n_dims;
}

enum lp_status onnx_check_rank(const struct onnx *model, struct onnx_range name,
                               int n_dims)
{
    if (n_dims <= ONNX_MAX_DIMS)
        return LP_OK;
    return lp_fail(LP_EMODEL, "%s: '%s' has more than %d dimensions",
                   model->path, onnx_text(name).s, ONNX_MAX_DIMS);
}

/* offset and length are written as decimal text; 19 digits may not fit. */
static bool external_number(struct onnx_range text, int64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.n; ++i) {
        const int digit = text.at[i] - '0';
        if (digit < 0 || digit > 9 || *value > (INT64_MAX - digit) / 10)
            return false;
        *value = 10 * *value + digit;
    }
    return text.n > 0;
}

/* StringStringEntryProto: location, offset or length. */
static enum lp_status read_external(const struct onnx *model,
                                    struct onnx_range entry,
                                    struct onnx_tensor *t)
{
    struct wire wire = wire_begin(entry);
    struct wire_field field;
    struct onnx_range key = {0}, text = {0};
    bool good = true;

    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(1))
            key = field.bytes;
        if (field.tag == TAG_BYTES(2))
            text = field.bytes;
    }
    if (onnx_same(key, "location"))
        t->location = text;
    else if (onnx_same(key, "offset"))
        good = external_number(text, &t->offset);
    else if (onnx_same(key, "length"))
        good = external_number(text, &t->length);
    if (!good)
        return lp_fail(LP_EMODEL,
                       "%s: the external data of tensor '%s' has the %s '%s', "
                       "which is no number of bytes",
                       model->path, onnx_text(t->name).s, onnx_text(key).s,
                       onnx_text(text).s);
    return onnx_broken(model, &wire);
}

static enum lp_status read_dims(const struct onnx *model,
                                const struct wire_field *field,
                                struct onnx_tensor *t)
{
    struct wire packed = wire_begin(field->bytes);
    uint64_t dim;
    if (field->tag == TAG_VARINT(1))
        onnx_add_dim(t->dims, &t->n_dims, (int64_t)field->value);
    while (wire_varint(&packed, &dim))
        onnx_add_dim(t->dims, &t->n_dims, (int64_t)dim);
    return onnx_broken(model, &packed);
}

/* Do dims, type and bytes agree? */
static enum lp_status check_tensor(const struct onnx *model,
                                   const struct onnx_tensor *t)
{
    const size_t each = onnx_type_bytes(t->type);
    int64_t n = 1, bound = 1; /* bound: the same, empty dimensions aside */
    for (int i = 0; i < t->n_dims; ++i) {
        const int64_t dim = t->dims[i] ? t->dims[i] : 1;
        if (dim < 0 || bound > MOST_ELEMENTS / dim)
            return lp_fail(LP_EMODEL,
                           "%s: tensor '%s' claims an impossible "
                           "shape, dimension %d is %lld",
                           model->path, onnx_text(t->name).s, i,
                           (long long)t->dims[i]);
        n *= t->dims[i];
        bound *= dim;
    }
    const long long need = (long long)each * n;
    long long have = (long long)t->raw.n;
    if (t->type == ONNX_BFLOAT16 && n > 0 && !t->raw.at && !t->external)
        return lp_fail(LP_EMODEL,
                       "%s: tensor '%s' keeps bfloat16 numbers as integers, "
                       "which OpenVINO 2026.4 misreads; store them as raw data",
                       model->path, onnx_text(t->name).s);
    if (t->external)
        have = t->length < 0 ? need : t->length;
    else if (!t->raw.at)
        return LP_OK;
    if (each && have != need)
        return lp_fail(LP_EMODEL,
                       "%s: tensor '%s' needs %lld bytes, its data "
                       "has %lld",
                       model->path, onnx_text(t->name).s, need, have);
    return LP_OK;
}

enum lp_status onnx_tensor_read(const struct onnx *model,
                                struct onnx_range whole, struct onnx_tensor *t)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(whole);
    struct wire_field field;

    *t = (struct onnx_tensor){.whole = whole, .length = -1};
    while (wire_next(&wire, &field)) {
        switch (field.tag) {
        case TAG_VARINT(1):
        case TAG_BYTES(1):
            LP_TRY(read_dims(model, &field, t));
            break;
        case TAG_VARINT(2):
            t->type = field.value < 1000 ? (int)field.value : 0;
            break;
        case TAG_BYTES(8):
            t->name = field.bytes;
            break;
        case TAG_BYTES(9):
            t->raw = field.bytes;
            break;
        case TAG_BYTES(13):
            LP_TRY(read_external(model, field.bytes, t));
            break;
        case TAG_VARINT(14):
            t->external = field.value == 1;
            break;
        }
    }
    LP_TRY(onnx_broken(model, &wire));
    LP_TRY(onnx_check_rank(model, t->name, t->n_dims));
    status = check_tensor(model, t);
done:
    return status;
}
