/* SPDX-License-Identifier: MIT */
/* folder.h: the names in a folder, read once: asking a parallel file system
 * for a hundred thousand files one by one takes minutes. Local. */
#ifndef LPCAM_FOLDER_H
#define LPCAM_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/text.h"

/* Starts zeroed, and has no names then. */
struct folder {
    struct text_buffer text; /* all names, each with its zero               */
    const char **name;       /* [n] sorted                                  */
    size_t n;
};

bool folder_exists(const char *path);

/* Fails with LP_EIO or LP_ENOMEM, reported. */
enum lp_status folder_list(struct folder *f, const char *path);
bool folder_has(const struct folder *f, const char *name);
void folder_release(struct folder *f);

#endif
