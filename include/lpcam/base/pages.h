/* SPDX-License-Identifier: MIT */
/* pages.h: large blocks of memory. Local. */
#ifndef LPCAM_PAGES_H
#define LPCAM_PAGES_H

#include <stdint.h>

#define PAGE_BYTES ((int64_t)4096)

/* n bytes, at least one page aligned; in huge pages where they fill one and
 * the system has them, which spares page faults and translations. free() ends
 * it. NULL without memory. */
void *pages_new(int64_t n);

#endif
