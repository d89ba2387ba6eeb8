/* SPDX-License-Identifier: MIT */
/* sealed_file.h: where a computation is, a small file for this program alone: a
 * head with four sizes and a SHA-256 of what follows, the settings, then the
 * arrays, each filled up to 8 bytes, all in this machine's byte order. It is
 * replaced as a whole: to a temporary name, fsync, rename. */
#ifndef LPCAM_SEALED_FILE_H
#define LPCAM_SEALED_FILE_H

#include <mpi.h>
#include <stdint.h>

#include "lpcam/base/status.h"

enum { SEALED_SIZES = 4 };

struct sealed_array {
    const void *bytes;
    int64_t n_bytes;
};

/* Replace the file at path; the one before stays where that fails. form: what
 * such files begin with, up to 23 characters. Local. LP_EIO, LP_ENOMEM. */
enum lp_status sealed_write(const char *path, const char *form,
                            const char *settings,
                            const int64_t size[SEALED_SIZES],
                            const struct sealed_array *array, int n_arrays);

/* What was in a file. */
struct sealed {
    int64_t size[SEALED_SIZES];
    const char *bytes; /* of the arrays; NULL where there is no file         */
    int64_t n_bytes;
    void *block; /* what bytes points into                                   */
};

/* Bytes of an array of n_bytes in a file. Local. */
int64_t sealed_bytes(int64_t n_bytes);

/* Fill the zeroed *s on every rank. It stays zeroed where there is no file, and
 * where sealed_damaged is told. LP_EARG, naming the first that differs, where it
 * was made with other settings. Collective over comm; settings matter on rank
 * 0. */
enum lp_status sealed_read(const char *path, const char *form,
                           const char *settings, struct sealed *s,
                           MPI_Comm comm);

/* Say that the file is not used. Local. */
void sealed_damaged(const char *path);

/* Also of a zeroed one. Local. */
void sealed_release(struct sealed *s);

/* See to it that there is no such file, whole or half written. Local. */
void sealed_remove(const char *path);

#endif
