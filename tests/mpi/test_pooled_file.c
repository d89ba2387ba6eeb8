/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"
#include "lpcam/store/pooled_file.h"
#include "support.h"
#include "tiny_store.h"

enum { N = 9, N_CLASSES = 5, VIEWS = 3, D = 7, WIDTH = VIEWS * D };

static char path[4096];
static int rank, size;
static struct dataset data;
static int64_t pixels[2 * N];
static const struct run_about about = {"lpcam pooled 1", "k = 1\n", "[run]"};

static int setup(void **state)
{
    static int n;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/p-%d.h5", test_folder(), n++);
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

static enum lp_status open_file(struct pooled_file *pf, int views, int d)
{
    return pooled_file_open(pf, path, &about, &data, pixels, views, d,
                            MPI_COMM_WORLD);
}

static float value_at(int64_t image, int64_t j)
{
    return (float)(image * 100 + j) + 0.1f;
}

/* This rank's images of [first, end), in turn. */
static bool write_images(struct pooled_file *pf, int64_t first, int64_t end)
{
    const uint8_t done = IMAGE_DONE;
    float x[WIDTH];
    bool good = true;
    for (int64_t i = first; i < end; ++i) {
        if (i % size != rank)
            continue;
        for (int64_t j = 0; j < WIDTH; ++j)
            x[j] = value_at(i, j);
        good = good && pooled_file_write(pf, i, x) == LP_OK &&
               image_group_mark(pf->file.h5, i, 1, &done) == LP_OK;
    }
    return on_all(good);
}

/* Every rank reads all rows, but for the last one two by two. */
static bool is_whole(void)
{
    struct pooled_file pf;
    struct dataset d;
    uint8_t state[N];
    float x[2 * WIDTH];
    bool good = pooled_file_load(&pf, path, &d, MPI_COMM_WORLD) == LP_OK;
    if (!on_all(good))
        return false;
    good = tiny_same(&data, &d) && pf.views == VIEWS && pf.d == D &&
           image_group_states(pf.file.h5, 0, N, state) == LP_OK;
    for (int64_t i = 0; i < N; i += 2) {
        const int64_t n = i + 1 < N ? 2 : 1;
        good = good && pooled_file_read(&pf, i, n, x) == LP_OK;
        for (int64_t j = 0; j < n * WIDTH; ++j)
            good = good && x[j] == value_at(i + j / WIDTH, j % WIDTH);
        good = good && state[i] == IMAGE_DONE;
    }
    pooled_file_close(&pf, false, NULL);
    dataset_release(&d);
    return on_all(good);
}

static void vectors_come_back(void **state)
{
    (void)state;
    struct pooled_file pf;
    assert_true(on_all(open_file(&pf, VIEWS, D) == LP_OK));
    assert_true(write_images(&pf, 0, N));
    assert_true(on_all(pooled_file_close(&pf, true, "report") == LP_OK));
    assert_true(is_whole());
}

static void a_stopped_file_goes_on(void **state)
{
    (void)state;
    struct pooled_file pf;
    uint8_t states[N];
    assert_true(on_all(open_file(&pf, VIEWS, D) == LP_OK));
    assert_true(write_images(&pf, 0, N / 2));
    pooled_file_close(&pf, false, NULL);
    comm_barrier(MPI_COMM_WORLD);

    assert_true(on_all(open_file(&pf, VIEWS, D) == LP_OK));
    assert_int_equal(pf.file.found, FILE_PARTIAL);
    assert_true(on_all(image_group_states(pf.file.h5, 0, N, states) == LP_OK));
    bool as_marked = true;
    for (int i = 0; i < N; ++i)
        as_marked =
            as_marked && states[i] == (i < N / 2 ? IMAGE_DONE : IMAGE_TO_DO);
    assert_true(on_all(as_marked));
    assert_true(write_images(&pf, N / 2, N));
    assert_true(on_all(pooled_file_close(&pf, true, "report") == LP_OK));
    assert_true(is_whole());
}

static void other_views_or_channels_are_refused(void **state)
{
    (void)state;
    struct pooled_file pf;
    assert_true(on_all(open_file(&pf, VIEWS, D) == LP_OK));
    pooled_file_close(&pf, false, NULL);
    assert_true(on_all(open_file(&pf, VIEWS + 1, D) != LP_OK));
    assert_true(on_all(open_file(&pf, VIEWS, D - 1) != LP_OK));
}

static void a_file_that_is_not_finished_names_the_job(void **state)
{
    (void)state;
    struct pooled_file pf;
    struct dataset d;
    assert_true(on_all(open_file(&pf, VIEWS, D) == LP_OK));
    pooled_file_close(&pf, false, NULL);
    tiny_listen();
    const enum lp_status status =
        pooled_file_load(&pf, path, &d, MPI_COMM_WORLD);
    const char *heard = tiny_heard();
    const bool names = rank > 0 || strstr(heard, "lpcam fit");
    dataset_release(&d);
    assert_true(on_all(status != LP_OK && names));
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(vectors_come_back), TEST(a_stopped_file_goes_on),
        TEST(other_views_or_channels_are_refused),
        TEST(a_file_that_is_not_finished_names_the_job)};
    return test_mpi_main(argc, argv, tests);
}
