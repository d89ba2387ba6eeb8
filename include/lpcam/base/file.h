/* SPDX-License-Identifier: MIT */
/* file.h: files that users name. Local. */
#ifndef LPCAM_FILE_H
#define LPCAM_FILE_H

#include <stdio.h>

/* Open a file to be read; the caller closes it. What is no regular file, such
 * as a folder or a pipe, on which reading could wait for ever, is refused:
 * NULL, and *why says in words what is wrong (not to be freed). */
FILE *file_open(const char *path, const char **why);

#endif
