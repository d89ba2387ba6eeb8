/* SPDX-License-Identifier: MIT */
/* onnx_cut_write.h: write a model again, whole or up to one value. Local. */
#ifndef LPCAM_ONNX_CUT_WRITE_H
#define LPCAM_ONNX_CUT_WRITE_H

#include "lpcam/net/onnx.h"

/* The model with the value `feature` as its only output, of any batch, height
 * and width, without what the value does not need; feature = -1: the model as
 * it is. External data is inlined. *bytes is the caller's to free. Fails with
 * LP_EMODEL (the value does not come from one photograph) or LP_ENOMEM. */
enum lp_status onnx_cut_write(const struct onnx *model, int feature,
                              char **bytes, size_t *n);

#endif
