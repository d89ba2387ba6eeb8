/* SPDX-License-Identifier: MIT */
#include "lpcam/store/basis_file.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"

enum { N_NUMBERS = 4 };

/* The attributes but for the rows, and where they stand. */
static const char *const number_name[N_NUMBERS] = {
    "energy", "map_mean", "map_error_mean", "map_error_max"};

static void list_numbers(struct basis_loss *loss, double *number[N_NUMBERS])
{
    number[0] = &loss->energy;
    number[1] = &loss->map_mean;
    number[2] = &loss->error_mean;
    number[3] = &loss->error_max;
}

static enum lp_status put_attributes(struct h5 *h5,
                                     const struct basis_loss *loss)
{
    enum lp_status status;
    struct basis_loss copy = *loss;
    double *number[N_NUMBERS];
    char text[32];
    list_numbers(&copy, number);
    snprintf(text, sizeof text, "%lld", (long long)loss->n_rows);
    LP_TRY(h5_set_attribute(h5, "/basis", "rows", text));
    for (int i = 0; i < N_NUMBERS; ++i) {
        snprintf(text, sizeof text, "%.9g", *number[i]);
        LP_TRY(h5_set_attribute(h5, "/basis", number_name[i], text));
    }
    LP_TRY(h5_set_attribute(
        h5, "/basis", "description",
        "principal components of the features. rows: vectors they were learnt "
        "from. energy: share of their squared lengths that is kept. map: "
        "cosine of such a vector and the classifier's row of a class of its "
        "photograph; map_mean: its mean size; map_error: without the part of "
        "the row that the components leave out, mean size and largest"));
done:
    return status;
}

enum lp_status basis_group_define(struct h5 *h5, const struct basis *b)
{
    enum lp_status status;
    const int64_t vector[2] = {b->r, b->d};
    LP_TRY(h5_define(h5, "/basis/vector", H5_F32, 2, vector,
                     "orthonormal rows: a stored feature is their products "
                     "with the network's",
                     "", NULL));
    LP_TRY(h5_define(h5, "/basis/value", H5_F64, 1, &vector[1],
                     "mean squares of the features along all components",
                     "feature units squared", NULL));
    LP_TRY(put_attributes(h5, &b->loss));
    LP_TRY(h5_write(h5, "/basis/vector", H5_F32, 0, b->r, b->vector));
    status = h5_write(h5, "/basis/value", H5_F64, 0, b->d, b->value);
done:
    return status;
}

/* What a file from elsewhere need not have. */
static enum lp_status get_attributes(struct h5 *h5, struct basis_loss *loss,
                                     MPI_Comm comm)
{
    enum lp_status status;
    char *text = NULL;
    double *number[N_NUMBERS];
    list_numbers(loss, number);
    LP_TRY(h5_get_attribute(h5, "/basis", "rows", &text));
    bool good = text_int64(text, &loss->n_rows) && loss->n_rows >= 0;
    for (int i = 0; i < N_NUMBERS; ++i) {
        free(text);
        text = NULL;
        LP_TRY(h5_get_attribute(h5, "/basis", number_name[i], &text));
        good = good && text_double(text, number[i]) && isfinite(*number[i]);
    }
    if (!good)
        status = lp_fail_all(comm, LP_EFORMAT,
                             "an attribute of /basis in %s is no number that "
                             "it can be",
                             h5_path(h5));
done:
    free(text);
    return status;
}

static bool all_finite(const struct basis *b)
{
    const int64_t n = (int64_t)b->r * b->d;
    bool finite = true;
    for (int64_t i = 0; i < n; ++i)
        finite = finite && isfinite(b->vector[i]);
    for (int i = 0; b->value && i < b->d; ++i)
        finite = finite && isfinite(b->value[i]);
    return finite;
}

enum lp_status basis_group_read(struct h5 *h5, int r, int d, struct basis *b,
                                MPI_Comm comm)
{
    enum lp_status status;
    int64_t shape[2] = {r > 0 ? r : -1, d > 0 ? d : -1};
    void *table = NULL;
    if (!h5_has(h5, "/basis/vector")) {
        *b = (struct basis){.d = r, .r = r};
        return LP_OK;
    }
    LP_TRY(h5_read_shared(h5, "/basis/vector", H5_F32, 2, shape, &table));
    b->vector = table;
    if (shape[0] < 1 || shape[0] > shape[1] || shape[1] > INT_MAX)
        LP_TRY(
            lp_fail_all(comm, LP_EFORMAT,
                        "/basis/vector of %s is %lld x %lld: no more rows than "
                        "columns, and one at least, are due",
                        h5_path(h5), (long long)shape[0], (long long)shape[1]));
    b->r = (int)shape[0];
    b->d = (int)shape[1];
    if (h5_has(h5, "/basis/value")) {
        LP_TRY(
            h5_read_shared(h5, "/basis/value", H5_F64, 1, &shape[1], &table));
        b->value = table;
        LP_TRY(get_attributes(h5, &b->loss, comm));
    }
    if (!all_finite(b))
        status = lp_fail_all(comm, LP_EFORMAT,
                             "/basis of %s holds infinite values or values "
                             "that are no numbers",
                             h5_path(h5));
done:
    return status;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    return basis_group_define(h5, arg);
}

enum lp_status basis_file_write(const char *path, const struct run_about *about,
                                const struct basis *b, MPI_Comm comm)
{
    enum lp_status status;
    struct run_file file = {0};
    struct basis copy = *b;
    LP_TRY(run_file_open(&file, path, about, define, &copy, comm));
    LP_TRY(run_file_finish(&file, ""));
done:
    return status;
}

enum lp_status basis_file_read(const char *path, int r, int d, struct basis *b,
                               MPI_Comm comm)
{
    enum lp_status status;
    struct run_file file = {0};
    LP_TRY(run_file_read(&file, path, NULL, "extract", comm));
    LP_TRY(basis_group_read(file.h5, r, d, b, comm));
    if (!b->vector || !b->value)
        status = lp_fail_all(comm, LP_EFORMAT,
                             "%s has no data set /basis/vector or /basis/value",
                             path);
done:
    run_file_close(&file);
    return status;
}
