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
    .ranks = 64,
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

/* Images are never split: a rank has one, or nothing to do. */
static void ranks_beyond_the_images_save_nothing(void **state)
{
    (void)state;
    struct kmeans_work few = coco;
    few.images = 100;
    few.rows = 4e5;
    few.cells = 1e5;
    const double one_image = few.rows / few.images * node.row_s;
    const struct kmeans_times at = kmeans_model(&few, &node, 100, 1);
    const struct kmeans_times beyond = kmeans_model(&few, &node, 256, 64);
    assert_true(at.compute >= one_image && at.compute < 2 * one_image);
    assert_true(beyond.compute == at.compute && beyond.memory == at.memory);
}

/* All centres where a rank has images of all classes; with one image a rank
 * those of its classes, 2.9 of 80. */
static void a_rank_packs_the_centres_of_its_classes(void **state)
{
    (void)state;
    struct kmeans_machine idle = node;
    idle.row_s = 0;
    idle.center_s = 1e-6;
    const double all_of_them = 160 * 20 * 1e-6, its = 2 * 2.9 * 20 * 1e-6;
    const double whole = kmeans_model(&coco, &idle, 1, 8).compute;
    const double image = kmeans_model(&coco, &idle, 1e6, 1).compute;
    assert_true(fabs(whole / all_of_them - 1) < 1e-9);
    assert_true(fabs(image / its - 1) < 1e-9);
}

static void a_row_and_a_centre_are_measured(void **state)
{
    (void)state;
    struct kmeans_work few = coco;
    struct kmeans_machine plain, best;
    few.k = 4;
    assert_int_equal(kmeans_measure(&few, "plain", &plain), LP_OK);
    assert_int_equal(kmeans_measure(&few, "auto", &best), LP_OK);
    assert_true(best.row_s > 0 && best.row_s <= 2 * plain.row_s);
    assert_true(plain.row_s < 1);
    assert_true(best.center_s > 0 && best.center_s < 1e-3);
    assert_int_equal(kmeans_measure(&few, "abacus", &best), LP_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rank_only_computes),
        cmocka_unit_test(ranks_beyond_the_cores_share_them),
        cmocka_unit_test(a_slow_memory_bounds_a_node),
        cmocka_unit_test(messages_are_the_sums_and_the_centres),
        cmocka_unit_test(more_nodes_are_faster_until_messages_take_over),
        cmocka_unit_test(ranks_beyond_the_images_save_nothing),
        cmocka_unit_test(a_rank_packs_the_centres_of_its_classes),
        cmocka_unit_test(a_row_and_a_centre_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
