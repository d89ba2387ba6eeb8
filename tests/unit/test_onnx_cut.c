/* SPDX-License-Identifier: MIT */
/* What is cut and kept, what is refused, and what names in the configuration
 * can help. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tiny.h"

enum { N = TINY_N, D = TINY_D };

static float weight[N * D], turned[N * D], bias[N], gain[D];
static const int64_t rows[] = {N, D}, columns[] = {D, N};
static const int64_t four[] = {1, D, 1, 1};

static int fill(void **state)
{
    (void)state;
    tiny_layer(weight, turned, bias, gain);
    return 0;
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

/* ---- what is cut, and what is kept */

static void what_the_cut_does_not_need_is_left_out(void **state)
{
    (void)state;
    struct onnx_cut cut;
    struct message graph = tiny_flat_trunk();
    float large[4096] = {0};
    const int64_t dims[] = {4096};
    graph_floats(&graph, "unused", large, dims, 1);
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    assert_int_equal(onnx_cut_read(&cut, tiny_finish(&graph), NULL), LP_OK);
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
        tiny_node(&inner, "Mul", "feature gain", i ? "b" : "a");
        graph_output(&inner, i ? "b" : "a");
        message_text(&inner, 2, "branch");
        message_text(&branch[i], 1, i ? "else_branch" : "then_branch");
        message_put(&branch[i], 6, &inner);
        message_number(&branch[i], 20, 5);
    }
    graph_node(&graph, "If", "yes", "map", branch, 2);
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_node(&graph, "GlobalAveragePool", "map", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    tiny_gemm(&graph, "flat w", true);
    assert_int_equal(onnx_cut_read(&cut, tiny_finish(&graph), NULL), LP_OK);
    assert_string_equal(cut.feature, "map");
    assert_true(tiny_mismatch(&cut) < 1e-6);
    onnx_cut_release(&cut);
}

/* ---- what is not understood, and overrides */

static void what_is_no_global_average_is_refused_by_name(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0);
    tiny_node(&graph, "GlobalMaxPool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    refused(tiny_finish(&graph), NULL, "GlobalMaxPool 'pooled'");

    const int64_t one[] = {3};
    struct message mean = attribute_ints("axes", one, 1, true);
    graph = tiny_trunk(0, 0);
    graph_node(&graph, "ReduceMean", "feature", "flat", &mean, 1);
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    refused(tiny_finish(&graph), NULL, "ReduceMean 'flat'");
}

static void a_scaled_probability_is_refused(void **state)
{
    (void)state;
    const float two = 2;
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", turned, columns, 2);
    graph_floats(&graph, "two", &two, NULL, 0);
    tiny_node(&graph, "MatMul", "flat w", "scores");
    tiny_node(&graph, "Sigmoid", "scores", "share");
    tiny_node(&graph, "Mul", "share two", "logits");
    refused(tiny_finish(&graph), NULL, "Sigmoid 'share'");
}

static void linear_layers_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "b", weight, columns, 1);
    tiny_gemm(&graph, "flat w b", true);
    refused(tiny_finish(&graph), NULL, "bias 'b' has 4 numbers for 3 classes");

    const int64_t wide[] = {N, 2, 1, 2};
    graph = tiny_trunk(0, 0);
    graph_floats(&graph, "w", weight, wide, 4);
    tiny_node(&graph, "Conv", "feature w", "maps");
    tiny_node(&graph, "GlobalAveragePool", "maps", "logits");
    refused(tiny_finish(&graph), NULL, "'w' are not one vector a class");

    float bad[N * D];
    memcpy(bad, weight, sizeof bad);
    bad[5] = NAN;
    graph = tiny_flat_trunk();
    graph_floats(&graph, "w", bad, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    refused(tiny_finish(&graph), NULL, "finite");

    float large[D] = {1e30f, 1, 1, 1}; /* 1e60 fits a double, not the head */
    bad[0] = large[0];
    bad[5] = 0;
    graph = tiny_flat_trunk();
    graph_floats(&graph, "w", bad, rows, 2);
    graph_floats(&graph, "gain", large, columns, 1);
    tiny_node(&graph, "Mul", "flat gain", "scaled");
    tiny_gemm(&graph, "scaled w", true);
    refused(tiny_finish(&graph), NULL, "finite");

    graph = tiny_flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "five", weight, (const int64_t[]){1, 5}, 2);
    tiny_node(&graph, "Mul", "flat five", "odd");
    tiny_gemm(&graph, "odd w", true);
    refused(tiny_finish(&graph), NULL, "3 classes and 4 channels");
}

static void weights_computed_from_weights_are_refused_by_name(void **state)
{
    (void)state;
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_node(&graph, "Tanh", "w", "w2");
    tiny_gemm(&graph, "flat w2", true);
    refused(tiny_finish(&graph), NULL, "Tanh 'w2'");
}

static void a_classifier_has_one_output_and_one_photograph(void **state)
{
    (void)state;
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    graph_output(&graph, "feature");
    refused(tiny_finish(&graph), NULL, "2 outputs");

    const int64_t gray[] = {0, 1, 0, 0};
    const int64_t k[] = {4, 1, 3, 3};
    float kernel[36];
    graph = (struct message){0};
    numbers(kernel, 36, 5);
    graph_input(&graph, "gray", gray, 4);
    graph_floats(&graph, "k", kernel, k, 4);
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_node(&graph, "Conv", "gray k", "feature");
    tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    tiny_gemm(&graph, "flat w", true);
    refused(tiny_finish(&graph), NULL, "'gray' is not a float32 photograph");
}

static void a_classifier_is_not_frozen_to_a_giant_size(void **state)
{
    (void)state;
    static const struct {
        int h, w;
        const char *says;
    } giant[] = {{8193, 4, "8193 x 4"}, {4, 8193, "4 x 8193"}};
    struct onnx_cut cut;
    for (int i = 0; i < 2; ++i) {
        struct message graph = tiny_trunk(giant[i].h, giant[i].w);
        graph_floats(&graph, "w", weight, rows, 2);
        tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
        tiny_node(&graph, "Flatten", "pooled", "flat");
        tiny_gemm(&graph, "flat w", true);
        refused(tiny_finish(&graph), NULL, giant[i].says);
    }
    struct message graph = tiny_trunk(8192, 8192);
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    tiny_gemm(&graph, "flat w", true);
    assert_int_equal(onnx_cut_read(&cut, tiny_finish(&graph), NULL), LP_OK);
    assert_int_equal(cut.whole_h, 8192);
    assert_int_equal(cut.whole_w, 8192);
    onnx_cut_release(&cut);
}

/* A head the search does not follow: x * tanh(1) by a node it does not know. */
static const char *odd_head(bool with_reader)
{
    struct message graph = tiny_flat_trunk();
    graph_floats(&graph, "w", turned, columns, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    if (with_reader) {
        tiny_node(&graph, "MatMul", "flat w", "scores");
    } else {
        tiny_node(&graph, "Sum", "w", "w2");
        tiny_node(&graph, "MatMul", "flat w2", "scores");
    }
    tiny_node(&graph, "Sum", "scores b", "logits");
    return tiny_finish(&graph);
}

static void names_help_where_the_search_stops(void **state)
{
    (void)state;
    const struct onnx_names all = {"feature", "w", "b"};
    refused(odd_head(true), NULL, "Sum 'logits'");
    for (int i = 0; i < 2; ++i) {
        struct onnx_cut cut;
        assert_int_equal(onnx_cut_read(&cut, odd_head(i), &all), LP_OK);
        assert_int_equal(cut.head.n, N);
        assert_true(tiny_mismatch(&cut) < 1e-6);
        onnx_cut_release(&cut);
    }
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
    tiny_node(&graph, "GlobalMaxPool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    graph_floats(&graph, "w", weight, rows, 2);
    tiny_gemm(&graph, "flat w", true);
    const char *path = tiny_finish(&graph);
    assert_int_equal(onnx_cut_read(&cut, path, &names), LP_OK);
    /* The proof is what finds that a maximum is no mean. */
    assert_true(tiny_mismatch(&cut) > 1e-2);
    onnx_cut_release(&cut);
}

static void a_named_bias_replaces_the_one_found(void **state)
{
    (void)state;
    struct onnx_cut cut;
    const struct onnx_names names = {NULL, NULL, "other"};
    struct message graph = tiny_flat_trunk();
    const float other[N] = {5, 6, 7};
    graph_floats(&graph, "w", weight, rows, 2);
    graph_floats(&graph, "b", bias, rows, 1);
    graph_floats(&graph, "other", other, rows, 1);
    tiny_gemm(&graph, "flat w b", true);
    assert_int_equal(onnx_cut_read(&cut, tiny_finish(&graph), &names), LP_OK);
    assert_memory_equal(cut.head.bias, other, sizeof other);
    assert_memory_equal(cut.head.weight, weight, sizeof weight);
    onnx_cut_release(&cut);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test_setup(what_the_cut_does_not_need_is_left_out, fill),
        cmocka_unit_test(a_value_only_a_sub_graph_reads_is_kept),
        cmocka_unit_test(what_is_no_global_average_is_refused_by_name),
        cmocka_unit_test(a_scaled_probability_is_refused),
        cmocka_unit_test(linear_layers_that_make_no_sense_are_refused),
        cmocka_unit_test(weights_computed_from_weights_are_refused_by_name),
        cmocka_unit_test(a_classifier_has_one_output_and_one_photograph),
        cmocka_unit_test(a_classifier_is_not_frozen_to_a_giant_size),
        cmocka_unit_test(names_help_where_the_search_stops),
        cmocka_unit_test(named_weights_that_cannot_be_turned_are_refused),
        cmocka_unit_test(a_named_feature_needs_no_pooling_that_is_understood),
        cmocka_unit_test(a_named_bias_replaces_the_one_found)};
    return test_mpi_main(argc, argv, tests);
}
