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

KMEANS_CLONES
int64_t kmeans_fix_sum(const float *x, int n, int bits)
{
    const double scale = ldexp(1, bits), magic = MAGIC;
    int64_t zero, sum = 0;
    memcpy(&zero, &magic, sizeof zero);
    for (int i = 0; i < n; ++i) {
        const double shifted = (double)x[i] * scale + magic;
        int64_t whole;
        memcpy(&whole, &shifted, sizeof whole);
        sum += whole - zero;
    }
    return sum;
}

/* x [n] into to, which leaves it zero. */
static void merge(int64_t *to, int64_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        to[i] += x[i];
    memset(x, 0, (size_t)n * sizeof *x);
}

void kmeans_sums_merge(struct kmeans_sums *to, struct kmeans_sums *from,
                       const int *running, int n)
{
    const int64_t k = to->k, d = to->d;
    for (int a = 0; a < n; ++a) {
        const int p = running[a];
        if (from->moved[p] > 0) {
            merge(to->sum + p * k * d, from->sum + p * k * d, k * d);
            merge(to->count + p * k, from->count + p * k, k);
        }
        merge(to->moved + p, from->moved + p, 1);
        merge(to->objective + p, from->objective + p, 1);
    }
}

enum lp_status kmeans_sums_init(struct kmeans_sums *s, const struct kmeans *km)
{
    const size_t n = (size_t)km->n_problems, k = (size_t)km->k;
    int64_t most = 0;

    for (int p = 0; p < km->n_problems; ++p)
        most = km->n_rows[p] > most ? km->n_rows[p] : most;
    *s = (struct kmeans_sums){.k = km->k, .d = km->d, .bits = km->bits};
    s->cosine_bits = kmeans_bits(most, 1);
    s->sum = calloc(n * k * (size_t)km->d, sizeof *s->sum);
    s->count = calloc(n * k, sizeof *s->count);
    s->moved = calloc(n, sizeof *s->moved);
    s->objective = calloc(n, sizeof *s->objective);
    if (!s->sum || !s->count || !s->moved || !s->objective)
        return lp_fail(LP_ENOMEM, "no memory for k-means sums, %zu bytes",
                       n * k * (size_t)km->d * sizeof *s->sum);
    return LP_OK;
}

void kmeans_sums_release(struct kmeans_sums *s)
{
    free(s->sum);
    free(s->count);
    free(s->moved);
    free(s->objective);
    *s = (struct kmeans_sums){0};
}
