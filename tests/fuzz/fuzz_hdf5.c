/* SPDX-License-Identifier: MIT */
/* The bytes of an HDF5 file, behind one that says which of the program's files
 * it is taken for. Most of what this finds lies inside the HDF5 library, which
 * is not ours: fuzz_store.c makes good HDF5 files that hold nonsense. */
#include "fuzz.h"

#include "readers.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_mpi();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n > 0)
        read_store(fuzz_kind_of(bytes[0]), fuzz_way_of(bytes[0]),
                   fuzz_file("store.h5", bytes + 1, n - 1));
    return 0;
}
