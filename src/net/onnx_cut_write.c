/* SPDX-License-Identifier: MIT */
/* Messages that stay as they are are copied through byte by byte; so what this
 * program does not know of survives. Changed are the graph's inputs and output
 * and tensors whose data lay in another file; left out, when the model is cut,
 * are nodes and tensors that are not needed, shapes of values between (they may
 * be frozen), functions and training. */
#include "onnx_cut_write.h"

#include <limits.h>
#include <stdlib.h>

#include "lpcam/net/onnx_wire.h"

struct edit {
    const struct onnx *model;
    int feature;       /* -1: nothing is cut                            */
    const bool *value; /* [n_values] needed, when cut                   */
    const bool *node;  /* [n_nodes]                                     */
    struct onnx_port port;
};

/* ---- ValueInfoProto { name, type { tensor_type { elem_type, shape } } } */

static void put_shape(struct wire_sink *sink, const void *context)
{
    static const char *const any[] = {"n", NULL, "height", "width"};
    const struct onnx_port *port = context;
    for (int i = 0; i < 4; ++i) {
        uint8_t dim[32];
        struct wire_sink one = {dim, 0};
        if (any[i])
            wire_put_bytes(&one, 2, onnx_range_of(any[i]));
        else if (port->dims[i])
            wire_put_number(&one, 1, (uint64_t)port->dims[i]);
        wire_put_bytes(sink, 1, (struct onnx_range){dim, one.n});
    }
}

static void put_tensor_type(struct wire_sink *sink, const void *context)
{
    const struct onnx_port *port = context;
    wire_put_number(sink, 1, (uint64_t)port->type);
    if (port->n_dims == 4)
        wire_put_message(sink, 2, put_shape, port);
}

static void put_type(struct wire_sink *sink, const void *context)
{
    wire_put_message(sink, 1, put_tensor_type, context);
}

static void put_port(struct wire_sink *sink, const void *context)
{
    const struct onnx_port *port = context;
    wire_put_bytes(sink, 1, port->name);
    wire_put_message(sink, 2, put_type, port);
}

/* ---- the graph */

/* The tensor with its data inside. */
static void put_tensor(struct wire_sink *sink, const void *context)
{
    const struct onnx_tensor *t = context;
    struct wire wire = wire_begin(t->whole);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag != TAG_BYTES(9) && field.tag != TAG_BYTES(13) &&
            field.tag != TAG_VARINT(14))
            wire_put(sink, field.whole);
    wire_put_bytes(sink, 9, t->raw);
}

void onnx_put_initialiser(struct wire_sink *sink, const struct onnx_tensor *t,
                          struct onnx_range field)
{
    if (t->external)
        wire_put_message(sink, 5, put_tensor, t);
    else
        wire_put(sink, field);
}

static void put_initialiser(struct wire_sink *sink, const struct edit *edit,
                            int i, struct onnx_range field)
{
    const struct onnx_tensor *t = &edit->model->tensor[i];
    const int value = onnx_find(edit->model, t->name); /* -1: has no name  */
    if (edit->feature < 0 || (value >= 0 && edit->value[value]))
        onnx_put_initialiser(sink, t, field);
}

/* What remains of the graph's fields when it is cut, nodes and tensors aside:
 * its name and its own metadata. */
static bool is_kept(uint32_t tag)
{
    return tag == TAG_BYTES(2) || tag == TAG_BYTES(16);
}

static void put_graph(struct wire_sink *sink, const void *context)
{
    const struct edit *edit = context;
    const struct onnx *model = edit->model;
    const bool cut = edit->feature >= 0;
    struct wire wire = wire_begin(model->graph);
    struct wire_field field;
    int node = 0, tensor = 0;

    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(5))
            put_initialiser(sink, edit, tensor++, field.whole);
        else if (!cut || is_kept(field.tag))
            wire_put(sink, field.whole);
        else if (field.tag == TAG_BYTES(1) && edit->node[node++])
            wire_put(sink, field.whole);
    }
    if (cut) {
        const struct onnx_port out = {.name = model->value[edit->feature].name,
                                      .type = edit->port.type,
                                      .n_dims = -1};
        wire_put_message(sink, 11, put_port, &edit->port);
        wire_put_message(sink, 12, put_port, &out);
    }
}

static void put_model(struct wire_sink *sink, const void *context)
{
    const struct edit *edit = context;
    const struct onnx *model = edit->model;
    struct wire wire =
        wire_begin((struct onnx_range){model->bytes, model->n_file});
    struct wire_field field;

    while (wire_next(&wire, &field)) {
        const bool other =
            field.tag == TAG_BYTES(20) || field.tag == TAG_BYTES(25);
        if (field.tag == TAG_BYTES(7))
            wire_put_message(sink, 7, put_graph, edit);
        else if (edit->feature < 0 || !other)
            wire_put(sink, field.whole);
    }
}

/* ---- what is needed */

/* Backwards from the feature: nodes stand behind what they read. */
void onnx_mark(const struct onnx *model, int feature, bool *value, bool *node)
{
    value[feature] = true;
    for (int i = model->n_nodes - 1; i >= 0; --i) {
        const struct onnx_node *at = &model->node[i];
        for (int j = 0; j < at->n_out; ++j)
            node[i] = node[i] || value[at->out[j]];
        for (int j = 0; node[i] && j < at->n_uses; ++j)
            if (at->in[j] >= 0)
                value[at->in[j]] = true;
    }
}

/* The one input left, which must take a photograph. */
static enum lp_status find_input(struct edit *edit)
{
    const struct onnx *model = edit->model;
    int n = 0;
    for (int i = 0; i < model->n_inputs; ++i) {
        const struct onnx_port *port = &model->input[i];
        if (!edit->value[port->value] || model->value[port->value].tensor >= 0)
            continue;
        edit->port = *port;
        ++n;
    }
    if (n != 1)
        return lp_fail(LP_EMODEL,
                       "%s: '%s' comes from %d inputs of the model "
                       "where it must come from one photograph; set "
                       "model.feature",
                       model->path,
                       onnx_text(model->value[edit->feature].name).s, n);
    if (edit->port.type != ONNX_FLOAT ||
        (edit->port.n_dims != -1 && edit->port.n_dims != 4) ||
        (edit->port.n_dims == 4 && edit->port.dims[1] != 0 &&
         edit->port.dims[1] != 3))
        return lp_fail(LP_EMODEL,
                       "%s: its input '%s' is not a float32 "
                       "photograph [1][3][height][width]: export "
                       "the classifier with such an input",
                       model->path, onnx_text(edit->port.name).s);
    return LP_OK;
}

enum lp_status onnx_cut_write(const struct onnx *model, int feature,
                              char **bytes, size_t *n)
{
    enum lp_status status = LP_OK;
    bool *value = calloc((size_t)model->n_values + 1, sizeof *value);
    bool *node = calloc((size_t)model->n_nodes + 1, sizeof *node);
    struct edit edit = {model, feature, value, node, {.value = -1}};
    struct wire_sink sink = {0};

    if (!value || !node)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to cut %s", model->path));
    if (feature >= 0) {
        onnx_mark(model, feature, value, node);
        LP_TRY(find_input(&edit));
    }
    put_model(&sink, &edit);
    if (sink.n > INT_MAX)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s is larger than 2 GiB, which the "
                       "network's runtime cannot take from memory",
                       model->path));
    sink.at = malloc(sink.n + 1);
    if (!sink.at)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the %zu bytes of the cut %s",
                       sink.n, model->path));
    sink.n = 0;
    put_model(&sink, &edit);
    *bytes = (char *)sink.at;
    *n = sink.n;
done:
    free(value);
    free(node);
    return status;
}
