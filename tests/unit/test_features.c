/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <unistd.h>

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

/* --- from a plain file, by a thread */

#define N  40
#define AT 5002 /* bytes of the file before the rows */

static char path[4096];

/* The rows go to a file too, and are read from there. */
static void data_plain(struct features *f, struct data_file *file,
                       int64_t block_bytes)
{
    const size_t n =
        (size_t)(f->offset[f->n_images] * D * value_bytes(f->type));
    snprintf(path, sizeof path, "%s/rows", test_folder());
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fseek(out, AT, SEEK_SET), 0);
    assert_int_equal(fwrite(f->value, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    data_stream(f, file, block_bytes);
    file->fail_at = 1; /* blocks do not come from there */
    f->path = path;
    f->at = AT;
}

static void drop(struct features *f, struct data_file *file)
{
    free(file->value);
    features_release(f);
    remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(test_folder());
}

/* One pass over the wanted images; each must be what memory holds. Returns the
 * number of blocks. */
static int pass(struct features *f, const struct data_file *file)
{
    const int64_t bytes = D * value_bytes(f->type);
    const void *rows;
    int n_blocks = 0;
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        end = i + 1;
        if (f->wanted && !f->wanted[i])
            continue;
        assert_int_equal(features_block(f, i, &end, &rows), LP_OK);
        assert_true(end > i && end <= f->n_images);
        assert_ptr_equal(rows, features_rows(f, i));
        for (int64_t a = i; a < end; ++a)
            if (!f->wanted || f->wanted[a])
                assert_memory_equal(
                    features_rows(f, a), file->value + f->offset[a] * bytes,
                    (size_t)((f->offset[a + 1] - f->offset[a]) * bytes));
        ++n_blocks;
    }
    return n_blocks;
}

static void rows_of_a_plain_file_are_those_of_memory(void **state)
{
    (void)state;
    static const enum lp_value type[] = {LP_F32, LP_F16, LP_BF16};
    for (int t = 0; t < 3; ++t)
        for (int64_t room = 0; room < 400000; room = 3 * room + 7) {
            struct features f = data_made(N, 1, D, type[t]);
            struct data_file file;
            data_plain(&f, &file, room);
            for (int i = 0; i < 3; ++i) {
                pass(&f, &file);
                walk(&f, &file);
            }
            drop(&f, &file);
        }
}

/* Other images in every pass, more and fewer: what was read ahead may lack
 * some of them. */
static void any_images_may_be_wanted_in_the_next_pass(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; ++plain)
        for (int64_t room = 1; room < 100000; room *= 7) {
            struct features f = data_made(N, 1, D, LP_F32);
            struct data_file file;
            bool wanted[N];
            if (plain)
                data_plain(&f, &file, room);
            else
                data_stream(&f, &file, room);
            f.wanted = wanted;
            for (uint64_t p = 0; p < 40; ++p) {
                for (int i = 0; i < N; ++i)
                    wanted[i] = hash_mix(p, (uint64_t)i) % 8 < p % 10;
                pass(&f, &file);
            }
            drop(&f, &file);
        }
}

static void blocks_may_be_asked_for_in_any_order(void **state)
{
    (void)state;
    struct features f = data_made(N, 1, D, LP_F32);
    struct data_file file;
    const void *rows;
    int64_t end;
    data_plain(&f, &file, 9000);
    for (uint64_t a = 0; a < 200; ++a) {
        const int64_t i = (int64_t)(hash_mix(5, a) % N);
        assert_int_equal(features_block(&f, i, &end, &rows), LP_OK);
        assert_memory_equal(rows, file.value + f.offset[i] * D * 4,
                            (size_t)((f.offset[end] - f.offset[i]) * D * 4));
    }
    drop(&f, &file);
}

/* What lies between is not read, so a block reaches over it. */
static void images_that_are_not_wanted_take_no_room(void **state)
{
    (void)state;
    enum { CELLS = 100000, IMAGES = 8 }; /* 1.2 MB an image */
    float *x = malloc(sizeof *x * D * CELLS * IMAGES);
    struct data_file file;
    bool wanted[IMAGES] = {false, true, false, false, true, false, false, true};
    assert_non_null(x);
    for (int64_t i = 0; i < (int64_t)D * CELLS * IMAGES; ++i)
        x[i] = (float)i;
    struct features f = data_rows(IMAGES, D * CELLS, x);
    for (int i = 0; i <= IMAGES; ++i)
        f.offset[i] *= CELLS;
    f.d = D;
    data_plain(&f, &file, 3 * (int64_t)sizeof *x * D * CELLS);
    f.wanted = wanted;
    assert_int_equal(pass(&f, &file), 1);
    f.wanted = NULL;
    assert_int_equal(pass(&f, &file), 3);
    free(x);
    drop(&f, &file);
}

static void a_file_that_was_cut_ends_in_its_block(void **state)
{
    (void)state;
    struct features f = data_made(N, 1, D, LP_F32);
    struct data_file file;
    const void *rows;
    int64_t end = 0;
    enum lp_status status = LP_OK;
    data_plain(&f, &file, 5000);
    assert_int_equal(truncate(path, AT + f.offset[N / 2] * D * 4 - 1), 0);
    for (int64_t i = 0; i < N && status == LP_OK; i = end)
        status = features_block(&f, i, &end, &rows);
    assert_int_equal(status, LP_EIO);
    assert_true(end <= N / 2);
    /* A failure leaves nothing behind. */
    assert_int_equal(features_block(&f, N - 2, &end, &rows), LP_EIO);
    assert_int_equal(features_block(&f, 0, &end, &rows), LP_OK);
    assert_memory_equal(rows, file.value, (size_t)(f.offset[end] * D * 4));
    drop(&f, &file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_hold_as_many_images_as_fit_and_at_least_one),
        cmocka_unit_test(a_block_may_fill_its_room_exactly),
        cmocka_unit_test(memory_is_one_block),
        cmocka_unit_test(a_row_is_the_same_read_or_in_memory),
        cmocka_unit_test(a_read_that_fails_is_passed_on),
        cmocka_unit_test(rows_of_a_plain_file_are_those_of_memory),
        cmocka_unit_test(any_images_may_be_wanted_in_the_next_pass),
        cmocka_unit_test(blocks_may_be_asked_for_in_any_order),
        cmocka_unit_test(images_that_are_not_wanted_take_no_room),
        cmocka_unit_test(a_file_that_was_cut_ends_in_its_block),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
