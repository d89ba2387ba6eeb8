/* SPDX-License-Identifier: MIT */
#include "lpcam/data/coco_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "support.h"

/* What a shape gives on an empty canvas. */
struct painted {
    enum lp_status status;
    int64_t n_pixels;
    char hash[65], why[256];
};

static struct painted paint(struct coco_shape *shape, const char *json, int h,
                            int w)
{
    struct painted p = {0};
    const size_t n = (size_t)h * (size_t)w;
    uint8_t *columns = calloc(n, 1);
    assert_non_null(columns);
    p.status =
        coco_shape_paint(shape, json, strlen(json), h, w, 1, columns, p.why);
    for (size_t i = 0; i < n; ++i)
        p.n_pixels += columns[i];
    hash_sha256(columns, n, p.hash);
    p.hash[16] = 0;
    free(columns);
    return p;
}

static void made_up_shapes_are_those_of_pycocotools(void **state)
{
    (void)state;
    char *text, *cursor;
    size_t n;
    int n_seen = 0;
    struct coco_shape shape = {0};
    assert_int_equal(text_read(test_data("coco_shapes.txt"), &text, &n), LP_OK);
    cursor = text;
    while (*cursor) {
        int h, w, pixels, used;
        char hash[17];
        char *end = strchr(cursor, '\n');
        *end = 0;
        assert_int_equal(
            sscanf(cursor, "%d %d %d %16s %n", &h, &w, &pixels, hash, &used),
            4);
        const struct painted p = paint(&shape, cursor + used, h, w);
        if (p.status != LP_OK || strcmp(p.hash, hash) != 0)
            fail_msg("%s: status %d %s, %d pixels instead of %d", cursor,
                     p.status, p.why, (int)p.n_pixels, pixels);
        ++n_seen;
        cursor = end + 1;
    }
    assert_true(n_seen > 290);
    coco_shape_release(&shape);
    free(text);
}

static void a_shape_paints_over_what_is_there_and_leaves_the_rest(void **state)
{
    (void)state;
    static const char json[] = "[[1, 1, 3, 1, 3, 3, 1, 3]]";
    struct coco_shape shape = {0};
    uint8_t columns[16];
    char why[256];
    memset(columns, 7, sizeof columns);
    assert_int_equal(
        coco_shape_paint(&shape, json, strlen(json), 4, 4, 9, columns, why),
        LP_OK);
    for (int x = 0; x < 4; ++x)
        for (int y = 0; y < 4; ++y)
            assert_int_equal(columns[4 * x + y],
                             x >= 1 && x < 3 && y >= 1 && y < 3 ? 9 : 7);
    coco_shape_release(&shape);
}

static void unknown_keys_and_their_order_do_not_matter(void **state)
{
    (void)state;
    static const char *const json[] = {
        "{\"counts\": [2, 3], \"size\": [3, 2]}",
        "{\"note\": {\"size\": [[1], \"x\", null, true]}, \"size\": [3, 2],"
        " \"counts\": [2, 3], \"x\": 1e5}",
        " {\"size\":[3,2],\"counts\":\"23\"}\n",
        "{\"size\":[3,2],\"counts\":\"\\u00323\"}"};
    struct coco_shape shape = {0};
    for (int i = 0; i < 4; ++i) {
        const struct painted p = paint(&shape, json[i], 3, 2);
        assert_int_equal(p.status, LP_OK);
        assert_int_equal(p.n_pixels, 3);
    }
    coco_shape_release(&shape);
}

static void an_empty_list_paints_nothing(void **state)
{
    (void)state;
    struct coco_shape shape = {0};
    static const char *const json[] = {"[]", "[[]]", "[[1, 2]]"};
    for (int i = 0; i < 3; ++i) {
        const struct painted p = paint(&shape, json[i], 5, 5);
        assert_int_equal(p.status, LP_OK);
        assert_int_equal(p.n_pixels, 0);
    }
    coco_shape_release(&shape);
}

static void what_cannot_be_drawn_is_said_in_words(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"[[1, 2, 3]]", "odd number"},
        {"[1, 2, 3, 4]", "a list of its own"},
        {"[[1, 2, \"3\", 4]]", "neither polygons nor run lengths"},
        {"[[1, 2, null, 4]]", "neither polygons nor run lengths"},
        {"[{\"size\": 1}]", "neither polygons nor run lengths"},
        {"[[[1, 2]]]", "too deep"},
        {"[[1e9, 2, 3, 4]]", "far outside"},
        {"[[1e999, 2, 3, 4]]", "far outside"},
        {"[[1, 2, 3", "no JSON"},
        {"[[1, 2]] 3", "no JSON"},
        {"", "no JSON"},
        {"5", "neither polygons nor run lengths"},
        {"null", "neither polygons nor run lengths"},
        {"{\"size\": [5, 5]}", "no counts"},
        {"{\"counts\": [5, 5]}", "its size is 0 x 0"},
        {"{\"size\": [5, 6], \"counts\": [3]}", "its size is 5 x 6"},
        {"{\"size\": [5, 5], \"counts\": [3, 23]}", "more than the image"},
        {"{\"size\": [5, 5], \"counts\": [3, -1]}", "whole numbers"},
        {"{\"size\": [5, 5], \"counts\": [3, 1.5]}", "whole numbers"},
        {"{\"size\": [5, 5], \"counts\": 3}", "no counts"},
        {"{\"size\": [5, 5], \"counts\": \"33X\"}", "no run lengths"},
        {"{\"size\": [5, 5], \"counts\": \"3 3\"}", "no run lengths"},
        {"{\"size\": [5, 5], \"counts\": \"ooooooooooooooooooooo1\"}",
         "no run lengths"},
        {"{\"size\": [5, 5], \"counts\": \"3@\"}", "no run lengths"},
    };
    struct coco_shape shape = {0};
    for (size_t i = 0; i < sizeof pair / sizeof pair[0]; ++i) {
        const struct painted p = paint(&shape, pair[i][0], 5, 5);
        if (p.status != LP_EDATA || !strstr(p.why, pair[i][1]))
            fail_msg("%s: status %d, no \"%s\" in: %s", pair[i][0], p.status,
                     pair[i][1], p.why);
    }
    coco_shape_release(&shape);
}

/* Every few bytes cross 3000 columns twice, which nobody outlines. */
static void a_polygon_that_goes_to_and_fro_for_ever_is_refused(void **state)
{
    (void)state;
    static const char edge[] = "0,0,3000,1,";
    enum { N_EDGES = 300 };
    struct coco_shape shape = {0};
    struct text_buffer json = {0};
    static uint8_t columns[2 * 3000];
    char why[256];
    for (int few = 1; few >= 0; --few) {
        json.n = 0;
        text_add(&json, "[[");
        for (int i = 0; i < (few ? N_EDGES / 2 : N_EDGES); ++i)
            text_add(&json, "%s", edge);
        text_add(&json, "9,9]]");
        assert_int_equal(
            coco_shape_paint(&shape, json.s, json.n, 2, 3000, 1, columns, why),
            few ? LP_OK : LP_EDATA);
    }
    assert_non_null(strstr(why, "to and fro"));
    coco_shape_release(&shape);
    free(json.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_up_shapes_are_those_of_pycocotools),
        cmocka_unit_test(a_shape_paints_over_what_is_there_and_leaves_the_rest),
        cmocka_unit_test(unknown_keys_and_their_order_do_not_matter),
        cmocka_unit_test(an_empty_list_paints_nothing),
        cmocka_unit_test(what_cannot_be_drawn_is_said_in_words),
        cmocka_unit_test(a_polygon_that_goes_to_and_fro_for_ever_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
