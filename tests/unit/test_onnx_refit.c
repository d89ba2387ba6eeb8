/* SPDX-License-Identifier: MIT */
/* Another linear layer: what old files need, what is refused, and what of the
 * old end must not be left behind. All forms of it: golden/test_refit.c. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/net/onnx.h"
#include "lpcam/net/onnx_refit.h"
#include "support.h"
#include "tiny.h"

enum { CLASSES = 2, D = TINY_D };

static float weight[CLASSES * D], bias[CLASSES];
static const struct head head = {CLASSES,          D,          weight, bias,
                                 HEAD_POOL_LINEAR, HEAD_LOGITS};

static int fill(void **state)
{
    (void)state;
    numbers(weight, CLASSES * D, 21);
    numbers(bias, CLASSES, 22);
    return 0;
}

/* The new file of the old one at path; bytes are to be freed. */
static const char *refit(const char *path, char **bytes, size_t *n)
{
    assert_int_equal(onnx_refit(path, NULL, &head, bytes, n), LP_OK);
    return file_write("new.onnx", *bytes, *n);
}

static void check_layer(const char *path)
{
    struct onnx_cut cut;
    assert_int_equal(onnx_cut_read(&cut, path, NULL), LP_OK);
    assert_string_equal(cut.feature, "feature");
    assert_int_equal(cut.head.n, CLASSES);
    assert_memory_equal(cut.head.weight, weight, sizeof weight);
    assert_memory_equal(cut.head.bias, bias, sizeof bias);
    assert_true(tiny_mismatch(&cut) < 1e-6);
    onnx_cut_release(&cut);
}

static void refused(const char *path, const char *says)
{
    char *bytes;
    size_t n;
    said_begin();
    const enum lp_status status = onnx_refit(path, NULL, &head, &bytes, &n);
    char *said = said_end();
    printf("%s", said);
    assert_int_equal(status, LP_EMODEL);
    assert_non_null(strstr(said, says));
    assert_null(bytes);
    free(said);
}

/* A whole classifier of this IR version and operator set, its tensors listed
 * as inputs, too. */
static const char *old_file(int ir, int opset)
{
    const int64_t rows[] = {TINY_N, D}, k[] = {D, 3, 3, 3};
    float w[TINY_N * D] = {0}, b[TINY_N] = {0};
    struct message graph = tiny_flat_trunk(), model = {0}, set = {0};
    graph_floats(&graph, "fc.weight", w, rows, 2);
    graph_floats(&graph, "fc.bias", b, rows, 1);
    tiny_gemm(&graph, "flat fc.weight fc.bias", true);
    graph_input(&graph, "c.weight", k, 4);
    graph_input(&graph, "c.bias", k, 1);
    graph_input(&graph, "fc.weight", rows, 2);
    graph_input(&graph, "fc.bias", rows, 1);
    graph_output(&graph, "logits");
    message_number(&model, 1, ir);
    message_number(&set, 2, opset);
    message_put(&model, 8, &set);
    message_put(&model, 7, &graph);
    const char *path = file_write("old.onnx", model.at, model.n);
    message_release(&model);
    return path;
}

static bool has_input(const struct onnx *model, const char *name)
{
    for (int i = 0; i < model->n_inputs; ++i)
        if (onnx_same(model->input[i].name, name))
            return true;
    return false;
}

static void a_file_of_an_old_version_lists_the_new_tensors(void **state)
{
    (void)state;
    for (int ir = 3; ir <= 4; ++ir) {
        struct onnx model;
        char *bytes;
        size_t n;
        const char *path = refit(old_file(ir, 7), &bytes, &n);
        check_layer(path);
        assert_int_equal(onnx_read(&model, path), LP_OK);
        assert_true(has_input(&model, "image") && has_input(&model, "c.bias"));
        assert_false(has_input(&model, "fc.weight"));
        assert_int_equal(has_input(&model, "lpcam.weight"), ir < 4);
        assert_int_equal(has_input(&model, "lpcam.bias"), ir < 4);
        onnx_release(&model);
        free(bytes);
    }
}

static void an_operator_set_before_7_is_refused(void **state)
{
    (void)state;
    refused(old_file(3, 6), "operator set 6");
}

static void a_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    const int64_t four[] = {1, D, 1, 1};
    struct message graph = tiny_trunk(0, 0);
    graph_floats(&graph, "lpcam.weight", weight, four, 4);
    tiny_node(&graph, "Mul", "feature lpcam.weight", "gained");
    tiny_node(&graph, "GlobalAveragePool", "gained", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    graph_floats(&graph, "w", weight, (const int64_t[]){CLASSES, D}, 2);
    tiny_gemm(&graph, "flat w", true);
    refused(tiny_finish(&graph), "'lpcam.weight'");
}

static void the_batch_is_as_free_as_before(void **state)
{
    (void)state;
    for (int frozen = 0; frozen <= 1; ++frozen) {
        struct message graph = tiny_trunk(frozen ? TINY_H : 0, TINY_W);
        struct onnx model;
        char *bytes;
        size_t n;
        tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
        tiny_node(&graph, "Flatten", "pooled", "flat");
        graph_floats(&graph, "w", weight, (const int64_t[]){CLASSES, D}, 2);
        tiny_gemm(&graph, "flat w", true);
        const char *path = refit(tiny_finish(&graph), &bytes, &n);
        assert_int_equal(onnx_read(&model, path), LP_OK);
        assert_int_equal(model.output[0].n_dims, 2);
        assert_int_equal(model.output[0].dims[0], frozen);
        assert_int_equal(model.output[0].dims[1], CLASSES);
        onnx_release(&model);
        free(bytes);
    }
}

static bool holds(const char *bytes, size_t n, const char *name)
{
    char field[64];
    const int length =
        snprintf(field, sizeof field, "\n%c%s", (char)strlen(name), name);
    return memmem(bytes, n, field, (size_t)length) != NULL;
}

static void shapes_of_the_old_end_go_those_before_it_stay(void **state)
{
    (void)state;
    static const char *const name[] = {"conv", "flat"};
    struct message graph = tiny_flat_trunk();
    char *bytes;
    size_t n;
    for (int i = 0; i < 2; ++i) { /* of value_info only the name counts here */
        struct message port = {0};
        message_text(&port, 1, name[i]);
        message_put(&graph, 13, &port);
    }
    graph_floats(&graph, "w", weight, (const int64_t[]){CLASSES, D}, 2);
    tiny_gemm(&graph, "flat w", true);
    refit(tiny_finish(&graph), &bytes, &n);
    assert_true(holds(bytes, n, "conv"));
    assert_false(holds(bytes, n, "flat"));
    assert_false(holds(bytes, n, "pooled"));
    free(bytes);
}

static void a_fitted_classifier_can_be_fitted_again(void **state)
{
    (void)state;
    char *once, *twice;
    size_t n, m;
    const char *path = refit(tiny_write("head.onnx"), &once, &n);
    check_layer(path);
    path = refit(path, &twice, &m);
    check_layer(path);
    assert_int_equal(n, m);
    assert_memory_equal(once, twice, n);
    free(once);
    free(twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_an_old_version_lists_the_new_tensors),
        cmocka_unit_test(an_operator_set_before_7_is_refused),
        cmocka_unit_test(a_name_that_is_taken_is_refused),
        cmocka_unit_test(the_batch_is_as_free_as_before),
        cmocka_unit_test(shapes_of_the_old_end_go_those_before_it_stay),
        cmocka_unit_test(a_fitted_classifier_can_be_fitted_again)};
    return cmocka_run_group_tests(tests, fill, NULL);
}
