/* SPDX-License-Identifier: MIT */
/* kmeans_parts.h: what the files of kmeans share. Not for others. Local unless
 * it says Collective. */
#ifndef LPCAM_KMEANS_PARTS_H
#define LPCAM_KMEANS_PARTS_H

#include <stdbool.h>

#include "kmeans_kernel.h"
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

/* A cluster's sums [d] on this rank, then their number. */
static inline int64_t *kmeans_local_cluster(const struct kmeans_sums *s,
                                            int problem, int cluster)
{
    return s->local + ((int64_t)problem * s->k + cluster) * (s->d + 1);
}

/* Add what `from` holds of the n problems of running, which leaves it zero. */
void kmeans_sums_merge(struct kmeans_sums *to, struct kmeans_sums *from,
                       const int *running, int n);

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

/* Some rows of one problem in one image. Which rows go together depends on the
 * image alone. */
struct kmeans_rows {
    int lane; /* the thread's, 0 to n_lanes - 1                            */
    int problem;
    int64_t image;          /* of this rank                                  */
    int64_t pair_cell;      /* the pair's first cell in side and assignment  */
    int n;                  /* rows, at most KMEANS_BLOCK                    */
    const int32_t *cell;    /* [n] ascending                                 */
    const char *const *row; /* [n] vectors [d] as stored                     */
    const float *length;    /* [cells of the image]                          */
    const float *dot;       /* [k][KMEANS_BLOCK] with the unit centres       */
    const bool *usable;     /* [k] centres that are not zero                 */
};
/* Called by several threads at once, never by two for the same lane or the
 * same image. */
typedef void kmeans_visit(void *state, const struct kmeans_rows *rows);

/* What a thread works with. */
struct kmeans_lane {
    int32_t cell[KMEANS_BLOCK];
    const char *row[KMEANS_BLOCK];
    float *acc; /* kmeans_acc_floats                                       */
    float *dot; /* [k, rounded up to groups][KMEANS_BLOCK]                  */
};

struct kmeans_pass {
    const struct kmeans *km;
    struct features *f;
    struct kmeans_shape shape;
    bool *wanted;  /* [n_problems] which problems take part, set by the user */
    bool *images;  /* [n_images] which have cells of such problems           */
    float *packed; /* [n_problems][kmeans_packed_floats] unit centres        */
    bool *usable;  /* [n_problems][k]                                        */
    struct kmeans_lane *lane; /* [n_lanes]                                   */
    int n_lanes;
};
enum lp_status kmeans_pass_init(struct kmeans_pass *pass,
                                const struct kmeans *km, struct features *f);
void kmeans_pass_release(struct kmeans_pass *pass);

/* Visit all rows of the wanted problems with the centres as they are now. An
 * image's rows are read once for all its problems. Zero vectors are left out.
 * Fails with what reading the features fails with. */
enum lp_status kmeans_pass_run(struct kmeans_pass *pass, kmeans_visit *visit,
                               void *state);

/* The centre of the largest dot for each row, ties to the lower one, and the
 * cosine with it. Zero centres do not win, unless all are zero: then 0 does,
 * with cosine 0. label, cosine [KMEANS_BLOCK]. */
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

/* What a thread gathers in an iteration; the first lane's becomes the rank's.
 */
struct kmeans_run_lane {
    struct kmeans_sums sums;
    struct comm_key *far; /* [n_problems][k] the rows farthest from their
                             centres; cell = 256 cell + cluster              */
};

/* What kmeans_fit holds while it iterates. */
struct kmeans_run {
    struct kmeans *km;
    struct features *f;
    struct kmeans_pass pass;
    struct kmeans_run_lane *lane; /* [km->n_threads]                         */
    int n_running;
    int *running; /* [n_running] problems that go on                         */
    uint8_t *was; /* [pair cells] the assignment before this one             */
};

/* kmeans_move.c: assign every row of this rank to its nearest centre. Fails
 * with what reading the features fails with. */
enum lp_status kmeans_assign(struct kmeans_run *run);

/* Give every empty cluster a row, as far as there are rows: in sums.total,
 * sums.local and km->assignment. Collective over comm. */
enum lp_status kmeans_fill_empty(struct kmeans_run *run, MPI_Comm comm);

#endif
