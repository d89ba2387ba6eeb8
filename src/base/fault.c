/* SPDX-License-Identifier: MIT */
#include "lpcam/base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"

bool lp_fault(const char *site)
{
    static int visits;
    const char *wish = getenv("LPCAM_FAULT");
    const size_t n = strlen(site);
    char *end;

    if (!wish || strncmp(wish, site, n) != 0 || wish[n] != '@')
        return false;
    if (strtol(wish + n + 1, &end, 10) != log_rank())
        return false;
    ++visits;
    if (*end == ':' && strtol(end + 1, &end, 10) != visits)
        return false;
    if (*end != '!')
        return true;
    raise((int)strtol(end + 1, NULL, 10));
    return false;
}
