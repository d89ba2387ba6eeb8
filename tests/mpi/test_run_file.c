/* SPDX-License-Identifier: MIT */
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/run_file.h"
#include "support.h"
#include "tiny_store.h"

static char path[4096], partial[4200], fresh[4200];
static int rank, size;
static const struct run_about about = {
    "lpcam features 1", "split.threshold = 0.1\nkmeans.k = 12\n", "[run]\n"};

/* Every test has a file of its own. */
static int setup(void **state)
{
    static int n;
    (void)state;
    rank = comm_rank(MPI_COMM_WORLD);
    size = comm_size(MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/run-%d.h5", test_folder(), n++);
    snprintf(partial, sizeof partial, "%s.partial", path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    comm_barrier(MPI_COMM_WORLD);
    return 0;
}

static bool there(const char *name)
{
    comm_barrier(MPI_COMM_WORLD);
    const bool yes = access(name, F_OK) == 0;
    comm_barrier(MPI_COMM_WORLD);
    return yes;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    const int64_t n = size;
    ++*(int *)arg;
    return h5_define(h5, "/x", H5_I32, 1, &n, "ranks", "", NULL);
}

static enum lp_status define_badly(void *arg, struct h5 *h5)
{
    (void)arg, (void)h5;
    return LP_ENOMEM;
}

/* A whole file in which rank r wrote r. */
static void make_whole(void)
{
    struct run_file file;
    int made = 0;
    const int32_t mine = rank;
    enum lp_status status =
        run_file_open(&file, path, &about, define, &made, MPI_COMM_WORLD);
    if (status == LP_OK)
        status = h5_write(file.h5, "/x", H5_I32, rank, 1, &mine);
    assert_true(on_all(status == LP_OK && made == (rank == 0)));
    assert_true(on_all(run_file_finish(&file, "time = 1 s\n") == LP_OK));
}

static void a_file_is_partial_until_it_is_finished(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    enum run_file_found found;
    const int32_t mine = 100 + rank;
    int32_t back = 0;
    assert_true(
        on_all(run_file_probe(path, &about, &found, MPI_COMM_WORLD) == LP_OK &&
               found == FILE_ABSENT));

    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(file.found == FILE_ABSENT && made == (rank == 0)));
    assert_true(on_all(there(partial) && !there(path) && !there(fresh)));
    assert_true(
        on_all(h5_write(file.h5, "/x", H5_I32, rank, 1, &mine) == LP_OK));
    run_file_close(&file);

    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(file.found == FILE_PARTIAL && made == (rank == 0)));
    assert_true(
        on_all(h5_read(file.h5, "/x", H5_I32, rank, 1, &back) == LP_OK));
    assert_true(on_all(back == mine));
    assert_true(on_all(run_file_finish(&file, "time = 1 s\n") == LP_OK));
    assert_true(on_all(!there(partial) && there(path)));

    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(file.found == FILE_WHOLE && made == (rank == 0)));
    assert_true(on_all(run_file_finish(&file, "another") == LP_OK));
    assert_true(on_all(there(path)));
}

/* What is done to a file that was begun, by rank 0: another program may have. */
static void chunk(hid_t file)
{
    const hsize_t n = 1 << 20, one = 1;
    const hid_t space = H5Screate_simple(1, &n, NULL);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plan, 1, &one);
    H5Dclose(H5Dcreate2(file, "chunks", H5T_STD_U8LE, space, H5P_DEFAULT, plan,
                        H5P_DEFAULT));
    H5Pclose(plan);
    H5Sclose(space);
}

static void link_elsewhere(hid_t file)
{
    H5Lcreate_external("other.h5", "/x", file, "elsewhere", H5P_DEFAULT,
                       H5P_DEFAULT);
}

static void what_another_program_stored_is_not_gone_on_with(void **state)
{
    static const struct {
        void (*change)(hid_t file);
        const char *name;
    } foreign[] = {{chunk, "/chunks of "}, {link_elsewhere, "/elsewhere of "}};
    for (int i = 0; i < 2; ++i) {
        struct run_file file;
        int made = 0;
        assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                         MPI_COMM_WORLD) == LP_OK));
        run_file_close(&file);
        if (rank == 0) {
            const hid_t h5 = H5Fopen(partial, H5F_ACC_RDWR, H5P_DEFAULT);
            foreign[i].change(h5);
            H5Fclose(h5);
        }
        comm_barrier(MPI_COMM_WORLD);
        tiny_listen();
        const enum lp_status status =
            run_file_open(&file, path, &about, define, &made, MPI_COMM_WORLD);
        const char *said = tiny_heard();
        assert_true(on_all(status == (rank == 0 ? LP_EFORMAT : LP_EPEER)));
        assert_true(on_all(rank > 0 || strstr(said, foreign[i].name)));
        setup(state);
    }
}

static bool has_text(struct h5 *h5, const char *name, const char *part)
{
    char *text = NULL;
    int64_t n;
    int length;
    bool has =
        h5_read_text_shared(h5, name, &n, &length, &text) == LP_OK && n == 1;
    has = has && strstr(text, part) != NULL;
    free(text);
    return has;
}

static void a_file_describes_its_run(void **state)
{
    (void)state;
    struct run_file file;
    char *program = NULL, *created = NULL, layout[32];
    make_whole();
    assert_true(on_all(
        run_file_read(&file, path, NULL, "extract", MPI_COMM_WORLD) == LP_OK));
    snprintf(layout, sizeof layout, "ranks = %d\nnodes = 1\n", size);
    bool good = has_text(file.h5, "/run/settings", about.settings) &&
                has_text(file.h5, "/run/config", "[run]") &&
                has_text(file.h5, "/run/versions", "hdf5 = 1.") &&
                has_text(file.h5, "/run/versions", "mpi = ") &&
                has_text(file.h5, "/run/layout", layout) &&
                has_text(file.h5, "/run/report", "time = 1 s");
    good = good &&
           h5_get_attribute(file.h5, "/", "program", &program) == LP_OK &&
           h5_get_attribute(file.h5, "/", "created", &created) == LP_OK;
    good = good && strncmp(program, "lpcam ", 6) == 0 &&
           strlen(created) == strlen("2026-01-01T00:00:00Z");
    free(program);
    free(created);
    run_file_close(&file);
    assert_true(on_all(good));
}

static void a_report_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    char *report = malloc(100001);
    memset(report, 'x', 100000);
    report[100000] = 0;
    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(run_file_finish(&file, report) == LP_OK));
    free(report);
    assert_true(on_all(there(path)));
}

/* Another run with these settings must hear this sentence from rank 0. */
static void refused(const char *format, const char *settings,
                    const char *sentence)
{
    struct run_file file;
    int made = 0;
    const struct run_about other = {format, settings, "[run]\n"};
    tiny_listen();
    const enum lp_status status =
        run_file_open(&file, path, &other, define, &made, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(made == 0 && file.h5 == NULL));
    assert_true(on_all(rank > 0 ? *said == 0 : strstr(said, sentence) != NULL));
}

static void other_settings_are_refused_by_name_and_values(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    char sentence[5000];
    make_whole();
    for (int i = 0; i < 2; ++i) { /* the whole file, then a partial one */
        const char *found = i == 0 ? path : partial;
        snprintf(sentence, sizeof sentence,
                 "%s was made with split.threshold = 0.1, this run has 0.25: "
                 "choose another run.out or remove the file",
                 found);
        refused(about.format, "kmeans.k = 12\nsplit.threshold = 0.25\n",
                sentence);
        refused(about.format,
                "split.threshold = 0.1\nkmeans.k = 12\nkmeans.seed = 3\n",
                "was made without kmeans.seed, this run has 3");
        refused(about.format, "split.threshold = 0.1",
                "was made with kmeans.k = 12, this run has no kmeans.k");
        refused(about.format, "split.threshold = 0.1\nkmeans.k = 1\n",
                "kmeans.k = 12, this run has 1:");
        refused("lpcam maps 1", about.settings,
                "is \"lpcam features 1\", where \"lpcam maps 1\" is due");
        if (i == 0 && rank == 0)
            assert_int_equal(rename(path, partial), 0);
        comm_barrier(MPI_COMM_WORLD);
    }
    /* Nothing was harmed. */
    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(file.found == FILE_PARTIAL));
    run_file_close(&file);
}

static void a_next_stage_compares_its_own_settings(void **state)
{
    (void)state;
    struct run_file file;
    make_whole();
    assert_true(on_all(run_file_read(&file, path, "kmeans.k = 12", "extract",
                                     MPI_COMM_WORLD) == LP_OK));
    run_file_close(&file);
    assert_true(on_all(run_file_read(&file, path, "kmeans.k = 13", "extract",
                                     MPI_COMM_WORLD) != LP_OK));
    run_file_close(&file);
}

/* Rank 0 hears that there is no whole file to read, and which job makes it. */
static void unreadable(const char *sentence)
{
    struct run_file file;
    tiny_listen();
    const enum lp_status status =
        run_file_read(&file, path, NULL, "extract", MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(rank > 0 ? *said == 0 : strstr(said, sentence) != NULL));
}

static void an_unfinished_file_is_no_input(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    unreadable("does not exist: run lpcam extract first");
    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    run_file_close(&file);
    unreadable("is not finished: run lpcam extract again");
}

static void a_file_from_elsewhere_may_lack_run(void **state)
{
    (void)state;
    struct h5 *h5 = NULL;
    struct run_file file;
    assert_true(on_all(h5_create(&h5, path, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(h5_close(&h5) == LP_OK));
    assert_true(on_all(run_file_read(&file, path, "kmeans.k = 12", "extract",
                                     MPI_COMM_WORLD) == LP_OK));
    run_file_close(&file);
}

static void a_damaged_partial_file_is_kept_and_refused(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    if (rank == 0)
        text_write(partial, "garbage", 7);
    comm_barrier(MPI_COMM_WORLD);
    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) != LP_OK));
    assert_true(on_all(made == 0 && there(partial)));
}

static void a_half_made_structure_is_made_again(void **state)
{
    (void)state;
    struct run_file file;
    int made = 0;
    if (rank == 0)
        text_write(fresh, "killed here", 11);
    comm_barrier(MPI_COMM_WORLD);
    make_whole();
    assert_true(on_all(there(path) && !there(fresh)));
    setup(state);
    const enum lp_status status =
        run_file_open(&file, path, &about, define_badly, &made, MPI_COMM_WORLD);
    assert_true(on_all(status == (rank == 0 ? LP_ENOMEM : LP_EPEER)));
    assert_true(on_all(!there(path) && !there(partial) && !there(fresh)));
}

static void a_failure_of_rank_0_is_one_of_all(void **state)
{
    (void)state;
    static const char *const fault[] = {"run_file_move@0", "h5_write@0"};
    for (int i = 0; i < 2; ++i) {
        struct run_file file;
        int made = 0;
        setenv("LPCAM_FAULT", fault[i], 1);
        const enum lp_status status =
            run_file_open(&file, path, &about, define, &made, MPI_COMM_WORLD);
        unsetenv("LPCAM_FAULT");
        assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
        setup(state);
    }
    struct run_file file;
    int made = 0;
    assert_true(on_all(run_file_open(&file, path, &about, define, &made,
                                     MPI_COMM_WORLD) == LP_OK));
    setenv("LPCAM_FAULT", "h5_write@0", 1);
    const enum lp_status status = run_file_finish(&file, "report");
    unsetenv("LPCAM_FAULT");
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(there(partial) && !there(path)));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_is_partial_until_it_is_finished, setup),
        cmocka_unit_test_setup(what_another_program_stored_is_not_gone_on_with,
                               setup),
        cmocka_unit_test_setup(a_file_describes_its_run, setup),
        cmocka_unit_test_setup(a_report_that_is_too_long_is_cut, setup),
        cmocka_unit_test_setup(other_settings_are_refused_by_name_and_values,
                               setup),
        cmocka_unit_test_setup(a_next_stage_compares_its_own_settings, setup),
        cmocka_unit_test_setup(an_unfinished_file_is_no_input, setup),
        cmocka_unit_test_setup(a_file_from_elsewhere_may_lack_run, setup),
        cmocka_unit_test_setup(a_damaged_partial_file_is_kept_and_refused,
                               setup),
        cmocka_unit_test_setup(a_half_made_structure_is_made_again, setup),
        cmocka_unit_test_setup(a_failure_of_rank_0_is_one_of_all, setup),
    };
    return test_mpi_main(argc, argv, tests);
}
