/* SPDX-License-Identifier: MIT */
/* replay.c: a harness' main where libFuzzer is not: every file of the folders
 * given goes through LLVMFuzzerTestOneInput once. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/text.h"

/* Harnesses that need no start have none. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int replay(const char *folder)
{
    int n_files = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir)) != NULL) {
        char *path = text_path(folder, entry->d_name), *bytes = NULL;
        size_t n;
        if (entry->d_name[0] != '.' && text_read(path, &bytes, &n) == LP_OK) {
            fprintf(stderr, "--- %s\n", entry->d_name);
            LLVMFuzzerTestOneInput((const uint8_t *)bytes, n);
            ++n_files;
        }
        free(bytes);
        free(path);
    }
    if (dir)
        closedir(dir);
    return n_files;
}

int main(int argc, char **argv)
{
    int n_files = 0;
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; ++i)
        n_files += replay(argv[i]);
    fprintf(stderr, "%d inputs\n", n_files);
    return n_files == 0;
}
