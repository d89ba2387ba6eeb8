/* SPDX-License-Identifier: MIT */
/* A photograph, and the same file as a mask. */
#include "fuzz.h"

#include "lpcam/base/hash.h"
#include "lpcam/data/image.h"
#include "lpcam/data/mask.h"

/* Every pixel is there. */
static void look_at(const uint8_t *bytes, int64_t n)
{
    char hex[65];
    hash_sha256(bytes, (size_t)n, hex);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_file("photograph", bytes, n);
    struct image image = {0};
    struct mask mask = {0};
    char why[256];
    int h = 0, w = 0;

    const bool has_size = image_read_size(path, &h, &w, why) == LP_OK;
    if (image_read(path, &image, why) == LP_OK) {
        fuzz_require(has_size && image.h == h && image.w == w && h > 0 &&
                     w > 0);
        look_at(image.rgb, 3 * (int64_t)h * w);
    }
    if (mask_read(path, &mask, why) == LP_OK) {
        fuzz_require(has_size && mask.h == h && mask.w == w);
        look_at(mask.value, (int64_t)h * w);
    }
    image_release(&image);
    mask_release(&mask);
    return 0;
}
