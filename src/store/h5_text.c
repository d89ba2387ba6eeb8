/* SPDX-License-Identifier: MIT */
/* h5_text.c: strings and attributes. What we write has a fixed length; what
 * others wrote (h5py by default) may vary in length. */
#include "h5_inner.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/size.h"

hid_t h5_text_type(int length)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, (size_t)length);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

bool h5_put_attribute(hid_t object, const char *name, const char *text)
{
    /* The smallest string has one byte, the empty one its zero. */
    const int length = *text ? (int)strlen(text) : 1;
    const hid_t type = h5_text_type(length), space = H5Screate(H5S_SCALAR);
    const hid_t at =
        H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = at >= 0 && H5Awrite(at, type, text) >= 0;
    if (at >= 0)
        H5Aclose(at);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

static bool is_root(const char *object)
{
    return !*object || strcmp(object, "/") == 0;
}

/* The object, or a new group of that name. */
static hid_t open_or_make(struct h5 *file, const char *object)
{
    if (is_root(object))
        return H5Oopen(file->id, "/", H5P_DEFAULT);
    const hid_t there = H5Oopen(file->id, object, H5P_DEFAULT);
    if (there >= 0)
        return there;
    const hid_t groups = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(groups, 1);
    const hid_t made =
        H5Gcreate2(file->id, object, groups, H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(groups);
    return made;
}

enum lp_status h5_set_attribute(struct h5 *file, const char *object,
                                const char *name, const char *text)
{
    enum lp_status status = LP_OK;
    const hid_t at = open_or_make(file, object);
    const bool good = at >= 0 && h5_put_attribute(at, name, text);
    if (at >= 0)
        H5Oclose(at);
    H5_AGREE(file->comm, good, LP_EIO,
             "cannot set attribute %s of %s in %s: %s", name, object,
             file->path, h5_why());
done:
    return status;
}

enum lp_status h5_set_default(struct h5 *file, const char *group,
                              const char *signal)
{
    enum lp_status status;
    LP_TRY(h5_set_attribute(file, "/", "default", group));
    LP_TRY(h5_set_attribute(file, group, "NX_class", "NXdata"));
    LP_TRY(h5_set_attribute(file, group, "signal", signal));
done:
    return status;
}

/* The text of an open attribute; NULL where it is no single string. */
static char *attribute_text(hid_t at)
{
    char *text = NULL;
    const hid_t type = H5Aget_type(at), space = H5Aget_space(at);
    if (H5Tget_class(type) == H5T_STRING &&
        H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *found = NULL;
            if (H5Aread(at, type, &found) >= 0 && found)
                text = strdup(found);
            H5free_memory(found);
        } else {
            text = calloc(H5Tget_size(type) + 1, 1);
            if (text)
                H5Aread(at, type, text);
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    return text;
}

enum lp_status h5_get_attribute(struct h5 *file, const char *object,
                                const char *name, char **text)
{
    enum lp_status status = LP_OK;
    const hid_t at = H5Aopen_by_name(file->id, is_root(object) ? "/" : object,
                                     name, H5P_DEFAULT, H5P_DEFAULT);
    char *found = at >= 0 ? attribute_text(at) : NULL;
    if (at >= 0)
        H5Aclose(at);
    H5_AGREE(file->comm, found, LP_EFORMAT, "%s has no text attribute %s of %s",
             file->path, name, is_root(object) ? "/" : object);
    *text = found;
    found = NULL;
done:
    free(found);
    return status;
}

enum lp_status h5_define_text(struct h5 *file, const char *name, int64_t n,
                              int length, const char *description)
{
    enum lp_status status = LP_OK;
    const hid_t type = h5_text_type(length);
    const hid_t set = h5_make(file, name, type, 1, &n);
    bool good = set >= 0;
    good = good && h5_put_attribute(set, "description", description);
    good = good && h5_put_attribute(set, "unit", "text, UTF-8");
    good = good && !lp_fault("h5_define");
    if (set >= 0)
        H5Dclose(set);
    H5Tclose(type);
    H5_AGREE(file->comm, good, LP_EIO, "cannot make %s in %s: %s", name,
             file->path, h5_why());
done:
    return status;
}

/* A text data set as it is: ours, or another program's. */
struct text_plan {
    int64_t n;
    int length; /* of each string, 0 where it varies, -1 above INT_MAX     */
    H5T_cset_t cset; /* HDF5 converts lengths, but not ASCII to UTF-8      */
    bool layout;     /* can they be in the file                            */
};

/* False where name is no list of strings. */
static bool look_at_text(struct h5 *file, const char *name,
                         struct text_plan *plan)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (set < 0)
        return false;
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const bool list = H5Tget_class(type) == H5T_STRING &&
                      H5Sget_simple_extent_ndims(space) == 1;
    if (list) {
        const size_t length = H5Tget_size(type);
        plan->n = (int64_t)H5Sget_simple_extent_npoints(space);
        plan->length = H5Tis_variable_str(type) > 0 ? 0
                       : length < INT_MAX           ? (int)length
                                                    : -1;
        plan->cset = H5Tget_cset(type);
        plan->layout = h5_layout_possible(file, set);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    return list;
}

enum lp_status h5_write_text(struct h5 *file, const char *name, int64_t first,
                             int64_t n, int length, const char *text)
{
    struct text_plan plan;
    if (!look_at_text(file, name, &plan))
        return lp_fail(LP_EFORMAT, "%s has no list of strings %s", file->path,
                       name);
    const hid_t type = h5_text_type(length);
    const enum lp_status status =
        h5_transfer(file, name, type, first, n, NULL, text, NULL);
    H5Tclose(type);
    return status;
}

/* n pointers to strings of any length, the caller's to free, each and all. */
static enum lp_status read_pointers(struct h5 *file, const char *name,
                                    const struct text_plan *plan, int64_t first,
                                    int64_t n, char ***found)
{
    char **text = calloc((size_t)n + 1, sizeof *text);
    if (!text)
        return lp_fail(LP_ENOMEM, "no memory for %s of %s", name, file->path);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, plan->cset);
    *found = text;
    const enum lp_status status =
        h5_transfer(file, name, type, first, n, NULL, NULL, text);
    H5Tclose(type);
    return status;
}

static void free_pointers(char **text, int64_t n)
{
    for (int64_t i = 0; text && i < n; ++i)
        H5free_memory(text[i]);
    free(text);
}

enum lp_status h5_read_text(struct h5 *file, const char *name, int64_t first,
                            int64_t n, int length, char *text)
{
    enum lp_status status;
    struct text_plan plan;
    char **found = NULL;
    if (!look_at_text(file, name, &plan))
        return lp_fail(LP_EFORMAT, "%s has no list of strings %s", file->path,
                       name);
    if (plan.length > 0) {
        const hid_t type = h5_text_type(length);
        H5Tset_cset(type, plan.cset);
        status = h5_transfer(file, name, type, first, n, NULL, NULL, text);
        H5Tclose(type);
        return status;
    }
    LP_TRY(read_pointers(file, name, &plan, first, n, &found));
    for (int64_t i = 0; i < n; ++i) {
        memset(text + i * length, 0, (size_t)length);
        if (found[i])
            memcpy(text + i * length, found[i],
                   strnlen(found[i], (size_t)length));
    }
done:
    free_pointers(found, n);
    return status;
}

/* The longest of the strings of any length, at least 1: a few at a time, as all
 * may be one long one that is stored once. Local in effect. */
static enum lp_status longest(struct h5 *file, const char *name,
                              const struct text_plan *plan, int *length)
{
    enum { AT_ONCE = 256 };
    enum lp_status status = LP_OK;
    *length = 1;
    for (int64_t at = 0; at < plan->n && status == LP_OK; at += AT_ONCE) {
        const int64_t n = plan->n - at < AT_ONCE ? plan->n - at : AT_ONCE;
        char **found = NULL;
        status = read_pointers(file, name, plan, at, n, &found);
        for (int64_t i = 0; i < n && status == LP_OK; ++i) {
            const size_t bytes = found[i] ? strlen(found[i]) : 0;
            if (bytes > (size_t)*length && bytes < INT_MAX)
                *length = (int)bytes;
        }
        free_pointers(found, n);
    }
    return status;
}

/* Can n strings of that length and pointers to them be counted in bytes, and be
 * in the file? */
static bool possible(const struct h5 *file, int64_t n, int length)
{
    int64_t bytes = (int64_t)length + (int64_t)sizeof(char *);
    return length >= 0 && size_multiply(&bytes, n) && h5_holds(file, bytes);
}

enum lp_status h5_text_shape(struct h5 *file, const char *name, int64_t *n,
                             int *length)
{
    enum lp_status status = LP_OK;
    struct text_plan plan = {0};
    H5_AGREE(file->comm, look_at_text(file, name, &plan), LP_EFORMAT,
             "%s has no list of strings %s", file->path, name);
    H5_AGREE(file->comm, plan.layout && possible(file, plan.n, plan.length),
             LP_EFORMAT, "%s of %s claims an impossible size", name,
             file->path);
    *n = plan.n;
    *length = plan.length;
    if (plan.length == 0)
        status = longest(file, name, &plan, length);
    LP_AGREE(file->comm);
    H5_AGREE(file->comm, possible(file, *n, *length), LP_EFORMAT,
             "%s of %s claims an impossible size", name, file->path);
done:
    return status;
}

enum lp_status h5_read_text_shared(struct h5 *file, const char *name,
                                   int64_t *n, int *length, char **text)
{
    enum lp_status status;
    char *x = NULL;
    LP_TRY(h5_text_shape(file, name, n, length));
    x = calloc((size_t)*n * (size_t)*length + 1, 1);
    if (!x)
        status = lp_fail(LP_ENOMEM, "no memory for %s of %s", name, file->path);
    else if (comm_rank(file->comm) == 0)
        status = h5_read_text(file, name, 0, *n, *length, x);
    LP_AGREE(file->comm);
    comm_bcast(file->comm, x, *n * *length);
    *text = x;
    x = NULL;
done:
    free(x);
    return status;
}
