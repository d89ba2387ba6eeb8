/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/feature_file.h"
#include "support.h"
#include "tiny_store.h"

#define D         5
#define N         11
#define N_CLASSES 4

static char path[4096];
static int rank, size;
static struct dataset data;
static int64_t pixels[2 * N], grid[2 * N];
static float weight[N_CLASSES * D], bias[N_CLASSES];
static const struct head head = {
    .n = N_CLASSES, .d = D, .weight = weight, .bias = bias};
static const struct run_about about = {"lpcam features 1", "k = 1\n", "[run]"};

/* Every test has a file of its own. */
static int setup(void **state)
{
    static int n;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/f-%d.h5", test_folder(), n++);
    tiny_dataset(&data, N, N_CLASSES, pixels);
    for (int i = 0; i < 2 * N; ++i)
        grid[i] = (pixels[i] + 7) / 8;
    for (int i = 0; i < N_CLASSES * D; ++i)
        weight[i] = (float)i / 3;
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_release(&data);
    return 0;
}

/* Exact in every type. */
static float value_at(int64_t image, int64_t cell, int64_t channel)
{
    return (float)((image * 31 + cell * 7 + channel) % 97) * 0.25f;
}

static uint8_t side_at(int64_t image, int64_t class_index, int64_t cell)
{
    return (uint8_t)((image + 2 * class_index + cell) % 3);
}

static enum lp_status open_file(struct feature_file *ff, enum lp_value type)
{
    return feature_file_open(ff, path, &about, &data, pixels, grid, &head, NULL,
                             type, MPI_COMM_WORLD);
}

static float norm_at(int64_t image, int64_t cell)
{
    return (float)(1000 * image + cell);
}

/* Write and mark the images [first, end) that are this rank's in turn. */
static enum lp_status write_images(struct feature_file *ff, int64_t first,
                                   int64_t end)
{
    enum lp_status status = LP_OK;
    float x[64 * D], norm[64];
    char stored[sizeof x];
    uint8_t side[3 * 64];
    const uint8_t done = IMAGE_DONE, bad = IMAGE_BAD;
    const int32_t *label;
    for (int64_t i = first; i < end && status == LP_OK; ++i) {
        const int64_t cells = grid[2 * i] * grid[2 * i + 1];
        if (i % size != rank)
            continue;
        for (int64_t c = 0; c < cells * D; ++c)
            x[c] = value_at(i, c / D, c % D);
        for (int64_t c = 0; c < cells; ++c)
            norm[c] = norm_at(i, c);
        value_from_f32(ff->type, x, cells * D, stored);
        for (int l = 0; l < dataset_labels(&data, i, &label); ++l)
            for (int64_t c = 0; c < cells; ++c)
                side[l * cells + c] = side_at(i, label[l], c);
        if (cells > 0)
            status = feature_file_write(ff, i, stored, norm, side);
        if (status == LP_OK)
            status =
                image_group_mark(ff->file.h5, i, 1, cells > 0 ? &done : &bad);
    }
    return status;
}

static void make_whole(enum lp_value type)
{
    struct feature_file ff;
    assert_true(on_all(open_file(&ff, type) == LP_OK));
    assert_true(on_all(write_images(&ff, 0, N) == LP_OK));
    assert_true(on_all(feature_file_close(&ff, true, "report") == LP_OK));
}

/* Is image i of f what write_images wrote? rows are the image's. */
static bool image_is_right(const struct features *f, int64_t i,
                           const void *rows, bool is_bad)
{
    float x[64 * D];
    const int64_t gid = f->first_image + i;
    const int64_t cells = f->offset[i + 1] - f->offset[i];
    bool good = cells == grid[2 * gid] * grid[2 * gid + 1] &&
                f->grid_w[i] == grid[2 * gid + 1] &&
                f->id_hash[i] == hash_text(dataset_id(&data, gid));
    if (!good)
        return false;
    value_to_f32(f->type, rows, cells * D, x);
    for (int64_t c = 0; c < cells * D; ++c)
        good = good && x[c] == value_at(gid, c / D, c % D);
    for (int64_t p = f->pair_offset[i]; p < f->pair_offset[i + 1]; ++p) {
        const int32_t class_index =
            data.label[data.label_offset[gid] + p - f->pair_offset[i]];
        good = good && f->pair_class[p] == class_index &&
               f->side_offset[p + 1] - f->side_offset[p] == cells;
        for (int64_t c = 0; good && c < cells; ++c)
            good = f->side[f->side_offset[p] + c] ==
                   (is_bad ? 0 : side_at(gid, class_index, c));
    }
    return good;
}

/* What feature_file_load fills. */
struct loaded {
    struct feature_file ff;
    struct features f;
    struct dataset d;
    struct head h;
    struct basis b;
    struct shard shard;
};

static enum lp_status load(struct loaded *l, const char *name,
                           int64_t memory_bytes)
{
    return feature_file_load(&l->ff, name, "k = 1", memory_bytes, &l->f, &l->d,
                             &l->h, &l->b, &l->shard, MPI_COMM_WORLD);
}

static void drop(struct loaded *l)
{
    features_release(&l->f);
    dataset_release(&l->d);
    head_release(&l->h);
    basis_release(&l->b);
    feature_file_close(&l->ff, false, NULL);
}

/* Load with so much memory and compare everything; `bad` is on neither side. */
static void check_whole(enum lp_value type, int64_t memory_bytes, int64_t bad)
{
    struct loaded l;
    const struct features *f = &l.f;
    const void *rows;
    int64_t end;
    assert_true(on_all(load(&l, path, memory_bytes) == LP_OK));
    assert_true(on_all(tiny_same(&data, &l.d)));
    assert_true(on_all(l.h.n == N_CLASSES && l.h.d == D && f->d == D &&
                       f->type == type && f->n_classes == N_CLASSES));
    assert_true(on_all(l.b.vector == NULL && l.b.d == D && l.b.r == D &&
                       f->norm == NULL));
    assert_true(on_all(memcmp(l.h.weight, weight, sizeof weight) == 0 &&
                       memcmp(l.h.bias, bias, sizeof bias) == 0));
    assert_int_equal(comm_total(MPI_COMM_WORLD, f->n_images), N);
    const int64_t before = comm_before(MPI_COMM_WORLD, f->n_images);
    bool good = f->n_images == 0 || f->first_image == before;
    for (int64_t i = 0; good && i < f->n_images; i = end) {
        good = features_block(&l.f, i, &end, &rows) == LP_OK;
        for (int64_t j = i; good && j < end; ++j)
            good = image_is_right(f, j,
                                  (const char *)rows +
                                      (f->offset[j] - f->offset[i]) * D *
                                          value_bytes(type),
                                  f->first_image + j == bad);
    }
    good = good &&
           (f->value == NULL) ==
               (f->offset[f->n_images] * D * value_bytes(type) > memory_bytes);
    good = good && (f->value == NULL) == (f->path != NULL);
    assert_true(on_all(good));
    drop(&l);
}

static void features_come_back_in_memory_and_from_the_file(void **state)
{
    static const enum lp_value type[] = {LP_F16, LP_BF16, LP_F32};
    for (int t = 0; t < 3; ++t) {
        make_whole(type[t]);
        check_whole(type[t], 1 << 20, -1);
        check_whole(type[t], 100, -1);
        teardown(state);
        setup(state);
    }
}

/* D stored of D + 1 channels: the norms of this rank's cells, the basis and its
 * loss, and the classifier whole; in memory and from the file. */
static void components_bring_their_norms_and_basis(void **state)
{
    (void)state;
    enum { WHOLE = D + 1 };
    float vector[D * WHOLE] = {0}, rows[N_CLASSES * WHOLE];
    double value[WHOLE] = {5, 4, 3};
    struct feature_file ff;
    struct loaded l;
    const struct head whole = {
        .n = N_CLASSES, .d = WHOLE, .weight = rows, .bias = bias};
    const struct basis basis = {.d = WHOLE,
                                .r = D,
                                .vector = vector,
                                .value = value,
                                .loss = {40000, 0.75, 0.5, 0.125, 0.25}};
    for (int k = 0; k < D; ++k)
        vector[k * WHOLE + k + 1] = 1;
    for (int i = 0; i < N_CLASSES * WHOLE; ++i)
        rows[i] = (float)i / 7;
    for (int stop = 0; stop < 2; ++stop) { /* and goes on */
        assert_true(on_all(feature_file_open(&ff, path, &about, &data, pixels,
                                             grid, &whole, &basis, LP_F16,
                                             MPI_COMM_WORLD) == LP_OK));
        assert_true(
            on_all(write_images(&ff, stop ? 6 : 0, stop ? N : 6) == LP_OK));
        assert_true(on_all(feature_file_close(&ff, stop, "") == LP_OK));
    }
    for (int64_t memory = 100; memory <= 1 << 20; memory <<= 13) {
        bool good = load(&l, path, memory) == LP_OK;
        good = good && l.f.d == D && l.h.d == WHOLE && l.b.d == WHOLE &&
               l.b.r == D && memcmp(l.h.weight, rows, sizeof rows) == 0 &&
               memcmp(l.b.vector, vector, sizeof vector) == 0 &&
               memcmp(l.b.value, value, sizeof value) == 0 &&
               memcmp(&l.b.loss, &basis.loss, sizeof basis.loss) == 0;
        for (int64_t i = 0; good && i < l.f.n_images; ++i)
            for (int64_t c = l.f.offset[i]; c < l.f.offset[i + 1]; ++c)
                good = good && l.f.norm[c] == norm_at(l.f.first_image + i,
                                                      c - l.f.offset[i]);
        assert_true(on_all(good));
        drop(&l);
    }
}

/* A row for each cell and label, give or take half an image at either end. */
static void ranks_share_the_rows_of_clustering(void **state)
{
    (void)state;
    struct loaded l;
    int64_t n_rows = 0, n_cells = 0, largest = 0;
    make_whole(LP_F16);
    for (int64_t i = 0; i < N; ++i) {
        const int32_t *label;
        const int64_t cells = grid[2 * i] * grid[2 * i + 1];
        const int64_t rows = cells * dataset_labels(&data, i, &label);
        n_cells += cells;
        n_rows += rows;
        largest = rows > largest ? rows : largest;
    }
    assert_true(on_all(load(&l, path, 1 << 20) == LP_OK));
    const int64_t mine = l.f.side_offset[l.f.pair_offset[l.f.n_images]];
    drop(&l);
    assert_int_equal(comm_total(MPI_COMM_WORLD, mine), n_rows);
    assert_true(on_all(mine <= n_rows / size + largest + n_cells / 16));
}

static void a_stopped_file_goes_on_where_it_was(void **state)
{
    (void)state;
    struct feature_file ff;
    uint8_t was[N];
    assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
    assert_true(on_all(write_images(&ff, 0, 6) == LP_OK));
    assert_true(on_all(feature_file_close(&ff, false, NULL) == LP_OK));

    assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
    assert_true(on_all(ff.file.found == FILE_PARTIAL));
    assert_true(on_all(image_group_states(ff.file.h5, 0, N, was) == LP_OK));
    bool good = true;
    for (int i = 0; i < N; ++i)
        good = good && was[i] == (i == 2  ? IMAGE_BAD
                                  : i < 6 ? IMAGE_DONE
                                          : IMAGE_TO_DO);
    assert_true(on_all(good));
    assert_true(on_all(write_images(&ff, 6, N) == LP_OK));
    assert_true(on_all(feature_file_close(&ff, true, "report") == LP_OK));
    check_whole(LP_F16, 1 << 20, -1);

    assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
    assert_true(on_all(ff.file.found == FILE_WHOLE));
    assert_true(on_all(feature_file_close(&ff, true, "") == LP_OK));
}

static void a_bad_image_is_on_neither_side(void **state)
{
    (void)state;
    struct feature_file ff;
    const uint8_t bad = IMAGE_BAD;
    assert_true(on_all(open_file(&ff, LP_F32) == LP_OK));
    assert_true(on_all(write_images(&ff, 0, N) == LP_OK));
    if (rank == 0)
        assert_int_equal(image_group_mark(ff.file.h5, 5, 1, &bad), LP_OK);
    assert_true(on_all(feature_file_close(&ff, true, "") == LP_OK));
    check_whole(LP_F32, 1 << 20, 5);
}

static void a_photograph_of_another_size_is_refused(void **state)
{
    (void)state;
    struct feature_file ff;
    assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
    feature_file_close(&ff, false, NULL);
    ++pixels[2 * 4];
    tiny_listen();
    const enum lp_status status = open_file(&ff, LP_F16);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, "photograph p4 had ") != NULL));
    assert_true(on_all(ff.offset == NULL && ff.file.h5 == NULL));
}

static void a_data_set_without_a_cell_is_legal(void **state)
{
    (void)state;
    struct loaded l;
    memset(pixels, 0, sizeof pixels);
    memset(grid, 0, sizeof grid);
    memset(data.label_offset, 0, (N + 1) * sizeof *data.label_offset);
    make_whole(LP_F16);
    assert_true(on_all(load(&l, path, 0) == LP_OK));
    assert_int_equal(comm_total(MPI_COMM_WORLD, l.f.n_images), N);
    assert_true(on_all(l.f.offset[l.f.n_images] == 0 && l.f.value != NULL));
    drop(&l);
}

static void a_write_that_fails_is_told_by_its_rank(void **state)
{
    (void)state;
    struct feature_file ff;
    char fault[64];
    assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
    snprintf(fault, sizeof fault, "h5_write@%d", size - 1);
    setenv("LPCAM_FAULT", fault, 1);
    const enum lp_status status = write_images(&ff, 0, N);
    unsetenv("LPCAM_FAULT");
    assert_true(on_all(status == (rank == size - 1 ? LP_EIO : LP_OK)));
    assert_true(on_all(feature_file_close(&ff, false, NULL) == LP_OK));
}

/* --- files from elsewhere */

static void a_file_of_h5py_is_read(void **state)
{
    (void)state;
    struct loaded l;
    assert_true(
        on_all(load(&l, test_data("features_h5py.h5"), 1 << 20) == LP_OK));
    assert_true(on_all(l.d.n_images == 3 && l.d.n_classes == 2 &&
                       strcmp(dataset_id(&l.d, 0), "meadow") == 0 &&
                       strcmp(dataset_id(&l.d, 1), "k\xc3\xbche") == 0 &&
                       strcmp(dataset_class(&l.d, 1), "cow") == 0));
    assert_true(on_all(l.f.type == LP_F32 && l.f.d == 3 &&
                       l.h.bias[1] == -0.5f && l.h.weight[5] == 5));
    bool good = true;
    const float *x = l.f.value;
    for (int64_t i = 0; i < 3 * l.f.offset[l.f.n_images]; ++i)
        good = good && x[i] == (float)(3 * l.ff.first_cell + i);
    assert_true(on_all(good));
    static const uint8_t side[] = {1, 2, 1, 0, 2, 2};
    const int64_t first = l.ff.side_offset[l.ff.pair_offset[l.f.first_image]];
    assert_true(on_all(
        memcmp(l.f.side, side + first,
               (size_t)l.f.side_offset[l.f.pair_offset[l.f.n_images]]) == 0));
    drop(&l);
}

/* Rows that only HDF5 can read come from it block by block. */
static void a_file_of_h5py_is_read_block_by_block(void **state)
{
    (void)state;
    struct loaded l;
    const void *rows;
    bool good = true;
    assert_true(on_all(load(&l, test_data("features_h5py.h5"), 1) == LP_OK));
    for (int64_t i = 0, end; good && i < l.f.n_images; i = end) {
        good = features_block(&l.f, i, &end, &rows) == LP_OK;
        const float *x = rows;
        for (int64_t c = 0; good && c < 3 * (l.f.offset[end] - l.f.offset[i]);
             ++c)
            good = x[c] == (float)(3 * (l.ff.first_cell + l.f.offset[i]) + c);
    }
    assert_true(on_all(good && l.f.path == NULL));
    drop(&l);
}

struct flaw {
    const char *name;
    enum h5_type type;
    int64_t row, value[2];
    const char *sentence;
};

/* Our own file with one value changed. */
static void spoil(const struct flaw *flaw)
{
    struct h5 *h5 = NULL;
    uint8_t small = (uint8_t)flaw->value[0];
    int32_t label = (int32_t)flaw->value[0];
    const void *value = flaw->type == H5_U8    ? (void *)&small
                        : flaw->type == H5_I32 ? (void *)&label
                                               : (const void *)flaw->value;
    make_whole(LP_F16);
    assert_true(on_all(h5_open(&h5, path, true, MPI_COMM_WORLD) == LP_OK));
    if (rank == 0)
        assert_int_equal(
            h5_write(h5, flaw->name, flaw->type, flaw->row, 1, value), LP_OK);
    assert_true(on_all(h5_close(&h5) == LP_OK));
}

static void a_wrong_value_is_named(void **state)
{
    static const struct flaw flaw[] = {
        {"/feature/offset", H5_I64, 0, {1, 0}, "/feature/offset[0] of "},
        {"/feature/offset", H5_I64, 4, {-1, 0}, "/feature/offset[4] of "},
        {"/feature/offset", H5_I64, 4, {1 << 30, 0}, "/feature/offset[4] of "},
        {"/feature/offset", H5_I64, N, {3, 0}, "/feature/offset[11] of "},
        {"/feature/grid", H5_I64, 5, {7, 7}, "/feature/grid[5] of "},
        {"/feature/grid", H5_I64, 5, {-1, -2}, "/feature/grid[5] of "},
        {"/split/offset", H5_I64, 1, {3, 0}, "/split/offset[1] of "},
        {"/split/side", H5_U8, 3, {7, 0}, "/split/side[3] of "},
        {"/image/label", H5_I32, 0, {9, 0}, "/image/label[0] of "},
        {"/image/label", H5_I32, 1, {0, 0}, "/image/label[1] of "},
        {"/image/label_offset", H5_I64, 3, {99, 0}, "/image/label_offset of "},
    };
    for (size_t i = 0; i < sizeof flaw / sizeof *flaw; ++i) {
        struct loaded l;
        spoil(&flaw[i]);
        tiny_listen();
        const enum lp_status status = load(&l, path, 1 << 20);
        const char *said = tiny_heard();
        drop(&l);
        const bool named = strstr(said, flaw[i].sentence) != NULL;
        assert_true(on_all(status != LP_OK && status != LP_EIO));
        assert_true(comm_any(MPI_COMM_WORLD, named && status == LP_EFORMAT));
        teardown(state);
        setup(state);
    }
}

/* A file that was begun and is not as it should be: rows that are wider than
 * what is written would be read from behind it. */
static void rows_of_another_width_are_not_written(void **state)
{
    (void)state;
    static const char *const set[] = {"/split/side", "/feature/vector"};
    for (int i = 0; i < 2; ++i) {
        struct feature_file ff;
        struct h5 *h5 = NULL;
        enum lp_status status = LP_OK;
        char partial[sizeof path + 8];
        assert_true(on_all(open_file(&ff, LP_F16) == LP_OK));
        int64_t side[2] = {ff.side_offset[data.label_offset[N]], 3};
        int64_t vector[2] = {ff.offset[N], D};
        assert_true(on_all(feature_file_close(&ff, false, NULL) == LP_OK));
        vector[1] += i;
        snprintf(partial, sizeof partial, "%s.partial", path);
        assert_true(on_all(h5_create(&h5, partial, MPI_COMM_WORLD) == LP_OK));
        assert_true(on_all(
            h5_set_attribute(h5, "/", "lpcam_format", about.format) == LP_OK &&
            h5_define_text(h5, "/run/settings", 1, 16, "") == LP_OK &&
            image_group_define(h5, &data) == LP_OK &&
            h5_define(h5, set[1], H5_F16, 2, vector, "", "", NULL) == LP_OK &&
            h5_define(h5, set[0], H5_U8, 1 + !i, side, "", "", NULL) == LP_OK));
        if (rank == 0 && image_group_write(h5, &data, pixels) == LP_OK)
            status = h5_write_text(h5, "/run/settings", 0, 1,
                                   (int)strlen(about.settings), about.settings);
        assert_true(on_all(status == LP_OK));
        h5_close(&h5);
        tiny_listen();
        status = open_file(&ff, LP_F16);
        const char *said = tiny_heard();
        assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
        assert_true(on_all(rank > 0 || strstr(said, set[i])));
        teardown(state);
        setup(state);
    }
}

static void a_missing_data_set_is_named(void **state)
{
    (void)state;
    struct h5 *h5 = NULL;
    struct loaded l;
    assert_true(on_all(h5_create(&h5, path, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(image_group_define(h5, &data) == LP_OK));
    if (rank == 0)
        assert_int_equal(image_group_write(h5, &data, pixels), LP_OK);
    assert_true(on_all(h5_close(&h5) == LP_OK));
    tiny_listen();
    const enum lp_status status = load(&l, path, 1 << 20);
    const char *said = tiny_heard();
    drop(&l);
    assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
    assert_true(on_all(
        rank > 0 || strstr(said, "has no data set /feature/vector") != NULL));
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(features_come_back_in_memory_and_from_the_file),
        TEST(components_bring_their_norms_and_basis),
        TEST(ranks_share_the_rows_of_clustering),
        TEST(a_stopped_file_goes_on_where_it_was),
        TEST(a_bad_image_is_on_neither_side),
        TEST(a_photograph_of_another_size_is_refused),
        TEST(a_data_set_without_a_cell_is_legal),
        TEST(a_write_that_fails_is_told_by_its_rank),
        TEST(a_file_of_h5py_is_read),
        TEST(a_file_of_h5py_is_read_block_by_block),
        TEST(a_wrong_value_is_named),
        TEST(rows_of_another_width_are_not_written),
        TEST(a_missing_data_set_is_named),
    };
    return test_mpi_main(argc, argv, tests);
}
