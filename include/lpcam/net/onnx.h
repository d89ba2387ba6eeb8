/* SPDX-License-Identifier: MIT */
/* onnx.h: an ONNX file as its parts: nodes, tensors, inputs and outputs, as
 * ranges of the file's bytes, and who makes and reads which value. Reads the
 * wire format itself (design.md section 5), trusts nothing: every length is
 * checked, depth is bounded. Local. */
#ifndef LPCAM_ONNX_H
#define LPCAM_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lpcam/base/status.h"

#define ONNX_MAX_DIMS 8

/* TensorProto.DataType, as far as numbers are read from tensors. */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16
};

/* A piece of the file, not terminated. */
struct onnx_range {
    const uint8_t *at;
    size_t n;
};

/* One attribute of a node, read from the node's bytes when asked for. */
struct onnx_attribute {
    struct onnx_range whole, tensor;
    int64_t i;
    float f;
    int n_ints; /* all of them; the first ONNX_MAX_DIMS are in ints */
    int64_t ints[ONNX_MAX_DIMS];
};

/* What has a name in the graph. Values are numbered; the indices of producer,
 * tensor and input are -1 where the value is not of that kind. */
struct onnx_value {
    struct onnx_range name;
    int node;      /* whose output it is                             */
    int tensor;    /* the initialiser                                */
    int input;     /* the input of the graph                         */
    bool constant; /* depends on no input of the graph               */
};

/* Values a node reads and writes, -1 for an input left out. Behind its own
 * n_in inputs stand those that its sub-graphs read: n_uses in all. A node reads
 * only what stands before it, so walking back always ends. */
struct onnx_node {
    struct onnx_range whole; /* the message, to be copied through      */
    struct onnx_range op, name, domain;
    const int *in, *out;
    int first, n_in, n_uses, n_out; /* first: in the list of all links    */
};

struct onnx_tensor {
    struct onnx_range whole, name;
    int type; /* enum onnx_type, or another of TensorProto.DataType       */
    int n_dims;
    int64_t dims[ONNX_MAX_DIMS];
    struct onnx_range raw; /* raw_data, or the external bytes once read   */
    bool external;
    struct onnx_range location; /* of external data, in the model's folder */
    int64_t offset, length;     /* of external data; length -1: not said   */
};

/* An input or output of the graph. */
struct onnx_port {
    struct onnx_range name;
    int type;   /* enum onnx_type                                       */
    int n_dims; /* -1: not said                                         */
    int64_t dims[ONNX_MAX_DIMS]; /* 0: any                              */
    int value;
};

struct onnx {
    const char *path; /* for messages, borrowed                          */
    uint8_t *bytes;   /* owned: the file, the external data behind it    */
    size_t n_file, n_bytes;
    struct onnx_range graph; /* the graph's message                      */
    struct onnx_node *node;
    struct onnx_tensor *tensor; /* initialisers                          */
    struct onnx_port *input, *output;
    struct onnx_value *value;
    int n_nodes, n_tensors, n_inputs, n_outputs, n_values;
    struct onnx_range *name; /* [n_links] of all nodes' inputs and outputs */
    int *link;               /* [n_links] their values                    */
    int n_links;
    int *slot; /* [n_slots] hash table of values by name                 */
    int n_slots;
};

/* Parse the file at path. External data is read from the model's folder,
 * checked, and put behind the file's bytes; absolute locations and ".." are
 * refused, and so are models of 2 GiB or more. Fails with LP_EIO, LP_EMODEL
 * (the sentence says what is wrong and where) or LP_ENOMEM. onnx_release
 * accepts what is left. */
enum lp_status onnx_read(struct onnx *model, const char *path);
void onnx_release(struct onnx *model);

/* The value of that name, -1 if there is none. */
int onnx_find(const struct onnx *model, struct onnx_range name);

/* Is the node this operator of the standard set? */
bool onnx_is(const struct onnx_node *node, const char *op);

/* The node's attribute of that name; without one false, and *attribute keeps
 * its value, the default. */
bool onnx_attribute(const struct onnx_node *node, const char *name,
                    struct onnx_attribute *attribute);

/* One tensor message. Fails with LP_EMODEL, reported. */
enum lp_status onnx_tensor_read(const struct onnx *model,
                                struct onnx_range whole,
                                struct onnx_tensor *tensor);

/* Bytes of one element, 0 where a type is smaller, longer or unknown. */
size_t onnx_type_bytes(int type);

/* For messages: a name as printable text, and a node as "Gemm 'fc'". */
struct onnx_text {
    char s[120];
};
struct onnx_range onnx_range_of(const char *s);
bool onnx_same(struct onnx_range range, const char *s);
bool onnx_equal(struct onnx_range a, struct onnx_range b);
struct onnx_text onnx_text(struct onnx_range range);
struct onnx_text onnx_node_text(const struct onnx *model,
                                const struct onnx_node *node);

#endif
