/* SPDX-License-Identifier: MIT */
/* readers.h: what reads the program's HDF5 files, and what must be true then. */
#ifndef LPCAM_FUZZ_READERS_H
#define LPCAM_FUZZ_READERS_H

#include <stdint.h>

/* What a file is taken for. */
enum fuzz_kind {
    FUZZ_FEATURES,
    FUZZ_PROTOTYPES,
    FUZZ_MAPS,
    FUZZ_VIEWS,
    FUZZ_POOLED,
    FUZZ_BASIS,
    FUZZ_REDUCED, /* features in fewer dimensions: norms and a basis        */
    FUZZ_CENTERS, /* prototypes, as the gallery reads them                  */
    N_FUZZ_KINDS
};

/* Who reads it: the loader, the job check, another job that works with what was
 * loaded, or the one that writes such a file and had begun this one. */
enum fuzz_way { FUZZ_LOAD, FUZZ_CHECK, FUZZ_USE, FUZZ_RESUME, N_FUZZ_WAYS };

/* The first byte of an input says both. */
enum fuzz_kind fuzz_kind_of(uint8_t first);
enum fuzz_way fuzz_way_of(uint8_t first);

/* Read the file at path as such a file, all of it. */
void read_store(enum fuzz_kind kind, enum fuzz_way way, const char *path);

/* FUZZ_USE, of the data set of two images a and b, classes x and y: a shows x,
 * b both; FUZZ_RESUME, which writes both images and moves the file away. */
void use_store(enum fuzz_kind kind, const char *path);
void resume_store(enum fuzz_kind kind, const char *path);

struct dataset;
const struct dataset *fuzz_dataset(void);

#endif
