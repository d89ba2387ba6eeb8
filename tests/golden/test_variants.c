/* SPDX-License-Identifier: MIT */
/* Classifiers with every kind of head, with features and logits computed by
 * another runtime; and files that must be refused. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/net/backbone.h"
#include "lpcam/net/onnx_cut.h"
#include "variants.h"

static double largest(const float *a, const float *b, int64_t n, double *most)
{
    double worst = 0;
    *most = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double off = fabs((double)a[i] - (double)b[i]);
        worst = off <= worst ? worst : off;
        *most = fmax(*most, fabs((double)b[i]));
    }
    return worst;
}

/* One photograph through the cut model, then the head, against the record. */
static void check_image(const struct variant *v, const struct onnx_cut *cut,
                        struct backbone *b, int64_t i, const float *in,
                        const float *feature, const float *logits,
                        double worst[2])
{
    const int64_t cells = v->map[2] * v->map[3], d = v->map[1];
    const int n = cut->head.n;
    double *out = malloc((size_t)n * sizeof *out), most;
    const float *map;
    int64_t shape[4], foretold[4];
    int rank, h = (int)v->in[2], w = (int)v->in[3];

    assert_int_equal(backbone_shape(b, h, w, foretold, &rank), LP_OK);
    assert_int_equal(rank, 4);
    assert_int_equal(
        backbone_run(b, in + i * 3 * h * w, h, w, &map, shape, &rank), LP_OK);
    assert_int_equal(rank, 4);
    assert_memory_equal(shape, foretold, sizeof shape);
    assert_int_equal(shape[0], 1);
    assert_memory_equal(shape + 1, v->map + 1, 3 * sizeof *shape);

    const double off = largest(map, feature + i * d * cells, d * cells, &most);
    assert_true(off <= 1e-4 * most);
    worst[0] = fmax(worst[0], off / most);
    const double miss = head_mismatch(&cut->head, feature + i * d * cells,
                                      (int)cells, logits + i * n);
    assert_true(miss <= 1e-5);
    assert_true(head_mismatch(&cut->head, map, (int)cells, logits + i * n) <=
                1e-4);
    worst[1] = fmax(worst[1], miss);
    free(out);
}

/* The uncut model gives the recorded logits too, at the size it takes. */
static void check_whole(const struct variant *v, const struct onnx_cut *cut,
                        const float *in, const float *logits)
{
    struct backbone *b = NULL;
    const float *out;
    int64_t shape[4];
    int rank;
    double most;
    assert_int_equal(backbone_open(&b, cut->whole, cut->n_whole, LP_F32, 1),
                     LP_OK);
    assert_int_equal(
        backbone_run(b, in, (int)v->in[2], (int)v->in[3], &out, shape, &rank),
        LP_OK);
    const double off = largest(out, logits, cut->head.n, &most);
    assert_true(off <= 1e-4 * (1 + most));
    backbone_close(b);
}

static void check_head(const struct variant *v, const struct head *head)
{
    assert_int_equal(head->n, v->logits[1]);
    assert_int_equal(head->d, v->map[1]);
    const char *name[] = {"pool-then-linear", "linear-then-pool",
                          "linear-relu-then-pool"};
    assert_string_equal(name[head->order], v->order);
    assert_int_equal(head->end,
                     strncmp(v->file, "sigmoid", 7) == 0   ? HEAD_SIGMOID
                     : strncmp(v->file, "softmax", 7) == 0 ? HEAD_SOFTMAX
                                                           : HEAD_LOGITS);
}

static void check_variant(const struct variant *v)
{
    struct onnx_cut cut;
    struct backbone *b = NULL;
    double worst[2] = {0, 0};
    char *name = text_format(FOLDER "%s", v->file);
    float *in = read_floats(v->file, "input",
                            v->in[0] * v->in[1] * v->in[2] * v->in[3]);
    float *feature = read_floats(v->file, "feature",
                                 v->map[0] * v->map[1] * v->map[2] * v->map[3]);
    float *logits = read_floats(v->file, "logits", v->logits[0] * v->logits[1]);

    assert_int_equal(onnx_cut_read(&cut, test_shared(name), NULL), LP_OK);
    assert_string_equal(cut.feature, v->feature);
    check_head(v, &cut.head);
    assert_int_equal(backbone_open(&b, cut.cut, cut.n_cut, LP_F32, 1), LP_OK);
    for (int64_t i = 0; i < v->in[0]; ++i)
        check_image(v, &cut, b, i, in, feature, logits, worst);
    check_whole(v, &cut, in, logits);
    printf("%-32s maxdiff feature %.1e logits %.1e\n", v->file, worst[0],
           worst[1]);
    backbone_close(b);
    onnx_cut_release(&cut);
    free(name);
    free(in);
    free(feature);
    free(logits);
}

static void every_variant_gives_the_recorded_features_and_logits(void **state)
{
    (void)state;
    each_variant(check_variant);
}

/* Only a cut model shows a different size is possible: this one was frozen. */
static void a_frozen_classifier_runs_at_other_sizes_once_cut(void **state)
{
    (void)state;
    struct onnx_cut cut;
    struct backbone *b = NULL;
    int64_t shape[4];
    int rank;
    float *in = calloc(3 * 50 * 70, sizeof *in);
    const float *out;
    assert_int_equal(
        onnx_cut_read(&cut, test_shared(FOLDER "averagepool_full.onnx"), NULL),
        LP_OK);
    assert_int_equal(cut.whole_h, 32);
    assert_int_equal(cut.whole_w, 40);
    assert_int_equal(backbone_open(&b, cut.cut, cut.n_cut, LP_F32, 1), LP_OK);
    assert_int_equal(backbone_run(b, in, 50, 70, &out, shape, &rank), LP_OK);
    assert_int_equal(shape[2], 13);
    assert_int_equal(shape[3], 18);
    backbone_close(b);
    onnx_cut_release(&cut);
    free(in);
}

static void the_fingerprint_is_of_the_file_then_its_external_data(void **state)
{
    (void)state;
    struct onnx_cut cut;
    char *bytes = NULL, *external = NULL, hex[65];
    size_t n, m;
    const char *path = test_shared(FOLDER "external_data.onnx");
    assert_int_equal(onnx_cut_read(&cut, path, NULL), LP_OK);
    assert_int_equal(text_read(path, &bytes, &n), LP_OK);
    path = test_shared(FOLDER "external_data.onnx.data");
    assert_int_equal(text_read(path, &external, &m), LP_OK);
    bytes = realloc(bytes, n + m);
    assert_non_null(bytes);
    /* Its tensors tile the data in order, so all of it counts once. */
    memcpy(bytes + n, external, m);
    hash_sha256(bytes, n + m, hex);
    assert_string_equal(cut.sha256, hex);
    onnx_cut_release(&cut);
    free(bytes);
    free(external);
}

/* ---- files that must be refused */

/* What the sentence must say of each. */
static const struct {
    const char *file, *says;
} bad[] = {{"truncated.onnx", "byte"},
           {"globalmaxpool.onnx", "GlobalMaxPool"},
           {"two_linear.onnx", "Relu"},
           {"no_pooling.onnx", "Relu"},
           {"external_dotdot.onnx", "'../gap_flatten_gemm.onnx'"},
           {"external_absolute.onnx", "'/etc/hostname'"},
           {"external_missing.onnx", "missing.data"},
           {"external_short.onnx", "short.data, which has 100"},
           {"external_overflow.onnx", "short.data"},
           {"not_onnx.onnx", "byte"},
           {"empty.onnx", "empty"},
           {"length_overflow.onnx", "9223372036854775807 bytes"},
           {"length_overflow_u64.onnx", "18446744073709551615 bytes"},
           {"varint_too_long.onnx", "64 bits"},
           {"dims_overflow.onnx", "'fc.weight'"},
           {"raw_size_mismatch.onnx", "needs 896 bytes, its data has 892"},
           {"missing_tensor.onnx", "'nowhere'"},
           {"cycle.onnx", "'feature'"},
           {"unknown_op.onnx", "Frobnicate"},
           {"deep_nesting.onnx", "nested"}};

/* Read, cut and compile; the one line that is said of it. */
static enum lp_status try_model(const char *path, char said[2048])
{
    struct onnx_cut cut = {0};
    struct backbone *b = NULL;
    FILE *log = tmpfile();
    const int old = dup(STDERR_FILENO);
    assert_non_null(log);
    fflush(stderr);
    dup2(fileno(log), STDERR_FILENO);
    enum lp_status status = onnx_cut_read(&cut, path, NULL);
    if (status == LP_OK)
        status = backbone_open(&b, cut.cut, cut.n_cut, LP_F32, 1);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
    rewind(log);
    said[fread(said, 1, 2047, log)] = 0;
    fclose(log);
    backbone_close(b);
    onnx_cut_release(&cut);
    return status;
}

static void every_bad_file_is_refused_in_one_sentence(void **state)
{
    (void)state;
    char *index = NULL, said[2048];
    size_t n;
    int n_listed = -1;

    assert_int_equal(text_read(test_shared(FOLDER "bad/index.tsv"), &index, &n),
                     LP_OK);
    for (const char *at = index; (at = strchr(at, '\n')); ++at)
        ++n_listed;
    free(index);
    assert_int_equal(n_listed, sizeof bad / sizeof bad[0]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        char *name = text_format(FOLDER "bad/%s", bad[i].file);
        const enum lp_status status = try_model(test_shared(name), said);
        printf("%s", said);
        assert_true(status == LP_EMODEL || status == LP_EIO);
        assert_non_null(strstr(said, bad[i].says));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_gives_the_recorded_features_and_logits),
        cmocka_unit_test(a_frozen_classifier_runs_at_other_sizes_once_cut),
        cmocka_unit_test(the_fingerprint_is_of_the_file_then_its_external_data),
        cmocka_unit_test(every_bad_file_is_refused_in_one_sentence)};
    if (!test_have_shared())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
