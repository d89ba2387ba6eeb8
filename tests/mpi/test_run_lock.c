/* SPDX-License-Identifier: MIT */
/* The lock is held by a helper process that is forked before MPI starts. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/run_lock.h"
#include "support.h"
#include "tiny_store.h"

static pid_t helper;
static int to_helper[2], from_helper[2];

/* Answer each name with y, and hold the lock from then on, or n. A shared lock
 * is enough: only an exclusive one refuses it, or is refused by it. */
static void help(void)
{
    struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    char name[4096];
    ssize_t n;
    while ((n = read(to_helper[0], name, sizeof name - 1)) > 0) {
        name[n] = 0;
        const int fd = open(name, O_RDWR | O_CREAT, 0666);
        const bool mine = fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0 &&
                          ftruncate(fd, 0) == 0 &&
                          write(fd, "process 7 on moon", 17) == 17;
        if (write(from_helper[1], mine ? "y" : "n", 1) != 1)
            break;
    }
    _exit(0);
}

static void start_helper(void)
{
    if (pipe(to_helper) != 0 || pipe(from_helper) != 0)
        exit(1);
    helper = fork();
    if (helper == 0) {
        close(to_helper[1]);
        help();
    }
}

/* Does the helper get the lock of that name? */
static bool helper_takes(const char *name)
{
    char answer = 'n';
    return write(to_helper[1], name, strlen(name)) > 0 &&
           read(from_helper[0], &answer, 1) == 1 && answer == 'y';
}

static void a_second_job_is_refused_until_the_first_is_dead(void **state)
{
    (void)state;
    const int rank = comm_rank(MPI_COMM_WORLD);
    int lock = -1;
    char folder[4200], name[4300];
    snprintf(folder, sizeof folder, "%s/out/deep", test_folder());
    snprintf(name, sizeof name, "%s/lpcam.lock", folder);
    assert_true(on_all(
        run_lock(folder, "run.out", true, &lock, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(lock >= 0));
    assert_true(on_all(rank > 0 || !helper_takes(name)));
    for (int r = 0; r < comm_size(MPI_COMM_WORLD); ++r) {
        if (r == rank) /* as if it had died */
            run_unlock(lock);
        comm_barrier(MPI_COMM_WORLD);
        const bool is_last = r == comm_size(MPI_COMM_WORLD) - 1;
        assert_true(on_all(rank > 0 || helper_takes(name) == is_last));
    }

    tiny_listen();
    const enum lp_status status =
        run_lock(folder, "run.out", true, &lock, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EARG : LP_EPEER)));
    assert_true(on_all(lock == -1));
    assert_true(
        on_all(rank > 0 || (strstr(said, "another job (process 7 on moon)") &&
                            strstr(said, "choose another run.out"))));

    if (rank == 0) {
        kill(helper, SIGKILL);
        waitpid(helper, NULL, 0);
        helper = 0;
    }
    assert_true(on_all(
        run_lock(folder, "run.out", true, &lock, MPI_COMM_WORLD) == LP_OK));
    run_unlock(lock);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    const int rank = comm_rank(MPI_COMM_WORLD);
    int lock;
    char folder[4200];
    snprintf(folder, sizeof folder, "%s/file", test_folder());
    if (rank == 0)
        text_write(folder, "x", 1);
    comm_barrier(MPI_COMM_WORLD);
    strcat(folder, "/out");
    assert_true(
        on_all(run_lock(folder, "run.out", true, &lock, MPI_COMM_WORLD) ==
               (rank == 0 ? LP_EIO : LP_EPEER)));
}

static void a_folder_that_must_be_there_is_not_made(void **state)
{
    (void)state;
    const int rank = comm_rank(MPI_COMM_WORLD);
    int lock;
    char folder[4200];
    snprintf(folder, sizeof folder, "%s/mistyped", test_folder());
    tiny_listen();
    const enum lp_status status =
        run_lock(folder, "run.out", false, &lock, MPI_COMM_WORLD);
    const char *said = tiny_heard();
    assert_true(on_all(status == (rank == 0 ? LP_EIO : LP_EPEER)));
    assert_true(on_all(rank > 0 || strstr(said, "there is no folder")));
    assert_true(on_all(lock == -1 && access(folder, F_OK) != 0));
    assert_true(on_all(
        run_lock(folder, "run.out", true, &lock, MPI_COMM_WORLD) == LP_OK));
    run_unlock(lock);
    comm_barrier(MPI_COMM_WORLD);
    assert_true(on_all(
        run_lock(folder, "run.out", false, &lock, MPI_COMM_WORLD) == LP_OK));
    run_unlock(lock);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_job_is_refused_until_the_first_is_dead),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_told),
        cmocka_unit_test(a_folder_that_must_be_there_is_not_made),
    };
    start_helper();
    const int bad = test_mpi_main(argc, argv, tests);
    if (helper > 0)
        kill(helper, SIGKILL);
    return bad;
}
