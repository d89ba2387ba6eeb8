/* SPDX-License-Identifier: MIT */
/* A checkpoint of a clustering whose name and SHA-256 are right, from its sizes
 * on; and as it is, without these. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/store/checkpoint_file.h"

enum { NAME_BYTES = 24, HASH_BYTES = 72 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_mpi();
    return 0;
}

static void visit(const struct kmeans_past *past)
{
    const int64_t n = past->n_problems;
    double sum = 0;
    for (int64_t i = 0; i < n * past->k * past->d; ++i)
        sum += (double)past->center[i];
    for (int64_t i = 0; i < n * past->n_steps; ++i)
        sum += past->step[i].objective;
    for (int64_t i = 0; i < n; ++i)
        sum += past->iterations[i] + past->why[i];
    fuzz_require(past->n_steps > 0 || sum == 0);
}

static void read_it(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_file("checkpoint", bytes, n);
    const struct kmeans km = {.n_problems = 2, .k = 2, .d = 2};
    struct kmeans_past past = {0};
    if (checkpoint_read(path, "k = 2\n", &km, &past, MPI_COMM_SELF) == LP_OK)
        visit(&past);
    kmeans_past_release(&past);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char name[] = "lpcam checkpoint 1";
    uint8_t *file = calloc(NAME_BYTES + HASH_BYTES + n, 1);
    fuzz_require(file);
    memcpy(file, name, sizeof name);
    hash_sha256(bytes, n, (char *)file + NAME_BYTES);
    if (n > 0)
        memcpy(file + NAME_BYTES + HASH_BYTES, bytes, n);
    read_it(file, NAME_BYTES + HASH_BYTES + n);
    read_it(bytes, n);
    free(file);
    return 0;
}
