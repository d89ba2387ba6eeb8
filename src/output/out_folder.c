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
#include "lpcam/output/out_batch.h"

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
    struct stat info;
    if (f->fd < 0 || fstat(f->fd, &info) != 0)
        return lp_fail(LP_EIO, "cannot open the folder %s: %s", f->path,
                       strerror(errno));
    f->device = (int64_t)info.st_dev;
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

static enum lp_status cannot_read(const struct out_folder *f)
{
    return lp_fail(LP_EIO, "cannot read the folder %s: %s", f->path,
                   strerror(errno));
}

/* New and lost names outlive a loss of power, where the file system can. */
static enum lp_status sync_folder(const struct out_folder *f)
{
    if (fsync(f->fd) == 0 || errno == EINVAL)
        return LP_OK;
    return lp_fail(LP_EIO, "cannot sync the folder %s: %s", f->path,
                   strerror(errno));
}

/* Does the name end so? */
static bool ends_with(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

enum lp_status out_folder_clear(const struct out_folder *f, const char *ending)
{
    enum lp_status status = LP_OK;
    const struct dirent *entry;
    struct stat info;
    char partial[32];
    DIR *dir = opendir(f->path);
    snprintf(partial, sizeof partial, "%s.partial", ending);
    if (!dir)
        LP_TRY(cannot_read(f));
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if ((ends_with(name, ending) || ends_with(name, partial)) &&
            fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && unlinkat(f->fd, name, 0) != 0)
            LP_TRY(lp_fail(LP_EIO, "cannot remove %s/%s: %s", f->path, name,
                           strerror(errno)));
    }
    LP_TRY(sync_folder(f));
done:
    if (dir)
        closedir(dir);
    return status;
}

enum lp_status out_folder_is_empty(const struct out_folder *f, bool *empty)
{
    const struct dirent *entry;
    DIR *dir = opendir(f->path);
    if (!dir)
        return cannot_read(f);
    *empty = true;
    while ((entry = readdir(dir)) != NULL)
        *empty = *empty && (strcmp(entry->d_name, ".") == 0 ||
                            strcmp(entry->d_name, "..") == 0);
    closedir(dir);
    return LP_OK;
}

/* Also errno as it is now. */
static enum lp_status cannot_write(const struct out_file *file, int error)
{
    return lp_fail(LP_EIO, "cannot write %s/%s: %s", file->folder->path,
                   file->name, strerror(error));
}

enum lp_status out_file_begin(struct out_file *file,
                              const struct out_folder *folder, const char *name)
{
    *file = (struct out_file){.folder = folder, .fd = -1};
    snprintf(file->name, sizeof file->name, "%s", name);
    if (snprintf(file->partial, sizeof file->partial, "%s.partial", name) >=
        (int)sizeof file->partial)
        return cannot_write(file, ENAMETOOLONG);
    /* Not through a link that somebody has put there, nor into a pipe. */
    file->fd = openat(folder->fd, file->partial,
                      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK |
                          O_CLOEXEC,
                      0666);
    return file->fd < 0 ? cannot_write(file, errno) : LP_OK;
}

enum lp_status out_file_write(struct out_file *file, const void *bytes,
                              int64_t n)
{
    for (const char *at = bytes; n > 0;) {
        const size_t most = n < INT_MAX / 2 ? (size_t)n : INT_MAX / 2;
        const ssize_t done = write(file->fd, at, most);
        if (done == 0 || (done < 0 && errno != EINTR))
            return cannot_write(file, done == 0 ? ENOSPC : errno);
        at += done > 0 ? done : 0;
        n -= done > 0 ? done : 0;
    }
    return LP_OK;
}

/* Give it its name, and see to it that it lasts. */
static enum lp_status publish(const struct out_file *file)
{
    const int fd = file->folder->fd;
    if (renameat(fd, file->partial, fd, file->name) != 0)
        return cannot_write(file, errno);
    return sync_folder(file->folder);
}

enum lp_status out_file_end(struct out_file *file)
{
    enum lp_status status = LP_OK;
    struct out_batch *batch = file->folder->batch;
    const bool waits = batch && batch->open;
    const bool synced = waits || fsync(file->fd) == 0;
    const int error = errno;
    const bool closed = close(file->fd) == 0;
    file->fd = -1;
    if (!synced || !closed)
        LP_TRY(cannot_write(file, synced ? errno : error));
    LP_TRY(waits
               ? out_batch_hold(batch, file->folder, file->partial, file->name)
               : publish(file));
done:
    if (status != LP_OK)
        unlinkat(file->folder->fd, file->partial, 0);
    return status;
}

void out_file_drop(struct out_file *file)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    unlinkat(file->folder->fd, file->partial, 0);
    file->fd = -1;
}

enum lp_status out_folder_write(const struct out_folder *f, const char *name,
                                const struct out_piece *piece, int n)
{
    enum lp_status status;
    struct out_file file = OUT_FILE_NONE;
    LP_TRY(out_file_begin(&file, f, name));
    for (int i = 0; i < n; ++i)
        LP_TRY(out_file_write(&file, piece[i].bytes, piece[i].n));
    LP_TRY(out_file_end(&file));
done:
    out_file_drop(&file);
    return status;
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

bool out_folder_links(const struct out_folder *f, const char *name,
                      const char *target)
{
    char now[PATH_MAX];
    const ssize_t n = readlinkat(f->fd, name, now, sizeof now);
    return n >= 0 && (size_t)n == strlen(target) &&
           memcmp(now, target, (size_t)n) == 0;
}
