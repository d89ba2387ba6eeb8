/* SPDX-License-Identifier: MIT */
/* readers.h: what reads the program's HDF5 files, and what must be true then. */
#ifndef LPCAM_FUZZ_READERS_H
#define LPCAM_FUZZ_READERS_H

enum reader { READ_FEATURES, READ_PROTOTYPES, READ_MAPS, N_READERS };

/* Read the file at path as such a file, all of it. */
void read_store(enum reader reader, const char *path);

#endif
