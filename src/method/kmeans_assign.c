/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cells of the largest image of this rank. */
static int64_t largest_image(const struct features *f)
{
    int64_t most = 1;
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t n = f->offset[i + 1] - f->offset[i];
        most = n > most ? n : most;
    }
    return most;
}

enum lp_status kmeans_pass_init(struct kmeans_pass *pass,
                                const struct kmeans *km, struct features *f)
{
    const size_t d = (size_t)km->d, k = (size_t)km->k;
    const size_t n = (size_t)km->n_problems, cells = (size_t)largest_image(f);
    const size_t copied = f->type == LP_F32 ? 1 : cells * d;

    *pass = (struct kmeans_pass){.km = km, .f = f};
    pass->wanted = calloc(n, sizeof *pass->wanted);
    pass->unit = malloc(n * k * d * sizeof *pass->unit);
    pass->usable = malloc(n * k * sizeof *pass->usable);
    pass->image = malloc(copied * sizeof *pass->image);
    pass->block = malloc(KMEANS_BLOCK * d * sizeof *pass->block);
    pass->dot = malloc(KMEANS_BLOCK * k * sizeof *pass->dot);
    pass->cell = malloc(cells * sizeof *pass->cell);
    if (!pass->wanted || !pass->unit || !pass->usable || !pass->image ||
        !pass->block || !pass->dot || !pass->cell)
        return lp_fail(LP_ENOMEM,
                       "no memory for k-means on %zu x %zu centres and images "
                       "of %zu cells, %zu channels",
                       n, k, cells, d);
    return LP_OK;
}

void kmeans_pass_release(struct kmeans_pass *pass)
{
    free(pass->wanted);
    free(pass->unit);
    free(pass->usable);
    free(pass->image);
    free(pass->block);
    free(pass->dot);
    free(pass->cell);
    *pass = (struct kmeans_pass){0};
}

static void unit_centers(struct kmeans_pass *pass)
{
    const struct kmeans *km = pass->km;
    for (int64_t j = 0; j < (int64_t)km->n_problems * km->k; ++j) {
        if (!pass->wanted[j / km->k])
            continue;
        const float *center = km->center + j * km->d;
        double square = 0;
        for (int i = 0; i < km->d; ++i)
            square += (double)center[i] * (double)center[i];
        const double factor = square > 0 ? 1 / sqrt(square) : 0;
        for (int i = 0; i < km->d; ++i)
            pass->unit[j * km->d + i] = (float)(factor * (double)center[i]);
        pass->usable[j] = square > 0;
    }
}

/* dot [k][n]: n rows of x, named by cell, times k unit centres. Rows that
 * follow each other are taken where they lie. */
static void multiply(const struct kmeans_pass *pass, const float *x,
                     const int32_t *cell, int n, const float *unit)
{
    const int k = pass->km->k, d = pass->km->d;
    const float *rows = x + (int64_t)cell[0] * d;
    if (cell[n - 1] - cell[0] != n - 1) {
        for (int r = 0; r < n; ++r)
            memcpy(pass->block + (int64_t)r * d, x + (int64_t)cell[r] * d,
                   (size_t)d * sizeof *x);
        rows = pass->block;
    }
    cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, n, k, d, 1.0f, rows, d,
                unit, d, 0.0f, pass->dot, n);
}

/* Cells of one side of a pair that are not zero vectors. */
static int list_cells(const struct kmeans_pass *pass, int64_t image,
                      int64_t pair, int side)
{
    const struct features *f = pass->f;
    const uint8_t *sides = f->side + f->side_offset[pair];
    const float *length = pass->km->length + f->offset[image];
    const int n = (int)(f->side_offset[pair + 1] - f->side_offset[pair]);
    int listed = 0;
    for (int c = 0; c < n; ++c) {
        pass->cell[listed] = c;
        listed += sides[c] == side && length[c] > 0;
    }
    return listed;
}

static void visit_side(struct kmeans_pass *pass, int64_t image, int64_t pair,
                       int side, const float *x, kmeans_visit *visit,
                       void *state)
{
    const struct kmeans *km = pass->km;
    const int p = kmeans_problem(pass->f->pair_class[pair], side);
    struct kmeans_rows rows = {
        .problem = p,
        .image = image,
        .pair_cell = pass->f->side_offset[pair],
        .x = x,
        .length = km->length + pass->f->offset[image],
        .dot = pass->dot,
        .usable = pass->usable + (int64_t)p * km->k,
    };
    if (!pass->wanted[p])
        return;
    const int n = list_cells(pass, image, pair, side);
    for (int first = 0; first < n; first += rows.n) {
        rows.n = n - first < KMEANS_BLOCK ? n - first : KMEANS_BLOCK;
        rows.cell = pass->cell + first;
        multiply(pass, x, rows.cell, rows.n,
                 pass->unit + (int64_t)p * km->k * km->d);
        visit(state, &rows);
    }
}

static bool image_wanted(const struct kmeans_pass *pass, int64_t image)
{
    const struct features *f = pass->f;
    for (int64_t p = f->pair_offset[image]; p < f->pair_offset[image + 1]; ++p)
        if (pass->wanted[kmeans_problem(f->pair_class[p], SPLIT_OBJECT)] ||
            pass->wanted[kmeans_problem(f->pair_class[p], SPLIT_CONTEXT)])
            return true;
    return false;
}

static void visit_image(struct kmeans_pass *pass, int64_t image,
                        const void *rows, kmeans_visit *visit, void *state)
{
    const struct features *f = pass->f;
    const int64_t n = f->offset[image + 1] - f->offset[image];
    const float *x = rows;
    if (f->type != LP_F32) {
        value_to_f32(f->type, rows, n * f->d, pass->image);
        x = pass->image;
    }
    for (int64_t p = f->pair_offset[image]; p < f->pair_offset[image + 1];
         ++p) {
        visit_side(pass, image, p, SPLIT_OBJECT, x, visit, state);
        visit_side(pass, image, p, SPLIT_CONTEXT, x, visit, state);
    }
}

enum lp_status kmeans_pass_run(struct kmeans_pass *pass, kmeans_visit *visit,
                               void *state)
{
    enum lp_status status = LP_OK;
    struct features *f = pass->f;
    const int64_t step = (int64_t)f->d * value_bytes(f->type);
    const void *block;

    unit_centers(pass);
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        end = i + 1;
        if (!image_wanted(pass, i))
            continue;
        LP_TRY(features_block(f, i, &end, &block));
        for (int64_t image = i; image < end; ++image)
            if (image_wanted(pass, image))
                visit_image(pass, image,
                            (const char *)block +
                                (f->offset[image] - f->offset[i]) * step,
                            visit, state);
    }
done:
    return status;
}

void kmeans_best(const struct kmeans_rows *rows, int k, int32_t *label,
                 float *cosine)
{
    const int n = rows->n;
    int first = 0;
    while (first < k && !rows->usable[first])
        ++first;
    first = first < k ? first : 0;
    for (int r = 0; r < n; ++r) {
        label[r] = first;
        cosine[r] = rows->dot[(int64_t)first * n + r];
    }
    for (int c = first + 1; c < k; ++c) {
        const float *dot = rows->dot + (int64_t)c * n;
        for (int r = 0; rows->usable[c] && r < n; ++r) {
            label[r] = dot[r] > cosine[r] ? c : label[r];
            cosine[r] = dot[r] > cosine[r] ? dot[r] : cosine[r];
        }
    }
    for (int r = 0; r < n; ++r)
        cosine[r] = kmeans_cosine(cosine[r], rows->length[rows->cell[r]]);
}

uint64_t kmeans_key(float x)
{
    uint32_t bits;
    x += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

float kmeans_unkey(uint64_t key)
{
    const uint32_t u = (uint32_t)key;
    const uint32_t bits = u & 0x80000000u ? u & 0x7fffffffu : ~u;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
