/* SPDX-License-Identifier: MIT */
/* onnx_constant.h: the numbers of a value that no photograph changes: an
 * initialiser or a Constant node, also behind Identity, Cast, Transpose,
 * Reshape, Flatten, Squeeze, Unsqueeze and DequantizeLinear. Local. */
#ifndef LPCAM_ONNX_CONSTANT_H
#define LPCAM_ONNX_CONSTANT_H

#include "lpcam/net/onnx.h"

struct onnx_constant {
    int n_dims;
    int64_t dims[ONNX_MAX_DIMS];
    int64_t n; /* elements: the product of dims */
    double *v; /* [n] row-major                 */
};

/* Fails with LP_EMODEL (the sentence names the value and what stands in the
 * way) or LP_ENOMEM; then there is nothing to release. */
enum lp_status onnx_constant_read(const struct onnx *model, int value,
                                  struct onnx_constant *c);
void onnx_constant_release(struct onnx_constant *c);

/* Dimension axis of n_dims counted from the front; -1 if there is none. */
int onnx_axis(int64_t axis, int n_dims);

/* The axes a node names, by attribute or as its second input (the form of
 * later opsets). *n = 0 when it names none, at most ONNX_MAX_DIMS. */
enum lp_status onnx_axes(const struct onnx *model, const struct onnx_node *node,
                         int64_t axes[ONNX_MAX_DIMS], int *n);

#endif
