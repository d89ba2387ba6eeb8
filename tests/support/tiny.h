/* SPDX-License-Identifier: MIT */
/* tiny.h: tiny classifiers for tests, and whether the cut of one is right. All
 * numbers are made from fixed hashes. */
#ifndef LPCAM_TEST_TINY_H
#define LPCAM_TEST_TINY_H

#include "onnx_writer.h"
#include "lpcam/net/onnx_cut.h"

enum { TINY_H = 9, TINY_W = 14, TINY_N = 3, TINY_D = 4 };

/* n numbers between -1 and 1, fixed by the seed. */
void numbers(float *v, int n, uint64_t seed);

/* The trunk: input "image" [n][3][h][w] (h = w = 0: any), one 3x3 convolution
 * of stride 2 to 4 channels, "conv", and its ReLU, "feature". */
struct message tiny_trunk(int h, int w);

/* The trunk, then GlobalAveragePool and Flatten, to "flat". */
struct message tiny_flat_trunk(void);

/* A whole classifier: the flat trunk and a Gemm with bias. */
const char *tiny_write(const char *name);

/* A linear layer: weight [N][D], turned [D][N] the same, bias [N]; and gain
 * [D], anything. */
void tiny_layer(float *weight, float *turned, float *bias, float *gain);

/* Add a node without attributes; the Gemm that makes "logits"; the output, and
 * write the file. */
void tiny_node(struct message *graph, const char *op, const char *in,
               const char *out);
void tiny_gemm(struct message *graph, const char *in, bool by_rows);
const char *tiny_finish(struct message *graph);

/* Cut model and head against the uncut model, on one input of TINY_H x TINY_W:
 * head_mismatch. */
double tiny_mismatch(const struct onnx_cut *cut);

#endif
