/* SPDX-License-Identifier: MIT */
/* A network that gives LPCAM maps, run by OpenVINO, against lpcam_view on the
 * features of the cut one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/method/cam.h"
#include "lpcam/net/backbone.h"
#include "lpcam/output/onnx_lpcam.h"
#include "support.h"
#include "tiny.h"

enum { H = 3, W = 5, D = 3, N = 2, CELLS = H * W };

/* A classifier whose features are the photograph's values with other signs:
 * what they are is up to the test. extra names one more value. */
static const char *negative(int opset, int ir, const char *extra)
{
    const int64_t in[] = {0, 3, 0, 0}, dims[] = {N, D};
    float weight[N * D];
    struct message graph = {0}, model;
    message_text(&graph, 2, "negative");
    graph_input(&graph, "image", in, 4);
    tiny_node(&graph, "Neg", "image", extra);
    tiny_node(&graph, "Identity", extra, "feature");
    tiny_node(&graph, "GlobalAveragePool", "feature", "pooled");
    tiny_node(&graph, "Flatten", "pooled", "flat");
    numbers(weight, N * D, 5);
    graph_floats(&graph, "fc.weight", weight, dims, 2);
    graph_floats(&graph, "fc.bias", weight, dims, 1);
    tiny_gemm(&graph, "flat fc.weight fc.bias", true);
    graph_output(&graph, "logits");
    model = model_around(&graph, opset);
    message_number(&model, 1, ir); /* the last one counts */
    const char *path = file_write("negative.onnx", model.at, model.n);
    message_release(&model);
    return path;
}

static enum lp_status make(const struct onnx_cut *cut, const float *vector,
                           const char *what, char **bytes, size_t *n)
{
    const struct onnx_entry entry[] = {{"lpcam.what", what},
                                       {"lpcam.classes", "cow\nsheep"}};
    const struct onnx_lpcam from = {.path = "negative.onnx",
                                    .cut = cut->cut,
                                    .n_cut = cut->n_cut,
                                    .vector = vector,
                                    .n = cut->head.n,
                                    .d = cut->head.d,
                                    .entry = entry,
                                    .n_entries = 2};
    return onnx_lpcam_make(&from, bytes, n);
}

/* The maps that a runtime computes of features, and those of lpcam_view. */
static void check_maps(const char *path, const float *feature)
{
    static const int32_t label[] = {0, 1};
    struct onnx_cut cut;
    struct backbone *b = NULL;
    struct cam cam = {0};
    const struct view view = {.d = D, .h = H, .w = W, .f = feature};
    float vector[N * D], chw[D * CELLS];
    const float *maps;
    char *bytes = NULL;
    size_t n;
    int64_t shape[4];
    int rank;

    numbers(vector, N * D, 6);
    for (int i = 0; i < D * CELLS; ++i)
        chw[i] = -feature[i];
    assert_int_equal(onnx_cut_read(&cut, path, NULL), LP_OK);
    assert_int_equal(make(&cut, vector, "maps", &bytes, &n), LP_OK);
    assert_int_equal(backbone_open(&b, bytes, n, LP_F32, 1), LP_OK);
    assert_int_equal(backbone_run(b, chw, H, W, &maps, shape, &rank), LP_OK);
    assert_int_equal(rank, 4);
    assert_true(shape[0] == 1 && shape[1] == N && shape[2] == H &&
                shape[3] == W);
    assert_int_equal(lpcam_view(&cam, &view, vector, label, N), LP_OK);
    int above = 0;
    for (int i = 0; i < N * CELLS; ++i) {
        if (!(fabsf(maps[i] - cam.raw[i]) <= 1e-6f))
            fail_msg("cell %d is %g, not %g", i, (double)maps[i],
                     (double)cam.raw[i]);
        above += cam.raw[i] > 0.01f;
    }
    assert_true(above > 0);
    free(bytes);
    cam_release(&cam);
    backbone_close(b);
    onnx_cut_release(&cut);
}

static void the_maps_are_those_of_lpcam_view_with_any_opset(void **state)
{
    (void)state;
    static const int opset[] = {7, 10, 11, 13, 17, 18, 21};
    float feature[D * CELLS];
    numbers(feature, D * CELLS, 7);
    for (int i = 0; i < (int)(sizeof opset / sizeof *opset); ++i)
        check_maps(negative(opset[i], opset[i] < 9 ? 3 : 8, "x"), feature);
}

/* Squares of such numbers are no floats. */
static void features_of_any_size_and_none_give_their_maps(void **state)
{
    (void)state;
    static const float scale[] = {0, 1, 1e-30f, 1e25f, 3e-38f};
    float feature[D * CELLS];
    numbers(feature, D * CELLS, 8);
    for (int i = 0; i < D * CELLS; ++i)
        feature[i] *= scale[i % CELLS % 5];
    check_maps(negative(13, 7, "x"), feature);
    check_maps(negative(18, 8, "x"), feature);
}

static bool has(const char *bytes, size_t n, const char *word)
{
    for (size_t i = 0; i + strlen(word) <= n; ++i)
        if (memcmp(bytes + i, word, strlen(word)) == 0)
            return true;
    return false;
}

static void names_that_are_taken_are_left_to_the_classifier(void **state)
{
    (void)state;
    float feature[D * CELLS];
    numbers(feature, D * CELLS, 9);
    check_maps(negative(13, 7, "lpcam"), feature);
    check_maps(negative(13, 7, "my_lpcam_unit"), feature);
}

/* The second network is made of the first one's bytes. */
static void metadata_of_the_same_key_gives_way(void **state)
{
    (void)state;
    struct onnx_cut cut;
    float vector[N * D] = {1};
    char *once = NULL, *twice = NULL;
    size_t n;
    assert_int_equal(onnx_cut_read(&cut, negative(13, 7, "x"), NULL), LP_OK);
    assert_int_equal(make(&cut, vector, "first", &once, &n), LP_OK);
    assert_true(has(once, n, "first") && has(once, n, "cow\nsheep"));
    free(cut.cut);
    cut.cut = once;
    cut.n_cut = n;
    assert_int_equal(make(&cut, vector, "second", &twice, &n), LP_OK);
    assert_true(has(twice, n, "second") && !has(twice, n, "first"));
    free(twice);
    onnx_cut_release(&cut);
}

static void an_opset_without_broadcasting_is_refused(void **state)
{
    (void)state;
    struct onnx_cut cut;
    const float vector[N * D] = {1};
    char *bytes = NULL, *said;
    size_t n;
    assert_int_equal(onnx_cut_read(&cut, negative(6, 3, "x"), NULL), LP_OK);
    said_begin();
    assert_int_equal(make(&cut, vector, "maps", &bytes, &n), LP_EMODEL);
    said = said_end();
    assert_non_null(strstr(said, "negative.onnx is of opset 6"));
    assert_null(bytes);
    free(said);
    onnx_cut_release(&cut);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maps_are_those_of_lpcam_view_with_any_opset),
        cmocka_unit_test(features_of_any_size_and_none_give_their_maps),
        cmocka_unit_test(names_that_are_taken_are_left_to_the_classifier),
        cmocka_unit_test(metadata_of_the_same_key_gives_way),
        cmocka_unit_test(an_opset_without_broadcasting_is_refused),
    };
    return test_mpi_main(argc, argv, tests);
}
