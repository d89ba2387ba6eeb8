/* SPDX-License-Identifier: MIT */
/* The fields read here, by number, are those of onnx.proto3; all others are
 * passed over, and copied through when the model is written again. */
#include <stdlib.h>
#include <string.h>

#include "onnx_parts.h"

/* A sub-graph inside a sub-graph, and so on; exporters need two or three. */
#define MOST_DEPTH 16
#define MOST_PARTS (1 << 22)

enum lp_status onnx_broken(const struct onnx *model, const struct wire *wire)
{
    if (!wire->wrong[0])
        return LP_OK;
    return lp_fail(LP_EMODEL,
                   "%s is broken or not an ONNX file: at byte %lld, "
                   "%s; export or copy it again",
                   model->path, (long long)(wire->at - model->bytes),
                   wire->wrong);
}

/* Doubled whenever the number of elements is a power of two. */
static void *more(const struct onnx *model, void *array, int n, size_t each)
{
    if (n > 0 && (n & (n - 1)) != 0)
        return array;
    void *grown =
        n < MOST_PARTS ? realloc(array, (n ? 2 * (size_t)n : 1) * each) : NULL;
    if (!grown)
        (void)lp_fail(LP_ENOMEM,
                      "no memory for more than %d parts of a kind "
                      "in %s",
                      n, model->path);
    return grown;
}

static enum lp_status add_name(struct onnx *model, struct onnx_range name)
{
    struct onnx_range *names =
        more(model, model->name, model->n_links, sizeof name);
    if (!names)
        return LP_ENOMEM;
    model->name = names;
    model->name[model->n_links++] = name;
    return LP_OK;
}

/* A tensor inside a node or a sub-graph: must carry its data. */
static enum lp_status check_inner(const struct onnx *model,
                                  struct onnx_range whole)
{
    enum lp_status status = LP_OK;
    struct onnx_tensor t;
    LP_TRY(onnx_tensor_read(model, whole, &t));
    if (t.external)
        status = lp_fail(LP_EMODEL,
                         "%s: tensor '%s' lies inside a node and "
                         "its data in another file: save the model "
                         "with its weights inside",
                         model->path, onnx_text(t.name).s);
done:
    return status;
}

/* ---- nodes */

static enum lp_status read_uses(struct onnx *model, struct onnx_range graph,
                                int depth);

/* Sub-graphs read values of the graph around them. */
static enum lp_status
read_attribute_uses(struct onnx *model, struct onnx_range attribute, int depth)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(attribute);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(5) || field.tag == TAG_BYTES(10))
            LP_TRY(check_inner(model, field.bytes));
        if (field.tag == TAG_BYTES(6) || field.tag == TAG_BYTES(11))
            LP_TRY(read_uses(model, field.bytes, depth + 1));
    }
    status = onnx_broken(model, &wire);
done:
    return status;
}

static enum lp_status read_node_uses(struct onnx *model, struct onnx_range node,
                                     int depth)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(node);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(1) && depth > 0)
            LP_TRY(add_name(model, field.bytes));
        if (field.tag == TAG_BYTES(5))
            LP_TRY(read_attribute_uses(model, field.bytes, depth));
    }
    status = onnx_broken(model, &wire);
done:
    return status;
}

static enum lp_status read_uses(struct onnx *model, struct onnx_range graph,
                                int depth)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(graph);
    struct wire_field field;
    if (depth > MOST_DEPTH)
        LP_TRY(lp_fail(LP_EMODEL, "%s: sub-graphs are nested more than %d deep",
                       model->path, MOST_DEPTH));
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(1))
            LP_TRY(read_node_uses(model, field.bytes, depth));
        if (field.tag == TAG_BYTES(5))
            LP_TRY(check_inner(model, field.bytes));
        if (field.tag == TAG_BYTES(12)) { /* an output may be an outer value */
            struct wire port = wire_begin(field.bytes);
            struct wire_field name;
            while (wire_next(&port, &name))
                if (name.tag == TAG_BYTES(1))
                    LP_TRY(add_name(model, name.bytes));
        }
    }
    status = onnx_broken(model, &wire);
done:
    return status;
}

/* All names the node's message has in its field 1 (inputs) or 2 (outputs). */
static enum lp_status add_names(struct onnx *model, struct onnx_range node,
                                uint32_t tag)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(node);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag == tag)
            LP_TRY(add_name(model, field.bytes));
    status = onnx_broken(model, &wire);
done:
    return status;
}

static enum lp_status add_node(struct onnx *model, struct onnx_range whole)
{
    enum lp_status status = LP_OK;
    struct onnx_node node = {.whole = whole, .first = model->n_links}, *nodes;
    struct wire wire = wire_begin(whole);
    struct wire_field field;

    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(3))
            node.name = field.bytes;
        if (field.tag == TAG_BYTES(4))
            node.op = field.bytes;
        if (field.tag == TAG_BYTES(7))
            node.domain = field.bytes;
    }
    LP_TRY(add_names(model, whole, TAG_BYTES(1)));
    node.n_in = model->n_links - node.first;
    LP_TRY(read_node_uses(model, whole, 0));
    node.n_uses = model->n_links - node.first;
    LP_TRY(add_names(model, whole, TAG_BYTES(2)));
    node.n_out = model->n_links - node.first - node.n_uses;
    nodes = more(model, model->node, model->n_nodes, sizeof node);
    if (!nodes)
        LP_TRY(LP_ENOMEM);
    model->node = nodes;
    model->node[model->n_nodes++] = node;
done:
    return status;
}

/* ---- the graph and the model */

/* ValueInfoProto.type.tensor_type: element type and shape. */
static enum lp_status read_tensor_type(const struct onnx *model,
                                       struct onnx_range type,
                                       struct onnx_port *port)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(type), shape, one;
    struct wire_field field, dim, value;

    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_VARINT(1) && field.value < 1000)
            port->type = (int)field.value;
        if (field.tag != TAG_BYTES(2))
            continue;
        port->n_dims = 0;
        shape = wire_begin(field.bytes);
        while (wire_next(&shape, &dim)) {
            int64_t size = 0;
            if (dim.tag != TAG_BYTES(1))
                continue;
            one = wire_begin(dim.bytes);
            while (wire_next(&one, &value))
                if (value.tag == TAG_VARINT(1) && (int64_t)value.value > 0)
                    size = (int64_t)value.value;
            onnx_add_dim(port->dims, &port->n_dims, size);
        }
        LP_TRY(onnx_broken(model, &shape));
    }
    status = onnx_broken(model, &wire);
done:
    return status;
}

static enum lp_status add_port(struct onnx *model, struct onnx_range whole,
                               struct onnx_port **ports, int *n)
{
    enum lp_status status = LP_OK;
    struct onnx_port port = {.n_dims = -1, .value = -1}, *grown;
    struct wire wire = wire_begin(whole), type;
    struct wire_field field, inner;

    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(1))
            port.name = field.bytes;
        if (field.tag != TAG_BYTES(2))
            continue;
        type = wire_begin(field.bytes);
        while (wire_next(&type, &inner))
            if (inner.tag == TAG_BYTES(1))
                LP_TRY(read_tensor_type(model, inner.bytes, &port));
        LP_TRY(onnx_broken(model, &type));
    }
    LP_TRY(onnx_broken(model, &wire));
    LP_TRY(onnx_check_rank(model, port.name, port.n_dims));
    grown = more(model, *ports, *n, sizeof port);
    if (!grown)
        LP_TRY(LP_ENOMEM);
    *ports = grown;
    (*ports)[(*n)++] = port;
done:
    return status;
}

static enum lp_status add_tensor(struct onnx *model, struct onnx_range whole)
{
    enum lp_status status = LP_OK;
    struct onnx_tensor tensor, *grown;
    LP_TRY(onnx_tensor_read(model, whole, &tensor));
    grown = more(model, model->tensor, model->n_tensors, sizeof tensor);
    if (!grown)
        LP_TRY(LP_ENOMEM);
    model->tensor = grown;
    model->tensor[model->n_tensors++] = tensor;
done:
    return status;
}

static enum lp_status parse_graph(struct onnx *model)
{
    enum lp_status status = LP_OK;
    struct wire wire = wire_begin(model->graph);
    struct wire_field field;

    while (wire_next(&wire, &field)) {
        switch (field.tag) {
        case TAG_BYTES(1):
            LP_TRY(add_node(model, field.bytes));
            break;
        case TAG_BYTES(5):
            LP_TRY(add_tensor(model, field.bytes));
            break;
        case TAG_BYTES(11):
            LP_TRY(
                add_port(model, field.bytes, &model->input, &model->n_inputs));
            break;
        case TAG_BYTES(12):
            LP_TRY(add_port(model, field.bytes, &model->output,
                            &model->n_outputs));
            break;
        case TAG_BYTES(15):
            LP_TRY(lp_fail(LP_EMODEL,
                           "%s holds sparse tensors: export it with "
                           "ordinary ones",
                           model->path));
            break;
        }
    }
    status = onnx_broken(model, &wire);
done:
    return status;
}

/* A node that calls a function of the model is a graph we do not see into. */
static enum lp_status check_function(const struct onnx *model,
                                     struct onnx_range function)
{
    struct wire wire = wire_begin(function);
    struct wire_field field;
    struct onnx_range name = {0}, domain = {0};
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(1))
            name = field.bytes;
        if (field.tag == TAG_BYTES(10))
            domain = field.bytes;
    }
    for (int i = 0; i < model->n_nodes; ++i) {
        const struct onnx_node *node = &model->node[i];
        if (name.n && onnx_equal(node->op, name) &&
            onnx_equal(node->domain, domain))
            return lp_fail(LP_EMODEL,
                           "%s: node %s calls a function of the "
                           "model: export it with functions inlined",
                           model->path, onnx_node_text(model, node).s);
    }
    return onnx_broken(model, &wire);
}

enum lp_status onnx_parse(struct onnx *model)
{
    enum lp_status status = LP_OK;
    const struct onnx_range file = {model->bytes, model->n_file};
    struct wire wire = wire_begin(file);
    struct wire_field field;
    int n_graphs = 0;

    while (wire_next(&wire, &field))
        if (field.tag == TAG_BYTES(7)) {
            model->graph = field.bytes;
            ++n_graphs;
        }
    LP_TRY(onnx_broken(model, &wire));
    if (n_graphs != 1)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s is not an ONNX model: it has %d graphs "
                       "where there must be one",
                       model->path, n_graphs));
    LP_TRY(parse_graph(model));
    for (wire = wire_begin(file); wire_next(&wire, &field);)
        if (field.tag == TAG_BYTES(25))
            LP_TRY(check_function(model, field.bytes));
done:
    return status;
}
