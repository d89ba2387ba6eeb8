/* SPDX-License-Identifier: MIT */
/* fault.h: failures on demand, so that the error paths are run by tests. */
#ifndef LPCAM_FAULT_H
#define LPCAM_FAULT_H

#include <stdbool.h>

/* True when the environment asks this site to fail on this rank now:
 * LPCAM_FAULT=site@rank fails at each visit, site@rank:n at the n-th only
 * (from 1); with !SIGNAL behind, the process gets that signal there instead.
 * The sites are the strings in the sources. Local. */
bool lp_fault(const char *site);

#endif
