/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool folder_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names are collected in one text, which moves as it grows; pointers into it
 * are taken afterwards. */
static bool read_names(struct folder *f, DIR *dir)
{
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!text_add(&f->text, "%s", entry->d_name))
            return false;
        ++f->text.n;
        ++f->n;
    }
    f->name = malloc(f->n * sizeof *f->name + 1);
    if (!f->name)
        return false;
    const char *s = f->text.s;
    for (size_t i = 0; i < f->n; ++i, s += strlen(s) + 1)
        f->name[i] = s;
    qsort(f->name, f->n, sizeof *f->name, compare);
    return true;
}

enum lp_status folder_list(struct folder *f, const char *path)
{
    enum lp_status status = LP_OK;
    DIR *dir = opendir(path);
    if (!dir)
        return lp_fail(LP_EIO, "cannot read folder %s: %s", path,
                       strerror(errno));
    if (!read_names(f, dir))
        status = lp_fail(LP_ENOMEM, "no memory for the names in %s", path);
    closedir(dir);
    return status;
}

bool folder_has(const struct folder *f, const char *name)
{
    return f->n > 0 && bsearch(&name, f->name, f->n, sizeof name, compare);
}

void folder_release(struct folder *f)
{
    free(f->text.s);
    free(f->name);
    *f = (struct folder){0};
}
