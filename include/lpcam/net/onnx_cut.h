/* SPDX-License-Identifier: MIT */
/* onnx_cut.h: find the last pooling of a classifier, cut before it, and take
 * the linear layer's weights (design.md section 5, platform.md section 7).
 * Local. */
#ifndef LPCAM_ONNX_CUT_H
#define LPCAM_ONNX_CUT_H

#include <stddef.h>

#include "lpcam/base/status.h"
#include "lpcam/net/head.h"

/* A model ready to be given to the runtime, and its last layer. */
struct onnx_cut {
    char *cut; /* the network up to the unpooled features, ONNX  */
    size_t n_cut;
    char *whole; /* the uncut classifier, external data inlined    */
    size_t n_whole;
    int whole_h, whole_w; /* the only size whole takes, in pixels; 0: any */
    struct head head;     /* W, b and how they follow the features          */
    char feature[256];    /* name of the tensor that is cut                 */
    char sha256[65];      /* of the model's file (with its external data)   */
};

/* Names that override the search; "" or NULL = found in the file. */
struct onnx_names {
    const char *feature, *weight, *bias;
};

/* Fails with LP_EIO, LP_EMODEL or LP_ENOMEM; the sentence names the node that
 * could not be understood and the keys model.feature, model.weight and
 * model.bias that help. */
enum lp_status onnx_cut_read(struct onnx_cut *cut, const char *path,
                             const struct onnx_names *names);
void onnx_cut_release(struct onnx_cut *cut);

#endif
