/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "onnx_parts.h"

/* Where a name stands in the table, or the free slot where it would. */
static int find_slot(const struct onnx *model, struct onnx_range name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.n; ++i)
        hash = (hash ^ name.at[i]) * 0x100000001b3u;
    int slot = (int)(hash_mix(hash, 0) & (uint64_t)(model->n_slots - 1));
    for (; model->slot[slot] >= 0; slot = (slot + 1) & (model->n_slots - 1)) {
        const struct onnx_range its = model->value[model->slot[slot]].name;
        if (onnx_equal(its, name))
            break;
    }
    return slot;
}

int onnx_find(const struct onnx *model, struct onnx_range name)
{
    return name.n ? model->slot[find_slot(model, name)] : -1;
}

/* The value of that name, made if there is none yet. */
static struct onnx_value *enter(struct onnx *model, struct onnx_range name)
{
    const int slot = find_slot(model, name);
    if (model->slot[slot] < 0) {
        model->slot[slot] = model->n_values;
        model->value[model->n_values++] =
            (struct onnx_value){name, -1, -1, -1, false};
    }
    return &model->value[model->slot[slot]];
}

static enum lp_status make_tables(struct onnx *model)
{
    const size_t most = (size_t)model->n_inputs + (size_t)model->n_tensors +
                        (size_t)model->n_links + 1;
    model->n_slots = 1;
    while ((size_t)model->n_slots < 2 * most)
        model->n_slots *= 2;
    model->value = calloc(most, sizeof *model->value);
    model->link = calloc(most, sizeof *model->link);
    model->slot = malloc((size_t)model->n_slots * sizeof *model->slot);
    if (!model->value || !model->link || !model->slot)
        return lp_fail(LP_ENOMEM, "no memory for the %zu values of %s", most,
                       model->path);
    for (int i = 0; i < model->n_slots; ++i)
        model->slot[i] = -1;
    return LP_OK;
}

static enum lp_status twice(const struct onnx *model, struct onnx_range name)
{
    return lp_fail(LP_EMODEL, "%s: '%s' is made twice; export the model again",
                   model->path, onnx_text(name).s);
}

/* Inputs may be initialisers too (ir_version < 4); all else is made once. */
static enum lp_status enter_all(struct onnx *model)
{
    for (int i = 0; i < model->n_inputs; ++i)
        enter(model, model->input[i].name)->input = i;
    for (int i = 0; i < model->n_tensors; ++i) {
        struct onnx_value *value = enter(model, model->tensor[i].name);
        if (value->tensor >= 0)
            return twice(model, value->name);
        value->tensor = i;
        value->constant = true;
    }
    for (int i = 0; i < model->n_nodes; ++i) {
        const struct onnx_node *node = &model->node[i];
        for (int j = 0; j < node->n_out; ++j) {
            const int link = node->first + node->n_uses + j;
            struct onnx_value *value = enter(model, model->name[link]);
            if (value->name.n &&
                (value->node >= 0 || value->tensor >= 0 || value->input >= 0))
                return twice(model, value->name);
            value->node = i;
            model->link[link] = (int)(value - model->value);
        }
    }
    return LP_OK;
}

/* The values node number i reads. Names that only a sub-graph reads may be its
 * own; those are left out. */
static enum lp_status link_inputs(struct onnx *model, int i)
{
    const struct onnx_node *node = &model->node[i];
    for (int j = 0; j < node->n_uses; ++j) {
        const struct onnx_range name = model->name[node->first + j];
        const int value = onnx_find(model, name);
        const int maker = value < 0 ? -1 : model->value[value].node;
        model->link[node->first + j] = maker < i ? value : -1;
        if (j >= node->n_in || !name.n)
            continue;
        if (value < 0)
            return lp_fail(LP_EMODEL,
                           "%s: node %s reads '%s', which nothing "
                           "makes; export the model again",
                           model->path, onnx_node_text(model, node).s,
                           onnx_text(name).s);
        if (maker >= i)
            return lp_fail(LP_EMODEL,
                           "%s: node %s reads '%s', which is made "
                           "only later: the nodes form a cycle or "
                           "are out of order",
                           model->path, onnx_node_text(model, node).s,
                           onnx_text(name).s);
    }
    return LP_OK;
}

static void mark_constant(struct onnx *model, const struct onnx_node *node)
{
    bool constant = onnx_is(node, "Constant");
    if (node->n_uses > 0) {
        constant = true;
        for (int j = 0; j < node->n_uses; ++j)
            if (node->in[j] >= 0)
                constant = constant && model->value[node->in[j]].constant;
    }
    for (int j = 0; j < node->n_out; ++j)
        model->value[node->out[j]].constant = constant;
}

static enum lp_status link_ports(struct onnx *model, struct onnx_port *port,
                                 int n)
{
    for (int i = 0; i < n; ++i) {
        port[i].value = onnx_find(model, port[i].name);
        if (port[i].value < 0)
            return lp_fail(LP_EMODEL,
                           "%s: nothing makes its output '%s'; "
                           "export the model again",
                           model->path, onnx_text(port[i].name).s);
    }
    return LP_OK;
}

enum lp_status onnx_link(struct onnx *model)
{
    enum lp_status status = LP_OK;
    LP_TRY(make_tables(model));
    LP_TRY(enter_all(model));
    for (int i = 0; i < model->n_nodes; ++i) {
        struct onnx_node *node = &model->node[i];
        LP_TRY(link_inputs(model, i));
        node->in = model->link + node->first;
        node->out = node->in + node->n_uses;
        mark_constant(model, node);
    }
    LP_TRY(link_ports(model, model->input, model->n_inputs));
    LP_TRY(link_ports(model, model->output, model->n_outputs));
done:
    return status;
}
