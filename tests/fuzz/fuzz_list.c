/* SPDX-License-Identifier: MIT */
/* The text files of layout list: labels, classes, list, names of the model's
 * rows. */
#include "fuzz.h"

#include <stdio.h>

#include "dataset_build.h"

static struct config config[2];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char rows[300];
    const char *set[] = {"data.background=no", "data.label_numbers=positions",
                         "data.list=list.txt", rows};
    (void)argc, (void)argv;
    fuzz_start_mpi();
    fuzz_subfolder("images");
    fuzz_file("images/a.jpg", "", 0);
    fuzz_file("images/b.png", "", 0);
    snprintf(rows, sizeof rows, "model.classes=%s", fuzz_file("rows", "", 0));
    fuzz_configure(&config[0], NULL, 0);
    fuzz_configure(&config[1], set, 4);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const name[] = {"labels.txt", "classes.txt", "list.txt",
                                       "rows"};
    struct fuzz_piece piece[4];
    fuzz_split(bytes, n, piece, 4);
    for (int i = 0; i < 4; ++i)
        fuzz_file(name[i], piece[i].bytes, piece[i].n);
    for (int i = 0; i < 2; ++i) {
        struct dataset d = {0};
        if (dataset_build(&d, &config[i], -1) == LP_OK)
            fuzz_check_dataset(&d);
        dataset_release(&d);
    }
    return 0;
}
