/* SPDX-License-Identifier: MIT */
#include "lpcam/data/resize.h"

#include <string.h>

#include "pnm.h"

static const struct {
    int w, h, to_w, to_h;
} cases[] = {{61, 47, 30, 24}, {61, 47, 92, 70}, {61, 47, 122, 94},
             {61, 47, 1, 1},   {61, 47, 7, 94},  {61, 47, 122, 5},
             {61, 47, 61, 20}, {61, 47, 20, 47}, {61, 47, 61, 47},
             {61, 47, 62, 48}, {1, 1, 3, 2},     {1, 37, 4, 9},
             {37, 1, 80, 3},   {48, 16, 96, 32}, {48, 16, 24, 8}};
#define N_CASES (int)(sizeof cases / sizeof cases[0])

static struct image as_image(struct pnm p)
{
    return (struct image){p.h, p.w, p.bytes, (int64_t)3 * p.h * p.w};
}

static void check_case(struct resize *r, struct image *out, int i)
{
    char name[96];
    const int w = cases[i].w, h = cases[i].h;
    const int to_w = cases[i].to_w, to_h = cases[i].to_h;
    snprintf(name, sizeof name, "pillow/resize-%dx%d.ppm", w, h);
    struct image in = as_image(pnm_read(name));
    snprintf(name, sizeof name, "pillow/resize-%dx%d-to-%dx%d.ppm", w, h, to_w,
             to_h);
    struct pnm expected = pnm_read(name);

    print_message("%s\n", name);
    assert_int_equal(resize_bicubic(r, &in, out, to_h, to_w), LP_OK);
    assert_true(pnm_equals(&expected, out->h, out->w, out->rgb));
    free(expected.bytes);
    image_release(&in);
}

static void every_size_is_pillows_to_the_last_bit(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; ++i) {
        struct resize r = {0};
        struct image out = {0};
        check_case(&r, &out, i);
        image_release(&out);
        resize_release(&r);
    }
}

static void buffers_of_other_sizes_may_be_reused(void **state)
{
    (void)state;
    struct resize r = {0};
    struct image out = {0};
    for (int i = N_CASES; i-- > 0;)
        check_case(&r, &out, i);
    for (int i = 0; i < N_CASES; ++i)
        check_case(&r, &out, i);
    image_release(&out);
    resize_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_pillows_to_the_last_bit),
        cmocka_unit_test(buffers_of_other_sizes_may_be_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
