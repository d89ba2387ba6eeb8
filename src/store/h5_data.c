/* SPDX-License-Identifier: MIT */
/* h5_data.c: data sets of numbers. */
#include "h5_inner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/size.h"

/* HDF5 1.10 refuses independent calls of 2 GiB; half of it leaves room for
 * conversions. */
#define CALL_BYTES ((int64_t)1 << 30)
#define FULL_BYTES (1 << 20) /* a disk with less is full                    */

enum h5_type h5_type_of(enum lp_value value)
{
    static const enum h5_type type[] = {[LP_F32] = H5_F32,
                                        [LP_F16] = H5_F16,
                                        [LP_BF16] = H5_BF16,
                                        [LP_U8] = H5_U8};
    return type[value];
}

int h5_type_bytes(enum h5_type type)
{
    static const int bytes[] = {4, 2, 2, 1, 4, 8, 8};
    return bytes[type];
}

static hid_t type_in_file(const struct h5 *file, enum h5_type type)
{
    const hid_t id[] = {H5T_IEEE_F32LE, file->f16,     file->bf16,
                        H5T_STD_U8LE,   H5T_STD_I32LE, H5T_STD_I64LE,
                        H5T_IEEE_F64LE};
    return id[type];
}

static hid_t type_in_memory(const struct h5 *file, enum h5_type type)
{
    const hid_t id[] = {H5T_NATIVE_FLOAT, file->f16,        file->bf16,
                        H5T_NATIVE_UINT8, H5T_NATIVE_INT32, H5T_NATIVE_INT64,
                        H5T_NATIVE_DOUBLE};
    return id[type];
}

hid_t h5_make(struct h5 *file, const char *name, hid_t type, int n_dims,
              const int64_t *dims)
{
    hsize_t size[H5_MOST_DIMS] = {0};
    for (int i = 0; i < n_dims; ++i)
        size[i] = (hsize_t)dims[i];
    const hid_t space = H5Screate_simple(n_dims, size, NULL);
    const hid_t groups = H5Pcreate(H5P_LINK_CREATE);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(groups, 1);
    H5Pset_layout(plan, H5D_CONTIGUOUS);
    H5Pset_alloc_time(plan, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER);
    /* Times would differ between runs, and between ranks. */
    H5Pset_obj_track_times(plan, 0);
    const hid_t set =
        H5Dcreate2(file->id, name, type, space, groups, plan, H5P_DEFAULT);
    H5Pclose(plan);
    H5Pclose(groups);
    H5Sclose(space);
    return set;
}

enum lp_status h5_define(struct h5 *file, const char *name, enum h5_type type,
                         int n_dims, const int64_t *dims,
                         const char *description, const char *unit,
                         const char *indexes)
{
    enum lp_status status = LP_OK;
    const hid_t set =
        h5_make(file, name, type_in_file(file, type), n_dims, dims);
    bool good = set >= 0;
    good = good && h5_put_attribute(set, "description", description);
    good = good && h5_put_attribute(set, "unit", *unit ? unit : "1");
    if (indexes)
        good = good && h5_put_attribute(set, "indexes", indexes);
    good = good && !lp_fault("h5_define");
    if (set >= 0)
        H5Dclose(set);
    H5_AGREE(file->comm, good, LP_EIO, "cannot make %s in %s: %s", name,
             file->path, h5_why());
done:
    return status;
}

/* Rows a call, from the larger of the two types; 0 when the rows asked for
 * are not there or cannot be. */
static int64_t rows_a_call(hid_t set, hid_t space, hid_t type, int64_t first,
                           int64_t n, hsize_t size[H5S_MAX_RANK])
{
    const int n_dims = H5Sget_simple_extent_dims(space, size, NULL);
    const hid_t stored = H5Dget_type(set);
    int64_t bytes = (int64_t)H5Tget_size(stored);
    int64_t end = first;
    H5Tclose(stored);
    if ((int64_t)H5Tget_size(type) > bytes)
        bytes = (int64_t)H5Tget_size(type);
    if (n_dims < 1 || !size_add(&end, n) || (hsize_t)end > size[0])
        return 0;
    for (int i = 1; i < n_dims; ++i)
        if (size[i] > INT64_MAX || !size_multiply(&bytes, (int64_t)size[i]))
            return 0;
    if (bytes == 0)
        return n;
    return CALL_BYTES / bytes;
}

/* Left alone, HDF5 would cut 1.7 to 1 and make 0 of -1. What is too large for a
 * float may become infinite. */
static H5T_conv_ret_t refuse(H5T_conv_except_t kind, hid_t from, hid_t to,
                             void *value, void *converted, void *refused)
{
    (void)kind, (void)from, (void)value, (void)converted;
    if (H5Tget_class(to) != H5T_INTEGER)
        return H5T_CONV_UNHANDLED;
    *(bool *)refused = true;
    return H5T_CONV_ABORT;
}

/* Is the data set packed in a way that cannot be undone here? Its name. */
static bool is_packed(hid_t set, char packing[64])
{
    const hid_t plan = H5Dget_create_plist(set);
    unsigned flags, config;
    bool found = false;
    for (int i = 0; i < H5Pget_nfilters(plan) && !found; ++i) {
        size_t n = 0;
        const H5Z_filter_t filter = H5Pget_filter2(
            plan, (unsigned)i, &flags, &n, NULL, 64, packing, &config);
        found = H5Zfilter_avail(filter) <= 0;
    }
    H5Pclose(plan);
    return found;
}

/* What the system has to say of a write that failed; 0: nothing. A write that
 * was cut short leaves no errno. */
static int write_error(const struct h5 *file, int error)
{
    struct statvfs info;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return error;
    const bool full = fstatvfs(file->fd, &info) == 0 &&
                      info.f_bavail * info.f_frsize < FULL_BYTES;
    return full ? ENOSPC : 0;
}

static enum lp_status tell_failure(const struct h5 *file, const char *name,
                                   hid_t set, hid_t type, const char *verb,
                                   bool refused, int error)
{
    char packing[64] = "";
    char why[256];
    if (error)
        return lp_fail(LP_EIO,
                       "cannot %s %s of %s: %s; make room, then the same "
                       "command goes on",
                       verb, name, file->path, strerror(error));
    snprintf(why, sizeof why, "%s", h5_why());
    if (refused)
        return lp_fail(LP_EFORMAT,
                       "a value of %s of %s is no whole number%s, or has more "
                       "than %d bits",
                       name, file->path,
                       H5Tget_sign(type) == H5T_SGN_NONE ? " from 0 on" : "",
                       (int)H5Tget_size(type) * 8);
    if (is_packed(set, packing))
        return lp_fail(LP_EFORMAT,
                       "%s of %s is packed with %s, which HDF5 %s does not "
                       "have: write it with gzip or unpacked",
                       name, file->path, packing, h5_version());
    return lp_fail(LP_EIO, "cannot %s %s of %s: %s", verb, name, file->path,
                   why);
}

/* size of a data set with one dimension ends in 0. */
static bool has_columns(const hsize_t size[H5S_MAX_RANK],
                        const int64_t columns[2])
{
    return columns[0] >= 0 && columns[1] >= 0 &&
           (hsize_t)columns[0] + (hsize_t)columns[1] <= size[1];
}

enum lp_status h5_transfer(struct h5 *file, const char *name, hid_t type,
                           int64_t first, int64_t n, const int64_t columns[2],
                           const void *from, void *to)
{
    enum lp_status status = LP_OK;
    hsize_t at[H5S_MAX_RANK] = {0}, size[H5S_MAX_RANK] = {1};
    const bool write = from;
    const char *const verb = write ? "write" : "read";
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (set < 0)
        return lp_fail(LP_EFORMAT, "%s has no data set %s", file->path, name);
    const hid_t space = H5Dget_space(set);
    int64_t most = rows_a_call(set, space, type, first, n, size);
    const hid_t plan = H5Pcreate(H5P_DATASET_XFER);
    bool refused = false;
    size_t done = 0;
    if (columns) {
        most = has_columns(size, columns) ? most : 0;
        at[1] = (hsize_t)columns[0];
        size[1] = (hsize_t)columns[1];
    }
    H5Pset_type_conv_cb(plan, refuse, &refused);

    if (n > 0 && most < 1)
        status =
            lp_fail(LP_EARG,
                    "cannot %s %lld rows of %s in %s from row %lld on: "
                    "they are not there, or over 1 GiB each",
                    verb, (long long)n, name, file->path, (long long)first);
    for (int64_t i = 0; i < n && status == LP_OK; i += most) {
        at[0] = (hsize_t)(first + i);
        size[0] = (hsize_t)(n - i < most ? n - i : most);
        const hid_t part =
            H5Screate_simple(H5Sget_simple_extent_ndims(space), size, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, size, NULL);
        errno = 0;
        const herr_t bad =
            write ? H5Dwrite(set, type, part, space, plan,
                             (const char *)from + done)
                  : H5Dread(set, type, part, space, plan, (char *)to + done);
        const int error = errno;
        done += (size_t)H5Sget_simple_extent_npoints(part) * H5Tget_size(type);
        if (refused || bad < 0 || lp_fault(write ? "h5_write" : "h5_read"))
            status =
                tell_failure(file, name, set, type, verb, refused,
                             write && bad < 0 ? write_error(file, error) : 0);
        H5Sclose(part);
    }
    H5Pclose(plan);
    H5Sclose(space);
    H5Dclose(set);
    return status;
}

enum lp_status h5_write(struct h5 *file, const char *name, enum h5_type type,
                        int64_t first, int64_t n, const void *rows)
{
    return h5_transfer(file, name, type_in_memory(file, type), first, n, NULL,
                       rows, NULL);
}

enum lp_status h5_write_columns(struct h5 *file, const char *name,
                                enum h5_type type, int64_t first, int64_t n,
                                int64_t column, int64_t n_columns,
                                const void *block)
{
    const int64_t columns[2] = {column, n_columns};
    return h5_transfer(file, name, type_in_memory(file, type), first, n,
                       columns, block, NULL);
}

enum lp_status h5_read(struct h5 *file, const char *name, enum h5_type type,
                       int64_t first, int64_t n, void *rows)
{
    return h5_transfer(file, name, type_in_memory(file, type), first, n, NULL,
                       NULL, rows);
}

int64_t h5_offset(struct h5 *file, const char *name, enum h5_type type)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (set < 0)
        return -1;
    const hid_t stored = H5Dget_type(set);
    const bool same = H5Tequal(stored, type_in_memory(file, type)) > 0;
    /* HADDR_UNDEF for all that is not contiguous in this file. */
    const haddr_t at = same ? H5Dget_offset(set) : HADDR_UNDEF;
    H5Tclose(stored);
    H5Dclose(set);
    return at <= INT64_MAX ? (int64_t)at : -1;
}

enum lp_status h5_read_shared(struct h5 *file, const char *name,
                              enum h5_type type, int n_dims, int64_t *dims,
                              void **rows)
{
    enum lp_status status;
    enum h5_type stored;
    int64_t bytes = h5_type_bytes(type);
    void *x = NULL;

    LP_TRY(h5_expect(file, name, n_dims, dims, &stored));
    for (int i = 0; i < n_dims; ++i)
        bytes *= dims[i];
    x = malloc((size_t)bytes + 1);
    if (!x)
        status = lp_fail(LP_ENOMEM, "no memory for %s of %s, %lld bytes", name,
                         file->path, (long long)bytes);
    else if (comm_rank(file->comm) == 0)
        status = h5_read(file, name, type, 0, dims[0], x);
    LP_AGREE(file->comm);
    comm_bcast(file->comm, x, bytes);
    *rows = x;
    x = NULL;
done:
    free(x);
    return status;
}
