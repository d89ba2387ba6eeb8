/* SPDX-License-Identifier: MIT */
/* The XML annotation of the only photograph of a VOC folder. */
#include "fuzz.h"

#include "dataset_build.h"

static struct config config;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const set[] = {"data.layout=voc", "data.list=list.txt"};
    (void)argc, (void)argv;
    fuzz_start_mpi();
    fuzz_configure(&config, set, 2);
    fuzz_subfolder("JPEGImages");
    fuzz_subfolder("Annotations");
    fuzz_file("JPEGImages/a.jpg", "", 0);
    fuzz_file("list.txt", "a", 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct dataset d = {0};
    fuzz_file("Annotations/a.xml", bytes, n);
    if (dataset_build(&d, &config, -1) == LP_OK)
        fuzz_check_dataset(&d);
    dataset_release(&d);
    return 0;
}
