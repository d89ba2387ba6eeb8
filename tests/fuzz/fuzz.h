/* SPDX-License-Identifier: MIT */
/* fuzz.h: what the harnesses share. A harness fuzz_X.c hands bytes to one
 * reader of the program. clang's libFuzzer drives it (preset fuzz, fuzz.sh), or
 * replay.c, which is the test fuzz.X. */
#ifndef LPCAM_FUZZ_H
#define LPCAM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "lpcam/data/dataset.h"
#include "lpcam/run/config.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What must be true of a result whatever was read; aborts where it is not. */
#define fuzz_require(cond) ((cond) ? (void)0 : fuzz_complain(#cond))
void fuzz_complain(const char *what);

/* A folder of the process' own in memory, removed when it ends. */
const char *fuzz_folder(void);

/* Its file (or, without bytes, its folder) of that name, made anew; a static
 * buffer, valid until the eighth next call. */
const char *fuzz_file(const char *name, const void *bytes, size_t n);
const char *fuzz_subfolder(const char *name);

/* A piece of the input. Pieces stand between form feeds (the byte 12), which no
 * text file has; those that are lacking are empty. */
struct fuzz_piece {
    const uint8_t *bytes;
    size_t n;
};
void fuzz_split(const uint8_t *bytes, size_t n, struct fuzz_piece *piece,
                int n_pieces);

/* MPI with this one rank, whose own leaks are not looked for. */
void fuzz_start_mpi(void);

/* The defaults, with n texts "section.key=value"; data.root is the folder. */
void fuzz_configure(struct config *config, const char *const *set, int n);

/* Look at all of a data set that was read. */
void fuzz_check_dataset(const struct dataset *d);

#endif
