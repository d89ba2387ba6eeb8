/* SPDX-License-Identifier: MIT */
#include "lpcam/run/comm.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"

/* Elements a message: below 2^31 bytes for any 8-byte type. */
#define MESSAGE_MOST ((int64_t)1 << 27)

/* A question over TCP takes a few calls of MPI to be received, answered and
 * sent; a call takes less than 1 us. */
#define SERVE_CALLS 8

int comm_rank(MPI_Comm comm)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    return rank;
}

int comm_size(MPI_Comm comm)
{
    int size;
    MPI_Comm_size(comm, &size);
    return size;
}

enum lp_status comm_agree(MPI_Comm comm, enum lp_status status,
                          const char *site)
{
    if (status == LP_OK && lp_fault(site)) {
        const char *folder = strrchr(site, '/');
        status =
            lp_fail(LP_EIO, "asked to fail at %s", folder ? folder + 1 : site);
    }
    struct {
        int status, rank;
    } mine = {(int)status, comm_rank(comm)}, worst;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm);
    if (worst.status == LP_OK || status != LP_OK)
        return status;
    if (worst.status == LP_STOP)
        return LP_STOP;
    if (worst.status != LP_EPEER)
        lp_log("rank %d failed (%s); all ranks stop", worst.rank,
               lp_status_name((enum lp_status)worst.status));
    return LP_EPEER;
}

int comm_exit_code(MPI_Comm comm, int code)
{
    int64_t weight = code == 1 ? 3 : code == 2 ? 2 : code == 75 ? 1 : 0;
    static const int code_of[] = {0, 75, 2, 1};
    comm_max_i64(comm, &weight, 1);
    return code_of[weight];
}

static void reduce(MPI_Comm comm, void *x, int64_t n, MPI_Datatype type,
                   MPI_Op op)
{
    char *at = x;
    for (int64_t i = 0; i < n; i += MESSAGE_MOST) {
        const int64_t m = n - i < MESSAGE_MOST ? n - i : MESSAGE_MOST;
        MPI_Allreduce(MPI_IN_PLACE, at + 8 * i, (int)m, type, op, comm);
    }
}

void comm_sum_i64(MPI_Comm comm, int64_t *x, int64_t n)
{
    reduce(comm, x, n, MPI_INT64_T, MPI_SUM);
}

void comm_max_i64(MPI_Comm comm, int64_t *x, int64_t n)
{
    reduce(comm, x, n, MPI_INT64_T, MPI_MAX);
}

void comm_min_f64(MPI_Comm comm, double *x, int64_t n)
{
    reduce(comm, x, n, MPI_DOUBLE, MPI_MIN);
}

void comm_max_f64(MPI_Comm comm, double *x, int64_t n)
{
    reduce(comm, x, n, MPI_DOUBLE, MPI_MAX);
}

void comm_sum_f64(MPI_Comm comm, double *x, int64_t n)
{
    reduce(comm, x, n, MPI_DOUBLE, MPI_SUM);
}

int64_t comm_total(MPI_Comm comm, int64_t x)
{
    comm_sum_i64(comm, &x, 1);
    return x;
}

int64_t comm_before(MPI_Comm comm, int64_t x)
{
    int64_t before = 0;
    MPI_Exscan(&x, &before, 1, MPI_INT64_T, MPI_SUM, comm);
    return comm_rank(comm) == 0 ? 0 : before;
}

bool comm_any(MPI_Comm comm, bool flag)
{
    int64_t any = flag;
    comm_max_i64(comm, &any, 1);
    return any != 0;
}

void comm_barrier(MPI_Comm comm)
{
    MPI_Barrier(comm);
}

void comm_bcast(MPI_Comm comm, void *x, int64_t n_bytes)
{
    char *at = x;
    for (int64_t i = 0; i < n_bytes; i += MESSAGE_MOST) {
        const int64_t m =
            n_bytes - i < MESSAGE_MOST ? n_bytes - i : MESSAGE_MOST;
        MPI_Bcast(at + i, (int)m, MPI_BYTE, 0, comm);
    }
}

enum lp_status comm_bcast_block(MPI_Comm comm, void **x, int64_t *n_bytes)
{
    enum lp_status status = LP_OK;
    const bool root = comm_rank(comm) == 0;
    comm_bcast(comm, n_bytes, sizeof *n_bytes);
    if (!root) {
        *x = malloc((size_t)*n_bytes + 1);
        if (!*x || lp_fault("bcast_block"))
            status = lp_fail(LP_ENOMEM, "no memory for %lld bytes of rank 0",
                             (long long)*n_bytes);
    }
    LP_AGREE(comm);
    comm_bcast(comm, *x, *n_bytes);
done:
    if (status != LP_OK && !root) {
        free(*x);
        *x = NULL;
    }
    return status;
}

enum lp_status comm_share_rows_i64(MPI_Comm comm, int64_t *x, int64_t first,
                                   int64_t n_local, int64_t width)
{
    enum lp_status status = LP_OK;
    const int size = comm_size(comm);
    const int mine = (int)n_local, begin = (int)first;
    int *n_rows = calloc((size_t)size, sizeof *n_rows);
    int *begins = calloc((size_t)size, sizeof *begins);
    MPI_Datatype row;

    if (!n_rows || !begins || lp_fault("share_rows"))
        status = lp_fail(LP_ENOMEM, "no memory for the rows of %d ranks", size);
    LP_AGREE(comm);

    MPI_Allgather(&mine, 1, MPI_INT, n_rows, 1, MPI_INT, comm);
    MPI_Allgather(&begin, 1, MPI_INT, begins, 1, MPI_INT, comm);
    MPI_Type_contiguous((int)width, MPI_INT64_T, &row);
    MPI_Type_commit(&row);
    MPI_Allgatherv(MPI_IN_PLACE, 0, row, x, n_rows, begins, row, comm);
    MPI_Type_free(&row);
done:
    free(begins);
    free(n_rows);
    return status;
}

/* The largest |x|, at most 2^31. */
static int64_t most_of(const int64_t *x, int64_t n)
{
    int64_t most = 0;
    for (int64_t i = 0; i < n; ++i) {
        const int64_t size = x[i] < 0 ? -x[i] : x[i];
        most = size > most ? size : most;
    }
    return most < (int64_t)1 << 31 ? most : (int64_t)1 << 31;
}

/* 64-bit numbers to 32-bit ones in the same memory, and back. */
static void narrow(int64_t *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        const int32_t small = (int32_t)x[i];
        memcpy((char *)x + 4 * i, &small, 4);
    }
}
static void widen(int64_t *x, int64_t n)
{
    for (int64_t i = n; i-- > 0;) {
        int32_t small;
        memcpy(&small, (char *)x + 4 * i, 4);
        x[i] = small;
    }
}

int comm_sum_scatter_i64(MPI_Comm comm, int64_t *x, const int *count)
{
    const int size = comm_size(comm);
    int64_t n = 0;
    if (size == 1)
        return 8;
    for (int r = 0; r < size; ++r)
        n += count[r];
    if (comm_total(comm, most_of(x, n)) >= (int64_t)1 << 31) {
        MPI_Reduce_scatter(MPI_IN_PLACE, x, count, MPI_INT64_T, MPI_SUM, comm);
        return 8;
    }
    narrow(x, n);
    MPI_Reduce_scatter(MPI_IN_PLACE, x, count, MPI_INT32_T, MPI_SUM, comm);
    widen(x, count[comm_rank(comm)]);
    return 4;
}

void comm_share_f32(MPI_Comm comm, float *x, const int *count, const int *begin)
{
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, x, count, begin, MPI_FLOAT,
                   comm);
}

/* begins [size] of parts of these sizes, one behind the other; their sum. */
static int lay_out(const int *sizes, int *begins, int size)
{
    int sum = 0;
    for (int r = 0; r < size; ++r) {
        begins[r] = sum;
        sum += sizes[r];
    }
    return sum;
}

enum lp_status comm_exchange_rows(MPI_Comm comm, const void *send,
                                  const int64_t *n_to, int64_t row_bytes,
                                  void **rows, int64_t *n)
{
    enum lp_status status = LP_OK;
    const int size = comm_size(comm);
    int *to = malloc((size_t)size * sizeof *to);
    int *from = malloc((size_t)size * sizeof *from);
    int *to_begin = malloc((size_t)size * sizeof *to_begin);
    int *from_begin = malloc((size_t)size * sizeof *from_begin);
    MPI_Datatype row;

    *rows = NULL;
    if (!to || !from || !to_begin || !from_begin)
        status = lp_fail(LP_ENOMEM, "no memory for the rows of %d ranks", size);
    LP_AGREE(comm);
    for (int r = 0; r < size; ++r)
        to[r] = (int)n_to[r];
    MPI_Alltoall(to, 1, MPI_INT, from, 1, MPI_INT, comm);
    lay_out(to, to_begin, size);
    *n = lay_out(from, from_begin, size);
    *rows = malloc((size_t)(*n * row_bytes) + 1);
    if (!*rows || lp_fault("exchange_rows"))
        status = lp_fail(LP_ENOMEM, "no memory for %lld rows of %lld bytes",
                         (long long)*n, (long long)row_bytes);
    LP_AGREE(comm);

    MPI_Type_contiguous((int)row_bytes, MPI_BYTE, &row);
    MPI_Type_commit(&row);
    MPI_Alltoallv(send, to, to_begin, row, *rows, from, from_begin, row, comm);
    MPI_Type_free(&row);
done:
    free(to);
    free(from);
    free(to_begin);
    free(from_begin);
    return status;
}

MPI_Request comm_sum_start(MPI_Comm comm, const int64_t *send, int64_t *sum,
                           int n)
{
    MPI_Request request;
    MPI_Iallreduce(send, sum, n, MPI_INT64_T, MPI_SUM, comm, &request);
    return request;
}

bool comm_sum_ended(MPI_Request *request)
{
    int ended;
    MPI_Test(request, &ended, MPI_STATUS_IGNORE);
    return ended != 0;
}

void comm_serve(MPI_Comm comm)
{
    int found; /* nothing is: MPI moves on while it looks */
    for (int i = 0; i < SERVE_CALLS; ++i)
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &found,
                   MPI_STATUS_IGNORE);
}

bool comm_key_before(const struct comm_key *a, const struct comm_key *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    if (a->image != b->image)
        return a->image < b->image;
    return a->cell < b->cell;
}

void comm_key_keep(struct comm_key *list, int m, struct comm_key key)
{
    int i = m - 1;
    if (m < 1 || !comm_key_before(&key, &list[i]))
        return;
    for (; i > 0 && comm_key_before(&key, &list[i - 1]); --i)
        list[i] = list[i - 1];
    list[i] = key;
}

/* MPI_User_function: each element is one list of keys. */
static void merge_lists(void *in, void *inout, int *n, MPI_Datatype *type)
{
    int bytes;
    MPI_Type_size(*type, &bytes);
    const int m = bytes / (int)sizeof(struct comm_key);
    const struct comm_key *from = in;
    struct comm_key *into = inout;
    for (int i = 0; i < *n; ++i, from += m, into += m)
        for (int j = 0; j < m; ++j)
            comm_key_keep(into, m, from[j]);
}

enum lp_status comm_best_keys(MPI_Comm comm, struct comm_key *lists, int64_t n,
                              int m)
{
    MPI_Datatype type;
    MPI_Op op;
    const int64_t list_bytes = (int64_t)m * (int64_t)sizeof *lists;
    const int64_t most = MESSAGE_MOST / list_bytes;
    if (m < 1 || most < 1)
        return LP_EARG;
    MPI_Type_contiguous((int)list_bytes, MPI_BYTE, &type);
    MPI_Type_commit(&type);
    MPI_Op_create(merge_lists, 1, &op);
    for (int64_t i = 0; i < n; i += most)
        MPI_Allreduce(MPI_IN_PLACE, lists + i * m,
                      (int)(n - i < most ? n - i : most), type, op, comm);
    MPI_Op_free(&op);
    MPI_Type_free(&type);
    return LP_OK;
}
