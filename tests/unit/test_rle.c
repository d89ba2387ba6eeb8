/* SPDX-License-Identifier: MIT */
#include "lpcam/output/rle.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/data/coco_shape.h"
#include "support.h"

static void columns_are_the_pixels_turned(void **state)
{
    (void)state;
    static const int size[][2] = {{1, 1}, {1, 70}, {70, 1}, {31, 33}, {64, 65}};
    for (int i = 0; i < 5; ++i) {
        const int h = size[i][0], w = size[i][1];
        uint8_t pixel[70 * 70], column[70 * 70];
        for (int k = 0; k < h * w; ++k)
            pixel[k] = (uint8_t)hash_mix(3, (uint64_t)k);
        rle_columns(pixel, h, w, column);
        for (int y = 0; y < h; ++y)
            for (int x = 0; x < w; ++x)
                assert_int_equal(column[x * h + y], pixel[y * w + x]);
    }
}

static const char *counts_of(const char *pixels, char value)
{
    static char text[256];
    struct text_buffer b = {0};
    int64_t n_set, n = (int64_t)strlen(pixels), due = 0;
    assert_true(
        rle_encode((const uint8_t *)pixels, n, (uint8_t)value, &b, &n_set));
    for (int64_t i = 0; i < n; ++i)
        due += pixels[i] == value;
    assert_int_equal(n_set, due);
    strcpy(text, b.s);
    free(b.s);
    return text;
}

/* The strings of pycocotools for the same runs. */
static void counts_are_those_of_pycocotools(void **state)
{
    (void)state;
    assert_string_equal(counts_of("....", '#'), "4");
    assert_string_equal(counts_of("####", '#'), "04");
    assert_string_equal(counts_of(".##.", '#'), "121");
    assert_string_equal(counts_of("#.##.###", '#'), "011101");
    assert_string_equal(counts_of("................#", '#'), "`01");
    assert_string_equal(counts_of("ab.a", 'a'), "0120");
}

/* The reader of annotations, which is tested against pycocotools, draws what was
 * encoded: noise, areas, long and short runs, all and nothing. */
static void what_was_encoded_is_drawn_again(void **state)
{
    (void)state;
    enum { H = 211, W = 307, N = H * W };
    uint8_t *column = malloc(N), *drawn = malloc(N);
    struct coco_shape shape = {0};
    for (int kind = 0; kind < 6; ++kind)
        for (int value = 0; value < 3; ++value) {
            struct text_buffer counts = {0}, json = {0};
            int64_t n_set;
            char why[256] = "";
            for (int i = 0; i < N; ++i) {
                static const int area[] = {1, 7, 40, 1000, 20000, N};
                column[i] =
                    (uint8_t)(hash_mix(4, (uint64_t)(i / area[kind])) % 3);
            }
            assert_true(rle_encode(column, N, (uint8_t)value, &counts, &n_set));
            text_add(&json, "{\"size\": [%d, %d], \"counts\": ", H, W);
            text_add_json(&json, counts.s);
            text_add(&json, "}");
            memset(drawn, 0, N);
            assert_int_equal(
                coco_shape_paint(&shape, json.s, json.n, H, W, 1, drawn, why),
                LP_OK);
            for (int i = 0; i < N; ++i)
                assert_int_equal(drawn[i], column[i] == value);
            free(counts.s);
            free(json.s);
        }
    coco_shape_release(&shape);
    free(column);
    free(drawn);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_pixels_turned),
        cmocka_unit_test(counts_are_those_of_pycocotools),
        cmocka_unit_test(what_was_encoded_is_drawn_again),
    };
    return test_mpi_main(argc, argv, tests);
}
