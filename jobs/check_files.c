/* SPDX-License-Identifier: MIT */
/* check_files.c: which file given to check is what; a folder stands for every
 * .h5 in it. Each is looked at, whatever was wrong with the one before. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"

#define CHECK_READS                                                            \
    "lpcam check reads CONFIG.ini, MODEL.onnx and the .h5 files of a run, or " \
    "the folder of those"

enum kind { CONFIG, MODEL, OUTPUT, FOLDER, OTHER };

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Where nothing is there, opening it tells. Rank 0. */
static enum kind kind_of(const char *path)
{
    struct stat info;
    const bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode))
        return FOLDER;
    if (ends_with(path, ".ini"))
        return CONFIG;
    if (ends_with(path, ".onnx"))
        return MODEL;
    if (!there || ends_with(path, ".h5") || ends_with(path, ".h5.partial"))
        return OUTPUT;
    return S_ISREG(info.st_mode) && h5_is(path) ? OUTPUT : OTHER;
}

static int is_output(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".h5");
}

/* The paths of the .h5 files of a folder in order, each with its zero. Rank 0. */
static enum lp_status list_outputs(const char *folder,
                                   struct text_buffer *paths)
{
    enum lp_status status = LP_OK;
    struct dirent **entry = NULL;
    const int n = scandir(folder, &entry, is_output, alphasort);
    bool ok = text_add(paths, "%s", "");
    for (int i = 0; i < n; ++i) {
        char *path = text_path(folder, entry[i]->d_name);
        ok = ok && path && text_add(paths, "%s", path);
        paths->n += ok;
        free(path);
        free(entry[i]);
    }
    if (n < 0)
        status = lp_fail(LP_EIO, "cannot read folder %s: %s", folder,
                         strerror(errno));
    else if (!ok)
        status = lp_fail(LP_ENOMEM, "no memory for the names in %s", folder);
    free(entry);
    return status;
}

static void keep_first(enum lp_status *worst, enum lp_status status)
{
    if (*worst == LP_OK)
        *worst = status;
}

static enum lp_status check_folder(const struct job_args *args,
                                   const char *folder)
{
    enum lp_status status = LP_OK;
    struct text_buffer paths = {0};
    void *block = NULL;
    int64_t n = 0;

    if (comm_rank(args->comm) == 0) {
        status = list_outputs(folder, &paths);
        block = paths.s;
        n = (int64_t)paths.n;
    }
    LP_AGREE(args->comm);
    LP_TRY(comm_bcast_block(args->comm, &block, &n));
    if (n == 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT, "%s has no .h5 file: %s",
                           folder, CHECK_READS));
    for (const char *at = block; at < (char *)block + n; at += strlen(at) + 1)
        keep_first(&status, check_output(args, at));
done:
    free(block);
    return status;
}

static enum lp_status check_one(const struct job_args *args, const char *path)
{
    enum kind kind = OTHER;
    if (comm_rank(args->comm) == 0)
        kind = kind_of(path);
    comm_bcast(args->comm, &kind, sizeof kind);
    switch (kind) {
    case CONFIG:
        return check_config(args, path);
    case MODEL:
        return check_model(args, path);
    case OUTPUT:
        return check_output(args, path);
    case FOLDER:
        return check_folder(args, path);
    case OTHER:
        break;
    }
    return lp_fail_all(args->comm, LP_EFORMAT, "cannot check %s: %s", path,
                       CHECK_READS);
}

enum lp_status job_check(const struct job_args *args)
{
    enum lp_status worst = LP_OK;
    for (int i = 0; i < args->n_files; ++i)
        keep_first(&worst, check_one(args, args->file[i]));
    return worst;
}
