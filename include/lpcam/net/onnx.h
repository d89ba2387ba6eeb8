/* SPDX-License-Identifier: MIT */
/* onnx.h: an ONNX file as its parts: nodes, tensors, inputs and outputs, as
 * ranges of the file's bytes. Reads the wire format itself (design.md section
 * 5), trusts nothing: every length is checked, depth is bounded. Local. */
#ifndef LPCAM_ONNX_H
#define LPCAM_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lpcam/base/status.h"
#include "lpcam/base/text.h"

/* A piece of the file, not terminated. */
struct onnx_range {
    const uint8_t *at;
    size_t n;
};

struct onnx_attribute {
    struct onnx_range name, tensor, s, ints, floats; /* wire values, packed or
                                                        single: see reader */
    int64_t i;
    float f;
};

struct onnx_node {
    struct onnx_range whole; /* the message, to be copied through          */
    struct onnx_range op, name, domain;
    struct onnx_range *input, *output;
    int n_inputs, n_outputs;
    struct onnx_attribute *attribute;
    int n_attributes;
};

struct onnx_tensor {
    struct onnx_range whole, name;
    int type; /* TensorProto.DataType                         */
    int n_dims;
    int64_t dims[8];
    struct onnx_range raw; /* raw_data, or the external bytes after inlining */
    struct onnx_range float_data, int32_data, int64_data, double_data;
    bool external;
};

struct onnx {
    uint8_t *bytes; /* the whole file, owned; external data behind  */
    size_t n_bytes;
    const char *path; /* for messages, borrowed                       */
    struct onnx_node *node;
    int n_nodes;
    struct onnx_tensor *tensor; /* initialisers                            */
    int n_tensors;
    struct onnx_range *input, *output; /* ValueInfoProto messages          */
    int n_inputs, n_outputs;
    struct onnx_range header; /* see onnx_cut.c for what is written back   */
    int64_t opset;
};

/* Parse the file at path. External data is read from the model's folder,
 * checked, and put behind the file's bytes; absolute locations and ".." are
 * refused. Fails with LP_EIO, LP_EMODEL (the sentence says what is wrong and
 * where) or LP_ENOMEM. onnx_release accepts what is left. */
enum lp_status onnx_read(struct onnx *model, const char *path);
void onnx_release(struct onnx *model);

#endif
