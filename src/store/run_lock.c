/* SPDX-License-Identifier: MIT */
#include "lpcam/store/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"

/* mkdir -p; folder is changed in between. */
static int make_folders(char *folder)
{
    for (char *at = folder; *at; ++at)
        if (*at == '/' && at > folder) {
            *at = 0;
            const int bad = mkdir(folder, 0777) != 0 && errno != EEXIST;
            *at = '/';
            if (bad)
                return -1;
        }
    return mkdir(folder, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

/* Of n bytes of the lock's file from `first`; n = 0: all that follow. */
static int set_lock(int fd, short type, int first, int n)
{
    struct flock part = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = n};
    return fcntl(fd, F_SETLK, &part);
}

/* The file names its holder, for those it refuses. */
static void sign(int fd, const char *path)
{
    char holder[320], host[256] = "";
    gethostname(host, sizeof host - 1);
    const int n = snprintf(holder, sizeof holder, "process %ld on %s",
                           (long)getpid(), host);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)n, 0) != n)
        lp_warn("cannot write into %s: %s", path, strerror(errno));
}

/* Take the lock of all ranks, or say who has it, or a rank of it. Rank 0. */
static enum lp_status take(const char *path, const char *folder,
                           const char *key, int *lock)
{
    char holder[320] = "";
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return lp_fail(LP_EIO, "cannot open %s: %s", path, strerror(errno));
    if (set_lock(fd, F_WRLCK, 0, 0) == 0) {
        sign(fd, path);
        *lock = fd;
        return LP_OK;
    }
    const int error = errno;
    const ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    close(fd);
    if (error == EACCES || error == EAGAIN)
        return lp_fail(LP_EARG,
                       "another job (%s) writes to %s: wait for its end or "
                       "choose another %s",
                       n > 0 ? holder : "unknown", folder, key);
    lp_warn("%s cannot be locked (%s): start no second job on it", folder,
            strerror(error));
    return LP_OK;
}

/* Each rank holds its own byte: a rank that outlives rank 0 for a while, after
 * a kill, still keeps the next job away. Nobody takes what rank 0 lets go of,
 * for that needs its byte. */
static void share(const char *path, int *lock, MPI_Comm comm)
{
    const int rank = comm_rank(comm);
    bool locked = *lock >= 0;
    comm_bcast(comm, &locked, sizeof locked);
    if (!locked)
        return;
    if (rank == 0)
        set_lock(*lock, F_UNLCK, 1, 0);
    comm_barrier(comm);
    if (rank > 0)
        *lock = open(path, O_RDWR | O_CLOEXEC);
    if (rank > 0 && *lock >= 0)
        set_lock(*lock, F_WRLCK, rank, 1);
}

/* The folder is there, or is made. Rank 0. */
static enum lp_status have_folder(const char *folder, const char *key,
                                  bool make)
{
    enum lp_status status = LP_OK;
    char *copy = text_format("%s", folder);
    if (!copy)
        status = lp_fail(LP_ENOMEM, "no memory for the name of %s", folder);
    else if (!make && access(folder, F_OK) != 0)
        status = lp_fail(LP_EIO,
                         "there is no folder %s: %s must be that of the "
                         "job whose files are to be read",
                         folder, key);
    else if (make_folders(copy) != 0)
        status = lp_fail(LP_EIO, "cannot make the folder %s: %s", folder,
                         strerror(errno));
    free(copy);
    return status;
}

enum lp_status run_lock(const char *folder, const char *key, bool make,
                        int *lock, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    char *path = text_format("%s/lpcam.lock", folder);
    *lock = -1;
    if (!path)
        status = lp_fail(LP_ENOMEM, "no memory for the name of %s", folder);
    else if (comm_rank(comm) == 0)
        status = have_folder(folder, key, make);
    if (status == LP_OK && comm_rank(comm) == 0)
        status = take(path, folder, key, lock);
    LP_AGREE(comm);
    share(path, lock, comm);
done:
    if (status != LP_OK) {
        run_unlock(*lock);
        *lock = -1;
    }
    free(path);
    return status;
}

void run_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
