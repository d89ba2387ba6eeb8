/* SPDX-License-Identifier: MIT */
/* A clustering that is cut after any iteration goes on to the same bits on any
 * number of ranks, from a file that cannot be mistaken. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "kmeans_data.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"
#include "lpcam/store/checkpoint_file.h"
#include "tiny_store.h"

#define K        4
#define D        16
#define N        17
#define SETTINGS "kmeans.k = 4\nrun.seed = 1\n"

static const uint64_t name_hash[] = {11, 22, 33};
static struct features all;

static int rank(void)
{
    return comm_rank(MPI_COMM_WORLD);
}

static int setup(void **state)
{
    (void)state;
    all = data_made(N, 3, D, LP_F16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    features_release(&all);
    return 0;
}

/* Saves each iteration under a name of its own, until it fails. */
struct saver {
    const char *what;
    int n, most; /* most 0: all succeed                                 */
    double every_s;
};

static const char *file_of(const char *what, int n)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s-%d", test_folder(), what, n);
    return path;
}

static enum lp_status save(void *arg, const struct kmeans_past *past)
{
    struct saver *s = arg;
    if (!s)
        return LP_OK;
    ++s->n;
    if (s->most > 0 && s->n > s->most)
        return lp_fail(LP_EIO, "a save that is meant to fail");
    return checkpoint_write(file_of(s->what, past->n_steps), SETTINGS, past);
}

/* Clusters f; equal: from centres that are all the same, so that empty clusters
 * are filled again and again. saver NULL: nothing is saved. from: a file to go
 * on from. */
static enum lp_status cluster(struct kmeans *km, struct features *f, bool equal,
                              struct saver *saver, const char *from,
                              MPI_Comm comm)
{
    enum lp_status status;
    struct kmeans_keep keep = {.save = save, .arg = saver};
    if (saver)
        keep.every_s = saver->every_s;
    LP_TRY(kmeans_init(km, f, K));
    if (from)
        LP_TRY(checkpoint_read(from, SETTINGS, km, &keep.past, comm));
    if (saver || from)
        LP_TRY(kmeans_keep_open(&keep, km, comm));
    if (!from && equal)
        for (int i = 0; i < km->n_problems * K * D; ++i)
            km->center[i] = 1;
    else if (!from)
        LP_TRY(kmeans_start_hash(km, f, name_hash, 5, comm));
    LP_TRY(kmeans_fit(km, f, STOP_MOVED, 0, 12, comm));
done:
    km->keep = NULL;
    kmeans_keep_release(&keep);
    return status;
}

static bool same(const struct kmeans *whole, const struct kmeans *part,
                 const struct features *f)
{
    const size_t n = (size_t)whole->n_problems;
    const int64_t first = all.side_offset[all.pair_offset[f->first_image]];
    return whole->n_steps == part->n_steps &&
           memcmp(whole->center, part->center, n * K * D * sizeof(float)) ==
               0 &&
           memcmp(whole->size, part->size, n * K * sizeof(int64_t)) == 0 &&
           memcmp(whole->n_rows, part->n_rows, n * sizeof(int64_t)) == 0 &&
           memcmp(whole->iterations, part->iterations, n * sizeof(int)) == 0 &&
           memcmp(whole->why, part->why, n) == 0 &&
           memcmp(whole->step, part->step,
                  n * (size_t)whole->n_steps * sizeof *whole->step) == 0 &&
           memcmp(whole->assignment + first, part->assignment,
                  (size_t)f->side_offset[f->pair_offset[f->n_images]]) == 0;
}

/* Saved by all ranks, gone on with by each alone; and the other way round. */
static void check_cuts(bool equal, MPI_Comm saving, MPI_Comm resuming)
{
    struct kmeans whole, km;
    struct saver saver = {.what = "cut"};
    const bool one = saving == MPI_COMM_SELF;
    struct features f = data_share(&all, 0, rank(), comm_size(MPI_COMM_WORLD));
    struct features a = data_cut(&all, 0, N);

    assert_true(
        on_all(cluster(&whole, &a, equal, NULL, NULL, MPI_COMM_SELF) == LP_OK));
    assert_true(on_all(whole.n_steps > 3));
    bool good = true;
    if (!one || rank() == 0) {
        struct features *mine = one ? &a : &f;
        good = cluster(&km, mine, equal, &saver, NULL, saving) == LP_OK &&
               same(&whole, &km, mine);
        kmeans_release(&km);
    }
    assert_true(on_all(good && (rank() > 0 || saver.n == whole.n_steps)));
    for (int n = 1; n <= whole.n_steps; ++n) {
        struct features *mine = resuming == MPI_COMM_SELF ? &a : &f;
        good = cluster(&km, mine, equal, NULL, file_of("cut", n), resuming) ==
                   LP_OK &&
               same(&whole, &km, mine);
        assert_true(on_all(good));
        kmeans_release(&km);
    }
    kmeans_release(&whole);
    features_release(&f);
    features_release(&a);
}

static void any_cut_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    check_cuts(false, MPI_COMM_WORLD, MPI_COMM_SELF);
    check_cuts(false, MPI_COMM_SELF, MPI_COMM_WORLD);
    check_cuts(false, MPI_COMM_WORLD, MPI_COMM_WORLD);
}

static void empty_clusters_are_filled_again_alike(void **state)
{
    (void)state;
    check_cuts(true, MPI_COMM_WORLD, MPI_COMM_SELF);
    check_cuts(true, MPI_COMM_SELF, MPI_COMM_WORLD);
}

static void a_save_that_fails_does_not_end_the_clustering(void **state)
{
    (void)state;
    struct features f = data_share(&all, 0, rank(), comm_size(MPI_COMM_WORLD));
    struct saver saver = {.what = "full", .most = 2};
    struct kmeans km;
    tiny_listen();
    const enum lp_status status =
        cluster(&km, &f, false, &saver, NULL, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == LP_OK));
    assert_true(on_all(saver.n == (rank() == 0 ? km.n_steps : 0)));
    assert_true(on_all(rank() > 0 ||
                       strstr(said, "an earlier iteration than 3") != NULL));
    kmeans_release(&km);
    features_release(&f);
}

/* A reader that fails, or asks to stop, in the fourth iteration. */
static const struct kmeans *watched;
static enum lp_status read_and_fail(void *file, int64_t first, int64_t n,
                                    void *rows)
{
    if (watched->n_steps == 3)
        return lp_fail(LP_EIO, "a read that is meant to fail");
    return data_read(file, first, n, rows);
}
static enum lp_status read_and_raise(void *file, int64_t first, int64_t n,
                                     void *rows)
{
    if (watched->n_steps == 3)
        raise(SIGUSR1);
    return data_read(file, first, n, rows);
}

/* In the last rank; nothing was due to be saved. */
static void what_a_failure_leaves_behind_is_gone_on_with(void **state)
{
    (void)state;
    const bool last = rank() == comm_size(MPI_COMM_WORLD) - 1;
    struct features f = data_share(&all, 0, rank(), comm_size(MPI_COMM_WORLD));
    struct features a = data_cut(&all, 0, N);
    struct saver saver = {.what = "failed", .every_s = 1e9};
    struct kmeans whole, km;
    struct data_file file;

    data_stream(&f, &file, 0); /* image by image, so that all are read */
    watched = &km;
    if (last)
        f.read = read_and_fail;
    const enum lp_status status =
        cluster(&km, &f, true, &saver, NULL, MPI_COMM_WORLD);
    assert_true(on_all(status == (last ? LP_EIO : LP_EPEER)));
    assert_true(on_all(saver.n == (rank() == 0) && km.n_steps == 3));
    kmeans_release(&km);

    assert_true(
        on_all(cluster(&whole, &a, true, NULL, NULL, MPI_COMM_SELF) == LP_OK));
    assert_true(on_all(cluster(&km, &a, true, NULL, file_of("failed", 3),
                               MPI_COMM_SELF) == LP_OK));
    assert_true(on_all(same(&whole, &km, &a)));
    kmeans_release(&km);
    kmeans_release(&whole);
    free(file.value);
    features_release(&f);
    features_release(&a);
}

/* --- files that are not to be used */

/* One file, of the clustering that the tests below have. */
static const char *make_file(struct kmeans *km)
{
    struct features a = data_cut(&all, 0, N);
    struct saver saver = {.what = "file", .every_s = 1e9};
    if (cluster(km, &a, false, rank() == 0 ? &saver : NULL, NULL,
                MPI_COMM_SELF) != LP_OK)
        km->n_steps = 0;
    features_release(&a);
    return file_of("file", km->n_steps);
}

static bool put_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    const bool good = file && fwrite(bytes, 1, n, file) == n;
    return file && fclose(file) == 0 && good;
}

/* Is it passed over with a warning? */
static bool is_passed_over(const char *path, const struct kmeans *km)
{
    struct kmeans_past past = {0};
    tiny_listen();
    const enum lp_status status =
        checkpoint_read(path, SETTINGS, km, &past, MPI_COMM_SELF);
    return strstr(tiny_heard(), "damaged") && status == LP_OK &&
           past.n_steps == 0 && !past.center;
}

static void a_damaged_file_is_passed_over(void **state)
{
    (void)state;
    struct kmeans km;
    char *bytes = NULL, *path = text_format("%s", make_file(&km));
    size_t n = 0;
    bool good = true;
    if (rank() == 0) {
        good = text_read(path, &bytes, &n) == LP_OK && n > 1000;
        for (size_t i = 0; good && i < n; ++i) {
            const bool spare = i >= 24 + 65 && i < 24 + 72;
            bytes[i] ^= 4;
            good = put_file(path, bytes, n) &&
                   (spare || is_passed_over(path, &km));
            bytes[i] ^= 4;
        }
        for (size_t i = 0; good && i < n; i += 1 + i / 3)
            good = put_file(path, bytes, i) && is_passed_over(path, &km);
        good = good && put_file(path, bytes, n) && !is_passed_over(path, &km);
    }
    assert_true(on_all(good));
    free(bytes);
    free(path);
    kmeans_release(&km);
}

static void a_file_of_another_clustering_is_refused(void **state)
{
    (void)state;
    struct kmeans km, other;
    struct kmeans_past past = {0};
    struct features a = data_cut(&all, 0, N);
    char *path = text_format("%s", make_file(&km));

    tiny_listen();
    const enum lp_status settings = checkpoint_read(
        path, "kmeans.k = 4\nrun.seed = 2\n", &km, &past, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(settings == (rank() == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(
        rank() > 0 ||
        strstr(said, "run.seed = 1, this run has 2: choose another run.out")));

    assert_true(on_all(kmeans_init(&other, &a, K + 1) == LP_OK));
    assert_true(
        on_all(checkpoint_read(path, SETTINGS, &other, &past, MPI_COMM_WORLD) ==
               (rank() == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(!past.center && past.n_steps == 0));

    assert_true(on_all(checkpoint_read(file_of("no", 1), SETTINGS, &km, &past,
                                       MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(past.n_steps == 0));
    free(path);
    kmeans_release(&other);
    kmeans_release(&km);
    features_release(&a);
}

static void other_features_are_told_apart(void **state)
{
    (void)state;
    struct kmeans km, other;
    char *path = text_format("%s", make_file(&km));
    int64_t cell = 0; /* one that is clustered */
    while (all.side[cell] == 0)
        ++cell;
    ((uint16_t *)all.value)[cell * D] ^= 0x200;
    struct features f = data_share(&all, 0, rank(), comm_size(MPI_COMM_WORLD));
    const enum lp_status status =
        cluster(&other, &f, false, NULL, path, MPI_COMM_WORLD);
    assert_true(on_all(status == (rank() == 0 ? LP_EARG : LP_EPEER)));
    free(path);
    kmeans_release(&other);
    kmeans_release(&km);
    features_release(&f);
}

/* Last, because a process that was asked to stop stays so. */
static void a_stop_saves_what_is_done(void **state)
{
    (void)state;
    struct features f = data_share(&all, 0, rank(), comm_size(MPI_COMM_WORLD));
    struct saver saver = {.what = "stopped", .every_s = 1e9};
    struct kmeans km;
    struct data_file file;
    stop_install();
    data_stream(&f, &file, 0); /* image by image, so that all are read */
    watched = &km;
    if (rank() == comm_size(MPI_COMM_WORLD) - 1)
        f.read = read_and_raise;
    const enum lp_status status =
        cluster(&km, &f, true, &saver, NULL, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_STOP && km.n_steps == 4));
    assert_true(on_all(saver.n == (rank() == 0)));
    assert_true(on_all(access(file_of("stopped", 4), R_OK) == 0));
    kmeans_release(&km);
    free(file.value);
    features_release(&f);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(any_cut_goes_on_to_the_same_bits),
        TEST(empty_clusters_are_filled_again_alike),
        TEST(a_save_that_fails_does_not_end_the_clustering),
        TEST(what_a_failure_leaves_behind_is_gone_on_with),
        TEST(a_damaged_file_is_passed_over),
        TEST(a_file_of_another_clustering_is_refused),
        TEST(other_features_are_told_apart),
        TEST(a_stop_saves_what_is_done),
    };
    return test_mpi_main(argc, argv, tests);
}
