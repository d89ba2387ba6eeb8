/* SPDX-License-Identifier: MIT */
/* head.h: the linear layer of the classifier. Local. */
#ifndef LPCAM_HEAD_H
#define LPCAM_HEAD_H

#include <stdbool.h>

#include "lpcam/base/status.h"

enum head_order {
    HEAD_POOL_LINEAR,     /* logits = W mean(F) + b                       */
    HEAD_LINEAR_POOL,     /* logits = mean(W F + b): the same number      */
    HEAD_LINEAR_RELU_POOL /* logits = mean(ReLU(W F + b))                 */
};
enum head_end { HEAD_LOGITS, HEAD_SIGMOID, HEAD_SOFTMAX };

struct head {
    int n;         /* classes                                      */
    int d;         /* channels of the unpooled features            */
    float *weight; /* [n][d] effective rows: scale, alpha and batch
                              norm of the file are multiplied in           */
    float *bias;   /* [n], zeros where the layer has none          */
    enum head_order order;
    enum head_end end; /* what the file's output is                    */
};

void head_release(struct head *head);

/* What the classifier's output must be for features f [d][cells]:
 * out [n], computed in double. */
void head_apply(const struct head *head, const float *f, int cells,
                double *out);

/* The start-up proof: the largest |out - expected| over (1 + largest
 * |expected|), expected [n] from the uncut model; infinite where a number is
 * not finite, or without memory. */
double head_mismatch(const struct head *head, const float *f, int cells,
                     const float *expected);

#endif
