/* SPDX-License-Identifier: MIT */
/* Every kind of classifier with another linear layer: what must not change does
 * not, to the byte, and the new file says what it should. */
#include <stdlib.h>
#include <string.h>

#include "lpcam/net/backbone.h"
#include "lpcam/net/onnx.h"
#include "lpcam/net/onnx_refit.h"
#include "tiny.h"
#include "variants.h"

enum { NEW_CLASSES = 5, MOST_CHANNELS = 64, NEW_NODES = 3, NEW_TENSORS = 2 };

static bool same_bytes(struct onnx_range a, struct onnx_range b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

/* But for the new end, nodes and tensors are the old file's, in its order. */
static void check_untouched(const char *old_path, const char *new_path)
{
    struct onnx old = {0}, new = {0};
    int at = 0;
    assert_int_equal(onnx_read(&old, old_path), LP_OK);
    assert_int_equal(onnx_read(&new, new_path), LP_OK);
    for (int i = 0; i < new.n_nodes - NEW_NODES; ++i, ++at) {
        while (at < old.n_nodes &&
               !same_bytes(old.node[at].whole, new.node[i].whole))
            ++at;
        assert_true(at < old.n_nodes);
    }
    at = 0;
    for (int i = 0; i < new.n_tensors - NEW_TENSORS; ++i, ++at) {
        const struct onnx_tensor *t = &new.tensor[i];
        while (at < old.n_tensors && !same_bytes(old.tensor[at].name, t->name))
            ++at;
        assert_true(at < old.n_tensors && !t->external);
        assert_true(old.tensor[at].external
                        ? same_bytes(old.tensor[at].raw, t->raw)
                        : same_bytes(old.tensor[at].whole, t->whole));
    }
    assert_true(same_bytes(old.output[0].name, new.output[0].name));
    assert_int_equal(new.output[0].n_dims, 2);
    assert_int_equal(new.output[0].dims[1], NEW_CLASSES);
    onnx_release(&old);
    onnx_release(&new);
}

/* The new file says what head says of the recorded features. */
static void check_logits(const struct variant *v, const struct onnx_cut *cut,
                         const struct head *head, const float *in,
                         const float *feature)
{
    struct backbone *b = NULL;
    const float *out;
    int64_t shape[4];
    int rank;
    const int cells = (int)(v->map[2] * v->map[3]);
    assert_int_equal(backbone_open(&b, cut->whole, cut->n_whole, LP_F32, 1),
                     LP_OK);
    assert_int_equal(
        backbone_run(b, in, (int)v->in[2], (int)v->in[3], &out, shape, &rank),
        LP_OK);
    assert_int_equal(rank, 2);
    assert_int_equal(shape[1], NEW_CLASSES);
    assert_true(head_mismatch(head, feature, cells, out) <= 1e-4);
    backbone_close(b);
}

static void check_refit(const struct variant *v)
{
    static float weight[NEW_CLASSES * MOST_CHANNELS];
    float bias[NEW_CLASSES];
    const struct head head = {NEW_CLASSES, (int)v->map[1],   weight,
                              bias,        HEAD_POOL_LINEAR, HEAD_LOGITS};
    struct onnx_cut cut;
    char *bytes = NULL;
    size_t n;
    char *name = text_format(FOLDER "%s", v->file);
    const char *path = test_shared(name);
    float *in = read_floats(v->file, "input",
                            v->in[0] * v->in[1] * v->in[2] * v->in[3]);
    float *feature = read_floats(v->file, "feature",
                                 v->map[0] * v->map[1] * v->map[2] * v->map[3]);
    numbers(weight, NEW_CLASSES * head.d, 7);
    numbers(bias, NEW_CLASSES, 8);

    assert_true(head.d <= MOST_CHANNELS);
    assert_int_equal(onnx_refit(path, NULL, &head, &bytes, &n), LP_OK);
    char *new = text_format("%s", file_write("refit.onnx", bytes, n));
    assert_int_equal(onnx_cut_read(&cut, new, NULL), LP_OK);
    assert_string_equal(cut.feature, v->feature);
    assert_int_equal(cut.head.order, HEAD_POOL_LINEAR);
    assert_int_equal(cut.head.end, HEAD_LOGITS);
    assert_int_equal(cut.head.n, NEW_CLASSES);
    assert_memory_equal(cut.head.bias, bias, sizeof bias);
    assert_memory_equal(cut.head.weight, weight,
                        (size_t)(NEW_CLASSES * head.d) * sizeof *weight);
    check_untouched(path, new);
    check_logits(v, &cut, &head, in, feature);
    onnx_cut_release(&cut);
    free(bytes);
    free(new);
    free(name);
    free(in);
    free(feature);
}

static void every_variant_takes_another_linear_layer(void **state)
{
    (void)state;
    each_variant(check_refit);
}

static void a_layer_for_other_channels_is_refused(void **state)
{
    (void)state;
    float weight[3] = {0}, bias = 0;
    const struct head head = {1,          3, weight, &bias, HEAD_POOL_LINEAR,
                              HEAD_LOGITS};
    char *bytes, *said;
    size_t n;
    said_begin();
    assert_int_equal(onnx_refit(test_shared(FOLDER "one_class.onnx"), NULL,
                                &head, &bytes, &n),
                     LP_EARG);
    said = said_end();
    assert_non_null(strstr(said, "32 channels"));
    assert_null(bytes);
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_takes_another_linear_layer),
        cmocka_unit_test(a_layer_for_other_channels_is_refused)};
    if (!test_have_shared())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
