/* SPDX-License-Identifier: MIT */
#include "lpcam/output/out_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/base/text.h"

#define ENDING ".partial"

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

enum lp_status out_folder_open(struct out_folder *f, const char *parent,
                               const char *name, bool make)
{
    *f = OUT_FOLDER_NONE;
    f->path =
        *name ? text_format("%s/%s", parent, name) : text_format("%s", parent);
    if (!f->path)
        return lp_fail(LP_ENOMEM, "no memory for the name of a folder");
    if (make && make_folders(f->path) != 0)
        return lp_fail(LP_EIO, "cannot make the folder %s: %s", f->path,
                       strerror(errno));
    f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return lp_fail(LP_EIO, "cannot open the folder %s: %s", f->path,
                       strerror(errno));
    return LP_OK;
}

void out_folder_close(struct out_folder *f)
{
    if (f->path && f->fd >= 0)
        close(f->fd);
    free(f->path);
    *f = OUT_FOLDER_NONE;
}

bool out_folder_has(const struct out_folder *f, const char *name)
{
    struct stat info;
    return fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(info.st_mode) && info.st_size > 0;
}

enum lp_status out_folder_is_empty(const struct out_folder *f, bool *empty)
{
    const struct dirent *entry;
    DIR *dir = opendir(f->path);
    if (!dir)
        return lp_fail(LP_EIO, "cannot read the folder %s: %s", f->path,
                       strerror(errno));
    *empty = true;
    while ((entry = readdir(dir)) != NULL)
        *empty = *empty && (strcmp(entry->d_name, ".") == 0 ||
                            strcmp(entry->d_name, "..") == 0);
    closedir(dir);
    return LP_OK;
}

static int write_all(int fd, const char *bytes, int64_t n)
{
    while (n > 0) {
        const size_t part = n < INT_MAX / 2 ? (size_t)n : INT_MAX / 2;
        const ssize_t done = write(fd, bytes, part);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        bytes += done;
        n -= done;
    }
    return 0;
}

enum lp_status out_folder_write(const struct out_folder *f, const char *name,
                                const struct out_piece *piece, int n)
{
    char partial[NAME_MAX + 1];
    int error = ENAMETOOLONG, bad = 0;
    if (snprintf(partial, sizeof partial, "%s" ENDING, name) <=
        (int)sizeof partial - 1) {
        const int fd = openat(f->fd, partial,
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
                                  O_NONBLOCK | O_CLOEXEC,
                              0666);
        for (int i = 0; fd >= 0 && bad == 0 && i < n; ++i)
            bad = write_all(fd, piece[i].bytes, piece[i].n);
        error = fd < 0 || bad != 0 ? errno : 0;
        if (fd >= 0 && close(fd) != 0 && error == 0)
            error = errno;
        if (error == 0 && renameat(f->fd, partial, f->fd, name) != 0)
            error = errno;
        if (error != 0 && fd >= 0)
            unlinkat(f->fd, partial, 0);
    }
    if (error != 0)
        return lp_fail(LP_EIO, "cannot write %s/%s: %s", f->path, name,
                       strerror(error));
    return LP_OK;
}

enum lp_status out_folder_link(const struct out_folder *f, const char *name,
                               const char *target)
{
    if (symlinkat(target, f->fd, name) == 0)
        return LP_OK;
    if (errno == EEXIST && unlinkat(f->fd, name, 0) == 0 &&
        symlinkat(target, f->fd, name) == 0)
        return LP_OK;
    return lp_fail(LP_EIO, "cannot make the link %s/%s to %s: %s", f->path,
                   name, target, strerror(errno));
}
