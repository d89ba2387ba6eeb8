/* SPDX-License-Identifier: MIT */
#include "lpcam/store/prototype_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"

/* What the file is made from. */
struct plan {
    const struct dataset *d;
    const struct basis *basis;
    const struct prototype_start *start;
    int n_starts, n_steps; /* of the longest start                        */
    const float *vector;
    const double *lambda;
};

static const char *const side_name[] = {"object", "context"};

/* "/object/center" of the first start, "/start_1/object/center" of the next. */
static const char *set_name(char name[64], int start, int side,
                            const char *what)
{
    if (start == 0)
        snprintf(name, 64, "/%s/%s", side_name[side], what);
    else
        snprintf(name, 64, "/start_%d/%s/%s", start, side_name[side], what);
    return name;
}

/* The data sets of one side of one start. */
static const struct {
    const char *name;
    enum h5_type type;
    int n_dims;
    const char *description, *unit, *indexes;
} side_set[] = {
    {"center", H5_F32, 3, "mean of the cluster's features", "feature units",
     NULL},
    {"size", H5_I64, 2, "members of the cluster", "cells", NULL},
    {"probability", H5_F32, 2, "of the class, at the centre", "", NULL},
    {"selected", H5_U8, 2, "1: the centre is a prototype", "", NULL},
    {"weight", H5_F64, 2, "share of the prototype in the class vector", "",
     NULL},
    {"nearest", H5_I64, 4,
     "image, row and column of the cells nearest to the centre, best first; "
     "-1 where there are fewer",
     "", "/image/id"},
    {"similarity", H5_F32, 3, "cosine of these cells to the centre", "", NULL},
};
enum { N_SIDE_SETS = sizeof side_set / sizeof *side_set };

static enum lp_status define_side(const struct plan *plan, struct h5 *h5,
                                  int start, int side)
{
    enum lp_status status = LP_OK;
    char name[64];
    const struct kmeans *km = plan->start[start].kmeans;
    const int64_t n = plan->d->n_classes;
    const int64_t center[] = {n, km->k, plan->basis->d};
    const int64_t nearest[] = {n, km->k, KMEANS_NEAREST, 3};
    for (int i = 0; i < N_SIDE_SETS; ++i)
        LP_TRY(h5_define(h5, set_name(name, start, side, side_set[i].name),
                         side_set[i].type, side_set[i].n_dims,
                         i == 0 ? center : nearest, side_set[i].description,
                         side_set[i].unit, side_set[i].indexes));
done:
    return status;
}

static enum lp_status define_history(const struct plan *plan, struct h5 *h5)
{
    enum lp_status status;
    const int64_t n = 2 * (int64_t)plan->d->n_classes;
    const int64_t start[2] = {plan->n_starts, n};
    const int64_t step[3] = {plan->n_starts, plan->n_steps, n};
    LP_TRY(h5_set_attribute(h5, "/history", "problem",
                            "2 class + side (0 object, 1 context)"));
    LP_TRY(h5_define(h5, "/history/iterations", H5_I64, 2, start,
                     "iterations of each problem", "", NULL));
    LP_TRY(h5_define(h5, "/history/why", H5_U8, 2, start,
                     "why it ended: 1 no vectors, 2 settled, 3 small shift, 4 "
                     "most iterations",
                     "", NULL));
    LP_TRY(h5_define(h5, "/history/rows", H5_I64, 1, &n,
                     "vectors clustered, without zero vectors", "cells", NULL));
    LP_TRY(h5_define(h5, "/history/zero_rows", H5_I64, 1, &n, "zero vectors",
                     "cells", NULL));
    LP_TRY(h5_define(h5, "/history/moved", H5_I64, 3, step,
                     "vectors that changed their cluster", "cells", NULL));
    LP_TRY(h5_define(h5, "/history/objective", H5_F64, 3, step,
                     "sum of the cosines to the assigned centres", "", NULL));
    LP_TRY(h5_define(h5, "/history/shift2", H5_F64, 3, step,
                     "square of the sum of the centres' shifts",
                     "feature units squared", NULL));
done:
    return status;
}

/* The cells nearest to one class' centres as two tables. Local. */
static enum lp_status write_nearest(struct h5 *h5, int start, int side, int c,
                                    const struct kmeans_near *near, int64_t n)
{
    enum lp_status status = LP_OK;
    char name[64];
    int64_t *place = malloc((size_t)n * 3 * sizeof *place);
    float *similarity = malloc((size_t)n * sizeof *similarity);
    if (!place || !similarity)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %lld nearest cells",
                       (long long)n));
    for (int64_t i = 0; i < n; ++i) {
        const bool is = near[i].image >= 0;
        place[3 * i] = is ? near[i].image : -1;
        place[3 * i + 1] = is ? near[i].row : -1;
        place[3 * i + 2] = is ? near[i].column : -1;
        similarity[i] = is ? near[i].similarity : 0;
    }
    LP_TRY(h5_write(h5, set_name(name, start, side, "nearest"), H5_I64, c, 1,
                    place));
    LP_TRY(h5_write(h5, set_name(name, start, side, "similarity"), H5_F32, c, 1,
                    similarity));
done:
    free(place);
    free(similarity);
    return status;
}

/* Rows [n][r], with which row `first` of a data set begins, in D dimensions.
 * Local. */
static enum lp_status write_expanded(const struct plan *plan, struct h5 *h5,
                                     const char *name, int first, int n_rows,
                                     const float *rows, int n)
{
    enum lp_status status = LP_OK;
    float *whole = malloc((size_t)n * (size_t)plan->basis->d * sizeof *whole);
    if (!whole)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %d vectors of %d", n,
                       plan->basis->d));
    basis_expand(plan->basis, rows, n, whole);
    status = h5_write(h5, name, H5_F32, first, n_rows, whole);
done:
    free(whole);
    return status;
}

/* One problem of one start: row c of its side's data sets. Local. */
static enum lp_status write_problem(const struct plan *plan, struct h5 *h5,
                                    int start, int problem)
{
    enum lp_status status = LP_OK;
    char name[64];
    const struct prototype_start *s = &plan->start[start];
    const int c = problem / 2, side = problem % 2;
    const int64_t at = (int64_t)problem * s->kmeans->k;
    const void *const rows[] = {
        NULL, s->kmeans->size + at, s->prototypes->probability + at,
        s->prototypes->selected + at, s->prototypes->weight + at};
    LP_TRY(write_expanded(plan, h5, set_name(name, start, side, "center"), c, 1,
                          s->kmeans->center + at * s->kmeans->d, s->kmeans->k));
    for (int i = 1; i < 5; ++i)
        LP_TRY(h5_write(h5, set_name(name, start, side, side_set[i].name),
                        side_set[i].type, c, 1, rows[i]));
    LP_TRY(write_nearest(h5, start, side, c, s->nearest + at * KMEANS_NEAREST,
                         (int64_t)s->kmeans->k * KMEANS_NEAREST));
done:
    return status;
}

/* The iterations of one start, zeros after its last. Local. */
static enum lp_status write_history(const struct plan *plan, struct h5 *h5,
                                    int start)
{
    enum lp_status status = LP_OK;
    const struct kmeans *km = plan->start[start].kmeans;
    const int64_t n = km->n_problems, all = n * plan->n_steps;
    int64_t *moved = calloc((size_t)(all + n), sizeof *moved);
    double *objective = calloc((size_t)all + 1, sizeof *objective);
    double *shift2 = calloc((size_t)all + 1, sizeof *shift2);
    int64_t *iterations = moved ? moved + all : NULL;
    if (!moved || !objective || !shift2)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the history of k-means"));
    for (int64_t i = 0; i < km->n_steps * n; ++i) {
        moved[i] = km->step[i].moved;
        objective[i] = km->step[i].objective;
        shift2[i] = km->step[i].shift2;
    }
    for (int64_t p = 0; p < n; ++p)
        iterations[p] = km->iterations[p];
    LP_TRY(h5_write(h5, "/history/iterations", H5_I64, start, 1, iterations));
    LP_TRY(h5_write(h5, "/history/why", H5_U8, start, 1, km->why));
    LP_TRY(h5_write(h5, "/history/moved", H5_I64, start, 1, moved));
    LP_TRY(h5_write(h5, "/history/objective", H5_F64, start, 1, objective));
    LP_TRY(h5_write(h5, "/history/shift2", H5_F64, start, 1, shift2));
done:
    free(moved);
    free(objective);
    free(shift2);
    return status;
}

/* All values, by rank 0. Local. */
static enum lp_status write_all(const struct plan *plan, struct h5 *h5)
{
    enum lp_status status;
    const int n = plan->d->n_classes;
    const struct kmeans *first = plan->start[0].kmeans;
    LP_TRY(name_group_write(h5, plan->d));
    LP_TRY(write_expanded(plan, h5, "/method/vector", 0, n, plan->vector, n));
    LP_TRY(h5_write(h5, "/method/lambda", H5_F64, 0, n, plan->lambda));
    LP_TRY(h5_write(h5, "/history/rows", H5_I64, 0, 2 * n, first->n_rows));
    LP_TRY(h5_write(h5, "/history/zero_rows", H5_I64, 0, 2 * n, first->n_zero));
    for (int s = 0; s < plan->n_starts; ++s) {
        for (int p = 0; p < 2 * n; ++p)
            LP_TRY(write_problem(plan, h5, s, p));
        LP_TRY(write_history(plan, h5, s));
    }
done:
    return status;
}

static enum lp_status define(void *arg, struct h5 *h5)
{
    enum lp_status status;
    const struct plan *plan = arg;
    const int64_t vector[2] = {plan->d->n_classes, plan->basis->d};
    LP_TRY(name_group_define(h5, plan->d));
    for (int s = 0; s < plan->n_starts; ++s)
        for (int side = 0; side < 2; ++side)
            LP_TRY(define_side(plan, h5, s, side));
    LP_TRY(h5_define(h5, "/method/vector", H5_F32, 2, vector,
                     "the prototypes of a class in one vector, the mean over "
                     "the starts: its product with a feature of length 1 is "
                     "LPCAM",
                     "", NULL));
    LP_TRY(h5_define(h5, "/method/lambda", H5_F64, 1, vector,
                     "weight of the class' context in it", "", NULL));
    LP_TRY(h5_set_default(h5, "object", "probability"));
    LP_TRY(define_history(plan, h5));
    status = write_all(plan, h5);
done:
    return status;
}

enum lp_status
prototype_file_write(const char *path, const struct run_about *about,
                     const struct dataset *d, const struct basis *basis,
                     const struct prototype_start *start, int n_starts,
                     const float *vector, const double *lambda,
                     const char *report, MPI_Comm comm)
{
    enum lp_status status;
    struct run_file file = {0};
    struct plan plan = {d, basis, start, n_starts, 0, vector, lambda};
    for (int s = 0; s < n_starts; ++s)
        if (start[s].kmeans->n_steps > plan.n_steps)
            plan.n_steps = start[s].kmeans->n_steps;
    /* A partial file of the same settings already holds everything. */
    LP_TRY(run_file_open(&file, path, about, define, &plan, comm));
    LP_TRY(run_file_finish(&file, report));
done:
    return status;
}

/* Are n names of so many bytes those of the classes? Local. */
static enum lp_status compare_classes(const char *path, const char *name,
                                      int64_t n, int length,
                                      const struct dataset *d)
{
    if (n != d->n_classes)
        return lp_fail(LP_EARG,
                       "%s was made with %lld classes where this run has %d: "
                       "correct model.classes, or run lpcam cluster again",
                       path, (long long)n, d->n_classes);
    for (int c = 0; c < d->n_classes; ++c) {
        const char *theirs = name + (size_t)c * (size_t)length;
        const char *ours = dataset_class(d, c);
        if (strlen(ours) > (size_t)length ||
            strncmp(theirs, ours, (size_t)length) != 0)
            return lp_fail(LP_EARG,
                           "%s was made with class %.*s where this run has "
                           "%s: correct model.classes, or run lpcam cluster "
                           "again",
                           path, length, theirs, ours);
    }
    return LP_OK;
}

/* Vectors belong to classes by name. Rank 0 compares. */
static enum lp_status check_classes(struct h5 *h5, const struct dataset *d,
                                    MPI_Comm comm)
{
    enum lp_status status;
    char *name = NULL;
    int64_t n;
    int length;
    LP_TRY(h5_read_text_shared(h5, "/class/name", &n, &length, &name));
    if (comm_rank(comm) == 0)
        status = compare_classes(h5_path(h5), name, n, length, d);
    LP_AGREE(comm);
done:
    free(name);
    return status;
}

static enum lp_status check_vectors(const char *path, const float *vector,
                                    int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (!isfinite(vector[i]))
            return lp_fail(LP_EFORMAT,
                           "/method/vector of %s holds infinite values or "
                           "values that are no numbers: run lpcam cluster "
                           "again",
                           path);
    return LP_OK;
}

enum lp_status prototype_file_read(const char *path, const char *settings,
                                   const struct dataset *data, int d,
                                   float **vector, MPI_Comm comm)
{
    enum lp_status status;
    struct run_file file = {0};
    int64_t shape[2] = {data->n_classes, d};
    void *table = NULL;
    LP_TRY(run_file_read(&file, path, settings, "cluster", comm));
    LP_TRY(check_classes(file.h5, data, comm));
    LP_TRY(h5_read_shared(file.h5, "/method/vector", H5_F32, 2, shape, &table));
    if (comm_rank(comm) == 0)
        status = check_vectors(path, table, shape[0] * shape[1]);
    LP_AGREE(comm);
    *vector = table;
    table = NULL;
done:
    free(table);
    run_file_close(&file);
    return status;
}
