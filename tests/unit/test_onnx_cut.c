/* SPDX-License-Identifier: MIT */
/* Heads of many forms behind one tiny trunk: the cut and the weights found must
 * give what the uncut classifier gives, run by the real runtime. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "onnx_writer.h"
#include "lpcam/base/half.h"
#include "lpcam/net/backbone.h"
#include "lpcam/net/onnx_cut.h"

enum { H = 9, W = 14, N = 3, D = 4 };

static float weight[N * D], turned[N * D], bias[N], gain[D];
static const int64_t rows[] = {N, D}, columns[] = {D, N}, conv[] = {N, D, 1, 1};
static const int64_t spatial[] = {2, 3}, last[] = {-1}, four[] = {1, D, 1, 1};

static int fill(void **state)
{
    (void)state;
    numbers(weight, N * D, 11);
    numbers(bias, N, 12);
    numbers(gain, D, 13);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j)
            turned[j * N + i] = weight[i * D + j];
    return 0;
}

static void node(struct message *graph, const char *op, const char *in,
                 const char *out)
{
    graph_node(graph, op, in, out, NULL, 0);
}

/* GlobalAveragePool and Flatten of the feature, to "flat". */
static struct message flat_trunk(void)
{
    struct message graph = tiny_trunk(0, 0);
    node(&graph, "GlobalAveragePool", "feature", "pooled");
    node(&graph, "Flatten", "pooled", "flat");
    return graph;
}

static void gemm(struct message *graph, const char *in, bool by_rows)
{
    struct message a = attribute_int("transB", by_rows);
    graph_node(graph, "Gemm", in, "logits", &a, 1);
}

static const char *finish(struct message *graph)
{
    graph_output(graph, "logits");
    return model_write(graph, "head.onnx");
}

/* Cut model and head against the uncut model, on one input. */
static double mismatch(const struct onnx_cut *cut)
{
    struct backbone *part = NULL, *whole = NULL;
    float in[3 * H * W];
    const float *map, *logits;
    int64_t shape[4];
    int rank;

    numbers(in, 3 * H * W, 14);
    assert_int_equal(backbone_open(&part, cut->cut, cut->n_cut, LP_F32, 1),
                     LP_OK);
    assert_int_equal(backbone_open(&whole, cut->whole, cut->n_whole, LP_F32, 1),
                     LP_OK);
    assert_int_equal(backbone_run(whole, in, H, W, &logits, shape, &rank),
                     LP_OK);
    assert_int_equal(backbone_run(part, in, H, W, &map, shape, &rank), LP_OK);
    assert_int_equal(rank, 4);
    assert_int_equal(shape[1], cut->head.d);
    const double off =
        head_mismatch(&cut->head, map, (int)(shape[2] * shape[3]), logits);
    backbone_close(part);
    backbone_close(whole);
    return off;
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
    const double off = mismatch(&cut);
    printf("mismatch %.1e\n", off);
    assert_true(off < 1e-6);
    onnx_cut_release(&cut);
}

static void refused(const char *path, const struct onnx_names *names,
                    const char *says)
{
    struct onnx_cut cut;
    said_begin();
    const enum lp_status status = onnx_cut_read(&cut, path, names);
    char *said = said_end();
    printf("%s", said);
    assert_int_equal(status, LP_EMODEL);
    assert_non_null(strstr(said, says));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_null(cut.cut);
    free(said);
}

/* ---- forms that are understood */

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
    node(&graph, "GlobalAveragePool", "feature", "pooled");
    node(&graph, "Mul", "gain pooled", "x1");
    node(&graph, "Sub", "x1 half", "x2");
    node(&graph, "Div", "x2 two", "x3");
    node(&graph, "Sub", "half x3", "x4");
    node(&graph, "Add", "x4 gain", "x5");
    node(&graph, "Flatten", "x5", "flat");
    node(&graph, "MatMul", "flat w", "y1");
    node(&graph, "Sub", "y1 b", "y2");
    node(&graph, "Mul", "y2 b", "y3");
    node(&graph, "Identity", "y3", "logits");
    proves(finish(&graph), NULL, HEAD_POOL_LINEAR);
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
    node(&graph, "Div", "sum area", "mean");
    graph_node(&graph, "Cast", "mean", "cast", &cast, 1);
    node(&graph, "Reshape", "cast shape", "flat");
    node(&graph, "MatMul", "flat w", "logits");
    proves(finish(&graph), NULL, HEAD_POOL_LINEAR);
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
    node(&graph, "Reshape", "feature shape", "merged");
    graph_node(&graph, "ReduceMean", "merged", "flat", mean, 2);
    gemm(&graph, "flat w b", true);
    proves(finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void quantised_weights_are_widened(void **state)
{
    (void)state;
    int8_t q[N * D], zero[N] = {1, -2, 0};
    const float scale[N] = {0.5f, 0.01f, 0.125f};
    struct message graph = flat_trunk(), axis = attribute_int("axis", 0);
    for (int i = 0; i < N * D; ++i)
        q[i] = (int8_t)(weight[i] * 100);
    struct message t = tensor_raw("q", 3, rows, 2, q, sizeof q);
    struct message z = tensor_raw("zero", 3, rows, 1, zero, sizeof zero);
    message_put(&graph, 5, &t);
    message_put(&graph, 5, &z);
    graph_floats(&graph, "scale", scale, rows, 1);
    graph_node(&graph, "DequantizeLinear", "q scale zero", "w", &axis, 1);
    gemm(&graph, "flat w", true);
    proves(finish(&graph), NULL, HEAD_POOL_LINEAR);
}

/* A classifier whose weights are stored as that type, as raw bytes or in the
 * type's own field. */
static const char *stored_as(int type, bool raw)
{
    struct message graph = flat_trunk(), t = {0};
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
    gemm(&graph, "flat w", true);
    return finish(&graph);
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

/* The proof would not find it: cut and uncut model are misread alike. */
static void storage_that_the_runtime_misreads_is_refused(void **state)
{
    (void)state;
    refused(stored_as(16, false), NULL, "'stored' keeps bfloat16");
}

static void weights_pass_reshapes_and_transposes(void **state)
{
    (void)state;
    const int64_t perm[] = {2, 0, 1}, axes[] = {1}, shape[] = {0, -1};
    const int64_t odd[] = {D, 1, N};
    struct message graph = flat_trunk();
    struct message turn = attribute_ints("perm", perm, 3, true);
    graph_floats(&graph, "stored", turned, odd, 3); /* [D][1][N] */
    graph_int64s(&graph, "axes", axes, 1);
    graph_int64s(&graph, "shape", shape, 2);
    graph_node(&graph, "Transpose", "stored", "w1", &turn, 1); /* [N][D][1] */
    node(&graph, "Unsqueeze", "w1 axes", "w2"); /* [N][1][D][1] */
    node(&graph, "Squeeze", "w2 axes", "w3");   /* [N][D][1] */
    node(&graph, "Reshape", "w3 shape", "w4");  /* [N][D] */
    node(&graph, "Flatten", "w4", "w");
    gemm(&graph, "flat w", true);
    proves(finish(&graph), NULL, HEAD_POOL_LINEAR);
}

static void a_convolution_before_the_pooling_is_cut_at_its_input(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; ++relu) {
        struct message graph = tiny_trunk(0, 0);
        graph_floats(&graph, "w", weight, conv, 4);
        graph_floats(&graph, "b", bias, conv, 1);
        graph_floats(&graph, "shift", bias, (const int64_t[]){1, N, 1, 1}, 4);
        node(&graph, "Identity", "feature", "same");
        node(&graph, "Conv", "same w b", "maps");
        node(&graph, "Add", "maps shift", "shifted");
        node(&graph, relu ? "Relu" : "Identity", "shifted", "act");
        node(&graph, "GlobalAveragePool", "act", "pooled");
        node(&graph, "Flatten", "pooled", "logits");
        proves(finish(&graph), NULL,
               relu ? HEAD_LINEAR_RELU_POOL : HEAD_LINEAR_POOL);
    }
}

/* ---- what is cut, and what is kept */

static void what_the_cut_does_not_need_is_left_out(void **state)
{
    (void)state;
    struct onnx_cut cut;
    struct message graph = flat_trunk();
    float large[4096] = {0};
    const int64_t dims[] = {4096};
    graph_floats(&graph, "unused", large, dims, 1);
    graph_floats(&graph, "w", weight, rows, 2);
    gemm(&graph, "flat w", true);
    assert_int_equal(onnx_cut_read(&cut, finish(&graph), NULL), LP_OK);
    assert_true(cut.n_whole > sizeof large);
    assert_true(cut.n_cut < 2000);
    onnx_cut_release(&cut);
}

static void a_value_only_a_sub_graph_reads_is_kept(void **state)
{
    (void)state;
    struct onnx_cut cut;
    struct message graph = tiny_trunk(0, 0), branch[2] = {{0}};
    const uint8_t yes = 1;
    struct message t = tensor_raw("yes", 9, NULL, 0, &yes, 1);
    graph_floats(&graph, "gain", gain, four, 4);
    message_put(&graph, 5, &t);
    for (int i = 0; i < 2; ++i) {
        struct message inner = {0};
        node(&inner, "Mul", "feature gain", i ? "b" : "a");
        graph_output(&inner, i ? "b" : "a");
        message_text(&inner, 2, "branch");
        message_text(&branch[i], 1, i ? "else_branch" : "then_branch");
        message_put(&branch[i], 6, &inner);
        message_number(&branch[i], 20, 5);
    }
    graph_node(&graph, "If", "yes", "map", branch, 2);
    graph_floats(&graph, "w", weight, rows, 2);
    node(&graph, "GlobalAveragePool", "map", "pooled");
    node(&graph, "Flatten", "pooled", "flat");
    gemm(&graph, "flat w", true);
    assert_int_equal(onnx_cut_read(&cut, finish(&graph), NULL), LP_OK);
    assert_string_equal(cut.feature, "map");
    assert_true(mismatch(&cut) < 1e-6);
    onnx_cut_release(&cut);
}

/* ---- what is not understood, and overrides */

static void what_is_no_global_average_is_refused_by_name(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0);
    node(&graph, "GlobalMaxPool", "feature", "pooled");
    node(&graph, "Flatten", "pooled", "flat");
    graph_floats(&graph, "w", weight, rows, 2);
    gemm(&graph, "flat w", true);
    refused(finish(&graph), NULL, "GlobalMaxPool 'pooled'");

    const int64_t one[] = {3};
    struct message mean = attribute_ints("axes", one, 1, true);
    graph = tiny_trunk(0, 0);
    graph_node(&graph, "ReduceMean", "feature", "flat", &mean, 1);
    graph_floats(&graph, "w", weight, rows, 2);
    gemm(&graph, "flat w", true);
    refused(finish(&graph), NULL, "ReduceMean 'flat'");
}

static void linear_layers_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct message graph = flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "b", weight, columns, 1);
    gemm(&graph, "flat w b", true);
    refused(finish(&graph), NULL, "bias 'b' has 4 numbers for 3 classes");

    const int64_t wide[] = {N, 2, 1, 2};
    graph = tiny_trunk(0, 0);
    graph_floats(&graph, "w", weight, wide, 4);
    node(&graph, "Conv", "feature w", "maps");
    node(&graph, "GlobalAveragePool", "maps", "logits");
    refused(finish(&graph), NULL, "'w' are not one vector a class");

    float bad[N * D];
    memcpy(bad, weight, sizeof bad);
    bad[5] = NAN;
    graph = flat_trunk();
    graph_floats(&graph, "w", bad, rows, 2);
    gemm(&graph, "flat w", true);
    refused(finish(&graph), NULL, "finite");

    graph = flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "five", weight, (const int64_t[]){1, 5}, 2);
    node(&graph, "Mul", "flat five", "odd");
    gemm(&graph, "odd w", true);
    refused(finish(&graph), NULL, "3 classes and 4 channels");
}

static void weights_computed_from_weights_are_refused_by_name(void **state)
{
    (void)state;
    struct message graph = flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    node(&graph, "Tanh", "w", "w2");
    gemm(&graph, "flat w2", true);
    refused(finish(&graph), NULL, "Tanh 'w2'");
}

static void a_classifier_has_one_output_and_one_photograph(void **state)
{
    (void)state;
    struct message graph = flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    gemm(&graph, "flat w", true);
    graph_output(&graph, "feature");
    refused(finish(&graph), NULL, "2 outputs");

    const int64_t gray[] = {0, 1, 0, 0};
    const int64_t k[] = {4, 1, 3, 3};
    float kernel[36];
    graph = (struct message){0};
    numbers(kernel, 36, 5);
    graph_input(&graph, "gray", gray, 4);
    graph_floats(&graph, "k", kernel, k, 4);
    graph_floats(&graph, "w", weight, rows, 2);
    node(&graph, "Conv", "gray k", "feature");
    node(&graph, "GlobalAveragePool", "feature", "pooled");
    node(&graph, "Flatten", "pooled", "flat");
    gemm(&graph, "flat w", true);
    refused(finish(&graph), NULL, "'gray' is not a float32 photograph");
}

/* A head the search does not follow: x * tanh(1) by a node it does not know. */
static const char *odd_head(bool with_reader)
{
    struct message graph = flat_trunk();
    graph_floats(&graph, "w", turned, columns, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    if (with_reader) {
        node(&graph, "MatMul", "flat w", "scores");
    } else {
        node(&graph, "Sum", "w", "w2");
        node(&graph, "MatMul", "flat w2", "scores");
    }
    node(&graph, "Sum", "scores b", "logits");
    return finish(&graph);
}

static void names_help_where_the_search_stops(void **state)
{
    (void)state;
    const struct onnx_names all = {"feature", "w", "b"};
    refused(odd_head(true), NULL, "Sum 'logits'");
    proves(odd_head(true), &all, HEAD_POOL_LINEAR);
    proves(odd_head(false), &all, HEAD_POOL_LINEAR);
}

static void named_weights_that_cannot_be_turned_are_refused(void **state)
{
    (void)state;
    const struct onnx_names no_bias = {"feature", "w", ""};
    refused(odd_head(false), &no_bias, "set model.bias too");
    const struct onnx_names none = {"feature", "v", ""};
    refused(odd_head(true), &none, "no tensor 'v', which model.weight names");
    const struct onnx_names mixed = {"w", "feature", NULL};
    refused(odd_head(true), &mixed, "model.feature names, is stored");
    const struct onnx_names wrong = {"feature", "scores", NULL};
    refused(odd_head(true), &wrong, "model.weight names, is computed");
}

static void a_named_feature_needs_no_pooling_that_is_understood(void **state)
{
    (void)state;
    struct onnx_cut cut;
    const struct onnx_names names = {"feature", NULL, NULL};
    struct message graph = tiny_trunk(0, 0);
    node(&graph, "GlobalMaxPool", "feature", "pooled");
    node(&graph, "Flatten", "pooled", "flat");
    graph_floats(&graph, "w", weight, rows, 2);
    gemm(&graph, "flat w", true);
    const char *path = finish(&graph);
    assert_int_equal(onnx_cut_read(&cut, path, &names), LP_OK);
    /* The proof is what finds that a maximum is no mean. */
    assert_true(mismatch(&cut) > 1e-2);
    onnx_cut_release(&cut);
}

static void a_named_bias_replaces_the_one_found(void **state)
{
    (void)state;
    struct onnx_cut cut;
    const struct onnx_names names = {NULL, NULL, "other"};
    struct message graph = flat_trunk();
    const float other[N] = {5, 6, 7};
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    graph_floats(&graph, "other", other, rows, 1);
    gemm(&graph, "flat w b", true);
    assert_int_equal(onnx_cut_read(&cut, finish(&graph), &names), LP_OK);
    assert_memory_equal(cut.head.bias, other, sizeof other);
    assert_memory_equal(cut.head.weight, weight, sizeof weight);
    onnx_cut_release(&cut);
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
        cmocka_unit_test(storage_that_the_runtime_misreads_is_refused),
        cmocka_unit_test(weights_pass_reshapes_and_transposes),
        cmocka_unit_test(a_convolution_before_the_pooling_is_cut_at_its_input),
        cmocka_unit_test(what_the_cut_does_not_need_is_left_out),
        cmocka_unit_test(a_value_only_a_sub_graph_reads_is_kept),
        cmocka_unit_test(what_is_no_global_average_is_refused_by_name),
        cmocka_unit_test(linear_layers_that_make_no_sense_are_refused),
        cmocka_unit_test(weights_computed_from_weights_are_refused_by_name),
        cmocka_unit_test(a_classifier_has_one_output_and_one_photograph),
        cmocka_unit_test(names_help_where_the_search_stops),
        cmocka_unit_test(named_weights_that_cannot_be_turned_are_refused),
        cmocka_unit_test(a_named_feature_needs_no_pooling_that_is_understood),
        cmocka_unit_test(a_named_bias_replaces_the_one_found)};
    return test_mpi_main(argc, argv, tests);
}
