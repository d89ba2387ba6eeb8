/* SPDX-License-Identifier: MIT */
#include "lpcam/method/basis.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cells or channels of a tile that stays in the first cache. */
enum { TILE = 64 };

void basis_release(struct basis *b)
{
    free(b->vector);
    free(b->value);
    *b = (struct basis){0};
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* norm [cells] of f [d][cells]. */
static void measure(const float *f, int d, int64_t cells, float *norm)
{
    for (int64_t i = 0; i < cells; i += TILE) {
        const int64_t n = smaller(cells - i, TILE);
        double sum[TILE] = {0};
        for (int c = 0; c < d; ++c)
            for (int64_t a = 0; a < n; ++a) {
                const double x = (double)f[c * cells + i + a];
                sum[a] += x * x;
            }
        for (int64_t a = 0; a < n; ++a)
            norm[i + a] = (float)sqrt(sum[a]);
    }
}

/* out [cells][d] of f [d][cells]. */
static void transpose(const float *f, int d, int64_t cells, float *out)
{
    for (int64_t i = 0; i < cells; i += TILE)
        for (int c = 0; c < d; c += TILE) {
            const int64_t ni = smaller(cells - i, TILE);
            const int64_t nc = smaller(d - c, TILE);
            for (int64_t a = 0; a < ni; ++a)
                for (int64_t b = 0; b < nc; ++b)
                    out[(i + a) * d + c + b] = f[(c + b) * cells + i + a];
        }
}

void basis_project(const struct basis *b, const float *f, int64_t cells,
                   float *out, float *norm)
{
    measure(f, b->d, cells, norm);
    if (b->vector && cells > 0)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasTrans, (int)cells, b->r,
                    b->d, 1, f, (int)cells, b->vector, b->d, 0, out, b->r);
    else if (!b->vector)
        transpose(f, b->d, cells, out);
}

void basis_reduce(const struct basis *b, const float *x, int n, float *out)
{
    if (b->vector && n > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, b->r, b->d, 1,
                    x, b->d, b->vector, b->d, 0, out, b->r);
    else if (n > 0)
        memcpy(out, x, (size_t)n * (size_t)b->d * sizeof *out);
}

void basis_expand(const struct basis *b, const float *y, int n, float *out)
{
    if (b->vector && n > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, b->d, b->r, 1,
                    y, b->r, b->vector, b->d, 0, out, b->d);
    else if (n > 0)
        memcpy(out, y, (size_t)n * (size_t)b->d * sizeof *out);
}
