/* SPDX-License-Identifier: MIT */
#include "onnx_search.h"

#include <stdlib.h>
#include <string.h>

#include "onnx_constant.h"

void onnx_search_release(struct onnx_search *s)
{
    affine_release(&s->after);
    affine_release(&s->before);
    free(s->linear.w);
    free(s->linear.b);
    *s = (struct onnx_search){0};
}

static const struct onnx_node *maker(const struct onnx *model, int value)
{
    const int node = value < 0 ? -1 : model->value[value].node;
    return node < 0 ? NULL : &model->node[node];
}

static bool is_one_of(const struct onnx_node *node, const char *const *ops)
{
    for (; *ops; ++ops)
        if (onnx_is(node, *ops))
            return true;
    return false;
}

/* Leaves all numbers where they are. */
static bool is_identity(const struct onnx_node *node)
{
    static const char *const ops[] = {"Identity", "Dropout", NULL};
    struct onnx_attribute to = {.i = 0};
    if (onnx_is(node, "Cast"))
        return onnx_attribute(node, "to", &to) &&
               (to.i == ONNX_FLOAT || to.i == ONNX_FLOAT16 ||
                to.i == ONNX_DOUBLE || to.i == ONNX_BFLOAT16);
    return is_one_of(node, ops);
}

/* Moves no number of a pooled vector to another channel. */
static bool is_reshape(const struct onnx_node *node)
{
    static const char *const ops[] = {"Flatten", "Reshape", "Squeeze",
                                      "Unsqueeze", NULL};
    return is_one_of(node, ops);
}

static bool constant_input(const struct onnx *model,
                           const struct onnx_node *node, int i)
{
    return i < node->n_in && node->in[i] >= 0 &&
           model->value[node->in[i]].constant;
}

static bool is_affine(const struct onnx *model, const struct onnx_node *node)
{
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", NULL};
    if (onnx_is(node, "BatchNormalization"))
        return node->n_in > 0 && node->in[0] >= 0 &&
               !constant_input(model, node, 0);
    if (!is_one_of(node, ops) || node->n_in != 2 || node->in[0] < 0 ||
        node->in[1] < 0)
        return false;
    const bool first = constant_input(model, node, 0);
    return first != constant_input(model, node, 1) &&
           !(first && onnx_is(node, "Div"));
}

/* ---- the last pooling */

static bool spatial(const int64_t *axes, int n)
{
    unsigned seen = 0;
    for (int i = 0; i < n; ++i) {
        const int axis = onnx_axis(axes[i], 4);
        seen |= axis < 0 ? 0 : 1u << axis;
    }
    return n == 2 && seen == (1u << 2 | 1u << 3);
}

/* What ReduceMean or ReduceSum averages: a map over its two spatial axes, or
 * the one axis into which a Reshape before it merged them. -1: neither. */
static enum lp_status reduced(const struct onnx *model,
                              const struct onnx_node *node, int *feature)
{
    enum lp_status status = LP_OK;
    const struct onnx_node *merge = maker(model, node->in[0]);
    int64_t axes[ONNX_MAX_DIMS];
    int n;

    *feature = -1;
    LP_TRY(onnx_axes(model, node, axes, &n));
    if (spatial(axes, n))
        *feature = node->in[0];
    else if (n == 1 && onnx_axis(axes[0], 3) == 2 && merge && merge->n_in > 0 &&
             (onnx_is(merge, "Reshape") || onnx_is(merge, "Flatten")))
        *feature = merge->in[0];
done:
    return status;
}

/* The map a node averages over its whole area, -1 if it does not. Whether an
 * AveragePool or a division by the area covers the map exactly is left to the
 * proof on a photograph. */
static enum lp_status pooled_map(const struct onnx *model,
                                 const struct onnx_node *node, int *feature)
{
    const struct onnx_node *sum;
    struct onnx_attribute pads = {.n_ints = 0};

    *feature = -1;
    if (node->n_in < 1 || node->in[0] < 0)
        return LP_OK;
    if (onnx_is(node, "ReduceMean"))
        return reduced(model, node, feature);
    if (onnx_is(node, "Div")) {
        sum = maker(model, node->in[0]);
        if (sum && onnx_is(sum, "ReduceSum") && sum->n_in > 0 &&
            sum->in[0] >= 0)
            return reduced(model, sum, feature);
    }
    if (onnx_is(node, "AveragePool")) {
        onnx_attribute(node, "pads", &pads);
        for (int i = 0; i < pads.n_ints && i < ONNX_MAX_DIMS; ++i)
            if (pads.ints[i])
                return LP_OK;
        *feature = node->in[0];
    }
    if (onnx_is(node, "GlobalAveragePool"))
        *feature = node->in[0];
    return LP_OK;
}

/* ---- the walk */

static enum lp_status refuse(const struct onnx_search *s,
                             const struct onnx_node *node)
{
    const struct onnx *model = s->model;
    const char *sought = s->linear.n ? "the global average pooling"
                         : s->pooled ? "the 1x1 convolution before the pooling"
                                     : "the linear layer";
    if (!node)
        return lp_fail(LP_EMODEL,
                       "%s: on the way back from the output '%s', "
                       "'%s' was reached before %s; set "
                       "model.feature, model.weight and model.bias",
                       model->path, onnx_text(model->output[0].name).s,
                       onnx_text(model->value[s->value].name).s, sought);
    return lp_fail(LP_EMODEL,
                   "%s: on the way back from the output '%s', node "
                   "%s stands where %s should be; set "
                   "model.feature, model.weight and model.bias",
                   model->path, onnx_text(model->output[0].name).s,
                   onnx_node_text(model, node).s, sought);
}

static bool untouched(const struct affine *a)
{
    return a->n == 1 && a->mul[0] == 1 && a->add[0] == 0;
}

/* Sigmoid or Softmax, as long as nothing but reshapes was met. */
static bool take_end(struct onnx_search *s, const struct onnx_node *node)
{
    const bool sigmoid = onnx_is(node, "Sigmoid");
    if (s->pooled || s->linear.n || s->end != HEAD_LOGITS ||
        !untouched(&s->after) || (!sigmoid && !onnx_is(node, "Softmax")))
        return false;
    s->end = sigmoid ? HEAD_SIGMOID : HEAD_SOFTMAX;
    return true;
}

/* The ReLU of SqueezeNet, between a 1x1 convolution and the pooling; what came
 * after the pooling must not have changed the numbers. */
static bool take_relu(struct onnx_search *s, const struct onnx_node *node)
{
    if (!onnx_is(node, "Relu") || !s->pooled || s->linear.n || s->relu ||
        !untouched(&s->after))
        return false;
    s->relu = true;
    return true;
}

static enum lp_status take_linear(struct onnx_search *s,
                                  const struct onnx_node *node)
{
    enum lp_status status = LP_OK;
    const enum linear_form form = onnx_linear_form(node);
    if (form == LINEAR_NONE || s->linear.n ||
        constant_input(s->model, node, 0) ||
        !constant_input(s->model, node, 1) ||
        (s->pooled && form != LINEAR_CONV))
        LP_TRY(refuse(s, node));
    LP_TRY(onnx_linear_node(s->model, node, form, &s->linear));
    s->value = node->in[0];
    s->pool_first = s->pooled;
    if (s->pooled)
        s->feature = s->value;
done:
    return status;
}

/* Past one node; it has at least one input and one output. */
static enum lp_status step(struct onnx_search *s, const struct onnx_node *node)
{
    enum lp_status status = LP_OK;
    int map;

    if (is_identity(node) || (!s->pooled && is_reshape(node)) ||
        take_end(s, node) || take_relu(s, node)) {
        s->value = node->in[0];
        goto done;
    }
    LP_TRY(pooled_map(s->model, node, &map));
    if (map >= 0 && !s->pooled) {
        s->pooled = true;
        s->value = map;
        if (s->linear.n)
            s->feature = map;
        goto done;
    }
    if (is_affine(s->model, node)) {
        struct affine *a = s->linear.n ? &s->before : &s->after;
        LP_TRY(affine_node(a, s->model, node, &s->value));
        goto done;
    }
    status = take_linear(s, node);
done:
    return status;
}

static enum lp_status begin(struct onnx_search *s, const struct onnx *model)
{
    enum lp_status status = LP_OK;
    *s = (struct onnx_search){.model = model, .value = -1, .feature = -1};
    if (model->n_outputs != 1)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s has %d outputs: export the classifier "
                       "with its logits as the only one",
                       model->path, model->n_outputs));
    s->value = model->output[0].value;
    LP_TRY(affine_init(&s->after));
    LP_TRY(affine_init(&s->before));
done:
    return status;
}

enum lp_status onnx_search(struct onnx_search *s, const struct onnx *model,
                           bool need_pool)
{
    enum lp_status status = LP_OK;
    LP_TRY(begin(s, model));
    while (s->linear.n == 0 || (need_pool && s->feature < 0)) {
        const struct onnx_node *node = maker(model, s->value);
        if (!node || node->n_in < 1 || node->in[0] < 0)
            LP_TRY(refuse(s, node));
        LP_TRY(step(s, node));
    }
    /* Cut where the map is made, before what leaves it as it is. */
    for (;;) {
        const struct onnx_node *node = maker(model, s->feature);
        if (!node || !is_identity(node) || node->n_in < 1 || node->in[0] < 0)
            break;
        s->feature = node->in[0];
    }
done:
    return status;
}

enum lp_status onnx_search_end(struct onnx_search *s, const struct onnx *model)
{
    enum lp_status status = LP_OK;
    const struct onnx_node *node;
    LP_TRY(begin(s, model));
    while ((node = maker(model, s->value)) && node->n_in > 0 &&
           (is_identity(node) || is_reshape(node) || take_end(s, node)))
        s->value = node->in[0];
done:
    return status;
}
