/* SPDX-License-Identifier: MIT */
#include "lpcam/data/image.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jpeglib.h>

#include "pnm.h"

static const char *const good[] = {
    "baseline.jpg", "progressive.jpg", "gray.jpg",       "rotated.jpg",
    "cmyk.jpg",     "ycck.jpg",        "cmyk-plain.jpg", "scan-header.jpg",
    "rgb8.png",     "rgba.png",        "gray-alpha.png", "interlaced.png",
    "gray1.png",    "gray2.png",       "gray4.png",      "gray16.png",
    "rgb16.png",    "rgba16.png",      "rgb-trns.png",   "palette-trns.png"};

static const struct {
    const char *name, *why; /* a word of the reason                       */
} bad[] = {
    {"bad-half.jpg", "nd of"},         {"bad-end.jpg", "nd of"},
    {"bad-scans.jpg", "nd of"},        {"bad-marker.jpg", "nd of"},
    {"bad-frame.jpg", "precision"},    {"bad-size.jpg", "65500 x 65500"},
    {"bad-header.jpg", "nd of"},       {"bad-empty.jpg", "empty"},
    {"bad-text.jpg", "neither"},       {"bad-half.png", "too early"},
    {"bad-last.png", "too early"},     {"bad-flipped.png", "data check"},
    {"bad-checksum.png", "CRC"},       {"bad-signature.png", "too early"},
    {"bad-size.png", "60000 x 60000"}, {"missing.jpg", "No such file"}};

#define N_GOOD (int)(sizeof good / sizeof good[0])
#define N_BAD  (int)(sizeof bad / sizeof bad[0])

static const char *in_pillow(const char *name, const char *ending)
{
    static char path[256];
    int stem = (int)strlen(name);
    if (ending)
        stem = (int)(strchr(name, '.') - name);
    snprintf(path, sizeof path, "pillow/%.*s%s", stem, name,
             ending ? ending : "");
    return path;
}

static void photographs_of_all_kinds_are_what_pillow_reads(void **state)
{
    (void)state;
    struct image img = {0};
    char why[256];
    for (int i = 0; i < N_GOOD; ++i) {
        struct pnm expected = pnm_read(in_pillow(good[i], ".ppm"));
        print_message("%s\n", good[i]);
        assert_int_equal(
            image_read(test_data(in_pillow(good[i], NULL)), &img, why), LP_OK);
        assert_true(pnm_equals(&expected, img.h, img.w, img.rgb));
        free(expected.bytes);
    }
    image_release(&img);
}

static void the_header_tells_the_size(void **state)
{
    (void)state;
    char why[256];
    for (int i = 0; i < N_GOOD; ++i) {
        int h = 0, w = 0;
        assert_int_equal(
            image_read_size(test_data(in_pillow(good[i], NULL)), &h, &w, why),
            LP_OK);
        const bool is_jpeg = strstr(good[i], ".jpg") != NULL;
        assert_int_equal(h, is_jpeg ? 29 : 19);
        assert_int_equal(w, is_jpeg ? 37 : 23);
    }
}

static void bytes_between_segments_do_no_harm(void **state)
{
    (void)state;
    struct image img = {0};
    char why[256];
    struct pnm expected = pnm_read("pillow/baseline.ppm");
    assert_int_equal(image_read(test_data("pillow/extraneous.jpg"), &img, why),
                     LP_OK);
    assert_true(pnm_equals(&expected, img.h, img.w, img.rgb));
    free(expected.bytes);
    image_release(&img);
}

static void broken_files_are_refused_with_a_reason(void **state)
{
    (void)state;
    struct image img = {0};
    char why[256];
    for (int i = 0; i < N_BAD; ++i) {
        memset(why, 0, sizeof why);
        print_message("%s: ", bad[i].name);
        assert_int_equal(
            image_read(test_data(in_pillow(bad[i].name, NULL)), &img, why),
            LP_EDATA);
        print_message("%s\n", why);
        assert_non_null(strstr(why, bad[i].why));
        assert_int_equal(img.h, 0);
    }
    image_release(&img);
}

static void a_photograph_after_a_broken_one_is_read(void **state)
{
    (void)state;
    struct image img = {0};
    char why[256];
    struct pnm expected = pnm_read("pillow/baseline.ppm");
    assert_int_equal(image_read(test_data("pillow/bad-end.jpg"), &img, why),
                     LP_EDATA);
    const uint8_t *before = img.rgb;
    assert_int_equal(image_read(test_data("pillow/baseline.jpg"), &img, why),
                     LP_OK);
    assert_ptr_equal(img.rgb, before);
    assert_true(pnm_equals(&expected, img.h, img.w, img.rgb));
    free(expected.bytes);
    image_release(&img);
}

static void broken_headers_have_no_size(void **state)
{
    (void)state;
    static const char *const name[] = {"bad-header.jpg", "bad-empty.jpg",
                                       "bad-text.jpg", "bad-signature.png",
                                       "bad-size.png"};
    char why[256];
    for (int i = 0; i < 5; ++i) {
        int h = 7, w = 7;
        assert_int_equal(
            image_read_size(test_data(in_pillow(name[i], NULL)), &h, &w, why),
            LP_EDATA);
        assert_int_equal(h, 0);
        assert_int_equal(w, 0);
    }
}

/* A row of gray pixels takes what it takes: a few bytes hold few of them. */
static void
a_header_alone_does_not_cost_the_memory_of_a_photograph(void **state)
{
    (void)state;
    static const char *const name[] = {"huge_jpeg", "huge_png"};
    struct image img = {0};
    char why[256], path[4096];
    int h, w;
    for (int i = 0; i < 2; ++i) {
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/image/%s",
                 TEST_SOURCE, name[i]);
        assert_int_equal(image_read(path, &img, why), LP_EDATA);
        assert_non_null(strstr(why, "cannot hold"));
        assert_int_equal(img.room, 0);
        assert_int_equal(image_read_size(path, &h, &w, why), LP_EDATA);
    }
}

/* A file of the test's folder; a static buffer. */
static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* To read it would wait for a writer. */
static void a_pipe_is_no_photograph(void **state)
{
    (void)state;
    struct image img = {0};
    char why[256];
    assert_int_equal(mkfifo(in_folder("pipe.jpg"), 0600), 0);
    assert_int_equal(image_read(in_folder("pipe.jpg"), &img, why), LP_EDATA);
    assert_string_equal(why, "it is not a file");
    unlink(in_folder("pipe.jpg"));
    assert_int_equal(image_read(test_folder(), &img, why), LP_EDATA);
    assert_string_equal(why, "it is not a file");
}

/* A progressive gray JPEG of two scans; free. */
static uint8_t *two_scans(size_t *n)
{
    static const jpeg_scan_info scan[] = {{1, {0}, 0, 0, 0, 0},
                                          {1, {0}, 1, 63, 0, 0}};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t *bytes = NULL;
    unsigned long n_bytes = 0;
    JSAMPLE row[16];
    JSAMPROW rows = row;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &n_bytes);
    jpeg.image_width = jpeg.image_height = 16;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg.scan_info = scan;
    jpeg.num_scans = 2;
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 16; ++y) {
        for (int x = 0; x < 16; ++x)
            row[x] = (JSAMPLE)(x * 13 + y * y);
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *n = n_bytes;
    return bytes;
}

/* The same photograph in so many scans: the last one is told again and again,
 * which libjpeg takes without a warning. */
static enum lp_status read_scans(int n_scans, struct image *img, char *why)
{
    size_t n, sos;
    uint8_t *bytes = two_scans(&n);
    FILE *file = fopen(in_folder("scans.jpg"), "wb");
    assert_non_null(file);
    for (sos = n - 2; bytes[sos] != 0xff || bytes[sos + 1] != 0xda;)
        --sos;
    fwrite(bytes, 1, sos, file);
    for (int i = 1; i < n_scans; ++i)
        fwrite(bytes + sos, 1, n - 2 - sos, file);
    fwrite(bytes + n - 2, 1, 2, file);
    assert_int_equal(fclose(file), 0);
    free(bytes);
    const enum lp_status status = image_read(in_folder("scans.jpg"), img, why);
    unlink(in_folder("scans.jpg"));
    return status;
}

static void a_jpeg_of_endless_scans_is_refused(void **state)
{
    (void)state;
    struct image few = {0}, most = {0}, more = {0};
    char why[256];
    assert_int_equal(read_scans(2, &few, why), LP_OK);
    assert_int_equal(read_scans(200, &most, why), LP_OK);
    assert_memory_equal(few.rgb, most.rgb, 3 * 16 * 16);
    assert_int_equal(read_scans(201, &more, why), LP_EDATA);
    assert_string_equal(why, "it has more than 200 scans");
    image_release(&few);
    image_release(&most);
    image_release(&more);
}

static void sides_beyond_memory_are_refused(void **state)
{
    (void)state;
    struct image img = {0};
    assert_int_equal(image_reserve(&img, 2, 3), LP_OK);
    assert_int_equal(image_reserve(&img, INT_MAX, INT_MAX), LP_ENOMEM);
    assert_int_equal(img.h, 0);
    assert_int_equal(image_reserve(&img, -1, 3), LP_ENOMEM);
    assert_int_equal(image_reserve(&img, 3, 2), LP_OK);
    image_release(&img);
}

static void scaled_sides_round_halves_to_even(void **state)
{
    (void)state;
    assert_int_equal(image_scaled(213, 0.5), 106);
    assert_int_equal(image_scaled(211, 0.5), 106);
    assert_int_equal(image_scaled(213, 1.5), 320);
    assert_int_equal(image_scaled(1, 0.5), 1);
    assert_int_equal(image_scaled(7, 1.0), 7);
}

static void the_input_is_normalised_mirrored_and_reordered(void **state)
{
    (void)state;
    static const double mean[3] = {0.485, 0.456, 0.406};
    static const double std[3] = {0.229, 0.224, 0.225};
    struct image img = {0};
    struct image_norm norm;
    float chw[3 * 2 * 5];

    assert_int_equal(image_reserve(&img, 2, 5), LP_OK);
    for (int i = 0; i < 30; ++i)
        img.rgb[i] = (uint8_t)(i * 83 + 255);
    for (int kind = 0; kind < 4; ++kind) {
        const bool mirror = kind & 1, bgr = kind & 2;
        image_norm_init(&norm, mean, std, bgr);
        image_to_input(&img, &norm, mirror, chw);
        for (int i = 0; i < 30; ++i) {
            const int c = i / 10, y = i / 5 % 2, x = i % 5;
            const int from = mirror ? 4 - x : x, rgb = bgr ? 2 - c : c;
            const double v = img.rgb[(y * 5 + from) * 3 + rgb];
            const float expected = (float)((v / 255 - mean[c]) / std[c]);
            assert_memory_equal(&chw[i], &expected, sizeof expected);
        }
    }
    image_release(&img);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(test_folder());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photographs_of_all_kinds_are_what_pillow_reads),
        cmocka_unit_test(the_header_tells_the_size),
        cmocka_unit_test(bytes_between_segments_do_no_harm),
        cmocka_unit_test(broken_files_are_refused_with_a_reason),
        cmocka_unit_test(a_photograph_after_a_broken_one_is_read),
        cmocka_unit_test(broken_headers_have_no_size),
        cmocka_unit_test(
            a_header_alone_does_not_cost_the_memory_of_a_photograph),
        cmocka_unit_test(a_pipe_is_no_photograph),
        cmocka_unit_test(a_jpeg_of_endless_scans_is_refused),
        cmocka_unit_test(sides_beyond_memory_are_refused),
        cmocka_unit_test(scaled_sides_round_halves_to_even),
        cmocka_unit_test(the_input_is_normalised_mirrored_and_reordered),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
