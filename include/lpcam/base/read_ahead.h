/* SPDX-License-Identifier: MIT */
/* read_ahead.h: parts of a file, read by a thread of its own while the caller
 * works on the parts before. All functions are Local, for one thread at a time.
 *
 * Two buffers take turns. Reads go round the system's cache (O_DIRECT) into
 * huge pages: that takes a hundredth of the processor's time that copies out of
 * the cache take, and leaves the memory of others alone. A file system that
 * refuses it is read in the usual way. */
#ifndef LPCAM_READ_AHEAD_H
#define LPCAM_READ_AHEAD_H

#include <stdint.h>

#include "lpcam/base/status.h"

struct read_ahead;

struct read_range {
    int64_t at, n;     /* bytes [at, at + n) of the file                   */
    const char *bytes; /* out: where they are; their address modulo 4096 is
                          that of at                                       */
};

/* Each buffer has room for so many bytes in so many ranges. *r is NULL after a
 * failure: LP_EIO, LP_ENOMEM. */
enum lp_status read_ahead_open(struct read_ahead **r, const char *path,
                               int64_t room, int n_ranges);

/* Begin to read ranges [n], which belong to the reader until the wait. Ends
 * the life of the bytes of the begin before the last. What was begun before
 * must have been waited for. */
void read_ahead_begin(struct read_ahead *r, struct read_range *range, int n);

/* Wait until all that was begun is there. LP_EIO names the file and the byte. */
enum lp_status read_ahead_wait(struct read_ahead *r);

/* Also while it reads; NULL allowed. */
void read_ahead_close(struct read_ahead *r);

#endif
