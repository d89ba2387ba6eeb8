/* SPDX-License-Identifier: MIT */
/* fma_probe.c: the multiply-add peak of one core, single precision, in
 * GFLOP/s: the best of twenty slices of 5 ms. Built with probe.c. */
#include <stdio.h>

#include "probe.h"

int main(void)
{
    double best = 0;

    for (int i = 0; i < 20; ++i) {
        const double gflops = probe_fma_gflops(1, 0.005);
        best = gflops > best ? gflops : best;
    }
    printf("%.1f\n", best);
    return 0;
}
