/* SPDX-License-Identifier: MIT */
#include "onnx_constant.h"

#include <stdlib.h>
#include <string.h>

#include "onnx_numbers.h"

/* Nodes between a weight and where it is used; exporters need two or three.
 * Behind what they read beside it, such as a shape or a scale, stands one node
 * at most: else a few nodes would read the same numbers thousands of times. */
#define MOST_DEPTH   8
#define BESIDE_DEPTH (MOST_DEPTH - 1)

static enum lp_status read_value(const struct onnx *model, int value, int depth,
                                 struct onnx_constant *c);

void onnx_constant_release(struct onnx_constant *c)
{
    free(c->v);
    *c = (struct onnx_constant){0};
}

int onnx_axis(int64_t axis, int n_dims)
{
    const int64_t from_front = axis < 0 ? axis + n_dims : axis;
    return from_front >= 0 && from_front < n_dims ? (int)from_front : -1;
}

static enum lp_status refuse(const struct onnx *model, int value,
                             const char *why)
{
    return lp_fail(LP_EMODEL,
                   "%s: the numbers of '%s' cannot be read: %s; "
                   "model.weight and model.bias can name others",
                   model->path, onnx_text(model->value[value].name).s, why);
}

static enum lp_status reserve(struct onnx_constant *c, int64_t n)
{
    c->n = n;
    c->v = calloc((size_t)n + 1, sizeof *c->v);
    return c->v ? LP_OK
                : lp_fail(LP_ENOMEM,
                          "no memory for the %lld numbers of a "
                          "tensor",
                          (long long)n);
}

static enum lp_status read_tensor(const struct onnx *model, int value,
                                  const struct onnx_tensor *t,
                                  struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    int64_t n = 1;
    c->n_dims = t->n_dims;
    memcpy(c->dims, t->dims, sizeof c->dims);
    for (int i = 0; i < t->n_dims; ++i)
        n *= t->dims[i];
    /* Each number takes a bit at least, so this bounds what is allocated. */
    if ((uint64_t)n / 8 > model->n_bytes)
        LP_TRY(refuse(model, value, "it has more numbers than the file"));
    LP_TRY(reserve(c, n));
    if (!onnx_tensor_numbers(t, c->v, n))
        status = refuse(model, value, "their type or number is not as said");
done:
    return status;
}

static enum lp_status read_constant_node(const struct onnx *model, int value,
                                         const struct onnx_node *node,
                                         struct onnx_constant *c)
{
    static const char *const form[] = {"value_float", "value_int",
                                       "value_floats", "value_ints"};
    enum lp_status status = LP_OK;
    struct onnx_attribute a;
    struct onnx_tensor t;

    if (onnx_attribute(node, "value", &a)) {
        LP_TRY(onnx_tensor_read(model, a.tensor, &t));
        return read_tensor(model, value, &t, c);
    }
    for (int i = 0; i < 4; ++i) {
        if (!onnx_attribute(node, form[i], &a))
            continue;
        LP_TRY(reserve(c, onnx_attribute_numbers(&a, NULL, 0)));
        onnx_attribute_numbers(&a, c->v, c->n);
        c->n_dims = i >= 2;
        c->dims[0] = c->n;
        if (i < 2 && c->n != 1)
            LP_TRY(refuse(model, value, "it should be one number"));
        return LP_OK;
    }
    status = refuse(model, value, "its Constant node has none");
done:
    return status;
}

/* ---- what may stand between a tensor and its use */

static enum lp_status transpose(const struct onnx *model, int value,
                                const struct onnx_node *node,
                                struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    struct onnx_attribute a;
    struct onnx_constant t = *c;
    int64_t stride[ONNX_MAX_DIMS], at[ONNX_MAX_DIMS] = {0}, from = 0;
    const bool given = onnx_attribute(node, "perm", &a);
    unsigned seen = 0;

    if (given && a.n_ints != c->n_dims)
        return refuse(model, value, "its Transpose has another rank");
    for (int i = 0; i < c->n_dims; ++i) {
        const int axis =
            given ? onnx_axis(a.ints[i], c->n_dims) : c->n_dims - 1 - i;
        if (axis < 0 || (seen & 1u << axis))
            return refuse(model, value, "its Transpose is no permutation");
        seen |= 1u << axis;
        t.dims[i] = c->dims[axis];
        stride[i] = 1;
        for (int j = axis + 1; j < c->n_dims; ++j)
            stride[i] *= c->dims[j];
    }
    LP_TRY(reserve(&t, c->n));
    for (int64_t to = 0; to < c->n; ++to) {
        t.v[to] = c->v[from];
        for (int i = c->n_dims - 1; i >= 0; --i) {
            from += stride[i];
            if (++at[i] < t.dims[i])
                break;
            from -= at[i] * stride[i];
            at[i] = 0;
        }
    }
    free(c->v);
    *c = t;
done:
    return status;
}

/* dims become those of shape, where 0 copies a dimension and -1 is the rest. */
static bool set_shape(struct onnx_constant *c, const int64_t *shape, int n)
{
    int64_t dims[ONNX_MAX_DIMS], product = 1;
    int rest = -1;
    for (int i = 0; i < n; ++i) {
        dims[i] = i < c->n_dims && shape[i] == 0 ? c->dims[i] : shape[i];
        if (dims[i] < 0)
            rest = i;
        else if (dims[i] && product > c->n / dims[i])
            return false;
        else
            product *= dims[i];
    }
    if (rest >= 0 && product > 0) {
        dims[rest] = c->n / product;
        product *= dims[rest];
    }
    if (product != c->n)
        return false;
    memcpy(c->dims, dims, (size_t)n * sizeof *dims);
    c->n_dims = n;
    return true;
}

static enum lp_status reshape(const struct onnx *model, int value,
                              const struct onnx_node *node, int depth,
                              struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    struct onnx_constant shape = {0};
    int64_t dims[ONNX_MAX_DIMS];

    if (node->n_in < 2 || node->in[1] < 0)
        LP_TRY(refuse(model, value, "its Reshape has no shape"));
    LP_TRY(read_value(model, node->in[1], depth, &shape));
    if (shape.n > ONNX_MAX_DIMS)
        LP_TRY(refuse(model, value, "its Reshape has too many dimensions"));
    for (int64_t i = 0; i < shape.n; ++i)
        dims[i] = shape.v[i] >= -1 && shape.v[i] < 1e15 ? (int64_t)shape.v[i]
                                                        : INT64_MAX;
    if (!set_shape(c, dims, (int)shape.n))
        status = refuse(model, value, "its Reshape does not fit");
done:
    onnx_constant_release(&shape);
    return status;
}

static enum lp_status read_axes(const struct onnx *model,
                                const struct onnx_node *node, int depth,
                                int64_t axes[ONNX_MAX_DIMS], int *n)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c = {0};
    struct onnx_attribute a = {.n_ints = 0};

    *n = 0;
    if (onnx_attribute(node, "axes", &a)) {
        memcpy(axes, a.ints, sizeof a.ints);
        *n = a.n_ints;
    } else if (node->n_in > 1 && node->in[1] >= 0) {
        LP_TRY(read_value(model, node->in[1], depth, &c));
        *n = c.n <= ONNX_MAX_DIMS ? (int)c.n : ONNX_MAX_DIMS + 1;
        for (int i = 0; i < *n && i < ONNX_MAX_DIMS; ++i)
            axes[i] = c.v[i] > -100 && c.v[i] < 100 ? (int64_t)c.v[i] : 100;
    }
    if (*n > ONNX_MAX_DIMS)
        status = lp_fail(LP_EMODEL, "%s: node %s has too many axes",
                         model->path, onnx_node_text(model, node).s);
done:
    onnx_constant_release(&c);
    return status;
}

static enum lp_status squeeze(const struct onnx *model, int value,
                              const struct onnx_node *node, int depth,
                              struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    int64_t axes[ONNX_MAX_DIMS], dims[ONNX_MAX_DIMS];
    unsigned drop = 0;
    int n_axes, n = 0;

    LP_TRY(read_axes(model, node, depth, axes, &n_axes));
    for (int i = 0; i < n_axes; ++i) {
        const int axis = onnx_axis(axes[i], c->n_dims);
        if (axis < 0)
            LP_TRY(refuse(model, value, "its Squeeze does not fit"));
        drop |= 1u << axis;
    }
    for (int i = 0; i < c->n_dims; ++i)
        if (n_axes ? !(drop & 1u << i) : c->dims[i] != 1)
            dims[n++] = c->dims[i];
    if (!set_shape(c, dims, n))
        status = refuse(model, value, "its Squeeze does not fit");
done:
    return status;
}

static enum lp_status unsqueeze(const struct onnx *model, int value,
                                const struct onnx_node *node, int depth,
                                struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    int64_t axes[ONNX_MAX_DIMS], dims[ONNX_MAX_DIMS];
    unsigned added = 0;
    int n_axes, from = 0;

    LP_TRY(read_axes(model, node, depth, axes, &n_axes));
    const int n = c->n_dims + n_axes;
    for (int i = 0; i < n_axes; ++i) {
        const int axis = onnx_axis(axes[i], n);
        if (n > ONNX_MAX_DIMS || axis < 0 || (added & 1u << axis))
            LP_TRY(refuse(model, value, "its Unsqueeze does not fit"));
        added |= 1u << axis;
    }
    for (int i = 0; i < n; ++i)
        dims[i] = added & 1u << i ? 1 : c->dims[from++];
    memcpy(c->dims, dims, (size_t)n * sizeof *dims);
    c->n_dims = n;
done:
    return status;
}

static enum lp_status flatten(const struct onnx *model, int value,
                              const struct onnx_node *node,
                              struct onnx_constant *c)
{
    struct onnx_attribute a = {.i = 1};
    int64_t shape[2] = {1, -1};
    onnx_attribute(node, "axis", &a);
    const int64_t axis = a.i < 0 ? a.i + c->n_dims : a.i;
    if (axis < 0 || axis > c->n_dims)
        return refuse(model, value, "its Flatten does not fit");
    for (int i = 0; i < axis; ++i)
        shape[0] *= c->dims[i];
    return set_shape(c, shape, 2)
               ? LP_OK
               : refuse(model, value, "its Flatten does not fit");
}

/* (x - zero point) * scale, both one number or one a slice along axis. */
static enum lp_status dequantize(const struct onnx *model, int value,
                                 const struct onnx_node *node, int depth,
                                 struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    struct onnx_constant scale = {0}, zero = {0};
    struct onnx_attribute a = {.i = 1};
    int64_t slices = 1, inner = 1;

    onnx_attribute(node, "axis", &a);
    if (node->n_in < 2 || node->in[1] < 0)
        LP_TRY(refuse(model, value, "its DequantizeLinear has no scale"));
    LP_TRY(read_value(model, node->in[1], depth, &scale));
    if (node->n_in > 2 && node->in[2] >= 0)
        LP_TRY(read_value(model, node->in[2], depth, &zero));
    if (scale.n != 1) {
        const int axis = onnx_axis(a.i, c->n_dims);
        slices = axis < 0 ? 0 : c->dims[axis];
        for (int i = axis + 1; axis >= 0 && i < c->n_dims; ++i)
            inner *= c->dims[i];
    }
    if (scale.n != slices || slices == 0 || (zero.v && zero.n != slices))
        LP_TRY(refuse(model, value, "its DequantizeLinear is by blocks"));
    for (int64_t i = 0; i < c->n; ++i) {
        const int64_t s = i / inner % slices;
        c->v[i] = (c->v[i] - (zero.v ? zero.v[s] : 0)) * scale.v[s];
    }
done:
    onnx_constant_release(&scale);
    onnx_constant_release(&zero);
    return status;
}

static enum lp_status apply(const struct onnx *model, int value,
                            const struct onnx_node *node, int depth,
                            struct onnx_constant *c)
{
    if (onnx_is(node, "Identity") || onnx_is(node, "Cast"))
        return LP_OK;
    if (onnx_is(node, "Transpose"))
        return transpose(model, value, node, c);
    if (onnx_is(node, "Reshape"))
        return reshape(model, value, node, depth, c);
    if (onnx_is(node, "Flatten"))
        return flatten(model, value, node, c);
    if (onnx_is(node, "Squeeze"))
        return squeeze(model, value, node, depth, c);
    if (onnx_is(node, "Unsqueeze"))
        return unsqueeze(model, value, node, depth, c);
    if (onnx_is(node, "DequantizeLinear"))
        return dequantize(model, value, node, depth, c);
    return lp_fail(LP_EMODEL,
                   "%s: the numbers of '%s' are computed by node "
                   "%s: fold the constants of the model, or set "
                   "model.weight and model.bias",
                   model->path, onnx_text(model->value[value].name).s,
                   onnx_node_text(model, node).s);
}

static enum lp_status read_value(const struct onnx *model, int value, int depth,
                                 struct onnx_constant *c)
{
    enum lp_status status = LP_OK;
    const struct onnx_value *v = &model->value[value];
    const struct onnx_node *node = v->node < 0 ? NULL : &model->node[v->node];

    *c = (struct onnx_constant){0};
    if (v->tensor >= 0)
        LP_TRY(read_tensor(model, value, &model->tensor[v->tensor], c));
    else if (!v->constant || !node)
        LP_TRY(refuse(model, value, "they depend on the photograph"));
    else if (onnx_is(node, "Constant"))
        LP_TRY(read_constant_node(model, value, node, c));
    else if (depth >= MOST_DEPTH || node->n_in < 1 || node->in[0] < 0)
        LP_TRY(refuse(model, value, "too many nodes make them"));
    else {
        LP_TRY(read_value(model, node->in[0], depth + 1, c));
        LP_TRY(apply(model, value, node,
                     depth < BESIDE_DEPTH ? BESIDE_DEPTH : MOST_DEPTH, c));
    }
done:
    if (status != LP_OK)
        onnx_constant_release(c);
    return status;
}

enum lp_status onnx_constant_read(const struct onnx *model, int value,
                                  struct onnx_constant *c)
{
    return read_value(model, value, 0, c);
}

enum lp_status onnx_axes(const struct onnx *model, const struct onnx_node *node,
                         int64_t axes[ONNX_MAX_DIMS], int *n)
{
    return read_axes(model, node, 0, axes, n);
}
