/* SPDX-License-Identifier: MIT */
/* Photograph to network input against the authors' code, to the last bit. */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/data/image.h"
#include "lpcam/data/resize.h"
#include "support.h"

static const struct {
    const char *group, *id;
} photograph[] = {{"05", "6_1_s"}, {"17", "16_27_s"}, {"23", "20_19_s"}};
static const char *const scale[] = {"0.5", "1.0", "1.5", "2.0"};

/* A data set and its sizes; NULL where the file has none of that name. */
static void *read_data(hid_t file, const char *kind, int p, int s,
                       hid_t memory_type, size_t item, hsize_t dims[3])
{
    char name[64];
    snprintf(name, sizeof name, "image/%s/%s_%s", photograph[p].group, kind,
             scale[s]);
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0)
        return NULL;
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = H5Dget_space(set);
    assert_int_equal(H5Sget_simple_extent_dims(space, dims, NULL), 3);
    void *x = malloc(dims[0] * dims[1] * dims[2] * item);
    assert_non_null(x);
    assert_true(H5Dread(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >=
                0);
    H5Sclose(space);
    H5Dclose(set);
    print_message("%s\n", name);
    return x;
}

static void check_rgb(hid_t file, int p, int s, const struct image *img)
{
    hsize_t dims[3];
    uint8_t *rgb = read_data(file, "rgb", p, s, H5T_NATIVE_UINT8, 1, dims);
    assert_non_null(rgb);
    assert_int_equal(img->h, dims[0]);
    assert_int_equal(img->w, dims[1]);
    assert_memory_equal(img->rgb, rgb, 3 * dims[0] * dims[1]);
    free(rgb);
}

/* The authors' input as it is, and mirrored by hand. */
static void check_input(hid_t file, int p, int s, const struct image *img,
                        const struct image_norm *norm)
{
    hsize_t dims[3];
    float *golden =
        read_data(file, "input", p, s, H5T_NATIVE_FLOAT, sizeof(float), dims);
    if (!golden) {
        assert_string_equal(scale[s], "2.0"); /* not kept for its size */
        return;
    }
    const size_t w = dims[2], n = 3 * dims[1] * w;
    float *input = malloc(n * sizeof *input);
    assert_non_null(input);
    image_to_input(img, norm, false, input);
    assert_memory_equal(input, golden, n * sizeof *input);
    image_to_input(img, norm, true, input);
    for (size_t i = 0; i < n; ++i) {
        const size_t mirrored = i - i % w + (w - 1 - i % w);
        assert_memory_equal(&input[i], &golden[mirrored], sizeof *input);
    }
    free(input);
    free(golden);
}

static void photographs_become_the_authors_input(void **state)
{
    (void)state;
    static const double mean[3] = {0.485, 0.456, 0.406};
    static const double std[3] = {0.229, 0.224, 0.225};
    struct image whole = {0}, scaled = {0};
    struct resize r = {0};
    struct image_norm norm;
    char path[128], why[256];
    hid_t file = H5Fopen(test_shared("golden/golden-msrc24.h5"), H5F_ACC_RDONLY,
                         H5P_DEFAULT);

    assert_true(file >= 0);
    image_norm_init(&norm, mean, std, false);
    for (int p = 0; p < 3; ++p) {
        snprintf(path, sizeof path, "data/msrc-v2/images/%s.jpg",
                 photograph[p].id);
        assert_int_equal(image_read(test_shared(path), &whole, why), LP_OK);
        for (int s = 0; s < 4; ++s) {
            const double f = strtod(scale[s], NULL);
            assert_int_equal(resize_bicubic(&r, &whole, &scaled,
                                            image_scaled(whole.h, f),
                                            image_scaled(whole.w, f)),
                             LP_OK);
            check_rgb(file, p, s, &scaled);
            check_input(file, p, s, &scaled, &norm);
        }
    }
    H5Fclose(file);
    resize_release(&r);
    image_release(&whole);
    image_release(&scaled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photographs_become_the_authors_input),
    };
    if (!test_have_shared())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
