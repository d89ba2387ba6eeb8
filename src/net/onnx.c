/* SPDX-License-Identifier: MIT */
#include "lpcam/net/onnx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/base/text.h"
#include "onnx_parts.h"

static void release_parts(struct onnx *model)
{
    free(model->node);
    free(model->tensor);
    free(model->input);
    free(model->output);
    free(model->value);
    free(model->name);
    free(model->link);
    free(model->slot);
    *model = (struct onnx){.path = model->path,
                           .bytes = model->bytes,
                           .n_file = model->n_file,
                           .n_bytes = model->n_bytes};
}

void onnx_release(struct onnx *model)
{
    release_parts(model);
    free(model->bytes);
    *model = (struct onnx){0};
}

static enum lp_status load(struct onnx *model)
{
    enum lp_status status = LP_OK;
    struct stat info;
    char *bytes = NULL;

    if (stat(model->path, &info) != 0)
        LP_TRY(lp_fail(LP_EIO, "cannot read the model %s: %s", model->path,
                       strerror(errno)));
    if (info.st_size > INT_MAX)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s is larger than 2 GiB, which no ONNX file "
                       "may be; is it the model?",
                       model->path));
    LP_TRY(text_read(model->path, &bytes, &model->n_file));
    model->bytes = (uint8_t *)bytes;
    model->n_bytes = model->n_file;
    if (model->n_file == 0)
        status = lp_fail(LP_EMODEL, "%s is empty", model->path);
done:
    return status;
}

/* Put the external data behind the file. The buffer moves, so all that points
 * into it is found anew. */
static enum lp_status inline_external(struct onnx *model)
{
    enum lp_status status = LP_OK;
    uint8_t *bytes;
    size_t n;

    LP_TRY(onnx_external_size(model, &n));
    if (n == 0)
        goto done;
    bytes = realloc(model->bytes, model->n_file + n);
    if (!bytes)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the %zu bytes of %s",
                       model->n_file + n, model->path));
    model->bytes = bytes;
    model->n_bytes = model->n_file + n;
    release_parts(model);
    LP_TRY(onnx_parse(model));
    LP_TRY(onnx_external_load(model));
done:
    return status;
}

enum lp_status onnx_read(struct onnx *model, const char *path)
{
    enum lp_status status = LP_OK;
    *model = (struct onnx){.path = path};
    LP_TRY(load(model));
    LP_TRY(onnx_parse(model));
    LP_TRY(inline_external(model));
    LP_TRY(onnx_link(model));
done:
    return status;
}

/* What has no bytes may have no address. */
bool onnx_equal(struct onnx_range a, struct onnx_range b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

bool onnx_same(struct onnx_range range, const char *s)
{
    return onnx_equal(range, onnx_range_of(s));
}

struct onnx_range onnx_range_of(const char *s)
{
    return (struct onnx_range){(const uint8_t *)s, strlen(s)};
}

struct onnx_text onnx_text(struct onnx_range range)
{
    struct onnx_text text = {""};
    size_t n = range.n < sizeof text.s - 1 ? range.n : sizeof text.s - 1;
    for (size_t i = 0; i < n; ++i) {
        const uint8_t c = range.at[i];
        text.s[i] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    return text;
}

/* Nodes may be without a name; their first output always has one. */
struct onnx_text onnx_node_text(const struct onnx *model,
                                const struct onnx_node *node)
{
    struct onnx_text text = {""};
    struct onnx_range name = node->name;
    if (!name.n && node->n_out)
        name = model->name[node->first + node->n_uses];
    snprintf(text.s, sizeof text.s, "%.20s%s%.20s '%.60s'",
             onnx_text(node->domain).s, node->domain.n ? "." : "",
             onnx_text(node->op).s, onnx_text(name).s);
    return text;
}

bool onnx_is(const struct onnx_node *node, const char *op)
{
    const bool standard =
        node->domain.n == 0 || onnx_same(node->domain, "ai.onnx");
    return standard && onnx_same(node->op, op);
}

static void add_int(struct onnx_attribute *a, uint64_t value)
{
    if (a->n_ints < ONNX_MAX_DIMS)
        a->ints[a->n_ints] = (int64_t)value;
    if (a->n_ints < INT_MAX)
        ++a->n_ints;
}

/* The fields of AttributeProto; ints stand one by one or packed. */
static void read_attribute(struct onnx_range whole, struct onnx_attribute *a,
                           struct onnx_range *name)
{
    struct wire wire = wire_begin(whole);
    struct wire_field field;
    uint64_t value;

    *a = (struct onnx_attribute){.whole = whole};
    while (wire_next(&wire, &field)) {
        struct wire packed = wire_begin(field.bytes);
        switch (field.tag) {
        case TAG_BYTES(1):
            *name = field.bytes;
            break;
        case TAG_FIXED32(2):
            a->f = wire_float(field.value);
            break;
        case TAG_VARINT(3):
            a->i = (int64_t)field.value;
            break;
        case TAG_BYTES(5):
            a->tensor = field.bytes;
            break;
        case TAG_VARINT(8):
            add_int(a, field.value);
            break;
        case TAG_BYTES(8):
            while (wire_varint(&packed, &value))
                add_int(a, value);
            break;
        }
    }
}

bool onnx_attribute(const struct onnx_node *node, const char *name,
                    struct onnx_attribute *attribute)
{
    struct wire wire = wire_begin(node->whole);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        struct onnx_range its_name = {0};
        struct onnx_attribute found;
        if (field.tag != TAG_BYTES(5))
            continue;
        read_attribute(field.bytes, &found, &its_name);
        if (its_name.n && onnx_same(its_name, name)) {
            *attribute = found;
            return true;
        }
    }
    return false;
}
