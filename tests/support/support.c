/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/log.h"

static char folder[64];

static int remove_entry(const char *path, const struct stat *info, int flag,
                        struct FTW *ftw)
{
    (void)info, (void)flag, (void)ftw;
    return remove(path);
}

int test_mpi_run(int argc, char **argv, const struct CMUnitTest *tests,
                 size_t n)
{
    int provided, rank, size, bad;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    log_init(rank, size, LOG_VERBOSE);
    if (rank != 0 && !freopen("/dev/null", "w", stdout))
        return 1;
    bad = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
    MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (rank == 0 && folder[0])
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    MPI_Finalize();
    return bad != 0;
}

bool on_all(bool cond)
{
    int all = cond;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
    return all;
}

static const char *join(const char *root, const char *name)
{
    static char path[4][4096];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

const char *test_data(const char *name)
{
    return join(TEST_DATA, name);
}

const char *test_shared(const char *name)
{
    return join(TEST_SHARED, name);
}

bool test_have_shared(void)
{
    if (access(test_shared("golden/README.md"), R_OK) == 0)
        return true;
    printf("skipped: no golden outputs in %s (set LPCAM_SHARED)\n",
           TEST_SHARED);
    return false;
}

const char *test_folder(void)
{
    int rank, running;
    MPI_Initialized(&running);
    if (folder[0])
        return folder;
    strcpy(folder, "/tmp/lpcam-test-XXXXXX");
    if (!running)
        return mkdtemp(folder);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0 && !mkdtemp(folder))
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    return folder;
}
