/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/pages.h"

static float *new_floats(int64_t n)
{
    const size_t bytes = (size_t)n * sizeof(float);
    float *x = pages_new((int64_t)bytes);
    if (x)
        memset(x, 0, bytes);
    return x;
}

enum lp_status kmeans_pass_init(struct kmeans_pass *pass,
                                const struct kmeans *km, struct features *f)
{
    const size_t n = (size_t)km->n_problems, k = (size_t)km->k;
    bool enough;

    *pass = (struct kmeans_pass){.km = km, .f = f, .n_lanes = km->n_threads};
    /* The plain shape has no pairs, and every kernel takes it. */
    pass->shape = kmeans_shape(km->pairs ? km->kernel : &kmeans_kernel_plain,
                               f->type, km->k, km->d);
    const struct kmeans_shape *shape = &pass->shape;
    pass->wanted = calloc(n, sizeof *pass->wanted);
    pass->here = calloc(n, sizeof *pass->here);
    pass->images = calloc((size_t)f->n_images + 1, sizeof *pass->images);
    pass->packed = new_floats((int64_t)n * kmeans_packed_floats(shape));
    pass->usable = malloc(n * k * sizeof *pass->usable);
    pass->lane = calloc((size_t)pass->n_lanes, sizeof *pass->lane);
    enough = pass->wanted && pass->here && pass->images && pass->packed &&
             pass->usable && pass->lane;
    for (int i = 0; enough && i < pass->n_lanes; ++i) {
        struct kmeans_lane *lane = &pass->lane[i];
        lane->acc = new_floats(kmeans_acc_floats(shape));
        lane->dot = new_floats(kmeans_acc_floats(shape) / KMEANS_LANES);
        lane->unit = malloc((size_t)km->d * sizeof *lane->unit);
        enough = lane->acc && lane->dot && lane->unit;
    }
    if (!enough)
        return lp_fail(LP_ENOMEM,
                       "no memory for k-means on %zu x %zu centres of %d "
                       "channels",
                       n, k, km->d);
    return LP_OK;
}

void kmeans_pass_release(struct kmeans_pass *pass)
{
    for (int i = 0; pass->lane && i < pass->n_lanes; ++i) {
        free(pass->lane[i].acc);
        free(pass->lane[i].dot);
        free(pass->lane[i].unit);
    }
    if (pass->f)
        pass->f->wanted = NULL;
    free(pass->lane);
    free(pass->wanted);
    free(pass->here);
    free(pass->images);
    free(pass->packed);
    free(pass->usable);
    *pass = (struct kmeans_pass){0};
}

bool kmeans_unit(const float *x, int d, float *unit)
{
    double square = 0;
    for (int i = 0; i < d; ++i)
        square += (double)x[i] * (double)x[i];
    const double factor = square > 0 ? 1 / sqrt(square) : 0;
    for (int i = 0; i < d; ++i)
        unit[i] = (float)(factor * (double)x[i]);
    return square > 0;
}

/* The centres of the problems that this rank's images have, one at a time for
 * each thread. */
static void pack_centers(struct kmeans_pass *pass)
{
    const struct kmeans *km = pass->km;
    const int64_t size = kmeans_packed_floats(&pass->shape);
#pragma omp parallel for schedule(dynamic) num_threads(pass->n_lanes)
    for (int p = 0; p < km->n_problems; ++p) {
        float *unit = pass->lane[omp_get_thread_num()].unit;
        for (int c = 0; pass->here[p] && c < km->k; ++c) {
            const int64_t slot = (int64_t)p * km->k + c;
            pass->usable[slot] =
                kmeans_unit(km->center + slot * km->d, km->d, unit);
            kmeans_pack(&pass->shape, c, unit, pass->packed + p * size);
        }
    }
}

/* An image in work. */
struct visit {
    struct kmeans_pass *pass;
    kmeans_visit *visit;
    void *state;
    int lane;
    int64_t image;
    const char *rows; /* of the image                                      */
};

/* The cells [first, end) of one side of a pair, without zero vectors. */
static int list_cells(const struct visit *v, int64_t pair, int side, int first,
                      int end)
{
    const struct features *f = v->pass->f;
    struct kmeans_lane *lane = &v->pass->lane[v->lane];
    const uint8_t *sides = f->side + f->side_offset[pair];
    const float *length = v->pass->km->length + f->offset[v->image];
    const int64_t step = (int64_t)f->d * value_bytes(f->type);
    int n = 0;
    for (int c = first; c < end; ++c) { /* no branch: sides change often */
        lane->cell[n] = c;
        lane->row[n] = v->rows + c * step;
        lane->length[n] = length[c];
        n += (sides[c] == side) & (length[c] > 0);
    }
    return n;
}

/* One problem's rows among the cells [first, end). */
static void visit_side(const struct visit *v, int64_t pair, int side, int first,
                       int end, struct kmeans_ahead *ahead)
{
    struct kmeans_pass *pass = v->pass;
    const struct kmeans *km = pass->km;
    struct kmeans_lane *lane = &pass->lane[v->lane];
    const int p = kmeans_problem(pass->f->pair_class[pair], side);
    const int n = pass->wanted[p] ? list_cells(v, pair, side, first, end) : 0;
    if (n == 0)
        return;
    kmeans_dots(km->kernel, &pass->shape, lane->row, n,
                pass->packed + p * kmeans_packed_floats(&pass->shape),
                lane->acc, lane->dot, ahead);
    v->visit(v->state, &(struct kmeans_rows){
                           .lane = v->lane,
                           .problem = p,
                           .image = v->image,
                           .pair_cell = pass->f->side_offset[pair],
                           .n = n,
                           .cell = lane->cell,
                           .row = lane->row,
                           .length = lane->length,
                           .dot = lane->dot,
                           .usable = pass->usable + (int64_t)p * km->k,
                       });
}

/* A block of an image's cells stays in L2 while all its problems go by, and
 * what lies behind it comes: mostly the next block. */
static void visit_image(const struct visit *v)
{
    const struct features *f = v->pass->f;
    const int64_t step = (int64_t)f->d * value_bytes(f->type);
    const int n = (int)(f->offset[v->image + 1] - f->offset[v->image]);
    const int n_blocks = (n + KMEANS_BLOCK - 1) / KMEANS_BLOCK;
    for (int b = 0; b < n_blocks; ++b) {
        const int first = (int)((int64_t)n * b / n_blocks);
        const int end = (int)((int64_t)n * (b + 1) / n_blocks);
        const char *next = v->rows + end * step;
        struct kmeans_ahead ahead = {next, next + (end - first) * step};
        for (int64_t p = f->pair_offset[v->image];
             p < f->pair_offset[v->image + 1]; ++p) {
            visit_side(v, p, SPLIT_OBJECT, first, end, &ahead);
            visit_side(v, p, SPLIT_CONTEXT, first, end, &ahead);
        }
    }
}

/* Which images have cells of wanted problems, and which problems they are. */
static void list_wanted(struct kmeans_pass *pass)
{
    const struct features *f = pass->f;
    memset(pass->here, 0, (size_t)pass->km->n_problems * sizeof *pass->here);
    for (int64_t i = 0; i < f->n_images; ++i) {
        pass->images[i] = false;
        for (int64_t p = f->pair_offset[i]; p < f->pair_offset[i + 1]; ++p)
            for (int side = SPLIT_OBJECT; side <= SPLIT_CONTEXT; ++side) {
                const int problem = kmeans_problem(f->pair_class[p], side);
                if (pass->wanted[problem])
                    pass->images[i] = pass->here[problem] = true;
            }
    }
}

/* The images [first, end), whose rows are in memory, dealt to the threads. */
static void visit_images(struct kmeans_pass *pass, int64_t first, int64_t end,
                         kmeans_visit *visit, void *state)
{
#pragma omp parallel for schedule(dynamic) num_threads(pass->n_lanes)
    for (int64_t i = first; i < end; ++i)
        if (pass->images[i])
            visit_image(&(struct visit){
                .pass = pass,
                .visit = visit,
                .state = state,
                .lane = omp_get_thread_num(),
                .image = i,
                .rows = features_rows(pass->f, i),
            });
}

enum lp_status kmeans_pass_run(struct kmeans_pass *pass, kmeans_visit *visit,
                               void *state)
{
    enum lp_status status = LP_OK;
    struct features *f = pass->f;
    const void *block;

    list_wanted(pass);
    pack_centers(pass);
    f->wanted = pass->images;
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        end = i + 1;
        if (!pass->images[i])
            continue;
        LP_TRY(features_block(f, i, &end, &block));
        visit_images(pass, i, end, visit, state);
    }
done:
    return status;
}

/* Sixteen rows at once; gcc makes branches of the same in a loop. */
typedef float floats __attribute__((vector_size(64)));
typedef int32_t ints __attribute__((vector_size(64)));

KMEANS_CLONES
static void best_dots(const struct kmeans_rows *rows, int k, int usable,
                      int first, int32_t *label, float *cosine)
{
    const float *dot = rows->dot + first;
    ints best = (ints){0} + usable;
    floats x, most;

    memcpy(&most, dot + usable * KMEANS_BLOCK, sizeof most);
    for (int c = usable + 1; c < k; ++c) {
        if (!rows->usable[c])
            continue;
        memcpy(&x, dot + c * KMEANS_BLOCK, sizeof x);
        const ints more = x > most;
        best = (more & c) | (~more & best);
        most = (floats)((more & (ints)x) | (~more & (ints)most));
    }
    memcpy(label + first, &best, sizeof best);
    memcpy(cosine + first, &most, sizeof most);
}

KMEANS_CLONES
static void divide(float *cosine, const float *length, int n)
{
    for (int r = 0; r < n; ++r)
        cosine[r] = kmeans_cosine(cosine[r], length[r]);
}

void kmeans_best(const struct kmeans_rows *rows, int k, int32_t *label,
                 float *cosine)
{
    int usable = 0;
    while (usable < k && !rows->usable[usable])
        ++usable;
    usable = usable < k ? usable : 0;
    for (int first = 0; first < rows->n; first += 16)
        best_dots(rows, k, usable, first, label, cosine);
    divide(cosine, rows->length, rows->n);
}
