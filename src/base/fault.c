/* SPDX-License-Identifier: MIT */
#include "lpcam/base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"

static int visits;
static void (*watcher)(const char *site);

void lp_fault_watch(void (*seen)(const char *site))
{
    visits = 0;
    watcher = seen;
}

bool lp_fault(const char *site)
{
    const char *wish = getenv("LPCAM_FAULT"), *folder = strrchr(site, '/');
    if (folder)
        site = folder + 1;
    const size_t n = strlen(site);
    char *end;

    if (watcher)
        watcher(site);
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
