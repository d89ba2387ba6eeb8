/* SPDX-License-Identifier: MIT */
/* Colours of maps, and the files that are laid over photographs, read back. */
#include "support.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/colours.h"
#include "lpcam/output/jpeg_write.h"
#include "lpcam/output/overlay.h"
#include "lpcam/output/png_write.h"

static struct out_folder folder;

static int make_folder(void **state)
{
    (void)state;
    folder = OUT_FOLDER_NONE;
    return out_folder_open(&folder, test_folder(), "", true);
}

static int drop_folder(void **state)
{
    (void)state;
    unlinkat(folder.fd, "x", 0);
    out_folder_close(&folder);
    return rmdir(test_folder());
}

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* CIELAB of an sRGB colour under D65, written here from its definition: another
 * space than the one the colours are made in. */
static void to_cielab(const uint8_t rgb[3], double lab[3])
{
    static const double m[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                   {0.2126729, 0.7151522, 0.0721750},
                                   {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    double linear[3], f[3];
    for (int i = 0; i < 3; ++i) {
        const double v = rgb[i] / 255.0;
        linear[i] = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    }
    for (int i = 0; i < 3; ++i) {
        const double x =
            (m[i][0] * linear[0] + m[i][1] * linear[1] + m[i][2] * linear[2]) /
            white[i];
        f[i] = x > 216.0 / 24389 ? cbrt(x) : (24389.0 / 27 * x + 16) / 116;
    }
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static double distance(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

static void larger_values_are_lighter_by_even_steps(void **state)
{
    (void)state;
    uint8_t rgb[256][3];
    double lab[256][3], least = INFINITY, most = 0;
    value_colours(rgb);
    for (int i = 0; i < 256; ++i)
        to_cielab(rgb[i], lab[i]);
    for (int i = 1; i < 256; ++i)
        assert_true(lab[i][0] > lab[i - 1][0]);
    for (int i = 16; i < 256; i += 16) {
        const double step = distance(lab[i], lab[i - 16]);
        least = step < least ? step : least;
        most = step > most ? step : most;
    }
    assert_true(lab[0][0] < 12 && lab[255][0] > 88);
    assert_true(most < 1.9 * least);
    for (int i = 1; i < 256; ++i) /* no seam between neighbours */
        assert_true(distance(lab[i], lab[i - 1]) < 2.2);
}

/* A file as libpng shows it: [h][w][4]. */
static uint8_t *read_back(const char *name, int *h, int *w)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path_of(name)));
    image.format = PNG_FORMAT_RGBA;
    *h = (int)image.height;
    *w = (int)image.width;
    uint8_t *pixel = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, pixel, 0, NULL));
    return pixel;
}

static void a_map_is_the_more_opaque_the_higher_it_is(void **state)
{
    (void)state;
    const float map[] = {0, 0.25F, 0.5F, 1, -3, 7, NAN, INFINITY};
    const int entry[] = {0, 64, 128, 255, 0, 255, 0, 255};
    uint8_t rgb[256][3];
    int h, w;
    value_colours(rgb);
    assert_int_equal(overlay_write_map(&folder, "x", map, 2, 4), LP_OK);
    uint8_t *pixel = read_back("x", &h, &w);
    assert_int_equal(h, 2);
    assert_int_equal(w, 4);
    for (int i = 0; i < 8; ++i)
        assert_memory_equal(pixel + 4 * i, rgb[entry[i]], 3);
    for (int i = 1; i < 4; ++i)
        assert_true(pixel[4 * i + 3] > pixel[4 * i - 1]);
    free(pixel);
}

static void a_mask_is_clear_inside_and_has_an_outline(void **state)
{
    (void)state;
    enum { SIDE = 7 };
    uint8_t mask[SIDE * SIDE] = {0};
    int h, w;
    for (int y = 0; y < SIDE; ++y)
        for (int x = 3; x < SIDE; ++x) /* to the right border */
            mask[y * SIDE + x] = MASK_CLASS;
    mask[6] = MASK_IGNORED;
    overlay_outline(mask, SIDE, SIDE, 1);
    assert_int_equal(mask[3 * SIDE + 2], MASK_NOTHING);
    assert_int_equal(mask[3 * SIDE + 3], MASK_EDGE);
    assert_int_equal(mask[3 * SIDE + 4], MASK_CLASS); /* one pixel wide */
    assert_int_equal(mask[3 * SIDE + 6], MASK_CLASS); /* the border is none */
    assert_int_equal(mask[5], MASK_EDGE);
    assert_int_equal(mask[6], MASK_IGNORED);
    assert_int_equal(overlay_write_mask(&folder, "x", mask, SIDE, SIDE), LP_OK);
    uint8_t *pixel = read_back("x", &h, &w);
    assert_int_equal(pixel[4 * (3 * SIDE + 4) + 3], 0);
    assert_int_equal(pixel[4 * (3 * SIDE + 3) + 3], 255);
    assert_true(pixel[4 * (3 * SIDE) + 3] > 128);
    free(pixel);
}

static void the_bar_shows_every_colour_once(void **state)
{
    (void)state;
    uint8_t rgb[256][3];
    int h, w;
    value_colours(rgb);
    assert_int_equal(overlay_write_bar(&folder, "x"), LP_OK);
    uint8_t *pixel = read_back("x", &h, &w);
    assert_int_equal(w, 256);
    for (int i = 0; i < 256; ++i) {
        assert_memory_equal(pixel + 4 * i, rgb[i], 3);
        assert_int_equal(pixel[4 * i + 3], 255);
    }
    free(pixel);
}

static void a_photograph_comes_back_nearly_as_it_was(void **state)
{
    (void)state;
    struct image image = {0}, back = {0};
    char why[256];
    double sum = 0;
    assert_int_equal(image_reserve(&image, 30, 50), LP_OK);
    for (int i = 0; i < 30 * 50; ++i) {
        image.rgb[3 * i] = (uint8_t)(i % 50 * 5);
        image.rgb[3 * i + 1] = (uint8_t)(i / 50 * 8);
        image.rgb[3 * i + 2] = 90;
    }
    assert_int_equal(jpeg_write(&folder, "x", &image, 95), LP_OK);
    assert_int_equal(image_read(path_of("x"), &back, why), LP_OK);
    assert_int_equal(back.h, 30);
    assert_int_equal(back.w, 50);
    for (int i = 0; i < 3 * 30 * 50; ++i)
        sum += abs(image.rgb[i] - back.rgb[i]);
    assert_true(sum / (3 * 30 * 50) < 4);
    image_release(&image);
    image_release(&back);
}

static void pictures_that_cannot_be_written_are_refused(void **state)
{
    (void)state;
    uint8_t pixel = 0;
    float value = 0;
    struct image image = {.h = 1, .w = 1, .rgb = (uint8_t[]){1, 2, 3}};
    struct image none = {.h = 0, .w = 0, .rgb = &pixel};
    assert_int_equal(overlay_write_map(&folder, "no/x", &value, 1, 1), LP_EIO);
    assert_int_equal(overlay_write_mask(&folder, "no/x", &pixel, 1, 1), LP_EIO);
    assert_int_equal(jpeg_write(&folder, "no/x", &image, 80), LP_EIO);
    assert_int_not_equal(jpeg_write(&folder, "x", &none, 80), LP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(larger_values_are_lighter_by_even_steps),
        cmocka_unit_test(a_map_is_the_more_opaque_the_higher_it_is),
        cmocka_unit_test(a_mask_is_clear_inside_and_has_an_outline),
        cmocka_unit_test(the_bar_shows_every_colour_once),
        cmocka_unit_test(a_photograph_comes_back_nearly_as_it_was),
        cmocka_unit_test(pictures_that_cannot_be_written_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
