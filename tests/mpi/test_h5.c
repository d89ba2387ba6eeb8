/* SPDX-License-Identifier: MIT */
#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/h5.h"
#include "support.h"
#include "tiny_store.h"

static char path[4096];
static int rank, size;

/* Every test has a file of its own. */
static int setup(void **state)
{
    static int n;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/h5-%d.h5", test_folder(), n++);
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

/* A new file with one data set, closed and opened again to be written. */
static struct h5 *file_with(const char *name, enum h5_type type, int n_dims,
                            const int64_t *dims)
{
    struct h5 *h5 = NULL;
    enum lp_status status = h5_create(&h5, path, MPI_COMM_WORLD);
    if (status == LP_OK)
        status = h5_define(h5, name, type, n_dims, dims, "what", "unit", NULL);
    if (status == LP_OK)
        status = h5_close(&h5);
    if (status == LP_OK)
        status = h5_open(&h5, path, true, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    return h5;
}

static struct h5 *again(struct h5 *h5)
{
    enum lp_status status = h5_close(&h5);
    if (status == LP_OK)
        status = h5_open(&h5, path, false, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    return h5;
}

/* Rank r writes r rows of three, so rank 0 has none. */
static void rows_of_every_rank_come_back(void **state)
{
    (void)state;
    const int64_t first = rank * (rank - 1) / 2, all = size * (size - 1) / 2;
    const int64_t dims[2] = {all + 1, 3};
    struct h5 *h5 = file_with("/a/b/rows", H5_I64, 2, dims);
    int64_t row[21], found[3];
    for (int i = 0; i < 3 * rank; ++i)
        row[i] = 1000 * first + i;
    assert_true(
        on_all(h5_write(h5, "/a/b/rows", H5_I64, first, rank, row) == LP_OK));
    h5 = again(h5);
    bool good = true;
    for (int r = 0; r < size; ++r)
        for (int i = 0; i < r; ++i) {
            const int64_t at = r * (r - 1) / 2;
            good = good &&
                   h5_read(h5, "/a/b/rows", H5_I64, at + i, 1, found) == LP_OK;
            for (int j = 0; j < 3; ++j)
                good = good && found[j] == 1000 * at + 3 * i + j;
        }
    assert_true(on_all(good));
    assert_int_equal(h5_close(&h5), LP_OK);
    assert_null(h5);
    assert_int_equal(h5_close(&h5), LP_OK);
}

static void half_floats_are_numbers_to_any_program(void **state)
{
    (void)state;
    const float x[4] = {1, -0.375f, 65504, 0};
    const enum lp_value value[] = {LP_F16, LP_BF16};
    for (int t = 0; t < 2; ++t) {
        const int64_t n = 4;
        uint16_t bits[4], back[4];
        float stored[4], converted[4];
        enum h5_type type;
        int n_dims;
        int64_t dims[4];
        if (t == 1)
            setup(state);
        struct h5 *h5 = file_with("/x", h5_type_of(value[t]), 1, &n);
        value_from_f32(value[t], x, 4, bits);
        value_to_f32(value[t], bits, 4, stored);
        if (rank == 0)
            assert_int_equal(
                h5_write(h5, "/x", h5_type_of(value[t]), 0, 4, bits), LP_OK);
        h5 = again(h5);
        bool good =
            h5_read(h5, "/x", h5_type_of(value[t]), 0, 4, back) == LP_OK &&
            h5_read(h5, "/x", H5_F32, 0, 4, converted) == LP_OK &&
            h5_shape(h5, "/x", &type, &n_dims, dims) == LP_OK;
        good = good && memcmp(bits, back, sizeof bits) == 0 &&
               memcmp(stored, converted, sizeof stored) == 0 &&
               type == h5_type_of(value[t]) && n_dims == 1 && dims[0] == 4;
        assert_true(on_all(good));
        h5_close(&h5);
    }
}

/* What any program finds at h5_offset, where there is anything to find. */
static void rows_in_one_piece_can_be_read_without_hdf5(void **state)
{
    (void)state;
    static const enum h5_type type[] = {H5_F32, H5_F16, H5_BF16, H5_U8};
    enum { ROWS = 50000, D = 3 };
    const int64_t dims[2] = {ROWS, D};
    char *rows = calloc(ROWS * D, 4), *found = calloc(ROWS * D, 4);
    for (int i = 0; i < ROWS * D * 4; ++i)
        rows[i] = (char)(i % 31);
    for (int t = 0; t < 4; ++t) {
        struct h5 *h5 = file_with("/a/rows", type[t], 2, dims);
        const size_t n = ROWS * D * (size_t)h5_type_bytes(type[t]);
        bool good = rank != 0 ||
                    h5_write(h5, "/a/rows", type[t], 0, ROWS, rows) == LP_OK;
        h5 = again(h5);
        const int64_t at = h5_offset(h5, "/a/rows", type[t]);
        FILE *file = fopen(path, "rb");
        good = good && at > 0 && at % 64 == 0 && file &&
               fseek(file, (long)at, SEEK_SET) == 0 &&
               fread(found, 1, n, file) == n && memcmp(found, rows, n) == 0 &&
               h5_offset(h5, "/a/rows", type[(t + 1) % 4]) == -1 &&
               h5_offset(h5, "/a/none", type[t]) == -1;
        if (file)
            fclose(file);
        assert_true(on_all(good));
        assert_true(on_all(h5_close(&h5) == LP_OK));
    }
    free(rows);
    free(found);
}

static void rows_in_chunks_or_turned_numbers_have_no_offset(void **state)
{
    (void)state;
    const hsize_t dims[2] = {6, 3}, chunk[2] = {2, 3};
    struct h5 *h5 = NULL;
    if (rank == 0) {
        const hid_t file =
            H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hid_t space = H5Screate_simple(2, dims, NULL);
        const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_alloc_time(plan, H5D_ALLOC_TIME_EARLY);
        H5Dclose(H5Dcreate2(file, "turned", H5T_IEEE_F32BE, space, H5P_DEFAULT,
                            plan, H5P_DEFAULT));
        H5Pset_chunk(plan, 2, chunk);
        H5Dclose(H5Dcreate2(file, "chunks", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                            plan, H5P_DEFAULT));
        H5Pclose(plan);
        H5Sclose(space);
        H5Fclose(file);
    }
    comm_barrier(MPI_COMM_WORLD);
    assert_true(on_all(h5_open(&h5, path, false, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(h5_has(h5, "/turned") && h5_has(h5, "/chunks")));
    assert_true(on_all(h5_offset(h5, "/turned", H5_F32) == -1));
    assert_true(on_all(h5_offset(h5, "/chunks", H5_F32) == -1));
    assert_true(on_all(h5_close(&h5) == LP_OK));
}

static void empty_data_sets_are_legal(void **state)
{
    (void)state;
    const int64_t dims[2] = {0, 5};
    enum h5_type type;
    int64_t want[2] = {-1, 5};
    void *all = NULL;
    struct h5 *h5 = file_with("/none", H5_F32, 2, dims);
    assert_true(on_all(h5_write(h5, "/none", H5_F32, 0, 0, NULL) == LP_OK));
    h5 = again(h5);
    assert_true(on_all(h5_has(h5, "/none") && !h5_has(h5, "/nothing")));
    assert_true(on_all(h5_expect(h5, "/none", 2, want, &type) == LP_OK));
    assert_true(on_all(want[0] == 0 && type == H5_F32));
    assert_true(on_all(h5_read(h5, "/none", H5_F32, 0, 0, NULL) == LP_OK));
    assert_true(
        on_all(h5_read_shared(h5, "/none", H5_F32, 2, want, &all) == LP_OK));
    free(all);
    h5_close(&h5);
}

static void rows_that_are_not_there_are_refused(void **state)
{
    (void)state;
    const int64_t n = 4;
    int32_t row[4] = {0};
    struct h5 *h5 = file_with("/x", H5_I32, 1, &n);
    assert_true(on_all(h5_write(h5, "/x", H5_I32, 2, 3, row) == LP_EARG));
    assert_true(on_all(h5_read(h5, "/x", H5_I32, -1, 2, row) == LP_EARG));
    assert_true(on_all(h5_read(h5, "/y", H5_I32, 0, 1, row) == LP_EFORMAT));
    h5_close(&h5);
}

/* Each rank draws its columns of one picture, two pixels wide, in two halves. */
static void columns_of_every_rank_come_together(void **state)
{
    (void)state;
    const int64_t dims[3] = {4, 2 * size, 3}, row = 6 * size;
    struct h5 *h5 = file_with("/picture", H5_U8, 3, dims);
    uint8_t tile[2 * 2 * 3];
    uint8_t *all = malloc((size_t)(4 * row));
    assert_non_null(all);
    for (int half = 0; half < 2; ++half) {
        memset(tile, 100 * half + rank, sizeof tile);
        assert_true(on_all(h5_write_columns(h5, "/picture", H5_U8, 2 * half, 2,
                                            2 * rank, 2, tile) == LP_OK));
    }
    assert_true(on_all(h5_write_columns(h5, "/picture", H5_U8, 0, 1,
                                        2 * size - 1, 2, tile) == LP_EARG));
    h5 = again(h5);
    bool good = h5_read(h5, "/picture", H5_U8, 0, 4, all) == LP_OK;
    for (int64_t i = 0; i < 4 * row; ++i)
        good = good && all[i] == 100 * (i / row / 2) + i % row / 6;
    assert_true(on_all(good));
    h5_close(&h5);
    free(all);
}

static void a_single_row_has_no_columns(void **state)
{
    (void)state;
    const int64_t n = 4;
    const uint8_t byte = 0;
    struct h5 *h5 = file_with("/x", H5_U8, 1, &n);
    assert_true(on_all(h5_write_columns(h5, "/x", H5_U8, 0, 1, 0, 1, &byte) ==
                       LP_EARG));
    h5_close(&h5);
}

static void another_shape_is_named(void **state)
{
    (void)state;
    const int64_t dims[2] = {4, 3};
    int64_t want[2] = {-1, 7};
    enum h5_type type;
    struct h5 *h5 = file_with("/g/x", H5_F64, 2, dims);
    tiny_listen();
    const enum lp_status status = h5_expect(h5, "/g/x", 2, want, &type);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, "/g/x of ") != NULL));
    assert_true(on_all(
        rank > 0 || strstr(said, "is [4][3], where [any][7] is due") != NULL));
    h5_close(&h5);
}

static void texts_and_attributes_come_back(void **state)
{
    (void)state;
    struct h5 *h5 = NULL;
    char *text = NULL, *attribute = NULL;
    int64_t n;
    int length;
    static const char names[3][6] = {"a", "gr\xc3\xbcn", "abcde"};
    enum lp_status status = h5_create(&h5, path, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    status = h5_define_text(h5, "/g/name", 3, 6, "names");
    if (status == LP_OK)
        status = h5_set_attribute(h5, "/", "program", "lpcam");
    if (status == LP_OK)
        status = h5_set_attribute(h5, "/new/group", "empty", "");
    assert_true(on_all(status == LP_OK));
    if (rank == size - 1)
        status = h5_write_text(h5, "/g/name", 0, 3, 6, names[0]);
    h5 = again(h5);
    status = h5_read_text_shared(h5, "/g/name", &n, &length, &text);
    assert_true(on_all(status == LP_OK && n == 3 && length == 6));
    assert_true(on_all(memcmp(text, names, sizeof names) == 0));
    free(text);
    status = h5_get_attribute(h5, "", "program", &attribute);
    assert_true(on_all(status == LP_OK && strcmp(attribute, "lpcam") == 0));
    free(attribute);
    status = h5_get_attribute(h5, "/new/group", "empty", &attribute);
    assert_true(on_all(status == LP_OK && *attribute == 0));
    free(attribute);
    status = h5_get_attribute(h5, "/g/name", "description", &attribute);
    assert_true(on_all(status == LP_OK && strcmp(attribute, "names") == 0));
    free(attribute);
    status = h5_get_attribute(h5, "/g/name", "absent", &attribute);
    assert_true(on_all(status != LP_OK));
    h5_close(&h5);
}

/* A small file of a data set that claims to be huge, as anyone can make it: in
 * chunks, none of which is written. */
static struct h5 *file_in_chunks(hid_t type, int n_dims, const hsize_t *dims,
                                 const hsize_t *chunk)
{
    struct h5 *h5 = NULL;
    bool made = true;
    if (rank == 0) {
        const hid_t file =
            H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hsize_t any = H5S_UNLIMITED, *most = n_dims == 1 ? &any : NULL;
        const hid_t space = H5Screate_simple(n_dims, dims, most);
        const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(plan, n_dims, chunk);
        const hid_t set =
            H5Dcreate2(file, "x", type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
        made = set >= 0;
        H5Dclose(set);
        H5Pclose(plan);
        H5Sclose(space);
        H5Fclose(file);
    }
    assert_true(on_all(made));
    assert_true(on_all(h5_open(&h5, path, false, MPI_COMM_WORLD) == LP_OK));
    return h5;
}

static struct h5 *file_claiming(hid_t type, int n_dims, const hsize_t *dims)
{
    static const hsize_t chunk[3] = {1, 1, 1};
    return file_in_chunks(type, n_dims, dims, chunk);
}

/* What is there takes its own bytes; what was never written takes none. */
static void a_small_file_does_not_cost_the_memory_it_claims(void **state)
{
    static const hsize_t dims[] = {(hsize_t)1 << 30, 5, (hsize_t)1 << 19};
    static const hsize_t chunk[] = {64, (hsize_t)1 << 30, 64};
    for (int i = 0; i < 3; ++i) {
        int64_t want = -1;
        void *all = NULL;
        struct h5 *h5 = file_in_chunks(H5T_STD_I8LE, 1, &dims[i], &chunk[i]);
        tiny_listen();
        const enum lp_status status =
            h5_read_shared(h5, "/x", H5_I64, 1, &want, &all);
        const char *said = tiny_heard();
        if (i == 2)
            assert_true(on_all(status == LP_OK && want == 1 << 19));
        else
            assert_true(on_all(rank > 0 || strstr(said, "an impossible size")));
        assert_true(on_all((status == LP_OK) == (i == 2)));
        free(all);
        h5_close(&h5);
        setup(state);
    }
}

static void numbers_of_an_impossible_size_are_refused(void **state)
{
    (void)state;
    static const hsize_t dims[][3] = {{(hsize_t)1 << 60, 4, 1},
                                      {0, (hsize_t)1 << 62, 4}};
    for (int i = 0; i < 2; ++i) {
        int64_t want[3] = {-1, -1, -1};
        void *all = NULL;
        float row[4];
        struct h5 *h5 = file_claiming(H5T_STD_I8LE, 3, dims[i]);
        tiny_listen();
        enum lp_status status = h5_read_shared(h5, "/x", H5_F32, 3, want, &all);
        const char *said = tiny_heard();
        assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
        assert_true(on_all(all == NULL));
        assert_true(on_all(rank > 0 || strstr(said, "/x of ") != NULL));
        assert_true(on_all(rank > 0 || strstr(said, "an impossible size")));
        status = h5_read(h5, "/x", H5_F32, INT64_MAX, 1, row);
        assert_true(on_all(status == LP_EARG));
        h5_close(&h5);
        setup(state);
    }
}

static void texts_of_an_impossible_size_are_refused(void **state)
{
    (void)state;
    static const hsize_t n = (hsize_t)1 << 60;
    static const size_t length[] = {16, (size_t)1 << 31, H5T_VARIABLE};
    for (int i = 0; i < 3; ++i) {
        const hsize_t dims = i == 1 ? 1 : n;
        const hid_t type = H5Tcopy(H5T_C_S1);
        int64_t n_found;
        int length_found;
        char *text = NULL;
        H5Tset_size(type, length[i]);
        struct h5 *h5 = file_claiming(type, 1, &dims);
        tiny_listen();
        const enum lp_status status =
            h5_read_text_shared(h5, "/x", &n_found, &length_found, &text);
        const char *said = tiny_heard();
        assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
        assert_true(on_all(rank > 0 || strstr(said, "/x of ") != NULL));
        assert_true(on_all(rank > 0 || strstr(said, "an impossible size")));
        h5_close(&h5);
        H5Tclose(type);
        setup(state);
    }
}

/* Fails on all ranks, and rank 0 alone says what is wrong. */
static void refused(const char *sentence)
{
    struct h5 *h5 = NULL;
    tiny_listen();
    const enum lp_status status = h5_open(&h5, path, true, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(h5 == NULL));
    assert_true(on_all(rank > 0 ? *said == 0 : strstr(said, sentence) != NULL));
}

static void no_file_and_no_hdf5_file_are_refused(void **state)
{
    (void)state;
    refused("No such file");
    if (rank == 0)
        text_write(path, "garbage, not HDF5", 17);
    comm_barrier(MPI_COMM_WORLD);
    refused("is no HDF5 file");
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    const int64_t n = 100000;
    struct h5 *h5 = file_with("/x", H5_F64, 1, &n);
    h5_close(&h5);
    if (rank == 0)
        assert_int_equal(truncate(path, 5000), 0);
    comm_barrier(MPI_COMM_WORLD);
    refused("is damaged");
}

static void no_folder_fails_on_all(void **state)
{
    (void)state;
    struct h5 *h5 = NULL;
    strcat(path, "/no/folder.h5");
    assert_true(on_all(h5_create(&h5, path, MPI_COMM_WORLD) != LP_OK && !h5));
}

/* One rank fails at a site; all leave with a failure and none hangs. */
static void a_failure_of_one_rank_is_one_of_all(void **state)
{
    (void)state;
    static const char *const site[] = {"h5_create", "h5_open", "h5_define",
                                       "h5_sync"};
    const int64_t n = 4;
    char fault[64];
    for (int i = 0; i < 4; ++i) {
        struct h5 *h5 = NULL;
        snprintf(fault, sizeof fault, "%s@%d", site[i], size - 1);
        setenv("LPCAM_FAULT", fault, 1);
        enum lp_status status = h5_create(&h5, path, MPI_COMM_WORLD);
        if (status == LP_OK)
            status = h5_define(h5, "/x", H5_U8, 1, &n, "", "", NULL);
        const enum lp_status closed = h5_close(&h5);
        if (status == LP_OK)
            status = closed;
        if (status == LP_OK)
            status = h5_open(&h5, path, true, MPI_COMM_WORLD);
        unsetenv("LPCAM_FAULT");
        h5_close(&h5);
        assert_true(on_all(status == (rank == size - 1 ? LP_EIO : LP_EPEER)));
    }
}

static void a_write_the_disk_refuses_is_told(void **state)
{
    (void)state;
    const int64_t n = 1 << 20;
    struct rlimit old;
    char *bytes = calloc((size_t)n, 1);
    struct h5 *h5 = file_with("/x", H5_U8, 1, &n);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 16, old.rlim_max});
    const enum lp_status status = h5_write(h5, "/x", H5_U8, 0, n, bytes);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    free(bytes);
    h5_close(&h5);
    assert_true(on_all(status == LP_EIO));
}

/* 1030 rows of 1 MiB are two calls; the rows about the seam must be right. */
static void a_read_beyond_one_call_is_cut(void **state)
{
    (void)state;
    const int64_t mib = 1 << 20, dims[2] = {1030, mib};
    if (size > 1)
        skip();
    char *all = calloc(1030, (size_t)mib);
    assert_non_null(all);
    struct h5 *h5 = file_with("/x", H5_U8, 2, dims);
    for (int i = 1022; i < 1027; ++i) {
        memset(all, i - 1000, (size_t)mib);
        assert_int_equal(h5_write(h5, "/x", H5_U8, i, 1, all), LP_OK);
    }
    assert_int_equal(h5_read(h5, "/x", H5_U8, 0, 1030, all), LP_OK);
    for (int i = 1022; i < 1027; ++i) {
        assert_int_equal(all[i * mib], i - 1000);
        assert_int_equal(all[(i + 1) * mib - 1], i - 1000);
    }
    free(all);
    h5_close(&h5);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_of_every_rank_come_back, setup),
        cmocka_unit_test_setup(half_floats_are_numbers_to_any_program, setup),
        cmocka_unit_test_setup(rows_in_one_piece_can_be_read_without_hdf5,
                               setup),
        cmocka_unit_test_setup(rows_in_chunks_or_turned_numbers_have_no_offset,
                               setup),
        cmocka_unit_test_setup(empty_data_sets_are_legal, setup),
        cmocka_unit_test_setup(rows_that_are_not_there_are_refused, setup),
        cmocka_unit_test_setup(columns_of_every_rank_come_together, setup),
        cmocka_unit_test_setup(a_single_row_has_no_columns, setup),
        cmocka_unit_test_setup(another_shape_is_named, setup),
        cmocka_unit_test_setup(texts_and_attributes_come_back, setup),
        cmocka_unit_test_setup(a_small_file_does_not_cost_the_memory_it_claims,
                               setup),
        cmocka_unit_test_setup(numbers_of_an_impossible_size_are_refused,
                               setup),
        cmocka_unit_test_setup(texts_of_an_impossible_size_are_refused, setup),
        cmocka_unit_test_setup(no_file_and_no_hdf5_file_are_refused, setup),
        cmocka_unit_test_setup(a_file_cut_short_is_refused, setup),
        cmocka_unit_test_setup(no_folder_fails_on_all, setup),
        cmocka_unit_test_setup(a_failure_of_one_rank_is_one_of_all, setup),
        cmocka_unit_test_setup(a_write_the_disk_refuses_is_told, setup),
        cmocka_unit_test_setup(a_read_beyond_one_call_is_cut, setup),
    };
    return test_mpi_main(argc, argv, tests);
}
