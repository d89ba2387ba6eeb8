/* SPDX-License-Identifier: MIT */
/* stop.h: SIGTERM and SIGUSR1 ask the job to stop cleanly. Local. */
#ifndef LPCAM_STOP_H
#define LPCAM_STOP_H

#include <stdbool.h>

/* From now on both signals only set a flag. */
void stop_install(void);

/* Has this rank been asked to stop? */
bool stop_asked(void);

#endif
