/* SPDX-License-Identifier: MIT */
/* The file of start rows, kmeans.rows. */
#include "fuzz.h"

#include <stdlib.h>

#include "lpcam/method/start_rows.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_mpi();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum { K = 3, N_CLASSES = 2, N_IMAGES = 2 };
    int64_t name_at[] = {0, 4}, id_at[] = {8, 10};
    char text[] = "cat\0dog\0a\0b";
    const struct dataset d = {.n_images = N_IMAGES,
                              .n_classes = N_CLASSES,
                              .text = text,
                              .id_at = id_at,
                              .name_at = name_at};
    struct kmeans_start *start = NULL;
    const char *path = fuzz_file("rows.tsv", bytes, n);
    if (start_rows_read(path, &d, K, &start, MPI_COMM_SELF) == LP_OK)
        for (int i = 0; i < 2 * N_CLASSES * K; ++i)
            fuzz_require(start[i].image >= -1 && start[i].image < N_IMAGES &&
                         start[i].cell >= -1);
    free(start);
    return 0;
}
