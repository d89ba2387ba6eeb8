/* SPDX-License-Identifier: MIT */
/* settings.h: do two runs agree? Settings are lines "key = value". Local. */
#ifndef LPCAM_SETTINGS_H
#define LPCAM_SETTINGS_H

#include <stdbool.h>

#include "lpcam/base/status.h"

/* Every line of ours must be among theirs, those of the file at path; with
 * `both`, every line of theirs among ours too; without it, what was made of
 * features from elsewhere need not have a key. LP_EARG names the first that
 * differs, with both values, then the advice. */
enum lp_status settings_compare(const char *path, const char *theirs,
                                const char *ours, bool both,
                                const char *advice);

#define SETTINGS_ADVICE "choose another run.out or remove the file"

#endif
