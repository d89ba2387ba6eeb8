/* SPDX-License-Identifier: MIT */
/* network_parts.h: what network.c and network_grids.c share. Local. */
#ifndef LPCAM_NETWORK_PARTS_H
#define LPCAM_NETWORK_PARTS_H

#include "lpcam/net/network.h"

/* Features must be a map of as many channels as the linear layer weighs; else
 * LP_EMODEL, reported. */
enum lp_status network_check_map(const struct network *net,
                                 const int64_t shape[4], int rank);

#endif
