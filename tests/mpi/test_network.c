/* SPDX-License-Identifier: MIT */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tiny.h"
#include "lpcam/base/hash.h"
#include "lpcam/net/network.h"
#include "lpcam/run/comm.h"

static char model_file[512], frozen_file[512], max_file[512], photo[512];
static char longer_file[512], turned_file[512];
static struct config config;

/* The tiny classifier at one size only, by an average or by a maximum. */
static void write_head(const char *name, int h, int w, const char *pool)
{
    const int64_t dims[] = {3, 4};
    float weight[12];
    struct message graph = tiny_trunk(h, w), rows = attribute_int("transB", 1);
    numbers(weight, 12, 3);
    graph_floats(&graph, "fc.weight", weight, dims, 2);
    graph_node(&graph, pool, "feature", "pooled", NULL, 0);
    graph_node(&graph, "Flatten", "pooled", "flat", NULL, 0);
    graph_node(&graph, "Gemm", "flat fc.weight", "logits", &rows, 1);
    graph_output(&graph, "logits");
    model_write(&graph, name);
}

/* The tiny classifier with one more node before its pooling. */
static void write_longer(const char *name, const char *op, struct message *a,
                         int n)
{
    const int64_t dims[] = {3, 4};
    float weight[12];
    struct message graph = tiny_trunk(0, 0), rows = attribute_int("transB", 1);
    numbers(weight, 12, 3);
    graph_floats(&graph, "fc.weight", weight, dims, 2);
    graph_node(&graph, op, "feature", "last", a, n);
    graph_node(&graph, "GlobalAveragePool", "last", "pooled", NULL, 0);
    graph_node(&graph, "Flatten", "pooled", "flat", NULL, 0);
    graph_node(&graph, "Gemm", "flat fc.weight", "logits", &rows, 1);
    graph_output(&graph, "logits");
    model_write(&graph, name);
}

/* A pooling of 3 every 3 cells, the last ones may be fewer; a turned map. */
static void write_longer_ones(void)
{
    const int64_t three[] = {3, 3}, turn[] = {0, 1, 3, 2};
    struct message pool[] = {attribute_ints("kernel_shape", three, 2, false),
                             attribute_ints("strides", three, 2, false),
                             attribute_int("ceil_mode", 1)};
    struct message perm = attribute_ints("perm", turn, 4, false);
    write_longer("longer.onnx", "MaxPool", pool, 3);
    write_longer("turned.onnx", "Transpose", &perm, 1);
}

static void write_photo(const char *path, int h, int w)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .format = PNG_FORMAT_RGB,
                       .height = (png_uint_32)h,
                       .width = (png_uint_32)w};
    uint8_t *rgb = malloc((size_t)(3 * h * w));
    assert_non_null(rgb);
    for (int i = 0; i < 3 * h * w; ++i)
        rgb[i] = (uint8_t)hash_mix(5, (uint64_t)i);
    assert_true(png_image_write_to_file(&image, path, 0, rgb, 0, NULL));
    free(rgb);
}

static int set_up(void **state)
{
    (void)state;
    const char *folder = test_folder();
    snprintf(model_file, sizeof model_file, "%s/tiny.onnx", folder);
    snprintf(frozen_file, sizeof frozen_file, "%s/frozen.onnx", folder);
    snprintf(max_file, sizeof max_file, "%s/max.onnx", folder);
    snprintf(longer_file, sizeof longer_file, "%s/longer.onnx", folder);
    snprintf(turned_file, sizeof turned_file, "%s/turned.onnx", folder);
    snprintf(photo, sizeof photo, "%s/photo.png", folder);
    if (comm_rank(MPI_COMM_WORLD) == 0) {
        tiny_write("tiny.onnx");
        write_head("frozen.onnx", 20, 30, "GlobalAveragePool");
        write_head("max.onnx", 0, 0, "GlobalMaxPool");
        write_longer_ones();
        write_photo(photo, 33, 47);
    }
    comm_barrier(MPI_COMM_WORLD);
    config.model.precision = LP_F32;
    config.model.threads = 1;
    config.model.mean = (struct number_list){3, {0.485, 0.456, 0.406}};
    config.model.std = (struct number_list){3, {0.229, 0.224, 0.225}};
    return 0;
}

/* config with that model; "" for the names. */
static void use(char *file, char *feature)
{
    static char none[] = "";
    config.model.file = file;
    config.model.feature = feature ? feature : none;
    config.model.weight = config.model.bias = none;
}

/* x is the same on every rank. */
static bool same(uint64_t x)
{
    int64_t most = (int64_t)(x >> 1), least = -(int64_t)(x >> 1);
    comm_max_i64(MPI_COMM_WORLD, &most, 1);
    comm_max_i64(MPI_COMM_WORLD, &least, 1);
    return most == -least;
}

static uint64_t hash_floats(const float *x, int64_t n)
{
    uint64_t hash = 0;
    for (int64_t i = 0; i < n; ++i) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        hash = hash_mix(hash, bits);
    }
    return hash;
}

static void every_rank_gets_the_same_network(void **state)
{
    (void)state;
    struct network net;
    float in[3 * 20 * 31];
    const float *out = NULL;
    int64_t shape[4] = {0};
    int rank = 0;
    use(model_file, NULL);
    numbers(in, 3 * 20 * 31, 9);
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) == LP_OK));
    assert_true(
        on_all(net.head.n == 3 && net.head.d == 4 && strlen(net.sha256) == 64));
    assert_true(same(hash_text(net.sha256)));
    assert_true(same(hash_floats(net.head.weight, 12)));
    assert_true(same(hash_floats(net.head.bias, 3)));
    assert_true(on_all(
        backbone_run(net.backbone, in, 20, 31, &out, shape, &rank) == LP_OK));
    assert_true(on_all(shape[1] == 4 && shape[2] == 10 && shape[3] == 16));
    assert_true(same(hash_floats(out, 4 * 10 * 16)));
    network_release(&net);
}

static enum lp_status open_and_prove(const char *photograph)
{
    struct network net;
    enum lp_status status = network_open(&net, &config, MPI_COMM_WORLD);
    if (status == LP_OK)
        status = network_prove(&net, &config, photograph, MPI_COMM_WORLD);
    network_release(&net);
    return status;
}

static void a_photograph_proves_the_cut(void **state)
{
    (void)state;
    use(model_file, NULL);
    assert_true(on_all(open_and_prove(photo) == LP_OK));
}

static void a_frozen_classifier_is_proved_at_its_own_size(void **state)
{
    (void)state;
    use(frozen_file, NULL);
    assert_true(on_all(open_and_prove(photo) == LP_OK));
}

/* A maximum named as if it were a mean: only the proof can tell. */
static void a_wrong_cut_is_refused_on_all_ranks(void **state)
{
    (void)state;
    static char feature[] = "feature", conv[] = "conv";
    use(max_file, feature);
    assert_true(on_all(open_and_prove(photo) == LP_EMODEL));
    use(model_file, conv);
    assert_true(on_all(open_and_prove(photo) == LP_EMODEL));
}

static void a_feature_of_other_channels_is_refused_on_all_ranks(void **state)
{
    (void)state;
    static char image[] = "image";
    use(model_file, image);
    assert_true(on_all(open_and_prove(photo) != LP_OK));
}

static void a_broken_photograph_is_no_verdict_on_the_model(void **state)
{
    (void)state;
    use(model_file, NULL);
    assert_true(on_all(open_and_prove(model_file) == LP_EDATA));
    assert_true(on_all(open_and_prove("/nowhere.png") == LP_EDATA));
}

static void failures_to_open_reach_every_rank(void **state)
{
    (void)state;
    static char nowhere[] = "/nowhere/model.onnx";
    const bool first = comm_rank(MPI_COMM_WORLD) == 0;
    struct network net;
    use(nowhere, NULL);
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) ==
                       (first ? LP_EIO : LP_EPEER)));
    network_release(&net);
    use(max_file, NULL);
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) ==
                       (first ? LP_EMODEL : LP_EPEER)));
    network_release(&net);
    use(model_file, NULL);
    config.model.mean.n = 2;
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) ==
                       (first ? LP_EARG : LP_EPEER)));
    config.model.mean.n = 3;
    network_release(&net);
}

static void grids_are_those_of_the_network(void **state)
{
    (void)state;
    enum { N = 50 };
    int64_t size[2 * N], grid[2 * N];
    struct network net;
    bool good = true;
    for (int i = 0; i < 2 * N; ++i)
        size[i] = 1 + (int64_t)(hash_mix(7, (uint64_t)i) % 9);
    size[20] = size[21] = 0;
    use(model_file, NULL);
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) == LP_OK));
    assert_true(
        on_all(network_grids(&net, size, grid, N, MPI_COMM_WORLD) == LP_OK));
    for (int i = 0; i < 2 * N; ++i)
        good = good && grid[i] == (size[i] + 1) / 2;
    assert_true(on_all(good));
    assert_true(
        on_all(network_grids(&net, size, grid, 0, MPI_COMM_WORLD) == LP_OK));
    network_release(&net);
}

/* What network_grids says of n sizes is what the runtime says of each. */
static bool grids_agree(char *model, const int64_t *size, int64_t *grid, int n)
{
    struct network net;
    int64_t shape[4];
    int rank;
    bool good = true;
    use(model, NULL);
    assert_true(on_all(network_open(&net, &config, MPI_COMM_WORLD) == LP_OK));
    assert_true(
        on_all(network_grids(&net, size, grid, n, MPI_COMM_WORLD) == LP_OK));
    for (int i = 0; i < n; ++i)
        good = good &&
               backbone_shape(net.backbone, (int)size[2 * i],
                              (int)size[2 * i + 1], shape, &rank) == LP_OK &&
               grid[2 * i] == shape[2] && grid[2 * i + 1] == shape[3];
    network_release(&net);
    return on_all(good);
}

/* Lengths are put into groups by a guess, which these networks defy: steps of
 * six pixels that begin at the second, and a height that hangs on the width. */
static void grids_are_right_where_the_guess_is_wrong(void **state)
{
    (void)state;
    enum { N = 120 };
    int64_t size[2 * N], grid[2 * N];
    for (int i = 0; i < 2 * N; ++i)
        size[i] = 8 + (int64_t)(hash_mix(8, (uint64_t)i) % 90);
    assert_true(grids_agree(model_file, size, grid, N));
    assert_true(grids_agree(longer_file, size, grid, N));
    assert_true(on_all(grid[0] == (size[0] + 5) / 6));
    assert_true(grids_agree(turned_file, size, grid, N));
    assert_true(on_all(grid[0] == (size[1] + 1) / 2));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_rank_gets_the_same_network, set_up),
        cmocka_unit_test(a_photograph_proves_the_cut),
        cmocka_unit_test(a_frozen_classifier_is_proved_at_its_own_size),
        cmocka_unit_test(a_wrong_cut_is_refused_on_all_ranks),
        cmocka_unit_test(a_feature_of_other_channels_is_refused_on_all_ranks),
        cmocka_unit_test(a_broken_photograph_is_no_verdict_on_the_model),
        cmocka_unit_test(failures_to_open_reach_every_rank),
        cmocka_unit_test(grids_are_those_of_the_network),
        cmocka_unit_test(grids_are_right_where_the_guess_is_wrong)};
    return test_mpi_main(argc, argv, tests);
}
