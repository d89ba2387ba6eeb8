/* SPDX-License-Identifier: MIT */
/* golden_file.h: data sets of the recorded outputs of the authors' code (the
 * README beside them says what each is). Every failure ends the test. */
#ifndef LPCAM_GOLDEN_FILE_H
#define LPCAM_GOLDEN_FILE_H

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static inline hid_t golden_open(const char *name)
{
    const hid_t file = H5Fopen(test_shared(name), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/* The data set whose path is printed from format and image ("image/%02d/gt";
 * without a directive: any). Numbers are converted to type; the caller frees.
 * dim [4] gets its sizes, 1 beyond its rank; NULL allowed. */
static inline void *golden_read(hid_t file, const char *format, int image,
                                hid_t type, int dim[4])
{
    char path[128];
    hsize_t size[4] = {1, 1, 1, 1};
    const char *number = strstr(format, "%02d");
    const int head = number ? (int)(number - format) : (int)strlen(format);
    if (number)
        snprintf(path, sizeof path, "%.*s%02d%s", head, format, image,
                 number + 4);
    else
        snprintf(path, sizeof path, "%s", format);
    const hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
    assert_true(set >= 0);
    const hid_t space = H5Dget_space(set);
    assert_true(H5Sget_simple_extent_ndims(space) <= 4);
    H5Sget_simple_extent_dims(space, size, NULL);
    for (int i = 0; dim && i < 4; ++i)
        dim[i] = (int)size[i];
    const hssize_t n = H5Sget_simple_extent_npoints(space);
    void *x = malloc((size_t)n * H5Tget_size(type));
    assert_non_null(x);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    return x;
}

static inline float *golden_f32(hid_t file, const char *format, int image,
                                int dim[4])
{
    return golden_read(file, format, image, H5T_NATIVE_FLOAT, dim);
}

static inline int32_t *golden_i32(hid_t file, const char *format, int image,
                                  int dim[4])
{
    return golden_read(file, format, image, H5T_NATIVE_INT32, dim);
}

static inline uint8_t *golden_u8(hid_t file, const char *format, int image,
                                 int dim[4])
{
    return golden_read(file, format, image, H5T_NATIVE_UINT8, dim);
}

static inline double *golden_f64(hid_t file, const char *format, int image,
                                 int dim[4])
{
    return golden_read(file, format, image, H5T_NATIVE_DOUBLE, dim);
}

/* The n texts of the data set "names". */
static inline char **golden_names(hid_t file, int n)
{
    char **name = calloc((size_t)n, sizeof *name);
    const hid_t set = H5Dopen2(file, "names", H5P_DEFAULT);
    assert_true(name && set >= 0);
    const hid_t type = H5Dget_type(set);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, name) >= 0);
    H5Tclose(type);
    H5Dclose(set);
    return name;
}

static inline void golden_names_free(char **name, int n)
{
    for (int i = 0; i < n; ++i)
        H5free_memory(name[i]);
    free(name);
}

/* The largest |a - b| of n numbers. */
static inline double golden_difference(const float *a, const float *b,
                                       int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double d = fabs((double)a[i] - (double)b[i]);
        worst = d <= worst ? worst : d; /* NaN is kept */
    }
    return worst;
}

#endif
