/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_getaffinity */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tiny.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/net/backbone.h"

enum { MOST = 400 };

static struct backbone *net;
static float *input; /* [3][MOST][MOST] numbers, read at any size */

/* The feature of the tiny trunk. */
static const char *trunk_write(int h, int w)
{
    struct message graph = tiny_trunk(h, w);
    graph_output(&graph, "feature");
    return model_write(&graph, "trunk.onnx");
}

static enum lp_status open_file(struct backbone **b, const char *path,
                                enum lp_value precision, int threads)
{
    char *bytes = NULL;
    size_t n;
    assert_int_equal(text_read(path, &bytes, &n), LP_OK);
    const enum lp_status status =
        backbone_open(b, bytes, n, precision, threads);
    free(bytes);
    return status;
}

static int open_net(void **state)
{
    (void)state;
    input = malloc(sizeof *input * 3 * MOST * MOST);
    numbers(input, 3 * MOST * MOST, 21);
    return open_file(&net, trunk_write(0, 0), LP_F32, 1) != LP_OK;
}

static int close_net(void **state)
{
    (void)state;
    backbone_close(net);
    free(input);
    return 0;
}

/* Fingerprint of the output for h x w pixels. */
static uint64_t run(struct backbone *b, int h, int w)
{
    const float *out;
    int64_t shape[4];
    int rank;
    uint64_t hash = 0;
    assert_int_equal(backbone_run(b, input, h, w, &out, shape, &rank), LP_OK);
    assert_int_equal(rank, 4);
    assert_int_equal(shape[0], 1);
    for (int64_t i = 0; i < shape[1] * shape[2] * shape[3]; ++i) {
        uint32_t bits;
        memcpy(&bits, &out[i], sizeof bits);
        hash = hash_mix(hash, bits);
    }
    return hash;
}

/* Any size up to 256 x 256, by number. */
static int side(int i, int which)
{
    return 1 + (int)(hash_mix((uint64_t)i, (uint64_t)which) % 256);
}

/* Plain convolution and ReLU of the trunk, in double. */
static double trunk_ref(int h, int w, int channel, int y, int x)
{
    float kernel[108], bias[4];
    double sum;
    numbers(kernel, 108, 1);
    numbers(bias, 4, 2);
    sum = (double)bias[channel];
    for (int c = 0; c < 3; ++c)
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) {
                const int r = 2 * y + i - 1, s = 2 * x + j - 1;
                if (r >= 0 && r < h && s >= 0 && s < w)
                    sum += (double)kernel[((channel * 3 + c) * 3 + i) * 3 + j] *
                           (double)input[(c * h + r) * w + s];
            }
    return fmax(sum, 0);
}

static void the_output_is_the_networks(void **state)
{
    (void)state;
    const float *out;
    int64_t shape[4];
    int rank;
    assert_int_equal(backbone_run(net, input, 9, 14, &out, shape, &rank),
                     LP_OK);
    assert_int_equal(shape[1], 4);
    assert_int_equal(shape[2], 5);
    assert_int_equal(shape[3], 7);
    for (int c = 0; c < 4; ++c)
        for (int y = 0; y < 5; ++y)
            for (int x = 0; x < 7; ++x)
                assert_true(fabs((double)out[(c * 5 + y) * 7 + x] -
                                 trunk_ref(9, 14, c, y, x)) < 1e-5);
}

static void shapes_are_foretold_for_every_size(void **state)
{
    (void)state;
    for (int i = 0; i < 60; ++i) {
        const int h = i ? side(i, 0) : 1, w = i ? side(i, 1) : 1;
        int64_t foretold[4], shape[4];
        int rank, rank_run;
        const float *out;
        assert_int_equal(backbone_shape(net, h, w, foretold, &rank), LP_OK);
        assert_int_equal(backbone_run(net, input, h, w, &out, shape, &rank_run),
                         LP_OK);
        assert_int_equal(rank, rank_run);
        assert_memory_equal(foretold, shape, sizeof shape);
        assert_int_equal(foretold[2], (h + 1) / 2);
    }
}

static void a_range_of_sizes_has_a_side_where_it_is_one_number(void **state)
{
    (void)state;
    const int least[] = {9, 1}, even[] = {10, MOST}, odd[] = {11, MOST};
    const int all[] = {10, 2}, nothing[] = {-7, 0};
    int64_t shape[4];
    int rank;
    assert_int_equal(backbone_side(net, least, even, 0), 5);
    assert_int_equal(backbone_side(net, least, even, 1), 0);
    assert_int_equal(backbone_side(net, least, odd, 0), 0);
    assert_int_equal(backbone_side(net, least, all, 1), 1);
    assert_int_equal(backbone_side(net, nothing, nothing, 0), 0);
    assert_int_equal(backbone_shape(net, 391, 7, shape, &rank), LP_OK);
    assert_true(shape[2] == 196 && shape[3] == 4);
}

static void bits_do_not_depend_on_what_ran_before(void **state)
{
    (void)state;
    enum { N = 8 };
    uint64_t first[N];
    struct backbone *fresh = NULL;
    for (int i = 0; i < N; ++i)
        first[i] = run(net, side(i, 0), side(i, 1));
    /* More sizes than the runtime's cache holds. */
    for (int i = 100; i < 350; ++i) {
        int64_t shape[4];
        int rank;
        run(net, side(i, 0), side(i, 1));
        assert_int_equal(
            backbone_shape(net, side(i, 2), side(i, 3), shape, &rank), LP_OK);
    }
    assert_int_equal(open_file(&fresh, trunk_write(0, 0), LP_F32, 1), LP_OK);
    for (int i = N - 1; i >= 0; --i) {
        assert_int_equal(run(net, side(i, 0), side(i, 1)), first[i]);
        assert_int_equal(run(fresh, side(i, 0), side(i, 1)), first[i]);
    }
    backbone_close(fresh);
}

static void bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    struct backbone *two = NULL;
    assert_int_equal(open_file(&two, trunk_write(0, 0), LP_F32, 2), LP_OK);
    for (int i = 0; i < 5; ++i)
        assert_int_equal(run(two, side(i, 0), side(i, 1)),
                         run(net, side(i, 0), side(i, 1)));
    backbone_close(two);
}

static int64_t resident_bytes(void)
{
    long long all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld %lld", &all, &resident), 2);
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static void memory_stays_flat_over_many_sizes(void **state)
{
    (void)state;
    int64_t after[2], shape[4];
    int rank;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* it keeps freed memory */
#endif
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 300; ++i) {
            const int at = 1000 * (round + 1) + i;
            run(net, side(at, 0), side(at, 1));
            assert_int_equal(
                backbone_shape(net, side(at, 2), side(at, 3), shape, &rank),
                LP_OK);
        }
        after[round] = resident_bytes();
    }
    printf("after 300 sizes %.1f MB, after 600 %.1f MB\n",
           (double)after[0] / 1e6, (double)after[1] / 1e6);
    assert_true(after[1] - after[0] < 12000000);
}

static void the_process_keeps_its_cores(void **state)
{
    (void)state;
    cpu_set_t all, one, after;
    struct backbone *b = NULL;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); ++i)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(open_file(&b, trunk_write(0, 0), LP_F32, 1), LP_OK);
    run(b, 20, 20);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_true(CPU_EQUAL(&one, &after));
    backbone_close(b);
}

static void bf16_is_near_f32_or_refused(void **state)
{
    (void)state;
    struct backbone *b = NULL;
    const float *out;
    int64_t shape[4];
    int rank;
    double worst = 0;
    said_begin();
    const enum lp_status status = open_file(&b, trunk_write(0, 0), LP_BF16, 1);
    char *said = said_end();
    if (status != LP_OK) {
        assert_int_equal(status, LP_EARG);
        assert_non_null(strstr(said, "avx512_bf16"));
        assert_null(b);
    } else {
        assert_int_equal(backbone_run(b, input, 9, 14, &out, shape, &rank),
                         LP_OK);
        for (int i = 0; i < 4 * 5 * 7; ++i)
            worst =
                fmax(worst, fabs((double)out[i] -
                                 trunk_ref(9, 14, i / 35, i % 35 / 7, i % 7)));
        printf("bf16 differs by %.1e\n", worst);
        assert_true(worst < 0.1 && worst > 1e-5);
    }
    free(said);
    backbone_close(b);
}

static void a_frozen_size_is_kept_and_others_refused(void **state)
{
    (void)state;
    struct backbone *b = NULL;
    const float *out;
    int64_t shape[4];
    int rank;
    assert_int_equal(open_file(&b, trunk_write(20, 30), LP_F32, 1), LP_OK);
    run(b, 20, 30);
    said_begin();
    const enum lp_status status =
        backbone_run(b, input, 21, 30, &out, shape, &rank);
    char *said = said_end();
    printf("%s", said);
    assert_int_equal(status, LP_EMODEL);
    assert_non_null(strstr(said, "30 x 21 pixels"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    free(said);
    run(b, 20, 30);
    backbone_close(b);
}

static void nonsense_is_refused_in_one_sentence(void **state)
{
    (void)state;
    struct backbone *b = NULL;
    const char *const path[] = {file_write("nonsense", "nonsense", 8),
                                file_write("nothing", "", 0)};
    for (int i = 0; i < 2; ++i) {
        said_begin();
        const enum lp_status status = open_file(&b, path[i], LP_F32, 1);
        char *said = said_end();
        printf("%s", said);
        assert_int_equal(status, LP_EMODEL);
        assert_null(b);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        free(said);
    }
    said_begin();
    assert_int_equal(open_file(&b, trunk_write(0, 0), LP_F32, 0), LP_EARG);
    assert_int_equal(open_file(&b, trunk_write(0, 0), LP_F16, 1), LP_EARG);
    free(said_end());
    backbone_close(NULL);
}

static void the_version_is_two_parts(void **state)
{
    (void)state;
    const char *version = backbone_version(), *dash = strchr(version, '-');
    printf("%s\n", version);
    assert_non_null(strchr(version, '.'));
    assert_true(!dash || !strchr(dash + 1, '-'));
    assert_ptr_equal(version, backbone_version());
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_output_is_the_networks, open_net),
        cmocka_unit_test(shapes_are_foretold_for_every_size),
        cmocka_unit_test(a_range_of_sizes_has_a_side_where_it_is_one_number),
        cmocka_unit_test(bits_do_not_depend_on_what_ran_before),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(memory_stays_flat_over_many_sizes),
        cmocka_unit_test(the_process_keeps_its_cores),
        cmocka_unit_test(bf16_is_near_f32_or_refused),
        cmocka_unit_test(a_frozen_size_is_kept_and_others_refused),
        cmocka_unit_test(nonsense_is_refused_in_one_sentence),
        cmocka_unit_test_teardown(the_version_is_two_parts, close_net)};
    return test_mpi_main(argc, argv, tests);
}
