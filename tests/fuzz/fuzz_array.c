/* SPDX-License-Identifier: MIT */
/* Labels as a NumPy array of two photographs and three classes. */
#include "fuzz.h"

#include <string.h>

#include "dataset_build.h"

static struct config config;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const set[] = {"data.label_ids=ids.txt"};
    static const char ids[] = "a\nb\n", classes[] = "1 cat\n2 dog\n3 emu\n";
    (void)argc, (void)argv;
    fuzz_start_mpi();
    fuzz_configure(&config, set, 1);
    fuzz_subfolder("images");
    fuzz_file("images/a.jpg", "", 0);
    fuzz_file("images/b.png", "", 0);
    fuzz_file("ids.txt", ids, strlen(ids));
    fuzz_file("classes.txt", classes, strlen(classes));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dataset d = {0};
    fuzz_file("labels.txt", bytes, n);
    if (dataset_build(&d, &config, -1) == LP_OK)
        fuzz_check_dataset(&d);
    dataset_release(&d);
    return 0;
}
