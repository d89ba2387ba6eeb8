/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "lpcam/method/kmeans_model.h"
#include "support.h"

static const struct kmeans_work coco = {
    .cells = 1e8,
    .rows = 2.9e8,
    .images = 82783,
    .n_problems = 160,
    .k = 20,
    .d = 2048,
    .type = LP_F16,
};
static const struct kmeans_machine node = {
    .row_s = 4e-7,
    .memory_bytes_s = 300e9,
    .network_bytes_s = 12.5e9,
    .latency_s = 2e-6,
    .cores = 64,
};

static double all(struct kmeans_times t)
{
    return t.compute + t.memory + t.messages;
}

static void one_rank_only_computes(void **state)
{
    (void)state;
    const struct kmeans_times t = kmeans_model(&coco, &node, 1, 1);
    assert_true(fabs(t.compute / (coco.rows * node.row_s) - 1) < 0.01);
    assert_true(t.memory == 0 && t.messages == 0);
}

static void ranks_beyond_the_cores_share_them(void **state)
{
    (void)state;
    const double full = kmeans_model(&coco, &node, 1, 64).compute;
    const double twice = kmeans_model(&coco, &node, 1, 128).compute;
    assert_true(fabs(twice / full - 1) < 0.02);
}

static void a_slow_memory_bounds_a_node(void **state)
{
    (void)state;
    struct kmeans_machine slow = node;
    slow.memory_bytes_s = 1e9;
    const struct kmeans_times t = kmeans_model(&coco, &slow, 1, 64);
    const double bytes = coco.cells * coco.d * 2;
    assert_true(fabs((t.compute + t.memory) / (bytes / 1e9) - 1) < 1e-9);
}

/* 160 x 20 x 2048 sums of 8 bytes and centres of 4 cross the network. */
static void messages_are_the_sums_and_the_centres(void **state)
{
    (void)state;
    struct kmeans_machine fast = node;
    fast.memory_bytes_s = 1e300;
    fast.latency_s = 0;
    const double bytes = 160.0 * 20 * 2048 * 12;
    assert_true(kmeans_model(&coco, &fast, 1, 64).messages < 1e-9);
    const double two = kmeans_model(&coco, &fast, 2, 64).messages;
    assert_true(fabs(two / (bytes / 2 / 12.5e9) - 1) < 1e-9);
    const double many = kmeans_model(&coco, &fast, 1024, 64).messages;
    assert_true(many < bytes / 12.5e9 && many > 0.99 * bytes / 12.5e9);
}

static void more_nodes_are_faster_until_messages_take_over(void **state)
{
    (void)state;
    double before = INFINITY;
    for (int n = 1; n <= 256; n *= 4) {
        const double t = all(kmeans_model(&coco, &node, n, 64));
        assert_true(t < before);
        before = t;
    }
    const struct kmeans_times last = kmeans_model(&coco, &node, 4096, 64);
    assert_true(last.messages > last.compute);
}

static void a_row_is_measured(void **state)
{
    (void)state;
    struct kmeans_work few = coco;
    double plain, best;
    few.k = 4;
    assert_int_equal(kmeans_measure_row(&few, "plain", &plain), LP_OK);
    assert_int_equal(kmeans_measure_row(&few, "auto", &best), LP_OK);
    assert_true(best > 0 && best <= 2 * plain && plain < 1);
    assert_int_equal(kmeans_measure_row(&few, "abacus", &best), LP_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_only_computes),
        cmocka_unit_test(ranks_beyond_the_cores_share_them),
        cmocka_unit_test(a_slow_memory_bounds_a_node),
        cmocka_unit_test(messages_are_the_sums_and_the_centres),
        cmocka_unit_test(more_nodes_are_faster_until_messages_take_over),
        cmocka_unit_test(a_row_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
