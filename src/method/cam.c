/* SPDX-License-Identifier: MIT */
#include "lpcam/method/cam.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flips.h"

/* Channels of g formed at a time: they are still in cache when the product
 * reads them, and g as a whole is never stored. */
#define BLOCK 128

/* No working network activates a class so strongly; below it the sum over all
 * flips and scales stays finite. */
#define NONSENSE 1e30f

/* Bytes every buffer is aligned to, so that no result hangs on an address. */
#define ALIGN 64

void cam_release(struct cam *c)
{
    free(c->memory);
    memset(c, 0, sizeof *c);
}

static int64_t aligned(int64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Room for n rows of a view, part_rows grids in part. */
static enum lp_status arrange(struct cam *c, const struct view *v, int n,
                              int part_rows)
{
    const int64_t cells = (int64_t)v->h * v->w;
    const int64_t row = aligned((int64_t)n * v->d * (int64_t)sizeof(float));
    const int64_t raw = aligned(n * cells * (int64_t)sizeof(float));
    const int64_t part = aligned(part_rows * cells * (int64_t)sizeof(float));
    const int64_t norm2 = aligned(cells * (int64_t)sizeof(double));
    const int64_t bytes = row + raw + part + norm2;
    if (bytes > c->room) {
        free(c->memory);
        c->room = 0;
        c->memory = aligned_alloc(ALIGN, (size_t)bytes);
        if (!c->memory)
            return lp_fail(LP_ENOMEM,
                           "no memory for the activation of %d classes on "
                           "%d x %d cells",
                           n, v->w, v->h);
        c->room = bytes;
    }
    char *at = c->memory;
    c->row = (float *)at;
    c->raw = (float *)(at += row);
    c->part = (float *)(at += raw);
    c->norm2 = (double *)(at + part);
    return LP_OK;
}

static void pick_rows(struct cam *c, const float *from, int d,
                      const int32_t *label, int n)
{
    for (int i = 0; i < n; ++i)
        memcpy(c->row + (int64_t)i * d, from + (int64_t)label[i] * d,
               (size_t)d * sizeof(float));
}

/* out [n][cells] = beta out + the columns [first, first + k) of row [n][d]
 * times f [k][cells]. */
static void product(const struct cam *c, int n, int d, int first, int k,
                    const float *f, int cells, float beta, float *out)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, cells, k, 1,
                c->row + first, d, f, cells, beta, out, cells);
}

/* ReLU, and 0 for what is no sensible number. */
static inline float positive(float v)
{
    return v > 0 && v < NONSENSE ? v : 0;
}

enum lp_status cam_view(struct cam *c, const struct view *view,
                        const float *weight, const int32_t *label, int n)
{
    const int d = view->d, h = view->h, w = view->w, cells = h * w;
    enum lp_status status = arrange(c, view, n, n);
    if (status != LP_OK || n == 0)
        return status;
    pick_rows(c, weight, d, label, n);
    product(c, n, d, 0, d, view->f, cells, 0, c->raw);
    for (int64_t i = 0; i < (int64_t)n * cells; ++i)
        c->raw[i] = positive(c->raw[i]);
    if (!view->mirror)
        return LP_OK;
    product(c, n, d, 0, d, view->mirror, cells, 0, c->part);
    for (int64_t y = 0; y < (int64_t)n * h; ++y) {
        float *raw = c->raw + y * w;
        const float *mirror = c->part + y * w;
        for (int x = 0; x < w; ++x)
            raw[x] += positive(mirror[w - 1 - x]);
    }
    return LP_OK;
}

/* In double, where the square of no float overflows or becomes 0. */
static void add_squares(const float *g, int k, int cells, double *norm2)
{
    for (int i = 0; i < k; ++i, g += cells)
        for (int j = 0; j < cells; ++j)
            norm2[j] += (double)g[j] * (double)g[j];
}

enum lp_status lpcam_view(struct cam *c, const struct view *view,
                          const float *vector, const int32_t *label, int n)
{
    const int d = view->d, h = view->h, w = view->w, cells = h * w;
    enum lp_status status = arrange(c, view, n, BLOCK);
    if (status != LP_OK || n == 0)
        return status;
    pick_rows(c, vector, d, label, n);
    memset(c->norm2, 0, (size_t)cells * sizeof *c->norm2);
    for (int first = 0; first < d; first += BLOCK) {
        const int k = d - first < BLOCK ? d - first : BLOCK;
        const int64_t at = (int64_t)first * cells;
        const float *g = view->f + at;
        if (view->mirror) {
            flips_sum(g, view->mirror + at, (int64_t)k * h, w, c->part);
            g = c->part;
        }
        add_squares(g, k, cells, c->norm2);
        product(c, n, d, first, k, g, cells, first > 0, c->raw);
    }
    /* From here norm2 holds 1/|g|. */
    for (int j = 0; j < cells; ++j)
        c->norm2[j] = c->norm2[j] > 0 ? 1 / sqrt(c->norm2[j]) : 0;
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < cells; ++j) {
            float *raw = c->raw + (int64_t)i * cells + j;
            *raw = positive((float)(*raw * c->norm2[j]));
        }
    return LP_OK;
}
