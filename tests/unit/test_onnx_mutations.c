/* SPDX-License-Identifier: MIT */
/* Thousands of damaged files, the same ones every time: each is read and cut,
 * or refused in one line; none crashes (run it under the sanitisers), hangs or
 * gives a head that makes no sense. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tiny.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/net/onnx_cut.h"

#define N_FILES 1000 /* of each of two classifiers */

static uint64_t draw(uint64_t *seed)
{
    return *seed = hash_mix(*seed, 0);
}

/* Flip bits, overwrite bytes with ends of ranges, repeat, drop or cut pieces. */
static size_t damage(uint8_t *bytes, size_t n, uint64_t seed)
{
    static const uint8_t edge[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x3a};
    const int n_times = 1 + (int)(draw(&seed) % 4);
    for (int i = 0; i < n_times && n > 8; ++i) {
        const size_t at = draw(&seed) % n, piece = draw(&seed) % 8;
        switch (draw(&seed) % 6) {
        case 0:
        case 1:
            bytes[at] ^= (uint8_t)(1u << draw(&seed) % 8);
            break;
        case 2:
        case 3:
            bytes[at] = edge[draw(&seed) % sizeof edge];
            break;
        case 4:
            if (at + piece < n) {
                memmove(bytes + at, bytes + at + piece, n - at - piece);
                n -= piece;
            }
            break;
        default:
            if (draw(&seed) % 4 == 0)
                n = at;
        }
    }
    return n;
}

static bool makes_sense(const struct onnx_cut *cut)
{
    bool good = cut->head.n > 0 && cut->head.d > 0 && cut->n_cut > 0;
    for (int i = 0; good && i < cut->head.n * cut->head.d; ++i)
        good = isfinite(cut->head.weight[i]);
    return good;
}

/* A classifier with as many kinds of parts as fit a small file. */
static const char *rich_write(const char *name)
{
    const int64_t fc[] = {4, 3}, perm[] = {1, 0}, axes[] = {2, 3}, one[] = {4};
    float weight[12], bias[3], norm[4];
    struct message graph = tiny_trunk(0, 0);
    struct message perms = attribute_ints("perm", perm, 2, true);
    struct message reduce[] = {attribute_ints("axes", axes, 2, false),
                               attribute_int("keepdims", 1)};
    struct message rows[] = {attribute_int("transB", 1),
                             attribute_float("alpha", 0.5f)};
    numbers(weight, 12, 3);
    numbers(bias, 3, 4);
    for (int i = 0; i < 4; ++i)
        norm[i] = 1 + (float)i;
    graph_floats(&graph, "fc.weight", weight, fc, 2);
    graph_floats(&graph, "fc.bias", bias, fc + 1, 1);
    graph_floats(&graph, "norm", norm, one, 1);
    graph_node(&graph, "Transpose", "fc.weight", "turned", &perms, 1);
    graph_node(&graph, "ReduceMean", "feature", "pooled", reduce, 2);
    graph_node(&graph, "BatchNormalization", "pooled norm norm norm norm",
               "normed", NULL, 0);
    graph_node(&graph, "Flatten", "normed", "flat", NULL, 0);
    graph_node(&graph, "Gemm", "flat turned fc.bias", "scores", rows, 2);
    graph_node(&graph, "Sigmoid", "scores", "logits", NULL, 0);
    graph_output(&graph, "logits");
    return model_write(&graph, name);
}

/* Read and cut one damaged file: it works, or one line says why not. */
static bool one_file(const uint8_t *bytes, size_t n, uint64_t seed)
{
    struct onnx_cut cut;
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    const char *path = file_write("damaged.onnx", copy, damage(copy, n, seed));
    free(copy);
    said_begin();
    const bool read = onnx_cut_read(&cut, path, NULL) == LP_OK;
    char *said = said_end(), *end = strchr(said, '\n');
    const bool good = read ? !*said && makes_sense(&cut) : end && !end[1];
    if (!good)
        printf("damage %d: \"%s\"\n", (int)seed, said);
    assert_true(good);
    free(said);
    onnx_cut_release(&cut);
    return read;
}

static void damage_many(const char *path)
{
    char *bytes = NULL;
    size_t n;
    int n_read = 0;
    struct onnx_cut cut;
    assert_int_equal(text_read(path, &bytes, &n), LP_OK);
    assert_int_equal(onnx_cut_read(&cut, path, NULL), LP_OK);
    onnx_cut_release(&cut);
    for (int i = 0; i < N_FILES; ++i)
        n_read += one_file((const uint8_t *)bytes, n, (uint64_t)i);
    printf("of %d damaged files %d were read\n", N_FILES, n_read);
    assert_in_range(n_read, N_FILES / 20, N_FILES / 2);
    free(bytes);
}

static void damaged_files_are_read_or_refused(void **state)
{
    (void)state;
    damage_many(tiny_write("tiny.onnx"));
    damage_many(rich_write("rich.onnx"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_read_or_refused)};
    return test_mpi_main(argc, argv, tests);
}
