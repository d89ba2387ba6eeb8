/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <omp.h>
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

/* What the threads measure. */
struct scan {
    struct kmeans *km;
    const struct features *f;
    float *x;        /* [n_threads][KMEANS_BLOCK][d] rows as f32            */
    double most;     /* the largest entry                                   */
    int64_t bad;     /* the first image that is not finite, -1: none        */
    double bad_norm; /* of its first such vector                            */
};

/* The lengths of n rows, or where they are parts of longer vectors those in
 * whole. Returns the first that is not finite, or too long, or -1 for a part
 * longer than nothing. */
static double measure_rows(const float *x, int n, int d, const float *whole,
                           float *length)
{
    for (int r = 0; r < n; ++r) {
        double norm = sqrt(square_sum(x + (int64_t)r * d, d));
        if (norm > 0 && norm < LONGEST && whole)
            norm = whole[r] > 0 ? (double)whole[r] : -1;
        if (!(norm >= 0 && norm < LONGEST))
            return norm;
        length[r] = (float)norm;
    }
    return 0;
}

static void measure_image(struct scan *s, int64_t image, const char *row)
{
    const struct features *f = s->f;
    const int d = f->d;
    const int64_t step = (int64_t)d * value_bytes(f->type);
    float *x = s->x + (int64_t)omp_get_thread_num() * KMEANS_BLOCK * d;
    double most = 0, norm = 0;
    for (int64_t c = f->offset[image], n; c < f->offset[image + 1] && norm == 0;
         c += n, row += n * step) {
        n = f->offset[image + 1] - c;
        n = n < KMEANS_BLOCK ? n : KMEANS_BLOCK;
        value_to_f32(f->type, row, n * d, x);
        norm = measure_rows(x, (int)n, d, f->norm ? f->norm + c : NULL,
                            s->km->length + c);
        most = fmax(most, (double)largest(x, n * d));
    }
#pragma omp critical
    {
        s->most = fmax(s->most, most);
        if (norm != 0 && (s->bad < 0 || image < s->bad)) {
            s->bad = image;
            s->bad_norm = norm;
        }
    }
}

/* All rows of this rank; *most: the largest entry. */
static enum lp_status measure(struct kmeans *km, struct features *f,
                              double *most)
{
    enum lp_status status = LP_OK;
    const int64_t step = (int64_t)km->d * value_bytes(f->type);
    const int64_t n_cells = f->offset[f->n_images];
    const size_t room =
        KMEANS_BLOCK * (size_t)km->d * (size_t)km->n_threads * sizeof(float);
    struct scan s = {.km = km, .f = f, .bad = -1};
    const void *block;

    s.x = malloc(room);
    km->length = malloc((size_t)(n_cells + 1) * sizeof *km->length);
    if (!s.x || !km->length || lp_fault("kmeans_scan"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the lengths of %lld vectors",
                       (long long)n_cells));
    for (int64_t i = 0, end; i < f->n_images && s.bad < 0; i = end) {
        LP_TRY(features_block(f, i, &end, &block));
#pragma omp parallel for schedule(dynamic) num_threads(km->n_threads)
        for (int64_t image = i; image < end; ++image)
            measure_image(&s, image,
                          (const char *)block +
                              (f->offset[image] - f->offset[i]) * step);
    }
    if (s.bad >= 0)
        LP_TRY(lp_fail(
            LP_EFORMAT,
            "image %lld of the list has a feature that is not "
            "finite or too large (vector length %g), or a wrong norm: run "
            "`lpcam check` on the features or the model",
            (long long)(f->first_image + s.bad), s.bad_norm));
    *most = s.most;
done:
    free(s.x);
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
    km->pairs = !comm_any(comm, !km->kernel->pairs());
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
