/* SPDX-License-Identifier: MIT */
/* fit_judge.c: the new classifier on photographs it was not learned from. */
#include <stdlib.h>

#include "fit.h"
#include "lpcam/base/fault.h"
#include "lpcam/method/average_precision.h"
#include "lpcam/run/comm.h"

/* What the classifier says of a photograph, and what is in it. */
static struct ranked score(const struct fit_rows *rows, const struct head *head,
                           int64_t i, int c)
{
    const float *x = rows->x + i * rows->views * rows->d;
    const float *w = head->weight + (int64_t)c * head->d;
    double z = (double)head->bias[c];
    for (int j = 0; j < head->d; ++j)
        z += (double)w[j] * (double)x[j];
    return (struct ranked){z, rows->y[i * rows->views * head->n + c]};
}

/* Classes first, first + 1, ... to ranks 0, 1, ...; the one that comes to this
 * rank is judged here. */
static enum lp_status judge_round(const struct fit_rows *rows,
                                  const struct head *head, int first,
                                  struct ranked *send, int64_t *n_to,
                                  double *ap, MPI_Comm comm)
{
    enum lp_status status;
    struct ranked *to = send;
    void *all = NULL;
    int64_t n;
    for (int r = 0; r < comm_size(comm); ++r) {
        n_to[r] = first + r < head->n ? rows->n : 0;
        for (int64_t i = 0; i < n_to[r]; ++i)
            *to++ = score(rows, head, i, first + r);
    }
    LP_TRY(comm_exchange_rows(comm, send, n_to, sizeof *send, &all, &n));
    if (first + comm_rank(comm) < head->n)
        ap[first + comm_rank(comm)] = average_precision(all, n);
done:
    free(all);
    return status;
}

enum lp_status fit_judge(const struct fit_rows *rows, const struct head *head,
                         double *ap, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n_ranks = comm_size(comm);
    struct ranked *send =
        malloc(((size_t)rows->n * (size_t)n_ranks + 1) * sizeof *send);
    int64_t *n_to = malloc((size_t)n_ranks * sizeof *n_to);

    if (!send || !n_to || lp_fault("fit_judge"))
        status = lp_fail(LP_ENOMEM, "no memory for the scores of %lld images",
                         (long long)rows->n);
    LP_AGREE(comm);
    for (int c = 0; c < head->n; ++c)
        ap[c] = -1;
    for (int c = 0; c < head->n; c += n_ranks)
        LP_TRY(judge_round(rows, head, c, send, n_to, ap, comm));
    comm_max_f64(comm, ap, head->n);
done:
    free(send);
    free(n_to);
    return status;
}

double fit_mean(const double *ap, int n)
{
    double sum = 0;
    int there = 0;
    for (int c = 0; c < n; ++c)
        if (ap[c] >= 0) {
            sum += ap[c];
            ++there;
        }
    return there > 0 ? sum / there : -1;
}
