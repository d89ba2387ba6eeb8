/* SPDX-License-Identifier: MIT */
/* h5.h: the only H5* calls (h5.c files, h5_data.c numbers, h5_shape.c their
 * types and sizes, h5_text.c strings and attributes). A file outlives a kill at any moment because its structure
 * is made first (contiguous, early allocation, no fill), then it is closed,
 * reopened, and only raw data is written, each rank its own rows, below 2 GiB a
 * call. */
#ifndef LPCAM_H5_H
#define LPCAM_H5_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"

/* f16 is IEEE binary16, bf16 a float with 8 bits of exponent: other programs
 * read both as numbers. */
enum h5_type { H5_F32, H5_F16, H5_BF16, H5_U8, H5_I32, H5_I64, H5_F64 };
enum h5_type h5_type_of(enum lp_value value);
int h5_type_bytes(enum h5_type type);

struct h5;

/* Create path anew for its structure. Collective over comm. LP_EIO. */
enum lp_status h5_create(struct h5 **file, const char *path, MPI_Comm comm);

/* Open an existing file, to read or to write raw data. Collective.
 * LP_EIO (missing, no HDF5 file). */
enum lp_status h5_open(struct h5 **file, const char *path, bool write,
                       MPI_Comm comm);

/* Is a file an HDF5 file, whole or damaged, whatever its name? Local. */
bool h5_is(const char *path);

/* Is a file stored as we store them: contiguous data sets, none of them in
 * another file or a link? Others are not to be opened to be written:
 * HDF5 would take room for all chunks that a data set claims, or write
 * elsewhere. Local in effect. LP_EFORMAT names the data set. */
enum lp_status h5_expect_own(struct h5 *file);

/* A file opened to be written reaches the disk (fsync). *file becomes NULL,
 * also when that fails; NULL allowed. Collective. LP_EIO. */
enum lp_status h5_close(struct h5 **file);

/* As given; belongs to the file. Local. */
const char *h5_path(const struct h5 *file);

/* A data set "/group/name" (groups are made). unit "": a plain
 * number, written as "1"; indexes may be NULL. n_dims <= 4.
 * Collective, all arguments agree. */
enum lp_status h5_define(struct h5 *file, const char *name, enum h5_type type,
                         int n_dims, const int64_t *dims,
                         const char *description, const char *unit,
                         const char *indexes);

/* A data set of n strings of fixed length (UTF-8, NUL-padded). Collective. */
enum lp_status h5_define_text(struct h5 *file, const char *name, int64_t n,
                              int length, const char *description);

/* A text attribute of the root ("" or "/") or of a group or data set; groups
 * are made. Collective. */
enum lp_status h5_set_attribute(struct h5 *file, const char *object,
                                const char *name, const char *text);

/* What viewers that know NeXus show when the file is opened: the data set
 * `signal` of a group of the root. Collective. */
enum lp_status h5_set_default(struct h5 *file, const char *group,
                              const char *signal);

/* Is there such a data set? Local in effect. */
bool h5_has(struct h5 *file, const char *name);

/* Its type (the nearest one to read it as) and dims [4], 1 where it has fewer.
 * Collective. LP_EFORMAT (absent, no numbers). */
enum lp_status h5_shape(struct h5 *file, const char *name, enum h5_type *type,
                        int *n_dims, int64_t dims[4]);

/* The same where the shape is known: dims [n_dims] is what is due, -1 any
 * size; out: what is there. Collective. LP_EFORMAT. */
enum lp_status h5_expect(struct h5 *file, const char *name, int n_dims,
                         int64_t *dims, enum h5_type *type);

/* A whole data set of such a shape on every rank, the caller's to free: rank 0
 * reads and sends. Collective. */
enum lp_status h5_read_shared(struct h5 *file, const char *name,
                              enum h5_type type, int n_dims, int64_t *dims,
                              void **rows);

/* A text attribute, the caller's to free. Same on every rank. Collective.
 * LP_EFORMAT when absent. */
enum lp_status h5_get_attribute(struct h5 *file, const char *object,
                                const char *name, char **text);

/* Rows [first, first + n) of the slowest dimension, n >= 0, stored as type in
 * memory (converted by HDF5 where the data set differs). Independent: each
 * rank alone. Local in effect. LP_EIO; LP_EARG (no such rows). */
enum lp_status h5_write(struct h5 *file, const char *name, enum h5_type type,
                        int64_t first, int64_t n, const void *rows);
enum lp_status h5_read(struct h5 *file, const char *name, enum h5_type type,
                       int64_t first, int64_t n, void *rows);

/* Of these rows the columns [column, column + n_columns) of the second
 * dimension, with all that follows them: block [n][n_columns][...]. Independent.
 * Local in effect. LP_EIO; LP_EARG (no such rows). */
enum lp_status h5_write_columns(struct h5 *file, const char *name,
                                enum h5_type type, int64_t first, int64_t n,
                                int64_t column, int64_t n_columns,
                                const void *block);

/* The byte of the file at which the rows of a data set begin, where they lie
 * there in one piece, just as h5_read would bring them as type; -1 where they
 * do not (chunks, compression, another type). Local in effect. */
int64_t h5_offset(struct h5 *file, const char *name, enum h5_type type);

/* Strings: n of `length` bytes each, NUL-padded, and back. Local in effect. */
enum lp_status h5_write_text(struct h5 *file, const char *name, int64_t first,
                             int64_t n, int length, const char *text);
enum lp_status h5_read_text(struct h5 *file, const char *name, int64_t first,
                            int64_t n, int length, char *text);
/* Length of the strings of a text data set, and how many. Collective. */
enum lp_status h5_text_shape(struct h5 *file, const char *name, int64_t *n,
                             int *length);

/* A whole text data set on every rank, [n][length] and a zero, the caller's to
 * free: rank 0 reads and sends. Collective. */
enum lp_status h5_read_text_shared(struct h5 *file, const char *name,
                                   int64_t *n, int *length, char **text);

/* What this rank wrote reaches the disk: fsync by path. Local. */
enum lp_status h5_sync_local(struct h5 *file);

/* "1.10.8"; "Open MPI v4.1.4". Static. Local. */
const char *h5_version(void);
const char *h5_mpi_version(void);

#endif
