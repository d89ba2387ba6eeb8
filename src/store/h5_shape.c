/* SPDX-License-Identifier: MIT */
/* h5_shape.c: what data sets a file has, of which type and size, and whether
 * what it claims can be. */
#include "h5_inner.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/base/size.h"

#define FOUND_BYTES  200 /* of a data set's name in a message              */
#define LITTLE_BYTES (1 << 20)
#define MOST_PACKED  1032 /* bytes that deflate packs into one             */
#define MOST_BYTES   8    /* of a number in memory                         */

bool h5_has(struct h5 *file, const char *name)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (set >= 0)
        H5Dclose(set);
    return set >= 0;
}

/* The type to read a data set as; false for what is no number. */
static bool type_of(hid_t type, enum h5_type *out)
{
    const size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        *out = bytes > 4                   ? H5_F64
               : bytes > 2                 ? H5_F32
               : H5Tget_ebias(type) == 127 ? H5_BF16
                                           : H5_F16;
        return true;
    case H5T_INTEGER:
        *out = bytes > 4 ? H5_I64 : bytes > 1 ? H5_I32 : H5_U8;
        return true;
    default:
        return false;
    }
}

bool h5_holds(const struct h5 *file, int64_t n_bytes)
{
    struct stat info;
    return n_bytes <= LITTLE_BYTES || (fstat(file->fd, &info) == 0 &&
                                       n_bytes / MOST_PACKED <= info.st_size);
}

bool h5_size_possible(const struct h5 *file, int n_dims, const hsize_t *size)
{
    int64_t bytes = MOST_BYTES;
    bool fits = true;
    for (int i = 0; i < n_dims; ++i)
        fits = fits && size[i] <= INT64_MAX &&
               size_multiply(&bytes, size[i] > 0 ? (int64_t)size[i] : 1);
    return fits && h5_holds(file, bytes / MOST_BYTES);
}

/* Are all values of a data set that is kept in its header there? HDF5 1.10 does
 * not look. */
static bool compact_whole(hid_t set)
{
    const hid_t plan = H5Dget_create_plist(set), space = H5Dget_space(set);
    const hid_t stored = H5Dget_type(set);
    const bool compact = H5Pget_layout(plan) == H5D_COMPACT;
    int64_t bytes = (int64_t)H5Tget_size(stored);
    const bool fits =
        size_multiply(&bytes, H5Sget_simple_extent_npoints(space)) &&
        bytes <= (int64_t)H5Dget_storage_size(set);
    H5Tclose(stored);
    H5Sclose(space);
    H5Pclose(plan);
    return !compact || fits;
}

bool h5_layout_possible(const struct h5 *file, hid_t set)
{
    hsize_t size[1 + H5S_MAX_RANK]; /* of an element in numbers, of a chunk */
    const hid_t plan = H5Dget_create_plist(set), stored = H5Dget_type(set);
    const bool chunked = H5Pget_layout(plan) == H5D_CHUNKED;
    const int n_dims = chunked ? H5Pget_chunk(plan, H5S_MAX_RANK, size + 1) : 0;
    size[0] = (H5Tget_size(stored) + MOST_BYTES - 1) / MOST_BYTES;
    H5Tclose(stored);
    H5Pclose(plan);
    return compact_whole(set) &&
           (!chunked ||
            (n_dims > 0 && h5_size_possible(file, 1 + n_dims, size)));
}

enum lp_status h5_shape(struct h5 *file, const char *name, enum h5_type *type,
                        int *n_dims, int64_t dims[4])
{
    enum lp_status status = LP_OK;
    hsize_t size[H5S_MAX_RANK];
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    bool number = false, layout = false;
    *n_dims = 0;
    if (set >= 0) {
        const hid_t stored = H5Dget_type(set), space = H5Dget_space(set);
        number = type_of(stored, type);
        layout = h5_layout_possible(file, set);
        *n_dims = H5Sget_simple_extent_dims(space, size, NULL);
        H5Tclose(stored);
        H5Sclose(space);
        H5Dclose(set);
    }
    H5_AGREE(file->comm, set >= 0, LP_EFORMAT, "%s has no data set %s",
             file->path, name);
    H5_AGREE(file->comm, number, LP_EFORMAT, "%s of %s does not hold numbers",
             name, file->path);
    H5_AGREE(file->comm, *n_dims >= 1 && *n_dims <= H5_MOST_DIMS, LP_EFORMAT,
             "%s of %s has %d dimensions, not 1 to 4", name, file->path,
             *n_dims);
    H5_AGREE(file->comm, layout && h5_size_possible(file, *n_dims, size),
             LP_EFORMAT, "%s of %s claims an impossible size", name,
             file->path);
    for (int i = 0; i < H5_MOST_DIMS; ++i)
        dims[i] = i < *n_dims ? (int64_t)size[i] : 1;
done:
    return status;
}

/* "[3][any]" into text. */
static const char *shape_text(int n_dims, const int64_t *dims, char text[128])
{
    int n = 0;
    text[0] = 0;
    for (int i = 0; i < n_dims; ++i)
        n += dims[i] == -1
                 ? snprintf(text + n, 24, "[any]")
                 : snprintf(text + n, 24, "[%lld]", (long long)dims[i]);
    return text;
}

enum lp_status h5_expect(struct h5 *file, const char *name, int n_dims,
                         int64_t *dims, enum h5_type *type)
{
    enum lp_status status;
    char want[128], have[128];
    int n_found;
    int64_t found[H5_MOST_DIMS];

    LP_TRY(h5_shape(file, name, type, &n_found, found));
    bool same = n_found == n_dims;
    for (int i = 0; i < n_dims && same; ++i)
        same = dims[i] == -1 || dims[i] == found[i];
    H5_AGREE(file->comm, same, LP_EFORMAT, "%s of %s is %s, where %s is due",
             name, file->path, shape_text(n_found, found, have),
             shape_text(n_dims, dims, want));
    memcpy(dims, found, (size_t)n_dims * sizeof *dims);
done:
    return status;
}

/* H5L_iterate_t: stops at what is no contiguous data set within the file, and
 * no group. */
static herr_t find_foreign(hid_t root, const char *name, const H5L_info_t *info,
                           void *found)
{
    bool foreign = info->type != H5L_TYPE_HARD;
    const hid_t set = foreign ? -1 : H5Dopen2(root, name, H5P_DEFAULT);
    if (set >= 0) {
        const hid_t plan = H5Dget_create_plist(set);
        foreign = H5Pget_layout(plan) != H5D_CONTIGUOUS ||
                  H5Pget_external_count(plan) != 0;
        H5Pclose(plan);
        H5Dclose(set);
    }
    if (foreign)
        snprintf(found, FOUND_BYTES, "%s", name);
    return foreign;
}

enum lp_status h5_expect_own(struct h5 *file)
{
    char found[FOUND_BYTES] = "";
    if (H5Lvisit(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, find_foreign,
                 found) == 0)
        return LP_OK;
    return lp_fail(LP_EFORMAT,
                   "/%s of %s is not stored as lpcam does it: remove the file "
                   "and start again",
                   found, file->path);
}
