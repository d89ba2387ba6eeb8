/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MADV_HUGEPAGE */

#include "lpcam/base/pages.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_BYTES ((int64_t)2 << 20)

void *pages_new(int64_t n)
{
    const int64_t unit = n < HUGE_BYTES ? PAGE_BYTES : HUGE_BYTES;
    const int64_t bytes = (n + unit - 1) / unit * unit;
    void *p = NULL;
    if (bytes < n ||
        posix_memalign(&p, (size_t)unit, (size_t)(bytes + !bytes)) != 0)
        return NULL;
    if (unit == HUGE_BYTES) /* a wish */
        madvise(p, (size_t)bytes, MADV_HUGEPAGE);
    return p;
}
