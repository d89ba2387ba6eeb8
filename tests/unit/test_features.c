/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "kmeans_data.h"
#include "lpcam/method/features.h"

#define D 3

/* Walk all blocks; each must hold what memory holds. Returns their number. */
static int walk(struct features *f, const struct data_file *file)
{
    const int64_t row_bytes = D * value_bytes(f->type);
    const void *rows;
    int n_blocks = 0;
    for (int64_t i = 0, end; i < f->n_images; i = end, ++n_blocks) {
        assert_int_equal(features_block(f, i, &end, &rows), LP_OK);
        const int64_t n = f->offset[end] - f->offset[i];
        assert_true(end > i && end <= f->n_images);
        assert_true(end == i + 1 || n * row_bytes <= f->block_bytes);
        assert_memory_equal(rows, file->value + f->offset[i] * row_bytes,
                            (size_t)(n * row_bytes));
        if (end < f->n_images)
            assert_true((f->offset[end + 1] - f->offset[i]) * row_bytes >
                        f->block_bytes);
    }
    return n_blocks;
}

static void blocks_hold_as_many_images_as_fit_and_at_least_one(void **state)
{
    (void)state;
    for (int64_t room = 0; room < 60000; room = 2 * room + 7) {
        struct features f = data_made(20, 1, D, LP_F16);
        struct data_file file;
        data_stream(&f, &file, room);
        const int n_blocks = walk(&f, &file);
        /* Two of the images have no cells and ask for no read. */
        assert_true(room > 0 || (n_blocks == 20 && file.n_reads == 18));
        assert_true(room == 0 || file.n_reads <= n_blocks);
        free(file.value);
        features_release(&f);
    }
}

static void a_block_may_fill_its_room_exactly(void **state)
{
    (void)state;
    for (int last = 1; last <= 20; ++last) {
        struct features f = data_made(20, 1, D, LP_F16);
        struct data_file file;
        data_stream(&f, &file, f.offset[last] * D * 2);
        walk(&f, &file);
        free(file.value);
        features_release(&f);
    }
}

static void memory_is_one_block(void **state)
{
    (void)state;
    struct features f = data_made(20, 1, D, LP_F32);
    const void *rows;
    int64_t end;
    assert_int_equal(features_block(&f, 3, &end, &rows), LP_OK);
    assert_int_equal(end, 20);
    assert_ptr_equal(rows, (float *)f.value + f.offset[3] * D);
    features_release(&f);
}

static void a_row_is_the_same_read_or_in_memory(void **state)
{
    (void)state;
    struct features f = data_made(6, 1, D, LP_BF16), g = data_cut(&f, 0, 6);
    struct data_file file;
    data_stream(&g, &file, 1);
    for (int64_t c = 0; c < f.offset[6]; c += 11) {
        float x[D], y[D];
        assert_int_equal(features_row(&f, c, x), LP_OK);
        assert_int_equal(features_row(&g, c, y), LP_OK);
        assert_memory_equal(x, y, sizeof x);
    }
    free(file.value);
    features_release(&f);
    features_release(&g);
}

static void a_read_that_fails_is_passed_on(void **state)
{
    (void)state;
    struct features f = data_made(6, 1, D, LP_F32);
    struct data_file file;
    const void *rows;
    int64_t end;
    float x[D];
    data_stream(&f, &file, 1);
    file.fail_at = 1;
    assert_int_equal(features_block(&f, 0, &end, &rows), LP_EIO);
    file.fail_at = 2;
    assert_int_equal(features_row(&f, 0, x), LP_EIO);
    free(file.value);
    features_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_hold_as_many_images_as_fit_and_at_least_one),
        cmocka_unit_test(a_block_may_fill_its_room_exactly),
        cmocka_unit_test(memory_is_one_block),
        cmocka_unit_test(a_row_is_the_same_read_or_in_memory),
        cmocka_unit_test(a_read_that_fails_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
