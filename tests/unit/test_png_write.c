/* SPDX-License-Identifier: MIT */
#include "lpcam/output/png_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/data/mask.h"
#include "support.h"

static const char *write_file(const struct png_bytes *png)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/a.png", test_folder());
    assert_int_equal(text_write(path, (const char *)png->at, (size_t)png->n),
                     LP_OK);
    return path;
}

static void the_palette_is_vocs(void **state)
{
    (void)state;
    static const uint8_t colour[][4] = {
        {0, 0, 0, 0},     {1, 128, 0, 0}, {2, 0, 128, 0},
        {4, 0, 0, 128},   {8, 64, 0, 0},  {15, 192, 128, 128},
        {20, 0, 64, 128}, {64, 32, 0, 0}, {255, 224, 224, 192}};
    uint8_t palette[256][3];
    png_voc_palette(palette);
    for (size_t i = 0; i < sizeof colour / sizeof *colour; ++i)
        assert_memory_equal(palette[colour[i][0]], colour[i] + 1, 3);
}

static void masks_come_back_whatever_their_values_and_sizes(void **state)
{
    (void)state;
    static const int size[][2] = {
        {1, 1}, {1, 300}, {300, 1}, {63, 65}, {375, 500}};
    uint8_t palette[256][3];
    struct png_bytes png = {0};
    struct mask mask = {0};
    char why[256];
    png_voc_palette(palette);
    for (int i = 0; i < 10; ++i) {
        const int h = size[i / 2][0], w = size[i / 2][1];
        uint8_t *pixel = malloc((size_t)h * (size_t)w);
        for (int k = 0; k < h * w; ++k) { /* noise, or areas */
            const int area = k / w / 50 * 20 + k % w / 70;
            pixel[k] =
                (uint8_t)(i % 2 ? hash_mix(1, (uint64_t)k) : (uint64_t)area);
        }
        const uint8_t(*colours)[3] = (const uint8_t(*)[3])palette;
        assert_int_equal(png_of_palette(&png, pixel, h, w, colours), LP_OK);
        assert_int_equal(mask_read(write_file(&png), &mask, why), LP_OK);
        assert_true(mask.h == h && mask.w == w);
        assert_memory_equal(mask.value, pixel, (size_t)h * (size_t)w);
        assert_true(i != 8 || png.n < 8000); /* areas are short */
        free(pixel);
    }
    mask_release(&mask);
    png_release(&png);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_palette_is_vocs),
        cmocka_unit_test(masks_come_back_whatever_their_values_and_sizes),
    };
    return test_mpi_main(argc, argv, tests);
}
