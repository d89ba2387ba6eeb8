/* SPDX-License-Identifier: MIT */
/* fit_judge.c: the new classifier on photographs it was not learned from. */
#include <stdlib.h>

#include "fit.h"
#include "lpcam/base/fault.h"
#include "lpcam/method/average_precision.h"
#include "lpcam/run/comm.h"

/* What the classifier says of a photograph's features x. */
static double score(const struct head *head, const float *x, int c)
{
    const float *w = head->weight + (int64_t)c * head->d;
    double z = (double)head->bias[c];
    for (int j = 0; j < head->d; ++j)
        z += (double)w[j] * (double)x[j];
    return z;
}

enum lp_status fit_judge(const struct fit_rows *rows, const struct head *head,
                         double *ap, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n = head->n;
    double *all = malloc(((size_t)rows->n * (size_t)n + 1) * sizeof *all);

    if (!all || lp_fault("fit_judge"))
        status = lp_fail(LP_ENOMEM, "no memory for the scores of %lld images",
                         (long long)rows->n);
    LP_AGREE(comm);
    for (int64_t i = 0; i < rows->n; ++i)
        for (int c = 0; c < n; ++c)
            all[i * n + c] = score(head, rows->x + i * rows->d, c);
    LP_TRY(average_precisions(all, rows->y, rows->n, n, ap, comm));
done:
    free(all);
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
