/* SPDX-License-Identifier: MIT */
#include "tiny.h"

#include "support.h"
#include "lpcam/base/hash.h"
#include "lpcam/net/backbone.h"

void numbers(float *v, int n, uint64_t seed)
{
    for (int i = 0; i < n; ++i)
        v[i] = (float)(hash_mix(seed, (uint64_t)i) >> 40) * 0x1p-23f - 1;
}

struct message tiny_trunk(int h, int w)
{
    const int64_t in[] = {h ? 1 : 0, 3, h, w}, k[] = {4, 3, 3, 3}, b[] = {4};
    const int64_t two[] = {2, 2}, one[] = {1, 1, 1, 1};
    float weight[108], bias[4];
    struct message graph = {0};
    struct message a[] = {attribute_ints("strides", two, 2, false),
                          attribute_ints("pads", one, 4, true)};
    numbers(weight, 108, 1);
    numbers(bias, 4, 2);
    message_text(&graph, 2, "tiny");
    graph_input(&graph, "image", in, 4);
    graph_floats(&graph, "c.weight", weight, k, 4);
    graph_floats(&graph, "c.bias", bias, b, 1);
    graph_node(&graph, "Conv", "image c.weight c.bias", "conv", a, 2);
    graph_node(&graph, "Relu", "conv", "feature", NULL, 0);
    return graph;
}

void tiny_node(struct message *graph, const char *op, const char *in,
               const char *out)
{
    graph_node(graph, op, in, out, NULL, 0);
}

struct message tiny_flat_trunk(void)
{
    struct message graph = tiny_trunk(0, 0);
    tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    return graph;
}

void tiny_gemm(struct message *graph, const char *in, bool by_rows)
{
    struct message a = attribute_int("transB", by_rows);
    graph_node(graph, "Gemm", in, "logits", &a, 1);
}

const char *tiny_finish(struct message *graph)
{
    graph_output(graph, "logits");
    return model_write(graph, "head.onnx");
}

const char *tiny_write(const char *name)
{
    const int64_t dims[] = {TINY_N, TINY_D};
    float weight[TINY_N * TINY_D], bias[TINY_N];
    struct message graph = tiny_flat_trunk();
    numbers(weight, TINY_N * TINY_D, 3);
    numbers(bias, TINY_N, 4);
    graph_floats(&graph, "fc.weight", weight, dims, 2);
    graph_floats(&graph, "fc.bias", bias, dims, 1);
    tiny_gemm(&graph, "flat fc.weight fc.bias", true);
    graph_output(&graph, "logits");
    return model_write(&graph, name);
}

void tiny_layer(float *weight, float *turned, float *bias, float *gain)
{
    numbers(weight, TINY_N * TINY_D, 11);
    numbers(bias, TINY_N, 12);
    numbers(gain, TINY_D, 13);
    for (int i = 0; i < TINY_N; ++i)
        for (int j = 0; j < TINY_D; ++j)
            turned[j * TINY_N + i] = weight[i * TINY_D + j];
}

double tiny_mismatch(const struct onnx_cut *cut)
{
    struct backbone *part = NULL, *whole = NULL;
    float in[3 * TINY_H * TINY_W];
    const float *map, *logits;
    int64_t shape[4];
    int rank;

    numbers(in, 3 * TINY_H * TINY_W, 14);
    assert_int_equal(backbone_open(&part, cut->cut, cut->n_cut, LP_F32, 1),
                     LP_OK);
    assert_int_equal(backbone_open(&whole, cut->whole, cut->n_whole, LP_F32, 1),
                     LP_OK);
    assert_int_equal(
        backbone_run(whole, in, TINY_H, TINY_W, &logits, shape, &rank), LP_OK);
    assert_int_equal(backbone_run(part, in, TINY_H, TINY_W, &map, shape, &rank),
                     LP_OK);
    assert_int_equal(rank, 4);
    assert_int_equal(shape[1], cut->head.d);
    const double off =
        head_mismatch(&cut->head, map, (int)(shape[2] * shape[3]), logits);
    backbone_close(part);
    backbone_close(whole);
    return off;
}
