/* SPDX-License-Identifier: MIT */
/* The reader, on files made here byte by byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tiny.h"
#include "lpcam/net/onnx.h"

/* Reading must fail with that status, in one line that holds `says`. */
static void refused(const char *path, enum lp_status status, const char *says)
{
    struct onnx model;
    said_begin();
    const enum lp_status got = onnx_read(&model, path);
    char *said = said_end();
    printf("%s", said);
    onnx_release(&model);
    assert_int_equal(got, status);
    assert_non_null(strstr(said, says));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    free(said);
}

static void refused_graph(struct message *graph, const char *says)
{
    refused(model_write(graph, "refused.onnx"), LP_EMODEL, says);
}

static int value_of(const struct onnx *model, const char *name)
{
    return onnx_find(model, onnx_range_of(name));
}

static void a_model_is_read_as_its_parts(void **state)
{
    (void)state;
    struct onnx model;
    assert_int_equal(onnx_read(&model, tiny_write("tiny.onnx")), LP_OK);
    assert_int_equal(model.n_nodes, 5);
    assert_int_equal(model.n_tensors, 4);
    assert_int_equal(model.n_inputs, 1);
    assert_int_equal(model.n_outputs, 1);
    assert_int_equal(model.input[0].n_dims, 4);
    assert_int_equal(model.input[0].dims[1], 3);
    assert_int_equal(model.input[0].dims[2], 0);
    assert_true(onnx_is(&model.node[4], "Gemm"));
    assert_int_equal(model.node[4].n_in, 3);
    const int logits = value_of(&model, "logits");
    const int weight = value_of(&model, "fc.weight");
    assert_int_equal(model.output[0].value, logits);
    assert_int_equal(model.node[4].out[0], logits);
    assert_int_equal(model.node[4].in[1], weight);
    assert_int_equal(model.value[logits].node, 4);
    assert_false(model.value[logits].constant);
    assert_true(model.value[weight].constant);
    assert_int_equal(model.tensor[model.value[weight].tensor].dims[1], 4);
    assert_int_equal(value_of(&model, "nothing"), -1);
    onnx_release(&model);
}

static void attributes_are_found_packed_or_one_by_one(void **state)
{
    (void)state;
    struct onnx model;
    struct onnx_attribute a = {.i = 17};
    assert_int_equal(onnx_read(&model, tiny_write("tiny.onnx")), LP_OK);
    assert_true(onnx_attribute(&model.node[0], "strides", &a));
    assert_int_equal(a.n_ints, 2);
    assert_int_equal(a.ints[1], 2);
    assert_true(onnx_attribute(&model.node[0], "pads", &a));
    assert_int_equal(a.n_ints, 4);
    assert_int_equal(a.ints[3], 1);
    a = (struct onnx_attribute){.i = 17};
    assert_false(onnx_attribute(&model.node[0], "group", &a));
    assert_int_equal(a.i, 17);
    onnx_release(&model);
}

static void what_is_computed_from_constants_is_constant(void **state)
{
    (void)state;
    const int64_t v[] = {1, 2};
    struct onnx model;
    struct message graph = tiny_trunk(0, 0);
    graph_int64s(&graph, "v", v, 2);
    graph_node(&graph, "Add", "v v", "sum", NULL, 0);
    graph_node(&graph, "Add", "feature sum", "mixed", NULL, 0);
    graph_node(&graph, "RandomNormal", "", "noise", NULL, 0);
    graph_output(&graph, "mixed");
    assert_int_equal(onnx_read(&model, model_write(&graph, "c.onnx")), LP_OK);
    assert_true(model.value[value_of(&model, "sum")].constant);
    assert_false(model.value[value_of(&model, "mixed")].constant);
    assert_false(model.value[value_of(&model, "noise")].constant);
    onnx_release(&model);
}

static void a_sub_graph_reads_values_around_it(void **state)
{
    (void)state;
    struct onnx model;
    struct message graph = tiny_trunk(0, 0), inner = {0}, branch = {0};
    graph_node(&inner, "Relu", "conv", "own", NULL, 0);
    graph_node(&inner, "Add", "own c.bias", "sum", NULL, 0);
    message_text(&branch, 1, "then_branch");
    message_put(&branch, 6, &inner);
    graph_node(&graph, "If", "feature", "picked", &branch, 1);
    graph_output(&graph, "picked");
    assert_int_equal(onnx_read(&model, model_write(&graph, "if.onnx")), LP_OK);
    const struct onnx_node *node = &model.node[2];
    assert_int_equal(node->n_in, 1);
    bool conv = false, bias = false;
    for (int i = node->n_in; i < node->n_uses; ++i) {
        conv = conv || node->in[i] == value_of(&model, "conv");
        bias = bias || node->in[i] == value_of(&model, "c.bias");
    }
    assert_true(conv && bias);
    onnx_release(&model);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    refused("/nowhere/model.onnx", LP_EIO, "/nowhere/model.onnx");
    refused(test_folder(), LP_EIO, "not a file");
}

static void broken_bytes_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } bad[] = {{"\x08", 1, "cut"},
               {"\x3a\x05\x0a", 3, "field 7 claims 5 bytes where 1 are left"},
               {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, "64 bits"},
               {"\x08\x80", 2, "cut"},
               {"\x00\x00", 2, "no field"},
               {"\x0b\x00", 2, "kind of field"},
               {"\x0d\x01\x02", 3, "cut"},
               {"\x09\x01\x02\x03\x04\x05\x06\x07", 8, "cut"},
               {"\x08\x07", 2, "0 graphs"},
               {"\x3a\x00\x3a\x00", 4, "2 graphs"},
               {"\x3a\x02\x0a\x09", 4, "byte 4"}};
    refused(file_write("bad.onnx", "", 0), LP_EMODEL, "empty");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        refused(file_write("bad.onnx", bad[i].bytes, bad[i].n), LP_EMODEL,
                bad[i].says);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0);
    graph_output(&graph, "feature");
    struct message model = {0};
    struct onnx read;
    message_put(&model, 7, &graph);
    said_begin();
    for (size_t n = 0; n < model.n; ++n) {
        assert_int_equal(onnx_read(&read, file_write("cut.onnx", model.at, n)),
                         LP_EMODEL);
        onnx_release(&read);
    }
    free(said_end());
    message_release(&model);
}

static void values_are_made_once_and_before_they_are_read(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0);
    graph_node(&graph, "Relu", "feature", "conv", NULL, 0);
    refused_graph(&graph, "'conv' is made twice");

    graph = tiny_trunk(0, 0);
    graph_node(&graph, "Relu", "c.bias", "c.weight", NULL, 0);
    refused_graph(&graph, "'c.weight' is made twice");

    graph = tiny_trunk(0, 0);
    graph_node(&graph, "Relu", "later", "x", NULL, 0);
    graph_node(&graph, "Relu", "feature", "later", NULL, 0);
    refused_graph(&graph, "Relu 'x' reads 'later', which is made only later");

    graph = tiny_trunk(0, 0);
    graph_node(&graph, "Relu", "self", "self", NULL, 0);
    refused_graph(&graph, "cycle");

    graph = tiny_trunk(0, 0);
    graph_node(&graph, "Relu", "nowhere", "x", NULL, 0);
    refused_graph(&graph, "'nowhere', which nothing makes");

    graph = tiny_trunk(0, 0);
    graph_output(&graph, "nowhere");
    refused_graph(&graph, "output 'nowhere'");
}

static void tensors_have_the_bytes_their_shape_needs(void **state)
{
    (void)state;
    static const struct {
        int64_t dims[9];
        int n_dims;
        const char *says;
    } bad[] = {{{2, 2}, 2, "needs 16 bytes, its data has 12"},
               {{-3}, 1, "impossible shape"},
               {{INT64_MAX, 3}, 2, "impossible shape"},
               {{0, (int64_t)1 << 40, (int64_t)1 << 40}, 3, "impossible shape"},
               {{1, 1, 1, 1, 1, 1, 1, 1, 3}, 9, "more than 8 dimensions"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        struct message graph = {0};
        struct message t =
            tensor_raw("t", 1, bad[i].dims, bad[i].n_dims, "0123456789ab", 12);
        message_put(&graph, 5, &t);
        refused_graph(&graph, bad[i].says);
    }
}

static void what_is_not_supported_is_said(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0), model, function = {0};
    message_text(&graph, 15, "");
    refused_graph(&graph, "sparse");

    graph = tiny_trunk(0, 0);
    graph_node(&graph, "Mine", "feature", "x", NULL, 0);
    model = model_around(&graph, 13);
    message_text(&function, 1, "Mine");
    message_put(&model, 25, &function);
    refused(file_write("function.onnx", model.at, model.n), LP_EMODEL,
            "Mine 'x' calls a function");
    message_release(&model);
}

/* The proof would not find it: cut and uncut model are misread alike. */
static void numbers_that_the_runtime_misreads_are_refused(void **state)
{
    (void)state;
    struct message graph = tiny_trunk(0, 0), t = {0};
    message_number(&t, 1, 1);
    message_number(&t, 2, 16);
    message_text(&t, 8, "stored");
    message_number(&t, 5, 0x3f80);
    message_put(&graph, 5, &t);
    refused_graph(&graph, "'stored' keeps bfloat16 numbers as integers");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct message graph = {0};
    for (int i = 0; i < 40; ++i) {
        struct message branch = {0}, outer = {0};
        message_text(&branch, 1, "body");
        message_put(&branch, 6, &graph);
        graph_node(&outer, "Loop", "", "x", &branch, 1);
        graph = outer;
    }
    refused_graph(&graph, "nested");
}

/* ---- external data */

static struct message external_entry(const char *key, const char *text)
{
    struct message entry = {0};
    message_text(&entry, 1, key);
    message_text(&entry, 2, text);
    return entry;
}

/* The tiny trunk with three floats elsewhere; NULL: not said. */
static struct message external_graph(const char *location, const char *offset,
                                     const char *length)
{
    const char *const text[][2] = {
        {"location", location}, {"offset", offset}, {"length", length}};
    struct message graph = tiny_trunk(0, 0), t = {0};
    message_number(&t, 1, 3);
    message_number(&t, 2, 1);
    message_text(&t, 8, "far");
    for (int i = 0; i < 3; ++i)
        if (text[i][1]) {
            struct message entry = external_entry(text[i][0], text[i][1]);
            message_put(&t, 13, &entry);
        }
    message_number(&t, 14, 1);
    message_put(&graph, 5, &t);
    graph_output(&graph, "feature");
    return graph;
}

static void external_data_is_put_behind_the_file(void **state)
{
    (void)state;
    struct onnx model;
    const float v[] = {9, 1, 2, 3, 9};
    file_write("far.data", v, sizeof v);
    static const char *const length[] = {"12", NULL};
    for (int i = 0; i < 2; ++i) {
        struct message graph = external_graph("./far.data", "4", length[i]);
        assert_int_equal(onnx_read(&model, model_write(&graph, "far.onnx")),
                         LP_OK);
        const struct onnx_tensor *t = &model.tensor[2];
        assert_int_equal(t->raw.n, 12);
        assert_memory_equal(t->raw.at, v + 1, 12);
        assert_ptr_equal(t->raw.at, model.bytes + model.n_file);
        assert_int_equal(model.n_bytes, model.n_file + 12);
        onnx_release(&model);
    }
}

static void external_data_stays_in_the_models_folder(void **state)
{
    (void)state;
    static const char *const outside[] = {"../far.data", "/far.data",
                                          "a/../../far.data", "a/..", ".."};
    const float v[] = {1, 2, 3};
    file_write("far.data", v, sizeof v);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; ++i) {
        struct message graph = external_graph(outside[i], "0", "12");
        refused_graph(&graph, "outside of the model's folder");
    }
    struct onnx model;
    file_write("..odd.data", v, sizeof v);
    struct message graph = external_graph("..odd.data", NULL, NULL);
    assert_int_equal(onnx_read(&model, model_write(&graph, "odd.onnx")), LP_OK);
    onnx_release(&model);
}

static void external_data_must_lie_inside_its_file(void **state)
{
    (void)state;
    static const struct {
        const char *location, *offset, *length, *says;
    } bad[] = {{"short.data", "0", "12", "which has 8"},
               {"short.data", "9223372036854775800", "12", "which has 8"},
               {"short.data", "0", "8", "needs 12 bytes, its data has 8"},
               {"short.data", "-1", "12", "no number of bytes"},
               {"short.data", "0", "12x", "no number of bytes"},
               {"short.data", "99999999999999999999", "12", "no number"},
               {NULL, "0", "12", "does not say which"}};
    file_write("short.data", "01234567", 8);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        struct message graph =
            external_graph(bad[i].location, bad[i].offset, bad[i].length);
        refused_graph(&graph, bad[i].says);
    }
    struct message graph = external_graph("gone.data", NULL, NULL);
    refused(model_write(&graph, "gone.onnx"), LP_EIO, "gone.data");
}

static void names_are_shown_without_control_characters(void **state)
{
    (void)state;
    assert_string_equal(onnx_text(onnx_range_of("a\nb\x1b[")).s, "a?b?[");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_read_as_its_parts),
        cmocka_unit_test(attributes_are_found_packed_or_one_by_one),
        cmocka_unit_test(what_is_computed_from_constants_is_constant),
        cmocka_unit_test(a_sub_graph_reads_values_around_it),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(broken_bytes_are_refused_with_their_place),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(values_are_made_once_and_before_they_are_read),
        cmocka_unit_test(tensors_have_the_bytes_their_shape_needs),
        cmocka_unit_test(what_is_not_supported_is_said),
        cmocka_unit_test(numbers_that_the_runtime_misreads_are_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(external_data_is_put_behind_the_file),
        cmocka_unit_test(external_data_stays_in_the_models_folder),
        cmocka_unit_test(external_data_must_lie_inside_its_file),
        cmocka_unit_test(names_are_shown_without_control_characters)};
    return test_mpi_main(argc, argv, tests);
}
