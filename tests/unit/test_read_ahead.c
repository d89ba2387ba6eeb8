/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/read_ahead.h"
#include "tiny_store.h"

/* More than one call of the reader, and no whole page at the end. */
#define SIZE   ((int64_t)(20 << 20) + 1234)
#define RANGES 8

static char *data, path[4096];

static int write_file(const char *name, int64_t n)
{
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    file = fopen(path, "wb");
    const bool good = file && fwrite(data, 1, (size_t)n, file) == (size_t)n;
    return file && fclose(file) == 0 && good ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    data = malloc((size_t)SIZE);
    if (!data)
        return -1;
    for (int64_t i = 0; i < SIZE; ++i)
        data[i] = (char)hash_mix(1, (uint64_t)i);
    return write_file("data", SIZE);
}

static int teardown(void **state)
{
    (void)state;
    free(data);
    remove(path);
    return rmdir(test_folder());
}

static bool holds(const struct read_range *range)
{
    return (uintptr_t)range->bytes % 4096 == (uintptr_t)range->at % 4096 &&
           memcmp(range->bytes, data + range->at, (size_t)range->n) == 0;
}

static void every_boundary_of_a_range_is_exact(void **state)
{
    (void)state;
    static const int64_t edge[] = {0,    1,    511,     512,     4095,
                                   4096, 4097, 2 << 20, 8 << 20, SIZE};
    enum { N = sizeof edge / sizeof edge[0] };
    struct read_ahead *r;
    assert_int_equal(read_ahead_open(&r, path, SIZE, 1), LP_OK);
    for (int a = 0; a < N; ++a)
        for (int b = 0; b < N; ++b)
            for (int back = 0; back < 2; ++back) {
                /* From edge a on, or up to so many bytes before the end. */
                struct read_range range = {back ? SIZE - edge[a] : edge[a],
                                           edge[b], NULL};
                if (range.at + range.n > SIZE)
                    continue;
                read_ahead_begin(r, &range, 1);
                assert_int_equal(read_ahead_wait(r), LP_OK);
                assert_true(holds(&range));
            }
    read_ahead_close(r);
}

static void any_room_holds_its_ranges_side_by_side(void **state)
{
    (void)state;
    for (int64_t room = 1; room < SIZE; room = 3 * room + 1) {
        struct read_range range[RANGES];
        struct read_ahead *r;
        assert_int_equal(read_ahead_open(&r, path, room, RANGES), LP_OK);
        for (int n = 1; n <= RANGES; ++n) {
            int64_t left = room;
            for (int i = 0; i < n; ++i) {
                range[i].n = i == n - 1 ? left : left / 2;
                left -= range[i].n;
                range[i].at = (int64_t)(hash_mix((uint64_t)n, (uint64_t)i) %
                                        (uint64_t)(SIZE - range[i].n));
            }
            read_ahead_begin(r, range, n);
            assert_int_equal(read_ahead_wait(r), LP_OK);
            for (int i = 0; i < n; ++i)
                assert_true(holds(&range[i]));
        }
        read_ahead_close(r);
    }
}

static void bytes_live_while_the_next_are_read(void **state)
{
    (void)state;
    enum { STEP = 1000003 };
    struct read_range range[2] = {{0, STEP, NULL}};
    struct read_ahead *r;
    int turn = 0;
    assert_int_equal(read_ahead_open(&r, path, STEP, 1), LP_OK);
    read_ahead_begin(r, &range[0], 1);
    for (int64_t at = STEP; at + STEP <= SIZE; at += STEP, turn = !turn) {
        assert_int_equal(read_ahead_wait(r), LP_OK);
        range[!turn] = (struct read_range){at, STEP, NULL};
        read_ahead_begin(r, &range[!turn], 1);
        assert_true(holds(&range[turn]));
        /* Still so when the other has come. */
        assert_int_equal(read_ahead_wait(r), LP_OK);
        assert_true(holds(&range[turn]) && holds(&range[!turn]));
    }
    read_ahead_close(r);
}

static void nothing_begun_is_nothing_to_wait_for(void **state)
{
    (void)state;
    struct read_ahead *r;
    assert_int_equal(read_ahead_open(&r, path, 1, 1), LP_OK);
    assert_int_equal(read_ahead_wait(r), LP_OK);
    read_ahead_begin(r, NULL, 0);
    assert_int_equal(read_ahead_wait(r), LP_OK);
    read_ahead_close(r);
    read_ahead_close(NULL);
}

static void a_close_does_not_wait_for_all_that_was_begun(void **state)
{
    (void)state;
    for (int i = 0; i < 20; ++i) {
        struct read_range range[2] = {{0, SIZE, NULL}, {1, SIZE - 1, NULL}};
        struct read_ahead *r;
        assert_int_equal(read_ahead_open(&r, path, 2 * SIZE, 2), LP_OK);
        read_ahead_begin(r, range, 2);
        read_ahead_close(r);
    }
}

static void a_file_that_ends_early_is_named_with_its_end(void **state)
{
    (void)state;
    static const int64_t cut[] = {0, 1, 4096, (9 << 20) + 7};
    char want[4200], whole[4096];
    strcpy(whole, path);
    for (int i = 0; i < 4; ++i) {
        struct read_range range = {0, cut[i] + 1, NULL};
        struct read_ahead *r;
        assert_int_equal(write_file("short", cut[i]), 0);
        assert_int_equal(read_ahead_open(&r, path, SIZE, 1), LP_OK);
        read_ahead_begin(r, &range, 1);
        tiny_listen();
        const enum lp_status status = read_ahead_wait(r);
        const char *said = tiny_heard();
        snprintf(want, sizeof want, "%s ends before byte %lld,", path,
                 (long long)cut[i]);
        assert_int_equal(status, LP_EIO);
        assert_non_null(strstr(said, want));
        /* What is there can still be read. */
        range = (struct read_range){0, cut[i], NULL};
        read_ahead_begin(r, &range, 1);
        assert_int_equal(read_ahead_wait(r), LP_OK);
        assert_true(holds(&range));
        read_ahead_close(r);
        remove(path);
    }
    strcpy(path, whole);
}

static void a_read_that_fails_is_told_by_the_one_who_waits(void **state)
{
    (void)state;
    struct read_range range = {0, 100, NULL};
    struct read_ahead *r;
    assert_int_equal(read_ahead_open(&r, test_folder(), 100, 1), LP_OK);
    read_ahead_begin(r, &range, 1);
    tiny_listen();
    const enum lp_status status = read_ahead_wait(r);
    assert_non_null(strstr(tiny_heard(), test_folder()));
    assert_int_equal(status, LP_EIO);
    read_ahead_close(r);

    assert_int_equal(read_ahead_open(&r, path, 100, 1), LP_OK);
    setenv("LPCAM_FAULT", "read_ahead@0", 1);
    read_ahead_begin(r, &range, 1);
    assert_int_equal(read_ahead_wait(r), LP_EIO);
    unsetenv("LPCAM_FAULT");
    read_ahead_close(r);
}

static void
a_file_system_without_direct_reads_is_read_all_the_same(void **state)
{
    (void)state;
    static const char name[] = "/proc/version";
    char text[64];
    FILE *file = fopen(name, "rb");
    struct read_range range = {3, 20, NULL};
    struct read_ahead *r;
    if (!file)
        skip();
    assert_int_equal(fread(text, 1, sizeof text, file), sizeof text);
    fclose(file);
    assert_int_equal(read_ahead_open(&r, name, 20, 1), LP_OK);
    read_ahead_begin(r, &range, 1);
    assert_int_equal(read_ahead_wait(r), LP_OK);
    assert_memory_equal(range.bytes, text + 3, 20);
    read_ahead_close(r);
}

static void what_cannot_be_opened_is_refused(void **state)
{
    (void)state;
    struct read_ahead *r;
    assert_int_equal(read_ahead_open(&r, "/nowhere/at/all", 1, 1), LP_EIO);
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_boundary_of_a_range_is_exact),
        cmocka_unit_test(any_room_holds_its_ranges_side_by_side),
        cmocka_unit_test(bytes_live_while_the_next_are_read),
        cmocka_unit_test(nothing_begun_is_nothing_to_wait_for),
        cmocka_unit_test(a_close_does_not_wait_for_all_that_was_begun),
        cmocka_unit_test(a_file_that_ends_early_is_named_with_its_end),
        cmocka_unit_test(a_read_that_fails_is_told_by_the_one_who_waits),
        cmocka_unit_test(
            a_file_system_without_direct_reads_is_read_all_the_same),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
