/* SPDX-License-Identifier: MIT */
#include "lpcam/method/average_precision.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"

/* By score, the largest first. */
static int compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

double average_precision(struct ranked *x, int64_t n)
{
    double sum = 0;
    int64_t positives = 0;
    if (n > 0)
        qsort(x, (size_t)n, sizeof *x, compare);
    for (int64_t i = 0, end; i < n; i = end) {
        int64_t met = 0;
        for (end = i; end < n && x[end].score == x[i].score; ++end)
            met += x[end].positive;
        positives += met;
        sum += (double)met * (double)positives / (double)end;
    }
    return positives > 0 ? sum / (double)positives : -1;
}

struct round {
    const double *score;
    const uint8_t *truth;
    int64_t n;
    int n_classes;
    struct ranked *send; /* [n] a rank                                     */
    int64_t *n_to;       /* [ranks]                                        */
};

/* Classes first, first + 1, ... to ranks 0, 1, ...; the one that comes to this
 * rank is judged here. */
static enum lp_status judge(const struct round *r, int first, double *ap,
                            MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n = r->n_classes, own = first + comm_rank(comm);
    struct ranked *to = r->send;
    void *rows = NULL;
    int64_t n_rows;

    for (int rank = 0; rank < comm_size(comm); ++rank) {
        const int c = first + rank;
        r->n_to[rank] = c < n ? r->n : 0;
        for (int64_t i = 0; i < r->n_to[rank]; ++i)
            *to++ = (struct ranked){r->score[i * n + c], r->truth[i * n + c]};
    }
    LP_TRY(comm_exchange_rows(comm, r->send, r->n_to, sizeof *r->send, &rows,
                              &n_rows));
    if (own < n)
        ap[own] = average_precision(rows, n_rows);
done:
    free(rows);
    return status;
}

enum lp_status average_precisions(const double *score, const uint8_t *truth,
                                  int64_t n, int n_classes, double *ap,
                                  MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n_ranks = comm_size(comm);
    struct round r = {score, truth, n, n_classes, NULL, NULL};

    r.send = malloc(((size_t)n * (size_t)n_ranks + 1) * sizeof *r.send);
    r.n_to = malloc((size_t)n_ranks * sizeof *r.n_to);
    if (!r.send || !r.n_to || lp_fault("average_precisions"))
        status =
            lp_fail(LP_ENOMEM, "no memory to rank %lld images", (long long)n);
    LP_AGREE(comm);
    memset(ap, 0, (size_t)n_classes * sizeof *ap);
    for (int c = 0; c < n_classes; c += n_ranks)
        LP_TRY(judge(&r, c, ap, comm));
    comm_sum_f64(comm, ap, n_classes); /* one rank's and zeros */
done:
    free(r.send);
    free(r.n_to);
    return status;
}
