/* SPDX-License-Identifier: MIT */
/* The nodes that a linear layer may consist of, as numbers. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_constant.h"
#include "onnx_search.h"

/* ---- scale and shift */

static enum lp_status no_memory(void)
{
    return lp_fail(LP_ENOMEM, "no memory for the weights of the linear layer");
}

enum lp_status affine_init(struct affine *a)
{
    a->n = 1;
    a->mul = calloc(1, sizeof *a->mul);
    a->add = calloc(1, sizeof *a->add);
    if (!a->mul || !a->add)
        return no_memory();
    a->mul[0] = 1;
    return LP_OK;
}

void affine_release(struct affine *a)
{
    free(a->mul);
    free(a->add);
    *a = (struct affine){0};
}

/* One number for all channels becomes one for each of n. */
static enum lp_status widen(struct affine *a, int64_t n)
{
    if (a->n == n || n == 1)
        return LP_OK;
    double *mul = malloc((size_t)n * sizeof *mul);
    double *add = malloc((size_t)n * sizeof *add);
    if (!mul || !add) {
        free(mul);
        free(add);
        return no_memory();
    }
    for (int64_t i = 0; i < n; ++i) {
        mul[i] = a->mul[0];
        add[i] = a->add[0];
    }
    affine_release(a);
    *a = (struct affine){n, mul, add};
    return LP_OK;
}

/* What was a(x) becomes a(mul x + add); both c are one number or a vector
 * over the channels, NULL for 1 and 0. */
static enum lp_status compose(struct affine *a, const struct onnx *model,
                              const struct onnx_node *node,
                              const struct onnx_constant *mul,
                              const struct onnx_constant *add)
{
    enum lp_status status = LP_OK;
    const struct onnx_constant *const both[] = {mul, add};

    for (int i = 0; i < 2; ++i) {
        const struct onnx_constant *c = both[i];
        int wide = 0;
        if (!c)
            continue;
        for (int j = 0; j < c->n_dims; ++j)
            wide += c->dims[j] != 1;
        if (wide > 1 || c->n < 1 || (c->n != 1 && a->n != 1 && c->n != a->n))
            LP_TRY(lp_fail(LP_EMODEL,
                           "%s: node %s has %lld numbers, which are "
                           "not one a channel",
                           model->path, onnx_node_text(model, node).s,
                           (long long)c->n));
        LP_TRY(widen(a, c->n));
    }
    for (int64_t i = 0; i < a->n; ++i) {
        if (add)
            a->add[i] += a->mul[i] * add->v[add->n == 1 ? 0 : i];
        if (mul)
            a->mul[i] *= mul->v[mul->n == 1 ? 0 : i];
    }
done:
    return status;
}

static enum lp_status batch_norm(struct affine *a, const struct onnx *model,
                                 const struct onnx_node *node)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c[4] = {{0}}; /* scale, shift, mean, variance */
    struct onnx_attribute epsilon = {.f = 1e-5f}, training = {.i = 0};

    onnx_attribute(node, "epsilon", &epsilon);
    onnx_attribute(node, "training_mode", &training);
    if (node->n_in < 5 || node->n_out != 1 || training.i)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: node %s was exported in training mode: "
                       "call model.eval() before the export",
                       model->path, onnx_node_text(model, node).s));
    for (int i = 0; i < 4; ++i) {
        if (node->in[1 + i] < 0)
            LP_TRY(lp_fail(LP_EMODEL, "%s: node %s lacks an input", model->path,
                           onnx_node_text(model, node).s));
        LP_TRY(onnx_constant_read(model, node->in[1 + i], &c[i]));
        if (c[i].n != c[0].n)
            LP_TRY(lp_fail(LP_EMODEL,
                           "%s: the tensors of node %s differ in "
                           "length",
                           model->path, onnx_node_text(model, node).s));
    }
    for (int64_t i = 0; i < c[0].n; ++i) {
        c[0].v[i] /= sqrt(c[3].v[i] + (double)epsilon.f);
        c[1].v[i] -= c[2].v[i] * c[0].v[i];
    }
    status = compose(a, model, node, &c[0], &c[1]);
done:
    for (int i = 0; i < 4; ++i)
        onnx_constant_release(&c[i]);
    return status;
}

enum lp_status affine_node(struct affine *a, const struct onnx *model,
                           const struct onnx_node *node, int *next)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c = {0}, minus = {.n = 1, .v = (double[]){-1}};
    const bool sub = onnx_is(node, "Sub"), div = onnx_is(node, "Div");
    const bool add = onnx_is(node, "Add");

    *next = node->in[0];
    if (onnx_is(node, "BatchNormalization"))
        return batch_norm(a, model, node);
    const bool first = model->value[node->in[0]].constant;
    *next = node->in[first];
    LP_TRY(onnx_constant_read(model, node->in[!first], &c));
    for (int64_t i = 0; i < c.n; ++i)
        c.v[i] = sub && !first ? -c.v[i] : div ? 1 / c.v[i] : c.v[i];
    if (sub && first) /* c - x */
        LP_TRY(compose(a, model, node, &minus, &c));
    else if (add || sub)
        LP_TRY(compose(a, model, node, NULL, &c));
    else
        LP_TRY(compose(a, model, node, &c, NULL));
done:
    onnx_constant_release(&c);
    return status;
}

/* ---- weights */

enum linear_form onnx_linear_form(const struct onnx_node *node)
{
    struct onnx_attribute a = {.i = 0};
    if (node->n_in < 2 || node->in[0] < 0 || node->in[1] < 0)
        return LINEAR_NONE;
    if (onnx_is(node, "MatMul"))
        return LINEAR_COLUMNS;
    if (onnx_is(node, "Conv"))
        return LINEAR_CONV;
    if (!onnx_is(node, "Gemm"))
        return LINEAR_NONE;
    onnx_attribute(node, "transB", &a);
    return a.i ? LINEAR_ROWS : LINEAR_COLUMNS;
}

/* From [d][n] to [n][d], in place of w. */
static enum lp_status turn(struct linear *linear)
{
    const int64_t n = linear->n, d = linear->d;
    double *w = malloc((size_t)(n * d) * sizeof *w);
    if (!w)
        return no_memory();
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < d; ++j)
            w[i * d + j] = linear->w[j * n + i];
    free(linear->w);
    linear->w = w;
    return LP_OK;
}

static enum lp_status read_bias(const struct onnx *model, int bias,
                                struct linear *linear)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c = {0};

    free(linear->b);
    linear->b = calloc((size_t)linear->n, sizeof *linear->b);
    if (!linear->b)
        LP_TRY(no_memory());
    if (bias < 0)
        goto done;
    LP_TRY(onnx_constant_read(model, bias, &c));
    if (c.n != 1 && c.n != linear->n)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: the bias '%s' has %lld numbers for %lld "
                       "classes; set model.bias",
                       model->path, onnx_text(model->value[bias].name).s,
                       (long long)c.n, (long long)linear->n));
    for (int64_t i = 0; i < linear->n; ++i)
        linear->b[i] = c.v[c.n == 1 ? 0 : i];
done:
    onnx_constant_release(&c);
    return status;
}

enum lp_status onnx_linear_read(const struct onnx *model, int weight, int bias,
                                enum linear_form form, struct linear *linear)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c = {0};
    int64_t rest = 1;

    LP_TRY(onnx_constant_read(model, weight, &c));
    for (int i = 2; i < c.n_dims; ++i)
        rest *= c.dims[i];
    if (c.n_dims < 2 || (c.n_dims > 2) != (form == LINEAR_CONV) || rest != 1 ||
        c.n < 1 || c.dims[0] > INT_MAX || c.dims[1] > INT_MAX)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: the weights '%s' are not one vector a "
                       "class (a matrix, or a 1x1 convolution); set "
                       "model.feature and model.weight",
                       model->path, onnx_text(model->value[weight].name).s));
    free(linear->w);
    linear->n = c.dims[form == LINEAR_COLUMNS];
    linear->d = c.dims[form != LINEAR_COLUMNS];
    linear->w = c.v;
    c.v = NULL;
    if (form == LINEAR_COLUMNS)
        LP_TRY(turn(linear));
    LP_TRY(read_bias(model, bias, linear));
done:
    onnx_constant_release(&c);
    return status;
}

/* A list attribute all of whose numbers are `all`, or that is not there. */
static bool all_are(const struct onnx_node *node, const char *name, int64_t all)
{
    struct onnx_attribute a = {.n_ints = 0};
    onnx_attribute(node, name, &a);
    for (int i = 0; i < a.n_ints && i < ONNX_MAX_DIMS; ++i)
        if (a.ints[i] != all)
            return false;
    return true;
}

enum lp_status onnx_linear_node(const struct onnx *model,
                                const struct onnx_node *node,
                                enum linear_form form, struct linear *linear)
{
    enum lp_status status = LP_OK;
    struct onnx_attribute alpha = {.f = 1}, beta = {.f = 1};
    struct onnx_attribute turned = {.i = 0}, group = {.i = 1};
    const bool gemm = onnx_is(node, "Gemm");

    onnx_attribute(node, "alpha", &alpha);
    onnx_attribute(node, "beta", &beta);
    onnx_attribute(node, "transA", &turned);
    onnx_attribute(node, "group", &group);
    if ((gemm && turned.i) ||
        (form == LINEAR_CONV && (group.i != 1 || !all_are(node, "strides", 1) ||
                                 !all_are(node, "pads", 0))))
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: node %s is not one vector of weights a "
                       "class (transposed input, groups, strides or "
                       "padding); set model.feature and "
                       "model.weight",
                       model->path, onnx_node_text(model, node).s));
    LP_TRY(onnx_linear_read(model, node->in[1],
                            node->n_in > 2 ? node->in[2] : -1, form, linear));
    for (int64_t i = 0; gemm && i < linear->n * linear->d; ++i)
        linear->w[i] *= (double)alpha.f;
    for (int64_t i = 0; gemm && i < linear->n; ++i)
        linear->b[i] *= (double)beta.f;
done:
    return status;
}
