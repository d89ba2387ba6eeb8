/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Doubles of this size are whole numbers apart, so adding it to a number below
 * 2^51 rounds that to an integer, which then stands in the low bits. */
#define MAGIC 0x1.8p52

int kmeans_bits(int64_t n, int exponent)
{
    int bits = 62;
    for (; n > 0; n >>= 1)
        --bits;
    return (bits < 50 ? bits : 50) - exponent;
}

KMEANS_CLONES
void kmeans_fix_row(int64_t *sum, const float *x, int d, int bits, int sign)
{
    const double scale = ldexp(sign, bits), magic = MAGIC;
    int64_t zero;
    memcpy(&zero, &magic, sizeof zero);
    for (int i = 0; i < d; ++i) {
        const double shifted = (double)x[i] * scale + magic;
        int64_t whole;
        memcpy(&whole, &shifted, sizeof whole);
        sum[i] += whole - zero;
    }
}

void kmeans_sums_add(struct kmeans_sums *s, int problem, int cluster,
                     const float *x, int sign)
{
    int64_t *sum = kmeans_local_cluster(s, problem, cluster);
    kmeans_fix_row(sum, x, s->d, s->bits, sign);
    sum[s->d] += sign;
}

void kmeans_sums_merge(struct kmeans_sums *to, struct kmeans_sums *from,
                       const int *running, int n)
{
    const int64_t width = (int64_t)to->k * (to->d + 1);
    for (int a = 0; a < n; ++a) {
        const int p = running[a];
        int64_t *x = kmeans_local_cluster(to, p, 0);
        int64_t *y = kmeans_local_cluster(from, p, 0);
        to->moved[p] += from->moved[p];
        to->objective[p] += from->objective[p];
        for (int64_t i = 0; from->moved[p] > 0 && i < width; ++i) {
            x[i] += y[i];
            y[i] = 0;
        }
    }
}

void kmeans_sums_total(struct kmeans_sums *s, const int *running, int n,
                       MPI_Comm comm)
{
    const int64_t width = (int64_t)s->k * (s->d + 1);
    for (int a = 0; a < n; ++a) {
        const int p = running[a];
        int64_t *total = kmeans_total_problem(s, a);
        memcpy(total, kmeans_local_cluster(s, p, 0),
               (size_t)width * sizeof *total);
        total[width] = s->moved[p];
        total[width + 1] = s->objective[p];
    }
    comm_sum_i64(comm, s->total, n * (width + 2));
}

enum lp_status kmeans_sums_init(struct kmeans_sums *s, const struct kmeans *km)
{
    const size_t n = (size_t)km->n_problems;
    const size_t width = (size_t)km->k * ((size_t)km->d + 1);
    int64_t most = 0;

    for (int p = 0; p < km->n_problems; ++p)
        most = km->n_rows[p] > most ? km->n_rows[p] : most;
    *s = (struct kmeans_sums){.k = km->k, .d = km->d, .bits = km->bits};
    s->cosine_bits = kmeans_bits(most, 1);
    s->local = calloc(n * width, sizeof *s->local);
    s->total = calloc(n * (width + 2), sizeof *s->total);
    s->moved = calloc(n, sizeof *s->moved);
    s->objective = calloc(n, sizeof *s->objective);
    if (!s->local || !s->total || !s->moved || !s->objective)
        return lp_fail(LP_ENOMEM, "no memory for k-means sums, 2 x %zu bytes",
                       n * width * sizeof *s->local);
    return LP_OK;
}

void kmeans_sums_release(struct kmeans_sums *s)
{
    free(s->local);
    free(s->total);
    free(s->moved);
    free(s->objective);
    *s = (struct kmeans_sums){0};
}
