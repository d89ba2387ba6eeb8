/* SPDX-License-Identifier: MIT */
/* fault.h: failures on demand, so that the error paths are run by tests. */
#ifndef LPCAM_FAULT_H
#define LPCAM_FAULT_H

#include <stdbool.h>

/* This line of this file, "comm.c:132", as the name of a site. */
#define LP_SITE        __FILE__ ":" LP_TEXT_OF(__LINE__)
#define LP_TEXT_OF(x)  LP_TEXT_OF_(x)
#define LP_TEXT_OF_(x) #x

/* True when the environment asks this site to fail on this rank now:
 * LPCAM_FAULT=site@rank fails at each visit, site@rank:n at the n-th only
 * (from 1); with !SIGNAL behind, the process gets that signal there instead.
 * The sites are the strings in the sources, without their folders, and every
 * LP_AGREE. Local. */
bool lp_fault(const char *site);

/* Count visits from 1 again, and tell seen of every visit of any site; NULL: no
 * longer. For the test that visits them all. Local. */
void lp_fault_watch(void (*seen)(const char *site));

#endif
