/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/colours.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/map_file.h"
#include "support.h"
#include "tiny_store.h"

#define N         9
#define N_CLASSES 5

static char path[4096];
static int rank, size;
static struct dataset data;
static int64_t pixels[2 * N];
static const struct run_about about = {"lpcam maps 1", "k = 1\n", "[run]"};

static int setup(void **state)
{
    static int n;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/m-%d.h5", test_folder(), n++);
    tiny_dataset(&data, N, N_CLASSES, pixels);
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_release(&data);
    return 0;
}

/* In [0, 1], exact in f16 and in 255 steps where they are few. */
static float value_at(int64_t image, int64_t cell, enum lp_value type)
{
    const int64_t v = (image * 13 + cell * 5) % 52;
    return type == LP_U8 ? (float)(v * 5) / 255.0f : (float)v / 64;
}

static enum lp_status open_file(struct map_file *mf, enum lp_value type,
                                bool seed)
{
    return map_file_open(mf, path, &about, &data, pixels, type, seed,
                         MPI_COMM_WORLD);
}

static enum lp_status write_image(struct map_file *mf, int64_t i)
{
    enum lp_status status;
    const int32_t *label;
    const uint8_t done = IMAGE_DONE, bad = IMAGE_BAD;
    float strided[3 * 8 * 8], maximum[3];
    uint8_t best[1024], q[1024];
    struct class_maps m = {.n = dataset_labels(&data, i, &label),
                           .h = (int)pixels[2 * i],
                           .w = (int)pixels[2 * i + 1],
                           .strided = strided,
                           .strided_max = maximum};
    if (m.h == 0)
        return image_group_mark(mf->file.h5, i, 1, &bad);
    m.sh = class_maps_strided(m.h);
    m.sw = class_maps_strided(m.w);
    for (int64_t c = 0; c < m.n * m.sh * m.sw; ++c)
        strided[c] = value_at(i, c, mf->type);
    for (int c = 0; c < m.n; ++c)
        maximum[c] = (float)(10 * i + c);
    for (int64_t p = 0; p < m.h * m.w; ++p) {
        best[p] = (uint8_t)((i + p) % (N_CLASSES + 1));
        q[p] = (uint8_t)(i * p);
    }
    LP_TRY(
        map_file_write(mf, i, &m, mf->seed ? best : NULL, mf->seed ? q : NULL));
    LP_TRY(image_group_mark(mf->file.h5, i, 1, &done));
done:
    return status;
}

/* This rank's images of [first, end), in turn. */
static enum lp_status write_images(struct map_file *mf, int64_t first,
                                   int64_t end)
{
    enum lp_status status = LP_OK;
    for (int64_t i = first; i < end && status == LP_OK; ++i)
        if (i % size == rank)
            status = write_image(mf, i);
    return status;
}

/* Every rank reads every image. */
static void check_whole(enum lp_value type, bool seed)
{
    struct map_file mf;
    struct dataset d;
    uint8_t best[1024], q[1024];
    float strided[3 * 8 * 8];
    assert_true(
        on_all(map_file_load(&mf, path, "k = 1", &d, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(tiny_same(&data, &d)));
    assert_true(on_all(mf.type == type && mf.seed == seed));
    assert_true(on_all(memcmp(mf.size, pixels, sizeof pixels) == 0));
    bool good = true;
    for (int64_t i = 0; i < N; ++i) {
        const int64_t n = mf.map_offset[mf.pair_offset[i + 1]] -
                          mf.map_offset[mf.pair_offset[i]];
        const int64_t all = pixels[2 * i] * pixels[2 * i + 1];
        good = good && map_file_read(&mf, i, strided) == LP_OK;
        for (int64_t c = 0; c < n; ++c)
            good = good && strided[c] == value_at(i, c, type);
        const int64_t pair = mf.pair_offset[i];
        const int64_t n_maps = n > 0 ? mf.pair_offset[i + 1] - pair : 0;
        good = good && h5_read(mf.file.h5, "/map/maximum", H5_F32, pair, n_maps,
                               strided) == LP_OK;
        for (int c = 0; c < n_maps; ++c)
            good = good && strided[c] == (float)(10 * i + c);
        if (!seed)
            continue;
        good = good && map_file_read_seed(&mf, i, best, q) == LP_OK;
        for (int64_t p = 0; p < all; ++p)
            good = good && best[p] == (i + p) % (N_CLASSES + 1) &&
                   q[p] == (uint8_t)(i * p);
    }
    dataset_release(&d);
    map_file_close(&mf, false, NULL);
    assert_true(on_all(good));
}

static void maps_and_seeds_come_back(void **state)
{
    static const enum lp_value type[] = {LP_F16, LP_F32, LP_U8};
    for (int t = 0; t < 3; ++t) {
        struct map_file mf;
        assert_true(on_all(open_file(&mf, type[t], t != 1) == LP_OK));
        assert_true(on_all(write_images(&mf, 0, N) == LP_OK));
        assert_true(on_all(map_file_close(&mf, true, "report") == LP_OK));
        check_whole(type[t], t != 1);
        teardown(state);
        setup(state);
    }
}

static void a_stopped_file_goes_on(void **state)
{
    (void)state;
    struct map_file mf;
    uint8_t was[N];
    assert_true(on_all(open_file(&mf, LP_F16, true) == LP_OK));
    assert_true(on_all(write_images(&mf, 0, 4) == LP_OK));
    assert_true(on_all(map_file_close(&mf, false, NULL) == LP_OK));
    assert_true(on_all(open_file(&mf, LP_F16, true) == LP_OK));
    assert_true(on_all(mf.file.found == FILE_PARTIAL));
    assert_true(on_all(image_group_states(mf.file.h5, 0, N, was) == LP_OK));
    assert_true(on_all(was[3] == IMAGE_DONE && was[2] == IMAGE_BAD &&
                       was[4] == IMAGE_TO_DO));
    assert_true(on_all(write_images(&mf, 4, N) == LP_OK));
    assert_true(on_all(map_file_close(&mf, true, "") == LP_OK));
    check_whole(LP_F16, true);
}

/* Map k of image i on the sheet, made here: in place `at` of rows of four. */
static void draw(int64_t i, int64_t k, int64_t at, int64_t wide,
                 uint8_t (*sheet)[3])
{
    const int sh = class_maps_strided((int)pixels[2 * i]);
    const int sw = class_maps_strided((int)pixels[2 * i + 1]);
    const int64_t top = at / 4 * (6 + MAP_PREVIEW_GAP);
    const int64_t left = at % 4 * (6 + MAP_PREVIEW_GAP);
    uint8_t colour[256][3];
    value_colours(colour);
    for (int64_t y = 0; y < sh && pixels[2 * i] > 0; ++y)
        for (int64_t x = 0; x < sw; ++x) {
            const float v = value_at(i, (k * sh + y) * sw + x, LP_F16);
            memcpy(sheet[(top + y) * wide + left + x], colour[lrintf(255 * v)],
                   3);
        }
}

static void check_attribute(struct h5 *h5, const char *object, const char *name,
                            const char *wanted)
{
    char *text = NULL;
    assert_int_equal(h5_get_attribute(h5, object, name, &text), LP_OK);
    assert_string_equal(text, wanted);
    free(text);
}

static void a_viewer_is_shown_the_maps_as_a_picture(void **state)
{
    (void)state;
    enum { SIDE = 4 * (6 + MAP_PREVIEW_GAP) - MAP_PREVIEW_GAP };
    static uint8_t shown[SIDE * SIDE][3], wanted[SIDE * SIDE][3];
    struct map_file mf;
    struct h5 *h5 = NULL;
    enum h5_type type;
    int n_dims, length;
    int64_t dims[4], n;
    assert_true(on_all(open_file(&mf, LP_F16, false) == LP_OK));
    assert_true(on_all(write_images(&mf, 0, 5) == LP_OK));
    assert_true(on_all(map_file_close(&mf, false, NULL) == LP_OK));
    assert_true(on_all(open_file(&mf, LP_F16, false) == LP_OK));
    assert_true(on_all(write_images(&mf, 5, N) == LP_OK));
    assert_true(on_all(map_file_close(&mf, true, "") == LP_OK));

    assert_int_equal(h5_open(&h5, path, false, MPI_COMM_WORLD), LP_OK);
    check_attribute(h5, "/", "default", "preview");
    check_attribute(h5, "preview", "signal", "sheet");
    check_attribute(h5, "/preview/sheet", "CLASS", "IMAGE");
    check_attribute(h5, "/preview/sheet", "IMAGE_SUBCLASS", "IMAGE_TRUECOLOR");
    assert_int_equal(h5_shape(h5, "/preview/sheet", &type, &n_dims, dims),
                     LP_OK);
    assert_int_equal(h5_text_shape(h5, "/preview/caption", &n, &length), LP_OK);
    const int64_t n_pairs = data.label_offset[N];
    assert_true(n_pairs > MAP_PREVIEWS && n == MAP_PREVIEWS);
    assert_true(type == H5_U8 && n_dims == 3 && dims[0] == SIDE &&
                dims[1] == SIDE && dims[2] == 3);
    char caption[MAP_PREVIEWS * 64] = "";
    bool good =
        h5_read(h5, "/preview/sheet", H5_U8, 0, SIDE, shown) == LP_OK &&
        h5_read_text(h5, "/preview/caption", 0, 1, length, caption) == LP_OK;
    memset(wanted, 255, sizeof wanted);
    for (int64_t i = 0; i < N; ++i)
        for (int64_t j = 0; j < n; ++j) {
            const int64_t k = j * n_pairs / n - data.label_offset[i];
            if (k >= 0 && k < data.label_offset[i + 1] - data.label_offset[i])
                draw(i, k, j, SIDE, wanted);
        }
    good = good && memcmp(shown, wanted, sizeof shown) == 0;
    assert_true(on_all(good));
    assert_string_equal(caption, "p0: gr\xc3\xbcn0");
    h5_close(&h5);
}

static void previews_are_few_small_and_spread_over_all_maps(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct map_preview p;
    int64_t side[2 * MANY];
    struct dataset d;
    tiny_dataset(&d, MANY, N_CLASSES, side);
    for (int i = 0; i < MANY; ++i) {
        side[2 * i] = 700;
        side[2 * i + 1] = 4000;
    }
    map_preview_plan(&p, &d, side);
    assert_true(p.n == MAP_PREVIEWS && p.step == 8 && p.columns == 4);
    assert_true(p.h == 22 && p.w == 125); /* of 175 and 1000 cells         */
    assert_true(map_preview_bytes(&p) == 3 * (4 * 22 + 12) * (4 * 125 + 12));
    const int64_t n_pairs = d.label_offset[MANY];
    for (int i = 0; i < MAP_PREVIEWS; ++i)
        assert_true(p.pair[i] == i * n_pairs / MAP_PREVIEWS);
    dataset_release(&d);
}

static void nothing_is_loaded_from_an_unfinished_file(void **state)
{
    (void)state;
    struct map_file mf;
    assert_true(on_all(open_file(&mf, LP_F16, false) == LP_OK));
    assert_true(on_all(map_file_close(&mf, false, NULL) == LP_OK));
    tiny_listen();
    const enum lp_status status =
        map_file_load(&mf, path, NULL, NULL, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, "run lpcam activate") != NULL));
    assert_true(on_all(mf.file.h5 == NULL && mf.size == NULL));
}

static void a_photograph_that_changed_meanwhile_is_refused(void **state)
{
    (void)state;
    struct map_file mf;
    float strided[3 * 64] = {0};
    struct class_maps m = {
        .n = 1, .h = 40, .w = 40, .sh = 10, .sw = 10, .strided = strided};
    assert_true(on_all(open_file(&mf, LP_F16, false) == LP_OK));
    assert_true(on_all(map_file_write(&mf, 0, &m, NULL, NULL) == LP_EARG));
    map_file_close(&mf, false, NULL);
}

static void images_without_labels_make_an_empty_file(void **state)
{
    (void)state;
    struct map_file mf;
    memset(data.label_offset, 0, (N + 1) * sizeof *data.label_offset);
    assert_true(on_all(open_file(&mf, LP_U8, false) == LP_OK));
    assert_true(on_all(write_images(&mf, 0, N) == LP_OK));
    assert_true(on_all(map_file_close(&mf, true, "") == LP_OK));
    check_whole(LP_U8, false);
}

/* A whole file with these rows of a table in it is refused with these words. */
static void rows_are_refused(const char *table, int64_t first, int64_t n,
                             const int64_t *rows, const char *words)
{
    struct map_file mf;
    struct h5 *h5 = NULL;
    enum lp_status status = LP_OK;
    assert_true(on_all(open_file(&mf, LP_F16, false) == LP_OK));
    assert_true(on_all(map_file_close(&mf, true, "") == LP_OK));
    assert_true(on_all(h5_open(&h5, path, true, MPI_COMM_WORLD) == LP_OK));
    if (rank == 0)
        status = h5_write(h5, table, H5_I64, first, n, rows);
    assert_true(on_all(status == LP_OK));
    h5_close(&h5);
    tiny_listen();
    status = map_file_load(&mf, path, NULL, NULL, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status != LP_OK));
    assert_true(on_all(rank > 0 || strstr(said, words) != NULL));
}

static void impossible_sizes_are_named(void **state)
{
    (void)state;
    const int64_t wrong[2] = {-4, 5};
    rows_are_refused("/image/size", 1, 1, wrong, "/image/size[1] of ");
}

static void photographs_larger_than_any_are_refused(void **state)
{
    static const int64_t wrong[][2] = {
        {INT32_MAX, INT32_MAX}, {1, 65536}, {65535, 65535}};
    for (int i = 0; i < 3; ++i) {
        teardown(state);
        setup(state);
        rows_are_refused("/image/size", 1, 1, wrong[i], "/image/size[1] of ");
    }
}

/* What reads seeds counts by class. */
static void a_seed_of_a_class_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct map_file mf;
    struct h5 *h5 = NULL;
    enum lp_status status = LP_OK;
    uint8_t best[1024], q[1024], wrong = N_CLASSES + 1;
    assert_true(on_all(open_file(&mf, LP_F16, true) == LP_OK));
    assert_true(on_all(write_images(&mf, 0, N) == LP_OK));
    assert_true(on_all(map_file_close(&mf, true, "") == LP_OK));
    assert_true(on_all(h5_open(&h5, path, true, MPI_COMM_WORLD) == LP_OK));
    if (rank == 0)
        status = h5_write(h5, "/seed/class", H5_U8, 3, 1, &wrong);
    assert_true(on_all(status == LP_OK));
    h5_close(&h5);
    status = map_file_load(&mf, path, NULL, NULL, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    tiny_listen();
    status = map_file_read_seed(&mf, 0, best, q);
    const char *said = tiny_heard();
    const bool other = map_file_read_seed(&mf, 1, best, q) == LP_OK;
    map_file_close(&mf, false, NULL);
    assert_true(on_all(status == LP_EFORMAT && other));
    assert_true(on_all(strstr(said, "/seed/class[3] of ") != NULL));
}

/* Without a photograph the one offset is both the first and the last. */
static void labels_of_no_photograph_are_refused(void **state)
{
    static const int64_t wrong[] = {7, -5};
    for (int i = 0; i < 2; ++i) {
        teardown(state);
        setup(state);
        dataset_release(&data);
        tiny_dataset(&data, 0, N_CLASSES, pixels);
        rows_are_refused("/image/label_offset", 0, 1, &wrong[i],
                         "/image/label_offset of ");
    }
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(maps_and_seeds_come_back),
        TEST(a_stopped_file_goes_on),
        TEST(a_viewer_is_shown_the_maps_as_a_picture),
        TEST(previews_are_few_small_and_spread_over_all_maps),
        TEST(nothing_is_loaded_from_an_unfinished_file),
        TEST(a_photograph_that_changed_meanwhile_is_refused),
        TEST(images_without_labels_make_an_empty_file),
        TEST(impossible_sizes_are_named),
        TEST(photographs_larger_than_any_are_refused),
        TEST(a_seed_of_a_class_that_is_not_there_is_refused),
        TEST(labels_of_no_photograph_are_refused),
    };
    return test_mpi_main(argc, argv, tests);
}
