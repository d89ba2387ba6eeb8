/* SPDX-License-Identifier: MIT */
/* Heads of every form that is understood, behind one tiny trunk: the cut and
 * the weights found give what the uncut classifier gives, run by the real
 * runtime. */
#include <stdio.h>

#include "support.h"
#include "tiny.h"
#include "lpcam/base/half.h"

enum { H = TINY_H, W = TINY_W, N = TINY_N, D = TINY_D };

static float weight[N * D], turned[N * D], bias[N], gain[D];
static const int64_t rows[] = {N, D}, columns[] = {D, N};
static const int64_t conv[] = {N, D, 1, 1}, spatial[] = {2, 3}, last[] = {-1};
static const int64_t four[] = {1, D, 1, 1};

static int fill(void **state)
{
    (void)state;
    tiny_layer(weight, turned, bias, gain);
    return 0;
}

static void proves(const char *path, const struct onnx_names *names,
                   enum head_order order)
{
    struct onnx_cut cut;
    assert_int_equal(onnx_cut_read(&cut, path, names), LP_OK);
    assert_string_equal(cut.feature, "feature");
    assert_int_equal(cut.head.n, N);
    assert_int_equal(cut.head.d, D);
    assert_int_equal(cut.head.order, order);
    const double off = tiny_mismatch(&cut);
    printf("mismatch %.1e\n", off);
    assert_true(off < 1e-6);
    onnx_cut_release(&cut);
}

static void
scales_and_shifts_around_the_linear_layer_are_multiplied_in(void **state)
{
    (void)state;
    const float half = 0.5f, two = 2;
    struct message graph = tiny_trunk(0, 0);
    graph_floats(&graph, "w", turned, columns, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    graph_floats(&graph, "gain", gain, four, 4);
    graph_floats(&graph, "half", &half, NULL, 0);
    graph_floats(&graph, "two", &two, NULL, 0);
    tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
    tiny_node(&graph, "Mul", "gain pooled", "x1");
    tiny_node(&graph, "Sub", "x1 half", "x2");
    tiny_node(&graph, "Div", "x2 two", "x3");
    tiny_node(&graph, "Sub", "half x3", "x4");
    tiny_node(&graph, "Add", "x4 gain", "x5");
    tiny_node(&graph, "Flatten", "x5", "flat");
    tiny_node(&graph, "MatMul", "flat w", "y1");
    tiny_node(&graph, "Sub", "y1 b", "y2");
    tiny_node(&graph, "Mul", "y2 b", "y3");
    tiny_node(&graph, "Identity", "y3", "logits");
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void a_sum_divided_by_the_area_is_a_pooling(void **state)
{
    (void)state;
    const int64_t shape[] = {-1, D};
    struct message graph = tiny_trunk(H, W), cast = attribute_int("to", 1);
    const float area = 5 * 7;
    struct message keep = attribute_int("keepdims", 0);
    graph_floats(&graph, "w", turned, columns, 2);
    graph_floats(&graph, "area", &area, NULL, 0);
    graph_int64s(&graph, "axes", spatial, 2);
    graph_int64s(&graph, "shape", shape, 2);
    graph_node(&graph, "ReduceSum", "feature axes", "sum", &keep, 1);
    tiny_node(&graph, "Div", "sum area", "mean");
    graph_node(&graph, "Cast", "mean", "cast", &cast, 1);
    tiny_node(&graph, "Reshape", "cast shape", "flat");
    tiny_node(&graph, "MatMul", "flat w", "logits");
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void a_map_flattened_and_averaged_is_pooled(void **state)
{
    (void)state;
    const int64_t shape[] = {0, D, -1};
    struct message graph = tiny_trunk(0, 0);
    struct message mean[] = {attribute_ints("axes", last, 1, true),
                             attribute_int("keepdims", 0)};
    graph_int64s(&graph, "shape", shape, 3);
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    tiny_node(&graph, "Reshape", "feature shape", "merged");
    graph_node(&graph, "ReduceMean", "merged", "flat", mean, 2);
    tiny_gemm(&graph, "flat w b", true);
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void quantised_weights_are_widened(void **state)
{
    (void)state;
    int8_t q[N * D], zero[N] = {1, -2, 0};
    const float scale[N] = {0.5f, 0.01f, 0.125f};
    struct message graph = tiny_flat_trunk(), axis = attribute_int("axis", 0);
    for (int i = 0; i < N * D; ++i)
        q[i] = (int8_t)(weight[i] * 100);
    struct message t = tensor_raw("q", 3, rows, 2, q, sizeof q);
    struct message z = tensor_raw("zero", 3, rows, 1, zero, sizeof zero);
    message_put(&graph, 5, &t);
    message_put(&graph, 5, &z);
    graph_floats(&graph, "scale", scale, rows, 1);
    graph_node(&graph, "DequantizeLinear", "q scale zero", "w", &axis, 1);
    tiny_gemm(&graph, "flat w", true);
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

/* A classifier whose weights are stored as that type, as raw bytes or in the
 * type's own field. */
static const char *stored_as(int type, bool raw)
{
    struct message graph = tiny_flat_trunk(), t = {0};
    struct message cast = attribute_int("to", 1);
    uint16_t half[N * D];
    double wide[N * D];
    value_from_f32(type == 16 ? LP_BF16 : LP_F16, weight, N * D, half);
    for (int i = 0; i < N * D; ++i)
        wide[i] = (double)weight[i];
    message_number(&t, 1, N);
    message_number(&t, 1, D);
    message_number(&t, 2, type);
    message_text(&t, 8, "stored");
    if (type == 1)
        message_bytes(&t, raw ? 9 : 4, weight, sizeof weight);
    else if (type == 11)
        message_bytes(&t, raw ? 9 : 10, wide, sizeof wide);
    else if (raw)
        message_bytes(&t, 9, half, sizeof half);
    for (int i = 0; !raw && type != 1 && type != 11 && i < N * D; ++i)
        message_number(&t, 5, half[i]);
    message_put(&graph, 5, &t);
    graph_node(&graph, "Cast", "stored", "w", &cast, 1);
    tiny_gemm(&graph, "flat w", true);
    return tiny_finish(&graph);
}

static void weights_of_every_storage_are_read(void **state)
{
    (void)state;
    static const int type[] = {1, 11, 10, 16};
    for (int i = 0; i < 4; ++i)
        proves(stored_as(type[i], true), NULL, HEAD_POOL_LINEAR);
    for (int i = 0; i < 3; ++i)
        proves(stored_as(type[i], false), NULL, HEAD_POOL_LINEAR);
}

static void weights_pass_reshapes_and_transposes(void **state)
{
    (void)state;
    const int64_t perm[] = {2, 0, 1}, axes[] = {1}, shape[] = {0, -1};
    const int64_t odd[] = {D, 1, N};
    struct message graph = tiny_flat_trunk();
    struct message turn = attribute_ints("perm", perm, 3, true);
    graph_floats(&graph, "stored", turned, odd, 3); /* [D][1][N] */
    graph_int64s(&graph, "axes", axes, 1);
    graph_int64s(&graph, "shape", shape, 2);
    graph_node(&graph, "Transpose", "stored", "w1", &turn, 1); /* [N][D][1] */
    tiny_node(&graph, "Unsqueeze", "w1 axes", "w2"); /* [N][1][D][1] */
    tiny_node(&graph, "Squeeze", "w2 axes", "w3");   /* [N][D][1] */
    tiny_node(&graph, "Reshape", "w3 shape", "w4");  /* [N][D] */
    tiny_node(&graph, "Flatten", "w4", "w");
    tiny_gemm(&graph, "flat w", true);
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void a_convolution_before_the_pooling_is_cut_at_its_input(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; ++relu) {
        struct message graph = tiny_trunk(0, 0);
        graph_floats(&graph, "w", weight, conv, 4);
        graph_floats(&graph, "b", bias, conv, 1);
        graph_floats(&graph, "shift", bias, (const int64_t[]){1, N, 1, 1}, 4);
        tiny_node(&graph, "Identity", "feature", "same");
        tiny_node(&graph, "Conv", "same w b", "maps");
        tiny_node(&graph, "Add", "maps shift", "shifted");
        tiny_node(&graph, relu ? "Relu" : "Identity", "shifted", "act");
        tiny_node(&graph, "GlobalAveragePool", "act", "pooled");
        tiny_node(&graph, "Flatten", "pooled", "logits");
        proves(tiny_finish(&graph), NULL,
               relu ? HEAD_LINEAR_RELU_POOL : HEAD_LINEAR_POOL);
    }
}

/* Nothing can read it, so it is left out. */
static void a_tensor_without_a_name_does_no_harm(void **state)
{
    (void)state;
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "", gain, four, 4);
    tiny_gemm(&graph, "flat w", true);
    proves(tiny_finish(&graph), NULL, HEAD_POOL_LINEAR);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            scales_and_shifts_around_the_linear_layer_are_multiplied_in, fill),
        cmocka_unit_test(a_sum_divided_by_the_area_is_a_pooling),
        cmocka_unit_test(a_map_flattened_and_averaged_is_pooled),
        cmocka_unit_test(quantised_weights_are_widened),
        cmocka_unit_test(weights_of_every_storage_are_read),
        cmocka_unit_test(weights_pass_reshapes_and_transposes),
        cmocka_unit_test(a_convolution_before_the_pooling_is_cut_at_its_input),
        cmocka_unit_test(a_tensor_without_a_name_does_no_harm)};
    return test_mpi_main(argc, argv, tests);
}
