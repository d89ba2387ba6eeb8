/* SPDX-License-Identifier: MIT */
/* Every good classifier of the shared folder as a network that gives LPCAM
 * maps, run by OpenVINO, against lpcam_view on the features of the cut one.
 * usage: golden_onnx_lpcam [FOLDER]: leaves networks, inputs and maps there, for
 * other runtimes (tests/job/test_onnx.sh). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/method/cam.h"
#include "lpcam/net/backbone.h"
#include "lpcam/output/onnx_lpcam.h"
#include "support.h"
#include "tiny.h"

static const char *folder; /* to leave files in; NULL: nowhere             */
static double worst;

static void leave(const char *name, const char *kind, const void *bytes,
                  size_t n)
{
    char *path = text_format("%s/%s%s", folder, name, kind);
    assert_int_equal(text_write(path, bytes, n), LP_OK);
    free(path);
}

/* What another runtime needs to do the same. */
static void leave_all(const char *name, const char *network, size_t n,
                      const float *chw, const int64_t in[2], const float *maps,
                      const int64_t out[3])
{
    char *shape = text_format("%lld %lld %lld %lld %lld\n", (long long)in[0],
                              (long long)in[1], (long long)out[0],
                              (long long)out[1], (long long)out[2]);
    const int64_t pixels = 3 * in[0] * in[1], cells = out[0] * out[1] * out[2];
    leave(name, ".onnx", network, n);
    leave(name, ".shape", shape, strlen(shape));
    leave(name, ".input", chw, (size_t)pixels * sizeof *chw);
    leave(name, ".maps", maps, (size_t)cells * sizeof *maps);
    free(shape);
}

/* M: the classifier's rows, disturbed, so that maps are neither 0 nor 1. */
static float *vectors(const struct head *head)
{
    const int n = head->n * head->d;
    float *vector = malloc((size_t)n * sizeof *vector);
    double length = 0;
    numbers(vector, n, 17);
    for (int i = 0; i < n; ++i)
        length += (double)head->weight[i] * (double)head->weight[i];
    for (int i = 0; i < n; ++i)
        vector[i] = vector[i] / sqrtf((float)head->d) +
                    head->weight[i] / (float)sqrt(length / head->n);
    return vector;
}

static void check(const char *path, int h, int w)
{
    struct onnx_cut cut;
    struct backbone *plain = NULL, *lpcam = NULL;
    struct cam cam = {0};
    const float *f, *maps;
    char *bytes = NULL;
    size_t n;
    int64_t fs[4], ms[4];
    int rank;

    assert_int_equal(onnx_cut_read(&cut, path, NULL), LP_OK);
    float *vector = vectors(&cut.head), *chw = malloc(12 * (size_t)(h * w));
    int32_t *label = malloc((size_t)cut.head.n * sizeof *label);
    const struct onnx_lpcam from = {path,       cut.cut,    cut.n_cut, vector,
                                    cut.head.n, cut.head.d, NULL,      0};
    numbers(chw, 3 * h * w, 18);
    for (int i = 0; i < cut.head.n; ++i)
        label[i] = i;
    assert_int_equal(onnx_lpcam_make(&from, &bytes, &n), LP_OK);
    assert_int_equal(backbone_open(&plain, cut.cut, cut.n_cut, LP_F32, 1), 0);
    assert_int_equal(backbone_run(plain, chw, h, w, &f, fs, &rank), LP_OK);
    const struct view view = {1, (int)fs[1], (int)fs[2], (int)fs[3], f, NULL};
    assert_int_equal(lpcam_view(&cam, &view, vector, label, cut.head.n), LP_OK);
    assert_int_equal(backbone_open(&lpcam, bytes, n, LP_F32, 1), LP_OK);
    assert_int_equal(backbone_run(lpcam, chw, h, w, &maps, ms, &rank), LP_OK);
    assert_true(rank == 4 && ms[0] == 1 && ms[1] == cut.head.n &&
                ms[2] == fs[2] && ms[3] == fs[3]);
    double most = 0;
    for (int64_t i = 0; i < ms[1] * ms[2] * ms[3]; ++i) {
        const double off = fabs((double)maps[i] - (double)cam.raw[i]);
        assert_true(off <= 1e-4);
        worst = fmax(worst, off);
        most = fmax(most, (double)cam.raw[i]);
    }
    assert_true(most > 0.01);
    const int64_t in[2] = {h, w};
    if (folder)
        leave_all(strrchr(path, '/') + 1, bytes, n, chw, in, cam.raw, ms + 1);
    free(vector);
    free(chw);
    free(label);
    free(bytes);
    cam_release(&cam);
    backbone_close(plain);
    backbone_close(lpcam);
    onnx_cut_release(&cut);
}

static void maps_of_every_kind_of_head_are_those_of_lpcam_view(void **state)
{
    (void)state;
    char *index = NULL;
    size_t n;
    int n_seen = 0, h, w;
    assert_int_equal(
        text_read(test_shared("models/variants/index.tsv"), &index, &n), LP_OK);
    for (char *line = strchr(index, '\n') + 1; line && *line;) {
        char *end = strchr(line, '\n'), name[256];
        assert_int_equal(sscanf(line, "%200s %*dx3x%dx%d", name, &h, &w), 3);
        char *path = text_format("models/variants/%s", name);
        check(test_shared(path), h, w);
        free(path);
        ++n_seen;
        line = end ? end + 1 : NULL;
    }
    free(index);
    assert_true(n_seen >= 20);
}

static void maps_of_trained_classifiers_are_those_of_lpcam_view(void **state)
{
    (void)state;
    check(test_data("scenes.onnx"), 97, 130);
    check(test_shared("models/msrc21-mnv2.onnx"), 97, 130);
    check(test_shared("models/coco20-mnv2.onnx"), 120, 65);
    check(test_shared("models/imagenet1000-mnv2-dil.onnx"), 65, 64);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_every_kind_of_head_are_those_of_lpcam_view),
        cmocka_unit_test(maps_of_trained_classifiers_are_those_of_lpcam_view),
    };
    if (!test_have_shared())
        return 77;
    folder = argc > 1 ? argv[1] : NULL;
    const int bad = test_mpi_main(argc, argv, tests);
    printf("largest difference %.2g\n", worst);
    return bad;
}
