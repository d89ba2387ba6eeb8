/* SPDX-License-Identifier: MIT */
#include "lpcam/run/stop.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked;

static void note(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

void stop_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART; /* reads and writes go on */
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN; /* too large a file: the write says so */
    sigaction(SIGXFSZ, &action, NULL);
}

bool stop_asked(void)
{
    return asked != 0;
}
