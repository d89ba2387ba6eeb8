/* SPDX-License-Identifier: MIT */
/* backbone.h: runs a network. Everything of OpenVINO stays behind it. Local;
 * not for use from two threads. */
#ifndef LPCAM_BACKBONE_H
#define LPCAM_BACKBONE_H

#include <stddef.h>
#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"

struct backbone;

/* Compile an ONNX model from memory (borrowed for the call). precision LP_F32
 * or LP_BF16 (refused with LP_EARG where the CPU lacks the instructions).
 * threads >= 1. Fails with LP_EMODEL: the runtime's words in one sentence. */
enum lp_status backbone_open(struct backbone **b, const char *onnx, size_t n,
                             enum lp_value precision, int threads);
void backbone_close(struct backbone *b); /* NULL allowed */

/* Shape of the output for an input of h x w pixels, by shape inference:
 * shape [4] as far as the output has dimensions, *rank of them. */
enum lp_status backbone_shape(struct backbone *b, int h, int w,
                              int64_t shape[4], int *rank);

/* Cells of one side of the output, 0 its height, 1 its width, for all inputs
 * whose height and width lie in [least[0], most[0]] and [least[1], most[1]]
 * pixels; 0 where shape inference cannot tell that they are the same for all. */
int64_t backbone_side(struct backbone *b, const int least[2], const int most[2],
                      int side);

/* One image chw [3][h][w] through the network. *out belongs to the backbone
 * and is valid until the next call; shape as above ([1][d][fh][fw] for a cut
 * model). Fails with LP_EMODEL. */
enum lp_status backbone_run(struct backbone *b, const float *chw, int h, int w,
                            const float **out, int64_t shape[4], int *rank);

/* Version of the runtime, e.g. "2026.4.1-22982". Static. */
const char *backbone_version(void);

#endif
