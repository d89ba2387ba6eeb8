/* SPDX-License-Identifier: MIT */
/* onnx_lpcam.h: a classifier as a network whose output is LPCAM maps, for any
 * runtime of ONNX. Local. */
#ifndef LPCAM_ONNX_LPCAM_H
#define LPCAM_ONNX_LPCAM_H

#include <stddef.h>

#include "lpcam/base/status.h"

/* A line of the model's metadata. */
struct onnx_entry {
    const char *key, *value;
};

/* What the network is made of; all of it borrowed. */
struct onnx_lpcam {
    const char *path; /* of the classifier, for messages                */
    const char *cut;  /* up to the unpooled features, from onnx_cut.h      */
    size_t n_cut;
    const float *vector; /* [n][d] M of prototypes.h                      */
    int n, d;
    const struct onnx_entry *entry; /* [n_entries]; an entry of the
                                       classifier of the same key gives way */
    int n_entries;
};

/* The cut network, then features of length 1 in every cell, one 1x1
 * convolution with M, ReLU: photograph [b][3][h][w] in, the maps [b][n][mh][mw]
 * out, which is lpcam_view of cam.h without a mirror. A cell whose features
 * are all 0 gives 0. The operators are those of the classifier's own opset;
 * sizes that were free stay free. *bytes is the caller's to free. Fails with
 * LP_EMODEL (an opset before 7, 2 GiB) or LP_ENOMEM. Source: method.md step 7,
 * one vector a class. */
enum lp_status onnx_lpcam_make(const struct onnx_lpcam *from, char **bytes,
                               size_t *n);

#endif
