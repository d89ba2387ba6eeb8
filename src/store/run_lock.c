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

/* Take the lock, or say who has it. The file names its holder for that. */
static enum lp_status take(const char *path, const char *folder, int *lock)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char holder[320] = "", host[256] = "";
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return lp_fail(LP_EIO, "cannot open %s: %s", path, strerror(errno));
    if (fcntl(fd, F_SETLK, &whole) == 0) {
        gethostname(host, sizeof host - 1);
        const int n = snprintf(holder, sizeof holder, "process %ld on %s",
                               (long)getpid(), host);
        if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)n, 0) != n)
            lp_warn("cannot write into %s: %s", path, strerror(errno));
        *lock = fd;
        return LP_OK;
    }
    const int error = errno;
    const ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    close(fd);
    if (error == EACCES || error == EAGAIN)
        return lp_fail(LP_EARG,
                       "another job (%s) writes to %s: wait for its end or "
                       "choose another run.out",
                       n > 0 ? holder : "unknown", folder);
    lp_warn("%s cannot be locked (%s): start no second job on it", folder,
            strerror(error));
    return LP_OK;
}

enum lp_status run_lock(const char *folder, int *lock, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    *lock = -1;
    if (comm_rank(comm) == 0) {
        char *path = text_format("%s/lpcam.lock", folder);
        char *copy = text_format("%s", folder);
        if (!path || !copy)
            status = lp_fail(LP_ENOMEM, "no memory for the name of %s", folder);
        else if (make_folders(copy) != 0)
            status = lp_fail(LP_EIO, "cannot make the folder %s: %s", folder,
                             strerror(errno));
        else
            status = take(path, folder, lock);
        free(path);
        free(copy);
    }
    LP_AGREE(comm);
done:
    return status;
}

void run_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
