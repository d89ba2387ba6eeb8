/* SPDX-License-Identifier: MIT */
/* file_name.h: names of files from IDs that may hold anything. Local.
 *
 * Kept are letters, digits, '.', '-', '_' and well-formed UTF-8 beyond ASCII;
 * every other byte, and a '.' or '-' at the front, becomes %XX in hexadecimal
 * digits, '%' itself too. So a name is never empty, ".", ".." or hidden, holds
 * no slash, space, quote or control character, is no option of a command, and
 * two IDs never have the same name. A name of more than FILE_NAME_MOST bytes
 * is cut and ends with "%-" and the ID's SHA-256. */
#ifndef LPCAM_FILE_NAME_H
#define LPCAM_FILE_NAME_H

#define FILE_NAME_MOST  200
#define FILE_NAME_BYTES (FILE_NAME_MOST + 1)

/* The name, without an ending; returns name. */
const char *file_name(const char *id, char name[FILE_NAME_BYTES]);

#endif
