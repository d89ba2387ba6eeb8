/* SPDX-License-Identifier: MIT */
#include "lpcam/net/head.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

void head_release(struct head *head)
{
    free(head->weight);
    free(head->bias);
    *head = (struct head){0};
}

/* out[i] = w_i mean(f) + b_i */
static void pool_linear(const struct head *head, const float *f, int cells,
                        double *out)
{
    for (int i = 0; i < head->n; ++i)
        out[i] = (double)head->bias[i];
    for (int j = 0; j < head->d; ++j, f += cells) {
        double mean = 0;
        for (int c = 0; c < cells; ++c)
            mean += (double)f[c];
        mean /= cells;
        for (int i = 0; i < head->n; ++i)
            out[i] += (double)head->weight[(int64_t)i * head->d + j] * mean;
    }
}

/* out[i] = mean(max(0, w_i f + b_i)) */
static void relu_pool(const struct head *head, const float *f, int cells,
                      double *out)
{
    for (int i = 0; i < head->n; ++i) {
        const float *w = head->weight + (int64_t)i * head->d;
        out[i] = 0;
        for (int c = 0; c < cells; ++c) {
            double z = (double)head->bias[i];
            for (int j = 0; j < head->d; ++j)
                z += (double)w[j] * (double)f[(int64_t)j * cells + c];
            out[i] += z > 0 ? z / cells : 0;
        }
    }
}

static void softmax(double *x, int n)
{
    double most = x[0], sum = 0;
    for (int i = 1; i < n; ++i)
        most = fmax(most, x[i]);
    for (int i = 0; i < n; ++i)
        sum += x[i] = exp(x[i] - most);
    for (int i = 0; i < n; ++i)
        x[i] /= sum;
}

void head_apply(const struct head *head, const float *f, int cells, double *out)
{
    if (head->order == HEAD_LINEAR_RELU_POOL)
        relu_pool(head, f, cells, out);
    else
        pool_linear(head, f, cells, out);
    if (head->end == HEAD_SIGMOID)
        for (int i = 0; i < head->n; ++i)
            out[i] = 1 / (1 + exp(-out[i]));
    if (head->end == HEAD_SOFTMAX)
        softmax(out, head->n);
}

double head_mismatch(const struct head *head, const float *f, int cells,
                     const float *expected)
{
    double *out = malloc((size_t)head->n * sizeof *out);
    double worst = 0, most = 0;

    if (!out)
        return (double)INFINITY;
    head_apply(head, f, cells, out);
    for (int i = 0; i < head->n; ++i) {
        const double off = fabs(out[i] - (double)expected[i]);
        worst = isnan(off) ? (double)INFINITY : fmax(worst, off);
        most = fmax(most, fabs((double)expected[i]));
    }
    free(out);
    return isinf(most) ? (double)INFINITY : worst / (1 + most);
}
