/* SPDX-License-Identifier: MIT */
/* onnx_refit.h: a classifier's file with another linear layer. Local. */
#ifndef LPCAM_ONNX_REFIT_H
#define LPCAM_ONNX_REFIT_H

#include "lpcam/net/onnx_cut.h"

/* The classifier at path with logits W mean(F) + b, where F are its unpooled
 * features and W, b those of head (n, d, weight, bias; bias may hold zeros).
 *
 * Up to F every node and tensor stays as it is, byte for byte, external data
 * apart, which comes inside. From F on whatever the file has is replaced, in
 * all forms that onnx_cut_read understands, by GlobalAveragePool, Flatten and
 * Gemm: no sigmoid, softmax or batch norm is left behind. The output keeps its
 * name, its shape is [batch][n].
 * *bytes is the caller's to free. Fails with what onnx_cut_read fails with,
 * LP_EARG (head->d is not the number of channels) and LP_EMODEL for an operator
 * set before 7, where Gemm means something else. */
enum lp_status onnx_refit(const char *path, const struct onnx_names *names,
                          const struct head *head, char **bytes, size_t *n);

#endif
