/* SPDX-License-Identifier: MIT */
/* size.h: products and sums of sizes that a file claims. All functions are
 * Local. */
#ifndef LPCAM_SIZE_H
#define LPCAM_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* *n *= by, or *n += more; false, and *n is as it was, where one of them is
 * negative or the result is above INT64_MAX. */
static inline bool size_multiply(int64_t *n, int64_t by)
{
    if (*n < 0 || by < 0 || (by > 0 && *n > INT64_MAX / by))
        return false;
    *n *= by;
    return true;
}

static inline bool size_add(int64_t *n, int64_t more)
{
    if (*n < 0 || more < 0 || *n > INT64_MAX - more)
        return false;
    *n += more;
    return true;
}

#endif
