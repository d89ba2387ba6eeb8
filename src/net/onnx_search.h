/* SPDX-License-Identifier: MIT */
/* onnx_search.h: walk back from a classifier's output through what only
 * scales, shifts or reshapes, to its linear layer and its last pooling.
 * Local. */
#ifndef LPCAM_ONNX_SEARCH_H
#define LPCAM_ONNX_SEARCH_H

#include "lpcam/net/head.h"
#include "lpcam/net/onnx.h"

/* y = mul * x + add for each channel, or with n = 1 for all. */
struct affine {
    int64_t n;
    double *mul, *add; /* [n] */
};

/* y = w x + b */
struct linear {
    int64_t n, d; /* classes, channels; 0: not found yet                */
    double *w;    /* [n][d] */
    double *b;    /* [n] */
};

struct onnx_search {
    const struct onnx *model;
    int value;            /* how far the walk has come                   */
    int feature;          /* enters the last pooling; -1: to be found    */
    struct affine after;  /* between the linear layer and the output     */
    struct affine before; /* between pooling and linear layer            */
    struct linear linear;
    bool pooled, relu; /* met on the way                              */
    bool pool_first;   /* the pooling is nearer to the output         */
    enum head_end end;
};

/* Walk from the output until linear layer and pooling are found; without
 * need_pool the linear layer is enough. Fails with LP_EMODEL (the sentence
 * names the node that stops the walk) or LP_ENOMEM; onnx_search_release
 * accepts what is left. */
enum lp_status onnx_search(struct onnx_search *s, const struct onnx *model,
                           bool need_pool);
void onnx_search_release(struct onnx_search *s);

/* Only what the output ends with, into s->end. Fails and is released as above. */
enum lp_status onnx_search_end(struct onnx_search *s, const struct onnx *model);

/* Is the node a linear layer; which way does it store its weights? */
enum linear_form { LINEAR_NONE, LINEAR_ROWS, LINEAR_COLUMNS, LINEAR_CONV };
enum linear_form onnx_linear_form(const struct onnx_node *node);

/* Weights of that form, from value number weight, to linear->w, n and d, and
 * biases from value number bias (-1: zeros) to linear->b. Fails as above. */
enum lp_status onnx_linear_read(const struct onnx *model, int weight, int bias,
                                enum linear_form form, struct linear *linear);

/* The linear layer in the node, alpha and beta multiplied in. Fails as
 * above. */
enum lp_status onnx_linear_node(const struct onnx *model,
                                const struct onnx_node *node,
                                enum linear_form form, struct linear *linear);

/* y = c * x or y = x + c comes before what a is. Fails as above. */
enum lp_status affine_init(struct affine *a);
enum lp_status affine_node(struct affine *a, const struct onnx *model,
                           const struct onnx_node *node, int *next);
void affine_release(struct affine *a);

#endif
