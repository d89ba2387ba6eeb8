/* SPDX-License-Identifier: MIT */
/* The end of a classifier may be a Gemm with factors, a product and a sum of
 * which one may be shared, a convolution before or behind the pooling, with
 * shapes that name the old number of classes. So it is not edited but made
 * anew, in the same three nodes for all. */
#include "lpcam/net/onnx_refit.h"

#include <limits.h>
#include <stdlib.h>

#include "lpcam/net/onnx.h"
#include "onnx_cut_write.h"
#include "lpcam/net/onnx_wire.h"

#define POOLED "lpcam.pooled"
#define FLAT   "lpcam.flat"
#define WEIGHT "lpcam.weight"
#define BIAS   "lpcam.bias"

enum { LEAST_OPSET = 7, LISTED_BEFORE_IR = 4, ATTRIBUTE_IS_INT = 2 };

struct refit {
    const struct onnx *model;
    const struct head *head;
    int feature;
    bool *value, *node;      /* [n_values], [n_nodes] that the feature needs */
    struct onnx_range batch; /* the first dimension of the photographs    */
    int64_t ir, opset;
};

/* The first field of that tag in a message, nothing where there is none. */
static struct onnx_range inside(struct onnx_range message, uint32_t tag)
{
    struct wire wire = wire_begin(message);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag == tag)
            return field.bytes;
    return (struct onnx_range){0};
}

static bool is_needed(const struct refit *r, struct onnx_range name)
{
    const int value = onnx_find(r->model, name);
    return value >= 0 && r->value[value];
}

/* ---- the new nodes and tensors */

struct new_node {
    const char *op, *in[3]; /* inputs end with NULL                      */
    struct onnx_range first, out;
    bool turned; /* transB = 1                                           */
};

static void put_turned(struct wire_sink *sink, const void *context)
{
    (void)context;
    wire_put_bytes(sink, 1, onnx_range_of("transB"));
    wire_put_number(sink, 3, 1);
    wire_put_number(sink, 20, ATTRIBUTE_IS_INT);
}

static void put_node(struct wire_sink *sink, const void *context)
{
    const struct new_node *node = context;
    wire_put_bytes(sink, 1, node->first);
    for (int i = 0; node->in[i]; ++i)
        wire_put_bytes(sink, 1, onnx_range_of(node->in[i]));
    wire_put_bytes(sink, 2, node->out);
    wire_put_bytes(sink, 4, onnx_range_of(node->op));
    if (node->turned)
        wire_put_message(sink, 5, put_turned, NULL);
}

/* Of d = 0 a vector [n], else a matrix [n][d]. */
struct new_tensor {
    const char *name;
    const float *v;
    int n, d;
};

static void put_tensor(struct wire_sink *sink, const void *context)
{
    const struct new_tensor *t = context;
    const size_t n = (size_t)t->n * (size_t)(t->d ? t->d : 1);
    wire_put_number(sink, 1, (uint64_t)t->n);
    if (t->d)
        wire_put_number(sink, 1, (uint64_t)t->d);
    wire_put_number(sink, 2, ONNX_FLOAT);
    wire_put_bytes(sink, 8, onnx_range_of(t->name));
    wire_put_bytes(
        sink, 9, (struct onnx_range){(const uint8_t *)t->v, n * sizeof *t->v});
}

/* A value of two dimensions, or of one where second is empty. */
struct new_port {
    struct onnx_range name, dim[2];
    int n_dims;
};

static void put_shape(struct wire_sink *sink, const void *context)
{
    const struct new_port *port = context;
    for (int i = 0; i < port->n_dims; ++i)
        wire_put_bytes(sink, 1, port->dim[i]);
}

static void put_tensor_type(struct wire_sink *sink, const void *context)
{
    wire_put_number(sink, 1, ONNX_FLOAT);
    wire_put_message(sink, 2, put_shape, context);
}

static void put_type(struct wire_sink *sink, const void *context)
{
    wire_put_message(sink, 1, put_tensor_type, context);
}

static void put_port(struct wire_sink *sink, const void *context)
{
    const struct new_port *port = context;
    wire_put_bytes(sink, 1, port->name);
    wire_put_message(sink, 2, put_type, port);
}

/* A dimension of a known length, in buffer. */
static struct onnx_range dim_of(int length, uint8_t buffer[16])
{
    struct wire_sink sink = {buffer, 0};
    wire_put_number(&sink, 1, (uint64_t)length);
    return (struct onnx_range){buffer, sink.n};
}

/* Before IR version 4 every initialiser is an input, too. */
static void put_listed(struct wire_sink *sink, const struct head *head)
{
    uint8_t rows[16], columns[16];
    const struct onnx_range n = dim_of(head->n, rows);
    const struct onnx_range d = dim_of(head->d, columns);
    const struct new_port weight = {onnx_range_of(WEIGHT), {n, d}, 2};
    const struct new_port bias = {onnx_range_of(BIAS), {n}, 1};
    wire_put_message(sink, 11, put_port, &weight);
    wire_put_message(sink, 11, put_port, &bias);
}

static void put_end(struct wire_sink *sink, const struct refit *r)
{
    const struct head *head = r->head;
    const struct onnx_range feature = r->model->value[r->feature].name;
    const struct onnx_range out = r->model->output[0].name;
    uint8_t classes[16];
    const struct new_node node[] = {
        {"GlobalAveragePool", {NULL}, feature, onnx_range_of(POOLED), false},
        {"Flatten", {NULL}, onnx_range_of(POOLED), onnx_range_of(FLAT), false},
        {"Gemm", {WEIGHT, BIAS}, onnx_range_of(FLAT), out, true}};
    const struct new_tensor weight = {WEIGHT, head->weight, head->n, head->d};
    const struct new_tensor bias = {BIAS, head->bias, head->n, 0};
    const struct new_port logits = {
        out, {r->batch, dim_of(head->n, classes)}, 2};

    for (int i = 0; i < 3; ++i)
        wire_put_message(sink, 1, put_node, &node[i]);
    wire_put_message(sink, 5, put_tensor, &weight);
    wire_put_message(sink, 5, put_tensor, &bias);
    if (r->ir < LISTED_BEFORE_IR)
        put_listed(sink, head);
    wire_put_message(sink, 12, put_port, &logits);
}

/* ---- what stays */

static void put_graph(struct wire_sink *sink, const void *context)
{
    const struct refit *r = context;
    const struct onnx *model = r->model;
    struct wire wire = wire_begin(model->graph);
    struct wire_field field;
    int node = 0, tensor = 0, input = 0;

    while (wire_next(&wire, &field)) {
        const struct onnx_range name = inside(field.bytes, TAG_BYTES(1));
        switch (field.tag) {
        case TAG_BYTES(1):
            if (r->node[node++])
                wire_put(sink, field.whole);
            break;
        case TAG_BYTES(5):
            if (is_needed(r, model->tensor[tensor].name))
                onnx_put_initialiser(sink, &model->tensor[tensor], field.whole);
            ++tensor;
            break;
        case TAG_BYTES(11): /* an initialiser of the old end may be listed */
            if (model->value[model->input[input++].value].tensor < 0 ||
                is_needed(r, name))
                wire_put(sink, field.whole);
            break;
        case TAG_BYTES(12):
            break;
        case TAG_BYTES(13): /* shapes of values, quantisation of tensors */
        case TAG_BYTES(14):
            if (is_needed(r, name))
                wire_put(sink, field.whole);
            break;
        default:
            wire_put(sink, field.whole);
        }
    }
    put_end(sink, r);
}

/* How the old end was trained goes with it (field 20). */
static void put_model(struct wire_sink *sink, const struct refit *r)
{
    struct wire wire =
        wire_begin((struct onnx_range){r->model->bytes, r->model->n_file});
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag == TAG_BYTES(7))
            wire_put_message(sink, 7, put_graph, r);
        else if (field.tag != TAG_BYTES(20))
            wire_put(sink, field.whole);
}

/* ---- what is known before */

static void read_versions(struct refit *r)
{
    struct wire wire =
        wire_begin((struct onnx_range){r->model->bytes, r->model->n_file});
    struct wire_field field, version;
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_VARINT(1))
            r->ir = (int64_t)field.value;
        if (field.tag != TAG_BYTES(8))
            continue;
        const struct onnx_range domain = inside(field.bytes, TAG_BYTES(1));
        struct wire set = wire_begin(field.bytes);
        while (wire_next(&set, &version))
            if (version.tag == TAG_VARINT(2) &&
                (domain.n == 0 || onnx_same(domain, "ai.onnx")))
                r->opset = (int64_t)version.value;
    }
}

/* The first dimension of the photographs, however it is given. */
static void read_batch(struct refit *r)
{
    struct wire wire = wire_begin(r->model->graph);
    struct wire_field field;
    for (int i = 0; wire_next(&wire, &field);) {
        if (field.tag != TAG_BYTES(11))
            continue;
        const int value = r->model->input[i++].value;
        if (!r->value[value] || r->model->value[value].tensor >= 0)
            continue;
        const struct onnx_range type = inside(field.bytes, TAG_BYTES(2));
        const struct onnx_range shape =
            inside(inside(type, TAG_BYTES(1)), TAG_BYTES(2));
        r->batch = inside(shape, TAG_BYTES(1));
    }
}

static enum lp_status prepare(struct refit *r, const struct onnx_cut *cut)
{
    static const char *const names[] = {POOLED, FLAT, WEIGHT, BIAS};
    const struct onnx *model = r->model;

    if (cut->head.d != r->head->d)
        return lp_fail(LP_EARG,
                       "%s has %d channels before its linear layer, the new "
                       "one is for %d",
                       model->path, cut->head.d, r->head->d);
    r->feature = onnx_find(model, onnx_range_of(cut->feature));
    r->value = calloc((size_t)model->n_values + 1, sizeof *r->value);
    r->node = calloc((size_t)model->n_nodes + 1, sizeof *r->node);
    if (!r->value || !r->node)
        return lp_fail(LP_ENOMEM, "no memory to change %s", model->path);
    if (r->feature < 0)
        return lp_fail(LP_EMODEL, "the name of tensor '%s' of %s is too long",
                       cut->feature, model->path);
    onnx_mark(model, r->feature, r->value, r->node);
    for (int i = 0; i < 4; ++i)
        if (is_needed(r, onnx_range_of(names[i])))
            return lp_fail(LP_EMODEL,
                           "%s already has a tensor '%s' before its pooling: "
                           "rename it",
                           model->path, names[i]);
    read_versions(r);
    read_batch(r);
    if (r->opset < LEAST_OPSET)
        return lp_fail(LP_EMODEL,
                       "%s uses operator set %lld: export it with %d or later",
                       model->path, (long long)r->opset, LEAST_OPSET);
    return LP_OK;
}

static enum lp_status write_model(const struct refit *r, char **bytes,
                                  size_t *n)
{
    struct wire_sink sink = {0};
    put_model(&sink, r);
    if (sink.n > INT_MAX)
        return lp_fail(LP_EMODEL, "%s would become larger than 2 GiB",
                       r->model->path);
    *n = sink.n;
    *bytes = malloc(sink.n + 1);
    if (!*bytes)
        return lp_fail(LP_ENOMEM, "no memory for the %zu bytes of a classifier",
                       *n);
    sink = (struct wire_sink){(uint8_t *)*bytes, 0};
    put_model(&sink, r);
    return LP_OK;
}

enum lp_status onnx_refit(const char *path, const struct onnx_names *names,
                          const struct head *head, char **bytes, size_t *n)
{
    enum lp_status status = LP_OK;
    struct onnx_cut cut = {0};
    struct onnx model = {0};
    struct refit r = {.model = &model, .head = head, .feature = -1};

    *bytes = NULL;
    LP_TRY(onnx_cut_read(&cut, path, names));
    LP_TRY(onnx_read(&model, path));
    LP_TRY(prepare(&r, &cut));
    status = write_model(&r, bytes, n);
done:
    free(r.value);
    free(r.node);
    onnx_release(&model);
    onnx_cut_release(&cut);
    return status;
}
