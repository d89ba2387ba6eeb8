/* SPDX-License-Identifier: MIT */
/* kmeans_parts.h: what the files of kmeans share. Not for others. Local unless
 * it says Collective. */
#ifndef LPCAM_KMEANS_PARTS_H
#define LPCAM_KMEANS_PARTS_H

#include <stdbool.h>

#include "lpcam/method/kmeans.h"
#include "lpcam/method/split.h"
#include "lpcam/run/comm.h"

/* Compiled for several instruction sets, the best chosen when the program
 * starts. Only for loops whose result the instruction set cannot change:
 * integers, and products of floats taken in double, which are exact. */
#if defined(__x86_64__) && defined(__GNUC__)
#define KMEANS_CLONES                                                          \
    __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KMEANS_CLONES
#endif

/* The problem a cell of a pair belongs to. */
static inline int kmeans_problem(int class_index, int side)
{
    return 2 * class_index + (side == SPLIT_CONTEXT);
}

/* The pair of class_index among those of a local image, -1: none. */
static inline int64_t kmeans_pair(const struct features *f, int64_t image,
                                  int class_index)
{
    for (int64_t p = f->pair_offset[image]; p < f->pair_offset[image + 1]; ++p)
        if (f->pair_class[p] == class_index)
            return p;
    return -1;
}

/* --- kmeans_scan.c: what must be known of the features before a start */

/* Measure every row once: km->length, n_rows, n_zero and bits. Does nothing
 * where that is done. Collective over comm. Fails with LP_EFORMAT for a row
 * that is not finite. */
enum lp_status kmeans_scan(struct kmeans *km, struct features *f,
                           MPI_Comm comm);

/* --- kmeans_sums.c: sums of numbers without rounding errors
 *
 * A number x is kept as the integer nearest to x 2^bits. Integers add up to the
 * same whatever the order, and what was added can be taken away again. */

/* The most binary places with which n numbers below 2^exponent in size can be
 * summed, and one of them be rounded by kmeans_fix_row. */
int kmeans_bits(int64_t n, int exponent);

struct kmeans_sums {
    int k, d, bits;
    int cosine_bits;    /* binary places of objective                     */
    int64_t *local;     /* [n_problems][k][d + 1] sums over the members on
                           this rank, then their number                    */
    int64_t *moved;     /* [n_problems] rows of this rank that moved       */
    int64_t *objective; /* [n_problems] cosines of this rank               */
    int64_t *total;     /* [running problems][k (d + 1) + 2] over all ranks
                           local, moved, objective                         */
};
enum lp_status kmeans_sums_init(struct kmeans_sums *s, const struct kmeans *km);
void kmeans_sums_release(struct kmeans_sums *s);

/* Add a row x [d] to a cluster (sign 1) or take it out (sign -1). */
void kmeans_sums_add(struct kmeans_sums *s, int problem, int cluster,
                     const float *x, int sign);

/* sum [d] += sign times x [d] with this many binary places. */
void kmeans_fix_row(int64_t *sum, const float *x, int d, int bits, int sign);

/* total from all ranks for the n problems of running. Collective. */
void kmeans_sums_total(struct kmeans_sums *s, const int *running, int n,
                       MPI_Comm comm);

/* In total, of the a-th running problem: a cluster's sums [d], then its number
 * of members; the numbers of moved rows and the objective. */
static inline int64_t *kmeans_total_problem(const struct kmeans_sums *s, int a)
{
    return s->total + (int64_t)a * ((int64_t)s->k * (s->d + 1) + 2);
}
static inline int64_t *kmeans_total_cluster(const struct kmeans_sums *s, int a,
                                            int cluster)
{
    return kmeans_total_problem(s, a) + (int64_t)cluster * (s->d + 1);
}

/* --- kmeans_assign.c: one pass over the features for all problems */

#define KMEANS_BLOCK 256

/* Some rows of one problem in one image, at most KMEANS_BLOCK. Which rows go
 * together depends on the image alone, so their numbers do not change with the
 * ranks. */
struct kmeans_rows {
    int problem;
    int64_t image;       /* of this rank                                  */
    int64_t pair_cell;   /* the pair's first cell in side and assignment  */
    int n;               /* rows                                          */
    const int32_t *cell; /* [n] ascending                                 */
    const float *x;      /* [cells of the image][d]                       */
    const float *length; /* [cells of the image]                          */
    const float *dot;    /* [k][n] with the centres divided by their length */
    const bool *usable;  /* [k] centres that are not zero                 */
};
typedef void kmeans_visit(void *state, const struct kmeans_rows *rows);

struct kmeans_pass {
    const struct kmeans *km;
    struct features *f;
    bool *wanted;  /* [n_problems] which problems take part, set by the user */
    float *unit;   /* [n_problems][k][d] centres divided by their length   */
    bool *usable;  /* [n_problems][k]                                      */
    float *image;  /* [cells][d] the image in use, where it is not f32     */
    float *block;  /* [KMEANS_BLOCK][d] rows brought together              */
    float *dot;    /* [k][KMEANS_BLOCK]                                    */
    int32_t *cell; /* [cells] of one side of a pair                       */
};
enum lp_status kmeans_pass_init(struct kmeans_pass *pass,
                                const struct kmeans *km, struct features *f);
void kmeans_pass_release(struct kmeans_pass *pass);

/* Visit all rows of the wanted problems, in the order of images, with the
 * centres as they are now. Zero vectors are left out. Fails with what reading
 * the features fails with. */
enum lp_status kmeans_pass_run(struct kmeans_pass *pass, kmeans_visit *visit,
                               void *state);

/* The centre of the largest dot for each row, ties to the lower one, and the
 * cosine with it. Zero centres do not win, unless all are zero: then 0 does,
 * with cosine 0. label, cosine [n]. */
void kmeans_best(const struct kmeans_rows *rows, int k, int32_t *label,
                 float *cosine);

/* The cosine from a dot with a unit centre, within [-1, 1]. */
static inline float kmeans_cosine(float dot, float length)
{
    const float c = dot / length;
    return c > 1 ? 1 : c < -1 ? -1 : c;
}

/* A float as a key: larger floats have larger keys, both zeros the same. */
uint64_t kmeans_key(float x);
float kmeans_unkey(uint64_t key);

/* --- kmeans.c and kmeans_empty.c */

/* What kmeans_fit holds while it iterates. */
struct kmeans_run {
    struct kmeans *km;
    struct features *f;
    struct kmeans_pass pass;
    struct kmeans_sums sums;
    int n_running;
    int *running;         /* [n_running] problems that go on                 */
    uint8_t *was;         /* [pair cells] the assignment before this one     */
    struct comm_key *far; /* [n_problems][k] this rank's rows farthest from
                             their centres; cell = 256 cell + cluster        */
};

/* Give every empty cluster a row, as far as there are rows: in sums.total,
 * sums.local and km->assignment. Collective over comm. */
enum lp_status kmeans_fill_empty(struct kmeans_run *run, MPI_Comm comm);

#endif
