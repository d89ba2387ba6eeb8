/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"

#define LANES 16

/* The kernels add |x| 2^bits below 2^22, and take 2^(23 - bits) in f32. */
#define ROW_BITS  22
#define MOST_BITS 126

/* A longer vector would overflow f32 in a dot product. */
#define LONGEST 1e18

/* |x|^2. The sixteen sums make the order of addition the same for every
 * instruction set. */
KMEANS_CLONES
static double square_sum(const float *x, int d)
{
    double lane[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= d; i += LANES)
        for (int j = 0; j < LANES; ++j)
            lane[j] += (double)x[i + j] * (double)x[i + j];
    for (; i < d; ++i)
        lane[i % LANES] += (double)x[i] * (double)x[i];
    for (int j = 0; j < LANES; ++j)
        sum += lane[j];
    return sum;
}

/* The largest of n |x|. */
KMEANS_CLONES
static float largest(const float *x, int64_t n)
{
    float most = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

/* The lengths of n rows of an image; raises *most to the largest entry. */
static enum lp_status measure_rows(const float *x, int n, int d, int64_t image,
                                   float *length, double *most)
{
    for (int r = 0; r < n; ++r) {
        const float *row = x + (int64_t)r * d;
        const double norm = sqrt(square_sum(row, d));
        if (!(norm < LONGEST))
            return lp_fail(LP_EFORMAT,
                           "image %lld of the list has a feature that is not "
                           "finite or too large (vector length %g): run "
                           "`lpcam check` on the features or the model",
                           (long long)image, norm);
        length[r] = (float)norm;
    }
    *most = fmax(*most, (double)largest(x, (int64_t)n * d));
    return LP_OK;
}

/* All rows of this rank. */
static enum lp_status measure(struct kmeans *km, struct features *f,
                              double *most)
{
    enum lp_status status = LP_OK;
    const int64_t step = (int64_t)km->d * value_bytes(f->type);
    const int64_t n_cells = f->offset[f->n_images];
    const void *block;
    float *x = malloc(KMEANS_BLOCK * (size_t)km->d * sizeof *x);

    km->length = malloc((size_t)(n_cells + 1) * sizeof *km->length);
    if (!x || !km->length || lp_fault("kmeans_scan"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the lengths of %lld vectors",
                       (long long)n_cells));
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        LP_TRY(features_block(f, i, &end, &block));
        const char *row = block;
        for (int64_t image = i; image < end; ++image)
            for (int64_t c = f->offset[image], n; c < f->offset[image + 1];
                 c += n, row += n * step) {
                n = f->offset[image + 1] - c;
                n = n < KMEANS_BLOCK ? n : KMEANS_BLOCK;
                value_to_f32(f->type, row, n * km->d, x);
                LP_TRY(measure_rows(x, (int)n, km->d, f->first_image + image,
                                    km->length + c, most));
            }
    }
done:
    free(x);
    return status;
}

/* This rank's rows of every problem, and how many of them are zero vectors. */
static void count_rows(struct kmeans *km, const struct features *f)
{
    for (int64_t i = 0; i < f->n_images; ++i) {
        const float *length = km->length + f->offset[i];
        for (int64_t p = f->pair_offset[i]; p < f->pair_offset[i + 1]; ++p)
            for (int64_t c = f->side_offset[p]; c < f->side_offset[p + 1];
                 ++c) {
                if (f->side[c] == SPLIT_NEITHER)
                    continue;
                const int b = kmeans_problem(f->pair_class[p], f->side[c]);
                if (length[c - f->side_offset[p]] > 0)
                    ++km->n_rows[b];
                else
                    ++km->n_zero[b];
            }
    }
}

enum lp_status kmeans_scan(struct kmeans *km, struct features *f, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    double most = 0;
    int exponent = 0;

    if (km->length)
        return LP_OK;
    status = measure(km, f, &most);
    LP_AGREE(comm);
    count_rows(km, f);

    comm_sum_i64(comm, km->n_rows, km->n_problems);
    comm_sum_i64(comm, km->n_zero, km->n_problems);
    comm_max_f64(comm, &most, 1);
    frexp(most, &exponent);
    km->bits =
        ROW_BITS - exponent < MOST_BITS ? ROW_BITS - exponent : MOST_BITS;
done:
    if (status != LP_OK) {
        free(km->length);
        km->length = NULL;
    }
    return status;
}
