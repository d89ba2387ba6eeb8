/* SPDX-License-Identifier: MIT */
/* A configuration file, and behind a form feed what --set says. What is read
 * can be written and read again. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_mpi();
    return 0;
}

static void read_again(const struct config *config)
{
    struct config twin;
    char *text = config_text(config), *again;
    const char *path = fuzz_file("again.ini", text, strlen(text));
    fuzz_require(config_load(&twin, path, NULL, 0, MPI_COMM_SELF) == LP_OK);
    again = config_text(&twin);
    fuzz_require(strcmp(text, again) == 0);
    free(again);
    free(text);
    config_release(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct config config;
    struct fuzz_piece piece[2];
    fuzz_split(bytes, n, piece, 2);
    const char *path = fuzz_file("config.ini", piece[0].bytes, piece[0].n);
    char *set = calloc(piece[1].n + 1, 1);
    memcpy(set, piece[1].bytes, piece[1].n);
    const char *sets[] = {"run.out=x", set};
    if (config_load(&config, path, sets, *set ? 2 : 1, MPI_COMM_SELF) == LP_OK)
        read_again(&config);
    config_release(&config);
    free(set);
    return 0;
}
