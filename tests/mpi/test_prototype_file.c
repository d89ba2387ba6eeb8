/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"
#include "lpcam/store/prototype_file.h"
#include "support.h"
#include "tiny_store.h"

enum { N = 3, K = 2, D = 4, STEPS = 3, P = 2 * N, STARTS = 2 };

/* One start filled by hand; every number tells where it belongs. */
struct made {
    struct kmeans km;
    struct prototypes pt;
    float center[P * K * D], probability[P * K];
    int64_t size[P * K], n_rows[P], n_zero[P];
    int iterations[P];
    uint8_t why[P], selected[P * K];
    double weight[P * K];
    struct kmeans_step step[STEPS * P];
    struct kmeans_near near[P * K * KMEANS_NEAREST];
};

static char path[4096];
static int rank;
static struct dataset data;
static struct made made[STARTS];
static struct prototype_start start[STARTS];
static float vector[N * D];
static double lambda[N];
static struct basis basis;
static const struct run_about about = {"lpcam prototypes 1", "k = 2\n", "[x]"};

static void fill_start(struct made *m, int s)
{
    for (int i = 0; i < P * K * D; ++i)
        m->center[i] = (float)(1000 * s + i);
    for (int i = 0; i < P * K; ++i) {
        m->size[i] = 100 * s + i;
        m->probability[i] = (float)i / 64;
        m->selected[i] = (uint8_t)((i + s) % 2);
        m->weight[i] = i + 0.5;
    }
    for (int i = 0; i < P; ++i) {
        m->n_rows[i] = 50 + i;
        m->n_zero[i] = i;
        m->iterations[i] = i + s;
        m->why[i] = (uint8_t)(1 + i % 4);
    }
    for (int i = 0; i < STEPS * P; ++i)
        m->step[i] = (struct kmeans_step){10 * s + i, i + 0.25, i * 2.0};
    for (int i = 0; i < P * K * KMEANS_NEAREST; ++i)
        m->near[i] = (struct kmeans_near){i % 8 == 7 ? -1 : i, 9, i + 1, i + 2,
                                          (float)i / 512};
    /* The second start was a step shorter. */
    m->km = (struct kmeans){.n_problems = P,
                            .k = K,
                            .d = D,
                            .center = m->center,
                            .size = m->size,
                            .n_rows = m->n_rows,
                            .n_zero = m->n_zero,
                            .iterations = m->iterations,
                            .why = m->why,
                            .n_steps = STEPS - s,
                            .step = m->step};
    m->pt = (struct prototypes){N,           K,         D,      m->probability,
                                m->selected, m->weight, lambda, vector};
}

static int setup(void **state)
{
    static int n;
    int64_t size[10];
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/p-%d.h5", test_folder(), n++);
    tiny_dataset(&data, 5, N, size);
    for (int s = 0; s < STARTS; ++s) {
        fill_start(&made[s], s);
        start[s] =
            (struct prototype_start){&made[s].km, &made[s].pt, made[s].near};
    }
    for (int i = 0; i < N * D; ++i)
        vector[i] = 0.1f * (float)i;
    for (int i = 0; i < N; ++i)
        lambda[i] = 1.0 / (i + 1);
    basis = (struct basis){.d = D, .r = D};
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_release(&data);
    return 0;
}

static enum lp_status write_file(int n_starts)
{
    return prototype_file_write(path, &about, &data, &basis, start, n_starts,
                                vector, lambda, "report", MPI_COMM_WORLD);
}

/* Are the n rows of `bytes` of a data set these? */
static bool holds(struct h5 *h5, const char *name, enum h5_type type, int64_t n,
                  const void *want, size_t bytes)
{
    char *rows = malloc(bytes);
    const bool good = h5_read(h5, name, type, 0, n, rows) == LP_OK &&
                      memcmp(rows, want, bytes) == 0;
    free(rows);
    return good;
}

static void the_class_vectors_come_back(void **state)
{
    (void)state;
    float *found = NULL;
    assert_true(on_all(write_file(1) == LP_OK));
    assert_true(on_all(prototype_file_read(path, "k = 2", &data, D, &found,
                                           MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(memcmp(found, vector, sizeof vector) == 0));
    free(found);
}

static void another_network_or_setting_is_refused(void **state)
{
    (void)state;
    float *found = NULL;
    assert_true(on_all(write_file(1) == LP_OK));
    tiny_listen();
    const enum lp_status status =
        prototype_file_read(path, NULL, &data, D + 1, &found, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
    assert_true(on_all(rank > 0 ||
                       strstr(said, "is [3][4], where [3][5] is due") != NULL));
    assert_true(on_all(prototype_file_read(path, "k = 3", &data, D, &found,
                                           MPI_COMM_WORLD) != LP_OK));
    assert_true(on_all(prototype_file_read("/no/such.h5", NULL, &data, D,
                                           &found, MPI_COMM_WORLD) != LP_OK));
    assert_true(on_all(found == NULL));
}

static void other_classes_are_refused_by_name(void **state)
{
    (void)state;
    float *found = NULL;
    struct dataset other = data;
    int64_t swapped[N];
    memcpy(swapped, data.name_at, sizeof swapped);
    swapped[0] = data.name_at[1];
    swapped[1] = data.name_at[0];
    other.name_at = swapped;
    assert_true(on_all(write_file(1) == LP_OK));
    tiny_listen();
    const enum lp_status status =
        prototype_file_read(path, NULL, &other, D, &found, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, dataset_class(&data, 0))));
}

static void fewer_or_more_classes_are_refused(void **state)
{
    (void)state;
    for (int n = N - 1; n <= N + 1; n += 2) {
        float *found = NULL;
        int64_t name_at[N + 1];
        struct dataset other = data;
        memcpy(name_at, data.name_at, N * sizeof *name_at);
        name_at[N] = name_at[0];
        other.name_at = name_at;
        other.n_classes = n;
        assert_true(on_all(write_file(1) == LP_OK));
        tiny_listen();
        const enum lp_status status =
            prototype_file_read(path, NULL, &other, D, &found, MPI_COMM_WORLD);
        const char *said = tiny_heard();
        assert_true(on_all(status == (rank == 0 ? LP_EARG : LP_EPEER)));
        assert_true(on_all(rank > 0 || strstr(said, " classes where ")));
    }
}

/* Clustered as components of D + 1 channels, the first of which none has. */
static void components_are_written_in_all_dimensions(void **state)
{
    enum { WHOLE = D + 1 };
    float rows[D * WHOLE] = {0}, center[N][K][WHOLE] = {0};
    float *found = NULL;
    struct run_file file;
    (void)state;
    for (int k = 0; k < D; ++k)
        rows[k * WHOLE + k + 1] = 1;
    basis = (struct basis){.d = WHOLE, .r = D, .vector = rows};
    assert_true(on_all(write_file(1) == LP_OK));
    assert_true(on_all(prototype_file_read(path, NULL, &data, WHOLE, &found,
                                           MPI_COMM_WORLD) == LP_OK));
    bool good = true;
    for (int i = 0; i < N * WHOLE; ++i)
        good = good &&
               found[i] ==
                   (i % WHOLE == 0 ? 0 : vector[i / WHOLE * D + i % WHOLE - 1]);
    for (int i = 0; i < N * K; ++i)
        memcpy(center[i / K][i % K] + 1,
               made[0].center + (2 * (i / K) * K + i % K) * D,
               D * sizeof(float));
    assert_true(on_all(
        run_file_read(&file, path, NULL, "cluster", MPI_COMM_WORLD) == LP_OK));
    good = good &&
           holds(file.h5, "/object/center", H5_F32, N, center, sizeof center);
    run_file_close(&file);
    assert_true(on_all(good));
    free(found);
}

/* Row c of /object/center is problem 2c, of /context/center 2c + 1. */
static void each_side_of_each_start_has_its_centres(void **state)
{
    (void)state;
    struct run_file file;
    bool good = true;
    float center[N][K * D];
    int64_t size[N][K], nearest[N][K * KMEANS_NEAREST][3];
    assert_true(on_all(write_file(STARTS) == LP_OK));
    assert_true(on_all(
        run_file_read(&file, path, NULL, "cluster", MPI_COMM_WORLD) == LP_OK));
    for (int side = 0; side < 2; ++side) {
        const struct made *m = &made[0];
        for (int c = 0; c < N; ++c) {
            const int p = 2 * c + side;
            memcpy(center[c], m->center + p * K * D, sizeof center[c]);
            memcpy(size[c], m->size + p * K, sizeof size[c]);
            for (int i = 0; i < K * KMEANS_NEAREST; ++i) {
                const struct kmeans_near *near =
                    &m->near[p * K * KMEANS_NEAREST + i];
                const bool is = near->image >= 0;
                nearest[c][i][0] = near->image;
                nearest[c][i][1] = is ? near->row : -1;
                nearest[c][i][2] = is ? near->column : -1;
            }
        }
        good =
            good && holds(file.h5, side ? "/context/center" : "/object/center",
                          H5_F32, N, center, sizeof center);
        good = good && holds(file.h5, side ? "/context/size" : "/object/size",
                             H5_I64, N, size, sizeof size);
        good = good &&
               holds(file.h5, side ? "/context/nearest" : "/object/nearest",
                     H5_I64, N, nearest, sizeof nearest);
    }
    for (int c = 0; c < N; ++c)
        memcpy(center[c], made[1].center + (2 * c + 1) * K * D,
               sizeof center[c]);
    good = good && holds(file.h5, "/start_1/context/center", H5_F32, N, center,
                         sizeof center);
    run_file_close(&file);
    assert_true(on_all(good));
}

static void the_history_of_a_shorter_start_ends_in_zeros(void **state)
{
    (void)state;
    struct run_file file;
    int64_t moved[STARTS][STEPS][P] = {0}, iterations[STARTS][P];
    uint8_t why[STARTS][P];
    for (int s = 0; s < STARTS; ++s)
        for (int p = 0; p < P; ++p) {
            for (int t = 0; t < STEPS - s; ++t)
                moved[s][t][p] = made[s].step[t * P + p].moved;
            iterations[s][p] = made[s].iterations[p];
            why[s][p] = made[s].why[p];
        }
    assert_true(on_all(write_file(STARTS) == LP_OK));
    assert_true(on_all(
        run_file_read(&file, path, NULL, "cluster", MPI_COMM_WORLD) == LP_OK));
    const bool good =
        holds(file.h5, "/history/moved", H5_I64, STARTS, moved, sizeof moved) &&
        holds(file.h5, "/history/iterations", H5_I64, STARTS, iterations,
              sizeof iterations) &&
        holds(file.h5, "/history/why", H5_U8, STARTS, why, sizeof why) &&
        holds(file.h5, "/history/rows", H5_I64, P, made[0].n_rows,
              sizeof made[0].n_rows) &&
        holds(file.h5, "/method/lambda", H5_F64, N, lambda, sizeof lambda);
    run_file_close(&file);
    assert_true(on_all(good));
}

static void no_vectors_and_no_iterations_are_legal(void **state)
{
    (void)state;
    float *found = NULL;
    made[0].km.n_steps = 0;
    assert_true(on_all(write_file(1) == LP_OK));
    assert_true(on_all(prototype_file_read(path, NULL, &data, D, &found,
                                           MPI_COMM_WORLD) == LP_OK));
    free(found);
}

static void vectors_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    float *found = NULL, row[D] = {1, INFINITY};
    struct h5 *h5 = NULL;
    enum lp_status status = LP_OK;
    assert_true(on_all(write_file(1) == LP_OK));
    assert_true(on_all(h5_open(&h5, path, true, MPI_COMM_WORLD) == LP_OK));
    if (rank == 0)
        status = h5_write(h5, "/method/vector", H5_F32, 1, 1, row);
    assert_true(on_all(status == LP_OK));
    h5_close(&h5);
    status = prototype_file_read(path, NULL, &data, D, &found, MPI_COMM_WORLD);
    assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
    assert_true(on_all(found == NULL));
}

static void a_failed_write_leaves_no_whole_file(void **state)
{
    (void)state;
    float *found = NULL;
    setenv("LPCAM_FAULT", "h5_write@0", 1);
    const enum lp_status status = write_file(1);
    unsetenv("LPCAM_FAULT");
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(prototype_file_read(path, NULL, &data, D, &found,
                                           MPI_COMM_WORLD) != LP_OK));
    assert_true(on_all(write_file(1) == LP_OK));
    assert_true(on_all(write_file(1) == LP_OK)); /* whole: nothing to do */
    assert_true(on_all(prototype_file_read(path, NULL, &data, D, &found,
                                           MPI_COMM_WORLD) == LP_OK));
    free(found);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_class_vectors_come_back),
        TEST(another_network_or_setting_is_refused),
        TEST(other_classes_are_refused_by_name),
        TEST(fewer_or_more_classes_are_refused),
        TEST(components_are_written_in_all_dimensions),
        TEST(each_side_of_each_start_has_its_centres),
        TEST(the_history_of_a_shorter_start_ends_in_zeros),
        TEST(no_vectors_and_no_iterations_are_legal),
        TEST(vectors_that_are_no_numbers_are_refused),
        TEST(a_failed_write_leaves_no_whole_file),
    };
    return test_mpi_main(argc, argv, tests);
}
