/* SPDX-License-Identifier: MIT */
#include "lpcam/base/status.h"

const char *lp_status_name(enum lp_status status)
{
    static const char *const name[] = {
        "ok",          "a peer failed", "stopped", "broken data", "no memory",
        "file system", "format",        "model",   "wrong value", "usage"};
    return status <= LP_EUSAGE ? name[status] : "unknown";
}

int lp_exit_code(enum lp_status status)
{
    switch (status) {
    case LP_OK:
    case LP_EPEER:
        return 0;
    case LP_STOP:
        return 75;
    case LP_EUSAGE:
        return 2;
    default:
        return 1;
    }
}
