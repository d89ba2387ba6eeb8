/* SPDX-License-Identifier: MIT */
/* A segmentation of COCO, behind four bytes for the height and width of the
 * photograph: polygons, run lengths, compressed run lengths. */
#include "fuzz.h"

#include <stdlib.h>

#include "lpcam/data/coco_shape.h"

/* Seldom large, which is slow. */
static int side(const uint8_t *bytes)
{
    return 1 + bytes[0] + (bytes[1] > 250 ? 768 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct coco_shape shape = {0};
    char why[256];
    if (n < 4)
        return 0;
    const int h = side(bytes), w = side(bytes + 2);
    uint8_t *columns = calloc((size_t)h * (size_t)w, 1);
    char *json = malloc(n - 4 + 1); /* so that its end is guarded */
    for (size_t i = 4; i < n; ++i)
        json[i - 4] = (char)bytes[i];
    for (int twice = 0; twice < 2; ++twice)
        (void)coco_shape_paint(&shape, json, n - 4, h, w, 7, columns, why);
    for (int64_t i = 0; i < (int64_t)h * w; ++i)
        fuzz_require(columns[i] == 0 || columns[i] == 7);
    coco_shape_release(&shape);
    free(columns);
    free(json);
    return 0;
}
