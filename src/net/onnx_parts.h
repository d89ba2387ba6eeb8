/* SPDX-License-Identifier: MIT */
/* onnx_parts.h: the steps of onnx_read. Each fails with LP_EMODEL, LP_EIO or
 * LP_ENOMEM, reported. Local. */
#ifndef LPCAM_ONNX_PARTS_H
#define LPCAM_ONNX_PARTS_H

#include "lpcam/net/onnx_wire.h"

/* Find nodes, tensors and ports in model->bytes. */
enum lp_status onnx_parse(struct onnx *model);

/* Number the values; check that each is made once, before it is read. */
enum lp_status onnx_link(struct onnx *model);

/* Bytes that external data will take behind the file. */
enum lp_status onnx_external_size(const struct onnx *model, size_t *n);

/* Read them there; the buffer has room. */
enum lp_status onnx_external_load(struct onnx *model);

/* The sentence for a message that cannot be read on. */
enum lp_status onnx_broken(const struct onnx *model, const struct wire *wire);

/* One more dimension; those above ONNX_MAX_DIMS are only counted, to be
 * refused once the name of what has them is known. */
void onnx_add_dim(int64_t *dims, int *n_dims, int64_t dim);
enum lp_status onnx_check_rank(const struct onnx *model, struct onnx_range name,
                               int n_dims);

#endif
