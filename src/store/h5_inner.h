/* SPDX-License-Identifier: MIT */
/* h5_inner.h: what h5.c, h5_data.c and h5_text.c share. Nothing else includes it. */
#ifndef LPCAM_H5_INNER_H
#define LPCAM_H5_INNER_H

#include <hdf5.h>

#include "lpcam/run/comm.h"
#include "lpcam/store/h5.h"

/* LP_AGREE for what fails on all ranks alike when it fails: where rank 0 is
 * among them it alone says why. */
#define H5_AGREE(comm, good, s, ...)                                           \
    do {                                                                       \
        const bool bad_ = !(good);                                             \
        bool root_bad_ = bad_;                                                 \
        comm_bcast((comm), &root_bad_, sizeof root_bad_);                      \
        if (bad_ && root_bad_ && comm_rank(comm) != 0)                         \
            status = LP_EPEER;                                                 \
        else if (bad_)                                                         \
            status = lp_fail((s), __VA_ARGS__);                                \
        LP_AGREE(comm);                                                        \
    } while (0)

enum { H5_MOST_DIMS = 4 }; /* of a data set of numbers               */

struct h5 {
    hid_t id;
    hid_t f16, bf16; /* the 16-bit types, which HDF5 1.10 has no names for */
    char *path;      /* for messages                                       */
    MPI_Comm comm;
    bool write;
    int fd;        /* of the same file, for fsync                        */
    char *ballast; /* of a file that is being made, on rank 0            */
};

/* The innermost reason of HDF5's last failure. Local. */
const char *h5_why(void);

/* Can this file hold n_bytes of values? A data set that was never written claims
 * any size in a few bytes; memory is taken for what gzip packs into the file at
 * best, or for little. Local. */
bool h5_holds(const struct h5 *file, int64_t n_bytes);

/* Can so many numbers be counted in bytes, and be in the file? Sides of 0 count
 * as 1, so that every product of some of the sides can be too. Local. */
bool h5_size_possible(const struct h5 *file, int n_dims, const hsize_t *size);

/* The same of a chunk: HDF5 takes memory for a whole one, however little of it
 * is there; and of values kept in the data set's header, which it copies from
 * there, however few they are. Local. */
bool h5_layout_possible(const struct h5 *file, hid_t set);

/* Create a contiguous data set with its groups; -1 on failure. The caller
 * closes it. Collective without a verdict. */
hid_t h5_make(struct h5 *file, const char *name, hid_t type, int n_dims,
              const int64_t *dims);

/* A fixed-length UTF-8 type; the caller closes it. */
hid_t h5_text_type(int length);

/* A text attribute of an open object. */
bool h5_put_attribute(hid_t object, const char *name, const char *text);

/* Rows [first, first + n) of a data set, of `type` in memory, written from
 * `from`, or read to `to` where that is NULL; in calls below 2 GiB. columns: of
 * the second dimension the first and how many, or NULL: all. Local in effect. */
enum lp_status h5_transfer(struct h5 *file, const char *name, hid_t type,
                           int64_t first, int64_t n, const int64_t columns[2],
                           const void *from, void *to);

#endif
