/* SPDX-License-Identifier: MIT */
/* What can be told without Python; job.export loads such files with NumPy. */
#include "lpcam/output/npy.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "support.h"

/* How often `part` is in the n bytes. */
static int times(const char *bytes, size_t n, const void *part, size_t length)
{
    int found = 0;
    for (size_t i = 0; i + length <= n; ++i)
        found += memcmp(bytes + i, part, length) == 0;
    return found;
}

static void a_file_is_a_header_a_pickle_and_the_data_within(void **state)
{
    (void)state;
    static const float maps[2][3] = {{1, 2, 3}, {4, 5, 6}};
    static const int64_t keys[] = {3, 300}, n = 2, dims[] = {2, 3};
    struct npy f = {0};
    struct out_folder folder;
    char *bytes = NULL, *again = NULL;
    size_t length, length_again;
    assert_int_equal(out_folder_open(&folder, test_folder(), "npy", true),
                     LP_OK);
    for (int round = 0; round < 2; ++round) {
        npy_begin(&f);
        npy_name(&f, "keys");
        npy_array(&f, NPY_I64, 1, &n, false);
        npy_data(&f, keys, sizeof keys);
        npy_array_end(&f);
        npy_number(&f, 70000);
        npy_array(&f, NPY_F32, 2, dims, round == 1);
        npy_data(&f, maps[0], sizeof maps[0]);
        npy_data(&f, maps[1], sizeof maps[1]);
        npy_array_end(&f);
        assert_int_equal(npy_write(&f, &folder, round ? "b" : "a"), LP_OK);
    }
    char *path = text_format("%s/a", folder.path);
    assert_int_equal(text_read(path, &bytes, &length), LP_OK);
    path[strlen(path) - 1] = 'b';
    assert_int_equal(text_read(path, &again, &length_again), LP_OK);

    static const char start[] = "\x93NUMPY\x01\x00\x76\x00{'descr': '|O', ";
    assert_memory_equal(bytes, start, sizeof start - 1);
    assert_memory_equal(bytes + 127, "\n\x80\x04", 3);
    assert_int_equal(bytes[length - 1], '.');
    assert_int_equal(times(bytes, length, "B\x10\0\0\0\x03\0\0", 8), 1);
    assert_int_equal(times(bytes, length, "J\x70\x11\x01\0", 5), 1);
    assert_int_equal(times(bytes, length, maps, sizeof maps), 1);
    assert_int_equal(times(bytes, length, "torch", 5), 0);
    assert_int_equal(times(again, length_again, "ctorch\nfrom_numpy\n", 18), 1);
    assert_int_equal(length_again, length + 18 + 2);
    out_folder_close(&folder);
    npy_release(&f);
    free(bytes);
    free(again);
    free(path);
}

static void arrays_beyond_4_gib_have_a_longer_length(void **state)
{
    (void)state;
    static const int64_t small[] = {1 << 20, 1 << 9, 1},
                         large[] = {1 << 20, 1 << 9, 2};
    struct npy f = {0};
    npy_begin(&f);
    npy_array(&f, NPY_I64, 3, large, false);
    npy_array_end(&f);
    assert_int_equal(times((char *)f.text, f.n, "\x8e\0\0\0\0\x02\0\0\0", 9),
                     1);
    npy_begin(&f);
    npy_array(&f, NPY_F32, 3, small, false);
    npy_array_end(&f);
    assert_int_equal(times((char *)f.text, f.n, "B\0\0\0\x80", 5), 1);
    npy_release(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_a_header_a_pickle_and_the_data_within),
        cmocka_unit_test(arrays_beyond_4_gib_have_a_longer_length),
    };
    return test_mpi_main(argc, argv, tests);
}
