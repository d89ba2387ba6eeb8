/* SPDX-License-Identifier: MIT */
#include "lpcam/net/onnx_cut.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/net/onnx.h"
#include "onnx_constant.h"
#include "onnx_cut_write.h"
#include "onnx_search.h"

/* Pixels a side that a classifier may be frozen to. */
#define MOST_SIDE 8192

/* model.feature, model.weight and model.bias as values, -1: not set. */
struct overrides {
    int feature, weight, bias;
};

void onnx_cut_release(struct onnx_cut *cut)
{
    free(cut->cut);
    free(cut->whole);
    head_release(&cut->head);
    *cut = (struct onnx_cut){0};
}

static enum lp_status find_named(const struct onnx *model, const char *key,
                                 const char *name, bool constant, int *value)
{
    *value = -1;
    if (!name || !*name)
        return LP_OK;
    *value = onnx_find(model, onnx_range_of(name));
    if (*value < 0)
        return lp_fail(LP_EMODEL, "%s has no tensor '%s', which %s names",
                       model->path, name, key);
    if (model->value[*value].constant != constant)
        return lp_fail(LP_EMODEL, "%s: '%s', which %s names, is %s",
                       model->path, name, key,
                       constant ? "computed from the photograph, not stored"
                                : "stored, not computed from the photograph");
    return LP_OK;
}

/* ---- weights that the user names */

/* The form in which the layer that reads these weights stores them. */
static enum linear_form form_of_reader(const struct onnx *model, int weight)
{
    for (int i = 0; i < model->n_nodes; ++i) {
        const struct onnx_node *node = &model->node[i];
        const enum linear_form form = onnx_linear_form(node);
        if (form != LINEAR_NONE && node->in[1] == weight)
            return form;
    }
    return LINEAR_NONE;
}

/* [N][D][1][1] speaks for itself. A matrix is turned as the layer that reads it
 * turns it, or so that it has as many rows as there are biases. */
static enum lp_status named_form(const struct onnx *model,
                                 const struct overrides *named,
                                 enum linear_form *form)
{
    enum lp_status status = LP_OK;
    struct onnx_constant w = {0}, b = {0};

    LP_TRY(onnx_constant_read(model, named->weight, &w));
    *form = w.n_dims > 2 ? LINEAR_CONV : form_of_reader(model, named->weight);
    if (w.n_dims != 2 || *form == LINEAR_ROWS || *form == LINEAR_COLUMNS)
        goto done;
    if (named->bias >= 0)
        LP_TRY(onnx_constant_read(model, named->bias, &b));
    if (!b.v || w.dims[0] == w.dims[1] ||
        (b.n != w.dims[0] && b.n != w.dims[1]))
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: whether the %lld rows of model.weight "
                       "'%s' are classes or channels cannot be "
                       "told: no layer reads it; set model.bias too",
                       model->path, (long long)w.dims[0],
                       onnx_text(model->value[named->weight].name).s));
    *form = b.n == w.dims[0] ? LINEAR_ROWS : LINEAR_COLUMNS;
done:
    onnx_constant_release(&w);
    onnx_constant_release(&b);
    return status;
}

/* Named weights are the layer as it is: nothing is multiplied in. */
static enum lp_status use_named(const struct onnx *model,
                                const struct overrides *named,
                                struct onnx_search *s)
{
    enum lp_status status = LP_OK;
    enum linear_form form;
    LP_TRY(named_form(model, named, &form));
    LP_TRY(
        onnx_linear_read(model, named->weight, named->bias, form, &s->linear));
    affine_release(&s->after);
    affine_release(&s->before);
    LP_TRY(affine_init(&s->after));
    LP_TRY(affine_init(&s->before));
done:
    return status;
}

static enum lp_status use_named_bias(const struct onnx *model, int bias,
                                     struct onnx_search *s)
{
    enum lp_status status = LP_OK;
    struct onnx_constant c = {0};
    LP_TRY(onnx_constant_read(model, bias, &c));
    if (c.n != s->linear.n)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: model.bias '%s' has %lld numbers for "
                       "%lld classes",
                       model->path, onnx_text(model->value[bias].name).s,
                       (long long)c.n, (long long)s->linear.n));
    memcpy(s->linear.b, c.v, (size_t)c.n * sizeof *c.v);
done:
    onnx_constant_release(&c);
    return status;
}

static enum lp_status find_layer(const struct onnx *model,
                                 const struct onnx_names *names,
                                 struct onnx_search *s)
{
    enum lp_status status = LP_OK;
    struct overrides named;

    LP_TRY(find_named(model, "model.feature", names->feature, false,
                      &named.feature));
    LP_TRY(
        find_named(model, "model.weight", names->weight, true, &named.weight));
    LP_TRY(find_named(model, "model.bias", names->bias, true, &named.bias));
    if (named.feature >= 0 && named.weight >= 0)
        LP_TRY(onnx_search_end(s, model));
    else
        LP_TRY(onnx_search(s, model, named.feature < 0));
    if (named.feature >= 0)
        s->feature = named.feature;
    if (named.weight >= 0)
        LP_TRY(use_named(model, &named, s));
    else if (named.bias >= 0)
        LP_TRY(use_named_bias(model, named.bias, s));
done:
    return status;
}

/* ---- the head */

/* w x + b with what stands before and behind it multiplied in; row i. */
static bool fill_row(const struct onnx_search *s, int i, struct head *head)
{
    const int64_t d = s->linear.d;
    const int64_t at = s->after.n == 1 ? 0 : i;
    const double *w = s->linear.w + i * d;
    double bias = s->linear.b[i];
    bool finite = true;

    for (int64_t j = 0; j < d; ++j) {
        const int64_t k = s->before.n == 1 ? 0 : j;
        const float x = (float)(s->after.mul[at] * w[j] * s->before.mul[k]);
        head->weight[i * d + j] = x;
        finite = finite && isfinite(x);
        bias += w[j] * s->before.add[k];
    }
    bias = s->after.mul[at] * bias + s->after.add[at];
    head->bias[i] = (float)bias;
    return finite && isfinite(head->bias[i]);
}

static enum lp_status fill_head(const struct onnx *model,
                                const struct onnx_search *s, struct head *head)
{
    const struct linear *l = &s->linear;
    bool finite = true;

    if ((s->after.n != 1 && s->after.n != l->n) ||
        (s->before.n != 1 && s->before.n != l->d))
        return lp_fail(LP_EMODEL,
                       "%s: the linear layer has %lld classes and "
                       "%lld channels, what is scaled or shifted "
                       "beside it has others; set model.weight and "
                       "model.bias",
                       model->path, (long long)l->n, (long long)l->d);
    *head = (struct head){.n = (int)l->n, .d = (int)l->d, .end = s->end};
    head->order = s->relu         ? HEAD_LINEAR_RELU_POOL
                  : s->pool_first ? HEAD_LINEAR_POOL
                                  : HEAD_POOL_LINEAR;
    head->weight = malloc((size_t)(l->n * l->d) * sizeof *head->weight);
    head->bias = malloc((size_t)l->n * sizeof *head->bias);
    if (!head->weight || !head->bias)
        return lp_fail(LP_ENOMEM, "no memory for a head of %d x %d", head->n,
                       head->d);
    for (int i = 0; i < head->n; ++i)
        finite = fill_row(s, i, head) && finite;
    if (!finite)
        return lp_fail(LP_EMODEL,
                       "%s: the weights of the linear layer are not "
                       "all finite numbers of 32 bits",
                       model->path);
    return LP_OK;
}

/* The whole classifier's own size of input, where it is frozen. */
static enum lp_status fixed_size(const struct onnx *model, struct onnx_cut *cut)
{
    for (int i = 0; i < model->n_inputs; ++i) {
        const struct onnx_port *port = &model->input[i];
        if (model->value[port->value].tensor >= 0 || port->n_dims != 4)
            continue;
        if (port->dims[2] > MOST_SIDE || port->dims[3] > MOST_SIDE)
            return lp_fail(LP_EMODEL,
                           "%s is frozen to %lld x %lld pixels: export it with "
                           "free height and width",
                           model->path, (long long)port->dims[2],
                           (long long)port->dims[3]);
        cut->whole_h = (int)port->dims[2];
        cut->whole_w = (int)port->dims[3];
    }
    return LP_OK;
}

enum lp_status onnx_cut_read(struct onnx_cut *cut, const char *path,
                             const struct onnx_names *names)
{
    enum lp_status status = LP_OK;
    static const struct onnx_names none = {NULL, NULL, NULL};
    struct onnx model = {0};
    struct onnx_search search = {0};

    *cut = (struct onnx_cut){0};
    LP_TRY(onnx_read(&model, path));
    hash_sha256(model.bytes, model.n_bytes, cut->sha256);
    LP_TRY(find_layer(&model, names ? names : &none, &search));
    LP_TRY(fill_head(&model, &search, &cut->head));
    const struct onnx_range feature = model.value[search.feature].name;
    snprintf(cut->feature, sizeof cut->feature, "%.*s", (int)feature.n,
             (const char *)feature.at);
    LP_TRY(onnx_cut_write(&model, search.feature, &cut->cut, &cut->n_cut));
    LP_TRY(onnx_cut_write(&model, -1, &cut->whole, &cut->n_whole));
    LP_TRY(fixed_size(&model, cut));
done:
    onnx_search_release(&search);
    onnx_release(&model);
    if (status != LP_OK)
        onnx_cut_release(cut);
    return status;
}
