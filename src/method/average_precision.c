/* SPDX-License-Identifier: MIT */
#include "lpcam/method/average_precision.h"

#include <stdlib.h>

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
