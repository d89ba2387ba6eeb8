/* SPDX-License-Identifier: MIT */
/* text.h: small files, lines, numbers and names. All functions are Local. */
#ifndef LPCAM_TEXT_H
#define LPCAM_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lpcam/base/status.h"

/* Read a whole file. *bytes is the caller's to free and has one more byte, a
 * zero, behind its *n bytes. Fails with LP_EIO (the sentence names the file)
 * or LP_ENOMEM. */
enum lp_status text_read(const char *path, char **bytes, size_t *n);

/* Give a file that is on the disk its name, so that it outlives a power cut
 * where the file system can sync a folder. LP_EIO, LP_ENOMEM. */
enum lp_status text_rename(const char *from, const char *to);

/* Write a whole file through PATH.partial and text_rename. Fails as that. */
enum lp_status text_write(const char *path, const char *bytes, size_t n);

/* Next line of *cursor, ended in place by a zero, without its end of line
 * (LF or CR LF), spaces at both ends and its comment, which goes from a '#' at
 * the start or behind a space to the end; NULL when there is none.
 * *line_number counts from 1 and must start at 0. Empty lines are returned
 * too (""). */
char *text_line(char **cursor, int *line_number);

/* Next word of *cursor (spaces or tabs between), ended in place; NULL when
 * there is none. */
char *text_word(char **cursor);

/* The whole string as a number; false when anything else is in it. */
bool text_int64(const char *s, int64_t *value);
bool text_double(const char *s, double *value);

/* "4G", "512 MiB", "1.5g", "1000": bytes with binary multiples. */
bool text_bytes(const char *s, int64_t *value);

/* Bytes as "1.5 GiB". buffer holds 32 characters; returns buffer. */
char *text_size(int64_t n_bytes, char *buffer);

/* The word for n of something: "photograph", "photographs". Returns one or many. */
const char *text_count(int64_t n, const char *one, const char *many);

/* The one of n names nearest to s by edit distance, never NULL if n > 0. */
const char *text_nearest(const char *s, const char *const *names, int n);

/* A formatted string, the caller's to free; NULL without memory. */
char *text_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* folder/name, or name alone where it is absolute or folder is empty; the
 * caller's to free; NULL without memory. */
char *text_path(const char *folder, const char *name);

/* A growing string. Starts zeroed; text_add keeps s terminated. Without memory
 * it returns false, and so does every text_add after it: only the last one has
 * to be looked at. s stays valid; free(s) when done. */
struct text_buffer {
    char *s;
    size_t n, room;
    bool failed;
};
bool text_add(struct text_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool text_add_v(struct text_buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* How many bytes the character at s has where it is well-formed UTF-8, 0 where
 * it is not. Reads no further than the zero behind s. */
int text_utf8(const char *s);

/* The same, and 0 also for a control character (U+0000 to U+001F, U+007F to
 * U+009F), which could move a cursor, end a line or begin a command. */
int text_visible(const char *s);

/* Append s as a line of a terminal may show it, then spaces where it has less
 * than so many characters: bytes that are no visible ones become \x1b. */
bool text_add_shown(struct text_buffer *b, const char *s, int width);

/* Append s as a JSON string, quotes included. A byte XX that is no UTF-8 becomes
 * \udcXX, which Python reads as it reads such a byte in the name of a file. */
bool text_add_json(struct text_buffer *b, const char *s);

#endif
