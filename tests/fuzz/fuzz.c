/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_complain(const char *what)
{
    fprintf(stderr, "this must be true and is not: %s\n", what);
    abort();
}

/* ---- files */

static char folder[200];

static int remove_one(const char *path, const struct stat *info, int flag,
                      struct FTW *ftw)
{
    (void)info, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    const char *place = getenv("TMPDIR");
    if (*folder)
        return folder;
    snprintf(folder, sizeof folder, "%s/lpcam-fuzz-XXXXXX",
             place                           ? place
             : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                             : "/tmp");
    fuzz_require(mkdtemp(folder) && atexit(remove_folder) == 0);
    return folder;
}

static const char *path_of(const char *name)
{
    static char path[8][300];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(path[turn], sizeof path[turn], "%s/%s", fuzz_folder(), name);
    return path[turn];
}

const char *fuzz_file(const char *name, const void *bytes, size_t n)
{
    const char *path = path_of(name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    fuzz_require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
    return path;
}

const char *fuzz_subfolder(const char *name)
{
    const char *path = path_of(name);
    fuzz_require(mkdir(path, 0777) == 0);
    return path;
}

void fuzz_split(const uint8_t *bytes, size_t n, struct fuzz_piece *piece,
                int n_pieces)
{
    for (int i = 0; i < n_pieces; ++i) {
        const uint8_t *end =
            n > 0 && i + 1 < n_pieces ? memchr(bytes, '\f', n) : NULL;
        const size_t length = end ? (size_t)(end - bytes) : n;
        piece[i] = (struct fuzz_piece){bytes, length};
        bytes += end ? length + 1 : n;
        n -= end ? length + 1 : n;
    }
}

/* ---- the program's own floor */

/* Of the leak detector, where the program is built with it. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));
void __lsan_do_leak_check(void) __attribute__((weak));

/* Asked by the leak detector: HDF5 leaks where a file is damaged. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\nleak:libmpi\nleak:libopen-pal\n";
}

/* Leaks are looked for before, as MPI leaves some behind. */
static void stop_mpi(void)
{
    if (__lsan_do_leak_check)
        __lsan_do_leak_check();
    MPI_Finalize();
}

void fuzz_start_mpi(void)
{
    if (__lsan_disable)
        __lsan_disable();
    fuzz_require(MPI_Init(NULL, NULL) == MPI_SUCCESS && atexit(stop_mpi) == 0);
    if (__lsan_enable)
        __lsan_enable();
}

void fuzz_configure(struct config *config, const char *const *set, int n)
{
    char root[300];
    const char *all[16] = {"run.out=none", root};
    snprintf(root, sizeof root, "data.root=%s", fuzz_folder());
    for (int i = 0; i < n; ++i)
        all[2 + i] = set[i];
    fuzz_require(config_load(config, NULL, all, n + 2, MPI_COMM_SELF) == LP_OK);
}

void fuzz_check_dataset(const struct dataset *d)
{
    char hex[65];
    fuzz_require(d->n_images > 0 && d->n_classes > 0);
    for (int64_t i = 0; i < d->n_images; ++i) {
        const int32_t *label;
        const int n = dataset_labels(d, i, &label);
        fuzz_require(n >= 0 && dataset_id(d, i) < d->text + d->text_bytes);
        for (int k = 0; k < n; ++k)
            fuzz_require(label[k] >= 0 && label[k] < d->n_classes &&
                         (k == 0 || label[k] > label[k - 1]));
    }
    for (int c = 0; c < d->n_classes; ++c)
        fuzz_require(*dataset_class(d, c));
    dataset_fingerprint(d, hex);
}
