/* SPDX-License-Identifier: MIT */
/* kmeans_parts.h: what the files of kmeans share. Not for others. Local unless
 * it says Collective. */
#ifndef LPCAM_KMEANS_PARTS_H
#define LPCAM_KMEANS_PARTS_H

#include <stdbool.h>
#include <string.h>

#include "kmeans_kernel.h"

#include "lpcam/base/hash.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/method/split.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/comm_nodes.h"

/* Compiled for several instruction sets, the best chosen when the program
 * starts. Only for loops whose result the instruction set cannot change:
 * integers, and products of floats taken in double, which are exact. clang 14
 * makes clones that no other file can call. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
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

/* Where the draws of a problem begin. */
static inline uint64_t kmeans_problem_hash(uint64_t seed, uint64_t class_hash,
                                           int side)
{
    return hash_mix(hash_mix(seed, class_hash), (uint64_t)side);
}

/* --- kmeans_scan.c: what must be known of the features before a start */

/* Measure every row once: km->length, n_rows, n_zero and bits; and find
 * km->pairs. Does nothing where that is done. Collective over comm. Fails with LP_EFORMAT for a row
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

/* What joined the clusters on this rank less what left them, since the ranks
 * were last added up by kmeans_reduce_sum. */
struct kmeans_sums {
    int k, d, bits;
    int cosine_bits;    /* binary places of objective                     */
    int64_t *sum;       /* [n_problems][k][d] rows                         */
    int64_t *count;     /* [n_problems][k] number of rows                  */
    int64_t *moved;     /* [n_problems] rows that moved                    */
    int64_t *objective; /* [n_problems] cosines                            */
};
enum lp_status kmeans_sums_init(struct kmeans_sums *s, const struct kmeans *km);
void kmeans_sums_release(struct kmeans_sums *s);

/* Add what `from` holds of the n problems of running, which leaves it zero. */
void kmeans_sums_merge(struct kmeans_sums *to, struct kmeans_sums *from,
                       const int *running, int n);

/* sum [d] += sign times x [d] with this many binary places. */
void kmeans_fix_row(int64_t *sum, const float *x, int d, int bits, int sign);

/* The sum of x [n] with this many binary places. */
int64_t kmeans_fix_sum(const float *x, int n, int bits);

/* --- kmeans_slots.c: whose cluster is whose, and in what order they travel
 *
 * A slot is a cluster of a problem: problem k + cluster. Slots are dealt to
 * their owners like cards, column by column of comm_nodes.h, then node by node,
 * so those of one problem go to different owners as far as there are owners.
 * While few problems run, some owners may have more slots than others. Slots go
 * in blocks; in a message of a column they lie node by node. */
struct kmeans_slots {
    int k, n_nodes, n_columns, n_owners;
    int column, owner; /* of this rank; owner -1: owns no slot            */
    int most;          /* slots of a column in one block                  */
    int64_t n;         /* slots of the block in use                       */
    int64_t *slot;     /* [n] ascending                                   */
    int *at;           /* [n] its place in the message of its column      */
    int longest;       /* slots of the column that has most of the block  */
    int *part, *begin; /* [n_nodes] slots of each node in this column      */
    int *by_owner, *by_column; /* [n_columns][n_nodes], [n_columns]       */
};

/* most is the room of a column, in slots. Fails with LP_ENOMEM. */
enum lp_status kmeans_slots_init(struct kmeans_slots *s,
                                 const struct comm_nodes *nodes, int k,
                                 int64_t n_slots, int64_t most);
void kmeans_slots_release(struct kmeans_slots *s);

/* Take up the block that begins with the slot `first` among those of the n
 * running problems; it ends before a column has no more room. Returns the first
 * of the next block, n k at the end. */
int64_t kmeans_slots_next(struct kmeans_slots *s, const int *running, int n,
                          int64_t first);

static inline bool kmeans_slot_owned(const struct kmeans_slots *s, int64_t slot)
{
    return slot % s->n_owners == s->owner;
}
static inline int kmeans_slot_column(const struct kmeans_slots *s, int64_t slot)
{
    return (int)(slot % s->n_owners) % s->n_columns;
}
static inline int kmeans_slot_node(const struct kmeans_slots *s, int64_t slot)
{
    return (int)(slot % s->n_owners) / s->n_columns;
}

/* --- kmeans_reduce.c: the sums of all ranks, and the centres from them
 *
 * The sums of a slot since the start are kept by its owner alone, who also
 * computes its centre. The same bits in whatever way km->reduce has the ranks
 * added up:
 *   flat     one allreduce; every rank owns all slots
 *   scatter  each rank gets the sums of its slots, all get the centres of all
 *   node     the same after the ranks of a node were added up in its memory
 *   auto     flat on one rank and for sums below 64 KiB, else node; scatter
 *            where the smallest node has less than half the ranks of the
 *            largest, as only so many ranks of a node drive the network */
struct kmeans_reduce {
    struct kmeans *km;
    MPI_Comm comm;
    bool flat;
    struct comm_nodes nodes;
    struct kmeans_slots slots;
    int64_t *total;     /* [slots owned here][d]                          */
    int64_t *moved;     /* [n_problems] over all ranks, of this step      */
    int64_t *objective; /* [n_problems]                                   */
    int64_t *tally;     /* [running][k + 2] counts, moved, objective      */
    double *step;       /* [n_problems][k] how far the centres moved      */

    int64_t round;      /* slots shown to the node at a time              */
    int *count, *begin; /* [nodes] the parts of a column's message        */
    int64_t *sum;       /* [slots of the column][d]                       */
    float *center;      /* [slots of the column][d], its step behind it   */
};

/* Everything zero, km->size too: nothing has joined a cluster yet. Collective
 * over comm; after a failure, too, r is to be released. Fails with LP_ENOMEM. */
enum lp_status kmeans_reduce_init(struct kmeans_reduce *r, struct kmeans *km,
                                  MPI_Comm comm);
/* Collective over the same comm; a struct of zeros is let be. */
void kmeans_reduce_release(struct kmeans_reduce *r);

/* Bring what all ranks have in s of the n problems of running into the totals,
 * km->size, moved and objective; s is zero for them after that. Collective,
 * running agrees on every rank. */
void kmeans_reduce_sum(struct kmeans_reduce *r, struct kmeans_sums *s,
                       const int *running, int n);

/* Take row [d], the same on every rank, out of the total of one slot and into
 * that of another. Local. */
void kmeans_reduce_move(struct kmeans_reduce *r, int64_t from, int64_t to,
                        const int64_t *row);

/* Each centre of the running problems becomes the mean of its members, 0 where
 * it has none, on every rank. Collective. */
void kmeans_reduce_centers(struct kmeans_reduce *r, const int *running, int n);

/* The sum of the distances by which a problem's centres moved the last time. */
double kmeans_reduce_shift(const struct kmeans_reduce *r, int problem);

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
    const float *length;    /* [n] of the vectors                            */
    const float *dot;       /* [k][KMEANS_BLOCK] with the unit centres       */
    const bool *usable;     /* [k] centres that are not zero                 */
};
/* Called by several threads at once, never by two for the same lane or the
 * same image. */
typedef void kmeans_visit(void *state, const struct kmeans_rows *rows);

/* What a thread works with. */
struct kmeans_lane {
    int32_t cell[KMEANS_BLOCK];
    const char *row[KMEANS_ROWS];
    float length[KMEANS_BLOCK];
    float *acc;  /* kmeans_acc_floats                                       */
    float *dot;  /* [k, rounded up to groups][KMEANS_BLOCK]                  */
    float *unit; /* [d] a centre                                            */
};

struct kmeans_pass {
    const struct kmeans *km;
    struct features *f;
    struct kmeans_shape shape;
    bool *wanted;  /* [n_problems] which problems take part, set by the user */
    bool *here;    /* [n_problems] which of them this rank's images have     */
    bool *images;  /* [n_images] which have cells of such problems           */
    float *packed; /* [n_problems][kmeans_packed_floats] unit centres of those
                      that are here                                          */
    bool *usable;  /* [n_problems][k] the same                               */
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

/* unit [d] = x divided by its length, 0 where that is 0. Returns whether it is
 * not. */
bool kmeans_unit(const float *x, int d, float *unit);

/* The cosine from a dot with a unit centre, within [-1, 1]. */
static inline float kmeans_cosine(float dot, float length)
{
    const float c = dot / length;
    return c > 1 ? 1 : c < -1 ? -1 : c;
}

/* A float as a key: larger floats have larger keys, both zeros the same. */
static inline uint64_t kmeans_key(float x)
{
    uint32_t bits;
    x += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
static inline float kmeans_unkey(uint64_t key)
{
    const uint32_t u = (uint32_t)key;
    const uint32_t bits = u & 0x80000000u ? u & 0x7fffffffu : ~u;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* --- kmeans_sample.c: some vectors of a problem brought to one rank */

struct kmeans_sample {
    int64_t n;
    float *x; /* [n][d] in ascending order of hash, image, cell           */
};

/* Problems first, first + 1, ... to rank 0, 1, ...: about m vectors of each
 * that are not zero, all where there are no more. hash [n_problems] is
 * kmeans_problem_hash. All fail or none; the caller frees x.
 * Collective over comm. */
enum lp_status kmeans_sample_round(const struct kmeans *km, struct features *f,
                                   const uint64_t *hash, int first, int m,
                                   struct kmeans_sample *sample, MPI_Comm comm);

/* --- kmeans.c and kmeans_empty.c */

/* What a thread gathers in an iteration; the first lane's becomes the rank's.
 */
struct kmeans_run_lane {
    struct kmeans_sums sums;
    int32_t *part;        /* [n_problems][k][d] not yet in sums              */
    int *part_rows;       /* [n_problems][k] rows in it, in and out          */
    struct comm_key *far; /* [n_problems][k] the rows farthest from their
                             centres; cell = 256 cell + cluster              */
};

/* What kmeans_fit holds while it iterates. */
struct kmeans_run {
    struct kmeans *km;
    struct features *f;
    struct kmeans_pass pass;
    struct kmeans_run_lane *lane; /* [km->n_threads]                         */
    struct kmeans_reduce reduce;
    int n_running;
    int *running; /* [n_running] problems that go on                         */
    uint8_t *was; /* [pair cells] the assignment before this one             */
};

/* kmeans_move.c: assign every row of this rank to its nearest centre. Fails
 * with what reading the features fails with. */
enum lp_status kmeans_assign(struct kmeans_run *run);

/* --- kmeans_resume.c: what kmeans_fit does where km->keep is set. Before the
 * centres move; after an iteration, the same verdict on every rank; after a
 * stop or a failure. */
void kmeans_keep_centers(struct kmeans *km);
enum lp_status kmeans_keep_step(struct kmeans *km, MPI_Comm comm);
void kmeans_keep_end(struct kmeans *km);

/* Give every empty cluster a row, as far as there are rows: in the totals and
 * counts of reduce, and in km->assignment. Collective over comm. */
enum lp_status kmeans_fill_empty(struct kmeans_run *run, MPI_Comm comm);

#endif
