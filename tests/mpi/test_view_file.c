/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"
#include "lpcam/store/view_file.h"
#include "support.h"
#include "tiny_store.h"

enum { N = 9, N_CLASSES = 5, SCALES = 2, D = 7, R = 3, MOST_CELLS = 64 };

static char path[4096];
static int rank, size;
static struct dataset data;
static int64_t pixels[2 * N], grid[N * SCALES * 2];
static float vector[R * D];
static double value[D];
static const struct number_list scales = {SCALES, {1.0, 0.5}};
static const struct run_about about = {"lpcam views 1", "k = 1\n", "[run]"};

/* Photographs without labels and the unreadable one have no cells. */
static int setup(void **state)
{
    static int n;
    const int32_t *label;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/v-%d.h5", test_folder(), n++);
    tiny_dataset(&data, N, N_CLASSES, pixels);
    for (int i = 0; i < N * SCALES; ++i)
        for (int a = 0; a < 2; ++a)
            grid[2 * i + a] =
                pixels[i / SCALES * 2] > 0 &&
                        dataset_labels(&data, i / SCALES, &label) > 0
                    ? 1 + (i + a) % 4
                    : 0;
    for (int i = 0; i < R * D; ++i)
        vector[i] = (float)i / 8;
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_release(&data);
    return 0;
}

static uint16_t value_at(int64_t image, int64_t i)
{
    return (uint16_t)(image * 131 + i);
}

static enum lp_status open_file(struct view_file *vf, bool with_basis)
{
    const struct basis b = {.d = D,
                            .r = with_basis ? R : D,
                            .vector = with_basis ? vector : NULL,
                            .value = with_basis ? value : NULL};
    return view_file_open(vf, path, &about, &data, pixels, grid, &scales, &b,
                          MPI_COMM_WORLD);
}

/* This rank's images of [first, end), in turn. */
static enum lp_status write_images(struct view_file *vf, int64_t first,
                                   int64_t end)
{
    enum lp_status status = LP_OK;
    uint16_t rows[MOST_CELLS * D];
    for (int64_t i = first; i < end; ++i) {
        const uint8_t state = pixels[2 * i] > 0 ? IMAGE_DONE : IMAGE_BAD;
        if (i % size != rank)
            continue;
        for (int64_t j = 0; j < view_file_cells(vf, i) * vf->r; ++j)
            rows[j] = value_at(i, j);
        LP_TRY(view_file_write(vf, i, rows));
        LP_TRY(image_group_mark(vf->file.h5, i, 1, &state));
    }
done:
    return status;
}

/* Are the images before end, from `first` on every second, as they were
 * written? A block holds two or three of them. */
static bool check_rows(struct view_file *vf, int64_t first, int64_t end,
                       int64_t room)
{
    bool good = true, wanted[N] = {false};
    struct features f;
    const void *rows;
    int64_t next;
    for (int64_t i = first; i < end; i += 2)
        wanted[i] = view_file_cells(vf, i) > 0;
    good = view_file_rows(vf, room, &f) == LP_OK && f.path != NULL;
    f.wanted = wanted;
    for (int64_t i = first; i < end && good; i += 2) {
        if (!wanted[i])
            continue;
        good = features_block(&f, i, &next, &rows) == LP_OK;
        for (int64_t j = 0; good && j < view_file_cells(vf, i) * vf->r; ++j)
            good = ((const uint16_t *)rows)[j] == value_at(i, j);
        wanted[i] = false;
    }
    features_release(&f);
    return good;
}

static void check_whole(bool with_basis)
{
    struct view_file vf;
    uint8_t state[N];
    assert_true(
        on_all(view_file_load(&vf, path, "k = 1", MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(vf.n_images == N && vf.n_scales == SCALES));
    assert_true(on_all(vf.r == (with_basis ? R : D) && vf.basis.d == D &&
                       vf.basis.r == vf.r));
    assert_true(on_all(memcmp(vf.size, pixels, sizeof pixels) == 0));
    assert_true(on_all(memcmp(vf.grid, grid, sizeof grid) == 0));
    assert_true(on_all(with_basis == (vf.basis.vector != NULL)));
    assert_true(on_all(!with_basis ||
                       memcmp(vf.basis.vector, vector, sizeof vector) == 0));
    assert_true(on_all(image_group_states(vf.file.h5, 0, N, state) == LP_OK));
    assert_true(on_all(state[2] == IMAGE_BAD && state[3] == IMAGE_DONE));
    assert_true(on_all(view_file_cells(&vf, 2) == 0 &&
                       view_file_cells(&vf, 3) == 0 &&
                       view_file_cells(&vf, 0) > 0));
    assert_true(on_all(check_rows(&vf, 0, N, 1 << 20)));
    assert_true(on_all(check_rows(&vf, rank % 3, N, 100)));
    assert_true(on_all(check_rows(&vf, 4, 4, 100)));
    view_file_close(&vf, false, NULL);
}

static void rows_and_basis_come_back(void **state)
{
    for (int b = 0; b < 2; ++b) {
        struct view_file vf;
        assert_true(on_all(open_file(&vf, b) == LP_OK));
        assert_true(on_all(write_images(&vf, 0, N) == LP_OK));
        assert_true(on_all(view_file_close(&vf, true, "report") == LP_OK));
        check_whole(b);
        teardown(state);
        setup(state);
    }
}

static void a_stopped_file_goes_on(void **state)
{
    (void)state;
    struct view_file vf;
    uint8_t was[N];
    assert_true(on_all(open_file(&vf, true) == LP_OK));
    assert_true(on_all(write_images(&vf, 0, 4) == LP_OK));
    assert_true(on_all(view_file_close(&vf, false, NULL) == LP_OK));
    assert_true(on_all(open_file(&vf, true) == LP_OK));
    assert_true(on_all(vf.file.found == FILE_PARTIAL));
    assert_true(on_all(image_group_states(vf.file.h5, 0, N, was) == LP_OK));
    assert_true(on_all(was[3] == IMAGE_DONE && was[2] == IMAGE_BAD &&
                       was[4] == IMAGE_TO_DO));
    assert_true(on_all(write_images(&vf, 4, N) == LP_OK));
    assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
    check_whole(true);
}

/* Loading it fails on all ranks, with these words. */
static void is_refused(const char *settings, enum lp_status why,
                       const char *words)
{
    struct view_file vf;
    tiny_listen();
    const enum lp_status status =
        view_file_load(&vf, path, settings, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    view_file_close(&vf, false, NULL);
    assert_true(on_all(status == (rank == 0 ? why : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, words) != NULL));
}

static void what_is_not_whole_or_not_ours_is_refused(void **state)
{
    (void)state;
    struct view_file vf;
    is_refused(NULL, LP_EIO, "run lpcam extract first");
    assert_true(on_all(open_file(&vf, false) == LP_OK));
    assert_true(on_all(view_file_close(&vf, false, NULL) == LP_OK));
    is_refused(NULL, LP_EIO, "is not finished");
    assert_true(on_all(open_file(&vf, false) == LP_OK));
    assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
    is_refused("k = 2", LP_EARG, "was made with k = 1");
}

static void tables_that_disagree_are_named(void **state)
{
    static const struct {
        const char *table;
        int64_t row, value;
        const char *words;
    } wrong[] = {{"/view/offset", 1, 1000, "/view/offset[1] of "},
                 {"/view/offset", 0, -1, "/view/offset begin with 0"},
                 {"/view/offset", N * SCALES, 1, "/view/offset[18] of "},
                 {"/view/grid", 1, INT64_MAX / 2, "/view/offset[3] of "},
                 {"/view/grid", 4, -3, "/view/offset[9] of "},
                 {"/image/size", 1, -4, "/image/size[1] of "},
                 {"/image/size", 0, 65535, "/image/size[0] of "}};
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; ++w) {
        struct view_file vf;
        struct h5 *h5 = NULL;
        enum lp_status status = LP_OK;
        int64_t row[SCALES * 2];
        for (int i = 0; i < SCALES * 2; ++i)
            row[i] = wrong[w].value;
        assert_true(on_all(open_file(&vf, false) == LP_OK));
        assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
        assert_true(on_all(h5_open(&h5, path, true, MPI_COMM_WORLD) == LP_OK));
        if (rank == 0)
            status = h5_write(h5, wrong[w].table, H5_I64, wrong[w].row, 1, row);
        assert_true(on_all(status == LP_OK));
        h5_close(&h5);
        is_refused(NULL, LP_EFORMAT, wrong[w].words);
        teardown(state);
        setup(state);
    }
}

static void views_at_no_scale_are_refused(void **state)
{
    (void)state;
    static const struct number_list none = {0};
    const struct basis b = {.d = D, .r = D};
    struct view_file vf;
    const enum lp_status status = view_file_open(
        &vf, path, &about, &data, pixels, grid, &none, &b, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
    is_refused(NULL, LP_EFORMAT, "must be of 1 to ");
}

/* ---- the basis: what a file from elsewhere may be */

static void a_basis_of_no_numbers_is_refused(void **state)
{
    static float *const wrong[] = {&vector[0], &vector[R * D - 1]};
    for (int i = 0; i < 2; ++i) {
        struct view_file vf;
        const float was = *wrong[i];
        *wrong[i] = i ? INFINITY : NAN;
        assert_true(on_all(open_file(&vf, true) == LP_OK));
        assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
        *wrong[i] = was;
        is_refused(NULL, LP_EFORMAT, "/basis of ");
        teardown(state);
        setup(state);
    }
}

/* r x d is asked for; the words, or NULL: it is read. */
static void read_basis(int r, int d, const char *words)
{
    struct basis b = {0};
    tiny_listen();
    const enum lp_status status =
        basis_file_read(path, r, d, &b, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    const bool same = words || (b.r == R && b.d == D && b.value &&
                                memcmp(b.vector, vector, sizeof vector) == 0);
    basis_release(&b);
    assert_true(on_all(same && (status == LP_OK) == !words));
    assert_true(on_all(rank > 0 || !words || strstr(said, words)));
}

static void a_basis_has_the_sides_that_are_asked_for(void **state)
{
    (void)state;
    struct view_file vf;
    const struct basis b = {.d = D, .r = R, .vector = vector, .value = value};
    assert_true(
        on_all(basis_file_write(path, &about, &b, MPI_COMM_WORLD) == LP_OK));
    read_basis(0, 0, NULL);
    read_basis(R, D, NULL);
    read_basis(R + 1, D, "is [3][7], where [4][7] is due");
    read_basis(R, D - 1, "is [3][7], where [3][6] is due");
    teardown(state);
    setup(state);
    assert_true(on_all(open_file(&vf, false) == LP_OK));
    assert_true(on_all(view_file_close(&vf, true, "") == LP_OK));
    read_basis(0, 0, "has no data set /basis/vector");
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_and_basis_come_back),
        TEST(a_stopped_file_goes_on),
        TEST(what_is_not_whole_or_not_ours_is_refused),
        TEST(tables_that_disagree_are_named),
        TEST(views_at_no_scale_are_refused),
        TEST(a_basis_of_no_numbers_is_refused),
        TEST(a_basis_has_the_sides_that_are_asked_for),
    };
    return test_mpi_main(argc, argv, tests);
}
