/* SPDX-License-Identifier: MIT */
/* kmeans_kernel.h: dots of rows with the centres of a problem, and exact sums
 * of rows, in the instructions of this processor. Not for others than kmeans.
 * Local.
 *
 * A dot is summed in sixteen lanes, lane i taking the products of channels i,
 * i + 16, ... in that order by fused multiply-adds, and the lanes are added in
 * halves (i + 8, i + 4, i + 2, i + 1). Every kernel does just that, so all give
 * the same bits. The one exception: bf16 rows in a shape with pairs, which
 * AVX512-BF16 can: the unit centres are rounded to bf16, lane i takes the
 * channels 2 i and 2 i + 1 of every 32, and the instruction rounds in its own
 * way. */
#ifndef LPCAM_KMEANS_KERNEL_H
#define LPCAM_KMEANS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"

enum {
    KMEANS_LANES = 16,
    KMEANS_TILE = 4,       /* rows multiplied together                      */
    KMEANS_MOST_GROUP = 6, /* centres multiplied together: 4, 5 or 6        */
    KMEANS_SLICE = 16,     /* steps: the centres of a slice stay in L1      */
    KMEANS_BLOCK = 64,     /* rows that stay in L2                          */
    KMEANS_ROWS = 68,      /* their pointers, and those of one tile more    */
    KMEANS_PART_ROWS = 511 /* rows that a sum of 32 bits holds              */
};

/* How the centres of every problem are laid out for a kernel. */
struct kmeans_shape {
    enum lp_value type; /* of the rows                                     */
    bool pairs;         /* bf16 centres, multiplied in pairs               */
    int k, d;
    int group, n_groups; /* n_groups * group >= k                          */
    int lanes;           /* channels a step: 16, with pairs 32             */
    int n_steps;         /* ceil(d / lanes); the last one may be partial   */
};

/* Memory to be brought near while rows are multiplied. */
struct kmeans_ahead {
    const char *at, *end;
};

/* KMEANS_TILE rows, which as many follow, times all groups, a slice of steps
 * from first_step on. acc [n_groups][KMEANS_TILE][group][KMEANS_LANES] carries
 * the lanes from slice to slice: the first one does not read it, and the last
 * one adds them up into the tile's four columns of dot
 * [n_groups * group][KMEANS_BLOCK]. centers is the slice's part of the packed
 * ones. */
typedef void kmeans_panel(const struct kmeans_shape *shape,
                          const char *const *row, int first_step, int n_steps,
                          const float *centers, float *acc, float *dot,
                          struct kmeans_ahead *ahead);

struct kmeans_kernel {
    const char *name;
    bool (*runs)(void);  /* on this processor?                          */
    bool (*pairs)(void); /* does it multiply bf16 in pairs?             */
    kmeans_panel *panel;
    /* sum [d] += the first n_in rows - the other rows, each as the integers
     * nearest to x 2^bits, which are at most 2^22: KMEANS_PART_ROWS rows fit. */
    void (*add)(const struct kmeans_shape *shape, const char *const *row,
                int n_in, int n, int bits, int32_t *sum);
};

extern const struct kmeans_kernel kmeans_kernel_avx512, kmeans_kernel_avx2,
    kmeans_kernel_plain;

/* The fastest kernel of this processor, or the one of that name. Fails with
 * LP_EARG where the processor cannot run it. */
enum lp_status kmeans_kernel_find(const char *name,
                                  const struct kmeans_kernel **kernel);

struct kmeans_shape kmeans_shape(const struct kmeans_kernel *kernel,
                                 enum lp_value type, int k, int d);

static inline bool kmeans_last_slice(const struct kmeans_shape *shape,
                                     int first_step, int n_steps)
{
    return first_step + n_steps == shape->n_steps;
}

/* Floats of a problem's packed centres; of acc for a block. */
int64_t kmeans_packed_floats(const struct kmeans_shape *shape);
int64_t kmeans_acc_floats(const struct kmeans_shape *shape);

/* Write unit centre c [d] into packed, which began as zeros. */
void kmeans_pack(const struct kmeans_shape *shape, int c, const float *unit,
                 float *packed);

/* dot [n_groups * group][KMEANS_BLOCK] of n <= KMEANS_BLOCK rows. row has room
 * for KMEANS_ROWS and is filled up to a tile more. acc: scratch, aligned to
 * 64 bytes like packed. */
void kmeans_dots(const struct kmeans_kernel *kernel,
                 const struct kmeans_shape *shape, const char **row, int n,
                 const float *packed, float *acc, float *dot,
                 struct kmeans_ahead *ahead);

#endif
