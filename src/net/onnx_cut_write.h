/* SPDX-License-Identifier: MIT */
/* onnx_cut_write.h: write a model again, whole or up to one value. Local. */
#ifndef LPCAM_ONNX_CUT_WRITE_H
#define LPCAM_ONNX_CUT_WRITE_H

#include "lpcam/net/onnx_wire.h"

/* The model with the value `feature` as its only output, of any batch, height
 * and width, without what the value does not need; feature = -1: the model as
 * it is. External data is inlined. *bytes is the caller's to free. Fails with
 * LP_EMODEL (the value does not come from one photograph) or LP_ENOMEM. */
enum lp_status onnx_cut_write(const struct onnx *model, int feature,
                              char **bytes, size_t *n);

/* Mark in the zeroed value [n_values] and node [n_nodes] what the value
 * `feature` needs, itself included. */
void onnx_mark(const struct onnx *model, int feature, bool *value, bool *node);

/* An initialiser as a field of the graph: as it stands there, with tag and all,
 * or with its external data inside. */
void onnx_put_initialiser(struct wire_sink *sink, const struct onnx_tensor *t,
                          struct onnx_range field);

#endif
