/* SPDX-License-Identifier: MIT */
/* comm.h: the agreed MPI calls. The only modules that call MPI are this one,
 * comm_nodes.h, comm_counter.h and store/h5, and jobs/lpcam.c begins and ends
 * it; every function is Collective over comm unless it says Local. Counts are
 * int64_t: messages over 2^31 are cut. MPI's own failures abort the job. */
#ifndef LPCAM_COMM_H
#define LPCAM_COMM_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/status.h"

int comm_rank(MPI_Comm comm); /* Local */
int comm_size(MPI_Comm comm); /* Local */

/* What all ranks make of their statuses: LP_OK where all are; otherwise the
 * heaviest one on the ranks that brought it, LP_EPEER on the ranks that were
 * well (LP_STOP where the heaviest is LP_STOP). A test may ask a rank to bring
 * a failure here, at site. Use through LP_AGREE. */
enum lp_status comm_agree(MPI_Comm comm, enum lp_status status,
                          const char *site);

/* The line between what a rank does alone and what all do together: leaves
 * through done: on every rank when any rank's `status` is not LP_OK. */
#define LP_AGREE(comm)                                                         \
    do {                                                                       \
        status = comm_agree((comm), status, LP_SITE);                          \
        if (status != LP_OK)                                                   \
            goto done;                                                         \
    } while (0)

/* The same failure of all ranks, told once: rank 0 reports it and yields the
 * code, the others yield LP_EPEER. */
#define lp_fail_all(comm, s, ...)                                              \
    (comm_rank(comm) == 0 ? lp_fail((s), __VA_ARGS__) : LP_EPEER)

/* The exit code of the whole job from each rank's: 1 before 2 before 75. */
int comm_exit_code(MPI_Comm comm, int code);

/* Element-wise over the ranks, in place, x [n]. */
void comm_sum_i64(MPI_Comm comm, int64_t *x, int64_t n);
void comm_max_i64(MPI_Comm comm, int64_t *x, int64_t n);
void comm_min_f64(MPI_Comm comm, double *x, int64_t n);
void comm_max_f64(MPI_Comm comm, double *x, int64_t n);
/* The order of the additions varies, so this is for times only. */
void comm_sum_f64(MPI_Comm comm, double *x, int64_t n);

/* The sum over the ranks of one count; the sum over the lower ranks. */
int64_t comm_total(MPI_Comm comm, int64_t x);
int64_t comm_before(MPI_Comm comm, int64_t x);
bool comm_any(MPI_Comm comm, bool flag);
void comm_barrier(MPI_Comm comm);

/* n bytes of rank 0 to all; n agrees on every rank. */
void comm_bcast(MPI_Comm comm, void *x, int64_t n_bytes);

/* A block of rank 0, whose size only rank 0 knows, to all: *x is allocated on
 * the other ranks (free), *n set. All fail with LP_ENOMEM or none. */
enum lp_status comm_bcast_block(MPI_Comm comm, void **x, int64_t *n_bytes);

/* Each rank's rows [first, first + n_local) of x [n][width], 64-bit integers,
 * to all ranks, in place; the ranks' rows tile [0, n) in rank order, n < 2^31.
 * All fail with LP_ENOMEM or none. */
enum lp_status comm_share_rows_i64(MPI_Comm comm, int64_t *x, int64_t first,
                                   int64_t n_local, int64_t width);

/* The sum of x over the ranks, each rank its run: count[r] numbers for rank r,
 * behind those of the lower ranks. Comes at the front of x, whose rest is lost.
 * The numbers travel as 32 bits where no sum of theirs can leave those, else as
 * 64. count agrees on every rank, below 2^31 in all. Returns the bytes of a
 * number on its way. */
int comm_sum_scatter_i64(MPI_Comm comm, int64_t *x, const int *count);

/* Each rank's run of x, count[r] floats at begin[r], to all ranks, in place.
 * count and begin agree on every rank. */
void comm_share_f32(MPI_Comm comm, float *x, const int *count,
                    const int *begin);

/* Rows to where they are needed: send holds n_to[r] rows for each rank r, in
 * the order of the ranks. *rows becomes what all ranks sent to this one, in the
 * order of the ranks, *n rows; the caller frees it. Fewer than 2^31 rows a
 * rank. All fail with LP_ENOMEM or none. */
enum lp_status comm_exchange_rows(MPI_Comm comm, const void *send,
                                  const int64_t *n_to, int64_t row_bytes,
                                  void **rows, int64_t *n);

/* Sum without waiting: add send [n] over the ranks into sum [n], both left
 * alone until comm_sum_ended says true. Between the two no other collective
 * call on comm; comm_sum_ended is Local and moves the messages on. */
MPI_Request comm_sum_start(MPI_Comm comm, const int64_t *send, int64_t *sum,
                           int n);
bool comm_sum_ended(MPI_Request *request);

/* Answer what other ranks have asked this one by one-sided messages, where MPI
 * does that only when it is called. Local in effect: never waits. */
void comm_serve(MPI_Comm comm);

/* Ranked choices, the same on any number of ranks: a key and where it is. */
struct comm_key {
    uint64_t key;  /* smaller is chosen first                              */
    int64_t image; /* position in the global image list; ties by image     */
    int64_t cell;  /* row-major; then by cell                              */
};
#define COMM_KEY_NONE ((struct comm_key){UINT64_MAX, INT64_MAX, INT64_MAX})

/* Is a before b? Local. */
bool comm_key_before(const struct comm_key *a, const struct comm_key *b);

/* Insert key into a list of m keys, best first, if it is among the m best.
 * Local. */
void comm_key_keep(struct comm_key *list, int m, struct comm_key key);

/* The m best of all ranks in each of n lists [n][m], best first, filled up
 * with COMM_KEY_NONE, in place and on every rank. One tree reduction. */
enum lp_status comm_best_keys(MPI_Comm comm, struct comm_key *lists, int64_t n,
                              int m);

#endif
