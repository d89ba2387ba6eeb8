/* SPDX-License-Identifier: MIT */
#include "lpcam/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: to open a pipe would wait for its writer. Regular files do not
 * know the flag. */
FILE *file_open(const char *path, const char **why)
{
    struct stat info;
    FILE *file = NULL;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const bool there = fd >= 0 && fstat(fd, &info) == 0;

    if (there && S_ISREG(info.st_mode))
        file = fdopen(fd, "rb");
    if (!file) {
        *why = there && !S_ISREG(info.st_mode) ? "it is not a file"
                                               : strerror(errno);
        if (fd >= 0)
            close(fd);
    }
    return file;
}
