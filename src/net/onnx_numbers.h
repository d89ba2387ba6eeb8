/* SPDX-License-Identifier: MIT */
/* onnx_numbers.h: the numbers stored in a tensor message. Local. */
#ifndef LPCAM_ONNX_NUMBERS_H
#define LPCAM_ONNX_NUMBERS_H

#include "lpcam/net/onnx.h"

/* All numbers of t, in whichever field they stand, to v [n]. False when their
 * type is not one of enum onnx_type or there are not n of them. */
bool onnx_tensor_numbers(const struct onnx_tensor *t, double *v, int64_t n);

/* value_float, value_floats, value_int or value_ints of a Constant node: how
 * many there are, the first `room` of them to v. */
int64_t onnx_attribute_numbers(const struct onnx_attribute *a, double *v,
                               int64_t room);

#endif
