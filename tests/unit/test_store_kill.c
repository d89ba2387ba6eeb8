/* SPDX-License-Identifier: MIT */
/* Kills a writer with SIGKILL at random moments and lets the next one go on:
 * what was marked done must hold its data after every kill. The writer is this
 * program again, started as a process of its own with "write PATH". */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/run/comm.h"
#include "lpcam/store/feature_file.h"
#include "support.h"
#include "tiny_store.h"

enum { N = 200, D = 64, CELLS = 300, N_KILLS = 10 };

static const char *self;

static uint16_t value_at(int64_t image, int64_t i)
{
    return (uint16_t)(image * 7 + i % 1009 + 1);
}

static void fill(int64_t image, uint16_t *x, uint8_t *side)
{
    for (int64_t i = 0; i < CELLS * D; ++i)
        x[i] = value_at(image, i);
    for (int64_t i = 0; i < 3 * CELLS; ++i)
        side[i] = (uint8_t)((image + i) % 3);
}

/* How many images are done; -1 where one of them does not hold its data. */
static int count_done(struct feature_file *ff, const struct dataset *d)
{
    static uint16_t x[CELLS * D], found[CELLS * D];
    static uint8_t side[3 * CELLS], found_side[3 * CELLS], state[N];
    const int32_t *label;
    int n = 0;
    if (image_group_states(ff->file.h5, 0, N, state) != LP_OK)
        return -1;
    for (int64_t i = 0; i < N; ++i) {
        if (state[i] == IMAGE_TO_DO)
            continue;
        const int64_t n_sides = CELLS * dataset_labels(d, i, &label);
        fill(i, x, side);
        if (state[i] != IMAGE_DONE ||
            h5_read(ff->file.h5, "/feature/vector", H5_F16, i * CELLS, CELLS,
                    found) != LP_OK ||
            h5_read(ff->file.h5, "/split/side", H5_U8,
                    ff->side_offset[ff->pair_offset[i]], n_sides,
                    found_side) != LP_OK ||
            memcmp(x, found, sizeof x) != 0 ||
            memcmp(side, found_side, (size_t)n_sides) != 0)
            return -1;
        ++n;
    }
    return n;
}

/* Images in a scattered order, so that done ones do not lie side by side; a
 * byte on stdout for each that is marked. */
static enum lp_status write_rest(struct feature_file *ff)
{
    enum lp_status status = LP_OK;
    static uint16_t x[CELLS * D];
    static uint8_t side[3 * CELLS];
    const uint8_t done = IMAGE_DONE;
    for (int64_t i = 0; i < N && status == LP_OK; ++i) {
        const int64_t image = i * 37 % N;
        uint8_t state;
        LP_TRY(image_group_states(ff->file.h5, image, 1, &state));
        if (state == IMAGE_DONE)
            continue;
        fill(image, x, side);
        LP_TRY(feature_file_write(ff, image, x, NULL, side));
        LP_TRY(image_group_mark(ff->file.h5, image, 1, &done));
        if (write(1, &done, 1) != 1)
            status = LP_EIO;
    }
done:
    return status;
}

/* The writer: 0 all written, 3 what was done is not there, 1 anything else.
 * First tells on stdout how many were done. */
static int write_main(const char *path)
{
    struct dataset d;
    struct feature_file ff;
    static int64_t size[2 * N], grid[2 * N];
    static float weight[4 * D], bias[4];
    const struct head head = {.n = 4, .d = D, .weight = weight, .bias = bias};
    const struct run_about about = {"lpcam features 1", "k = 1\n", "[run]\n"};
    int result = 1;

    MPI_Init(NULL, NULL);
    tiny_dataset(&d, N, 4, size);
    for (int i = 0; i < N; ++i) {
        grid[2 * i] = CELLS / 10;
        grid[2 * i + 1] = 10;
    }
    if (feature_file_open(&ff, path, &about, &d, size, grid, &head, NULL,
                          LP_F16, MPI_COMM_WORLD) == LP_OK) {
        const int n = count_done(&ff, &d);
        result = n < 0 ? 3 : 1;
        if (n >= 0 && write(1, &n, sizeof n) == sizeof n &&
            write_rest(&ff) == LP_OK)
            result = count_done(&ff, &d) == N ? 0 : 3;
        feature_file_close(&ff, result == 0, "report");
    }
    dataset_release(&d);
    MPI_Finalize();
    return result;
}

/* Start a writer whose stdout is *out. What MPI leaves behind when it is killed
 * stays in the test's folder. */
static pid_t start_writer(const char *path, int *out)
{
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("OMPI_MCA_orte_tmpdir_base", test_folder(), 1);
        setenv("OMPI_MCA_btl", "self", 1);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl(self, self, "write", path, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

/* How many images a writer found done, -1 where it died before. */
static int hear_done(int out)
{
    int n;
    return read(out, &n, sizeof n) == sizeof n ? n : -1;
}

/* False where the writer was faster and had ended well: that proves nothing. */
static bool kill_writer(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status)) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    return WIFSIGNALED(status);
}

static void what_is_done_survives_every_kill(void **state)
{
    (void)state;
    char path[4096], byte;
    int done, out, status, promised = 0, n_kills = 0, n_kept = 0;
    snprintf(path, sizeof path, "%s/killed.h5", test_folder());
    srand(7);
    for (int i = 0; i < 4 * N_KILLS && n_kills < N_KILLS; ++i) {
        const pid_t pid = start_writer(path, &out);
        done = hear_done(out);
        assert_true(done >= promised);
        promised = done;
        n_kept += done;
        /* Kill after some images, at any moment of the next ones. */
        for (int n = rand() % 16; n > 0 && read(out, &byte, 1) == 1; --n)
            ++promised;
        nanosleep(&(struct timespec){0, rand() % 1000000}, NULL);
        n_kills += kill_writer(pid);
        while (read(out, &byte, 1) == 1)
            ++promised;
        close(out);
        if (promised == N) { /* nothing left to write: once more */
            remove(path);
            promised = 0;
        }
    }
    assert_int_equal(n_kills, N_KILLS);
    assert_true(n_kept > 0);
    const pid_t pid = start_writer(path, &out);
    done = hear_done(out);
    assert_true(done >= promised);
    while (read(out, &byte, 1) == 1)
        ++done;
    close(out);
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(done, N);
    assert_int_equal(access(path, R_OK), 0);
}

/* What a kill left of a file that is being made must not stop the next writer;
 * the file is made anew each time. */
static void a_kill_while_the_file_is_made_does_no_harm(void **state)
{
    (void)state;
    char path[4096], partial[4104];
    int out, n_kills = 0, most_ms = 500;
    snprintf(path, sizeof path, "%s/made.h5", test_folder());
    snprintf(partial, sizeof partial, "%s.partial", path);
    for (int i = 0; i < 20 && n_kills < 5; ++i) {
        pid_t pid = start_writer(path, &out);
        nanosleep(&(struct timespec){0, 1000000L * (rand() % most_ms)}, NULL);
        if (kill_writer(pid))
            ++n_kills;
        else
            most_ms = most_ms / 2 + 1;
        close(out);
        pid = start_writer(path, &out);
        assert_true(hear_done(out) >= 0);
        kill_writer(pid);
        close(out);
        remove(path);
        remove(partial);
    }
    assert_int_equal(n_kills, 5);
}

static int remove_folder(void **state)
{
    char command[5000];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", test_folder());
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_while_the_file_is_made_does_no_harm),
        cmocka_unit_test(what_is_done_survives_every_kill),
    };
    self = argv[0];
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_main(argv[2]);
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
