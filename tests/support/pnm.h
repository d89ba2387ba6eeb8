/* SPDX-License-Identifier: MIT */
/* pnm.h: the pixels that tests/data/make_pillow.py has stored. */
#ifndef LPCAM_TEST_PNM_H
#define LPCAM_TEST_PNM_H

#include <stdio.h>
#include <stdlib.h>

#include "support.h"

struct pnm {
    int h, w, channels; /* 3 of a PPM, 1 of a PGM                         */
    uint8_t *bytes;     /* [h][w][channels], free                         */
};

static inline struct pnm pnm_read(const char *name)
{
    struct pnm p = {0};
    char kind = 0;
    FILE *file = fopen(test_data(name), "rb");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "P%c %d %d 255", &kind, &p.w, &p.h), 3);
    assert_int_equal(fgetc(file), '\n');
    p.channels = kind == '6' ? 3 : 1;
    const size_t n = (size_t)p.h * (size_t)p.w * (size_t)p.channels;
    p.bytes = malloc(n);
    assert_non_null(p.bytes);
    assert_int_equal(fread(p.bytes, 1, n, file), n);
    fclose(file);
    return p;
}

/* Are these h x w pixels those of p? Says where the first difference is. */
static inline bool pnm_equals(const struct pnm *p, int h, int w,
                              const uint8_t *bytes)
{
    if (h != p->h || w != p->w) {
        print_error("%d x %d, not %d x %d\n", w, h, p->w, p->h);
        return false;
    }
    for (int i = 0; i < h * w * p->channels; ++i)
        if (bytes[i] != p->bytes[i]) {
            print_error("row %d, column %d, channel %d: %d, not %d\n",
                        i / p->channels / w, i / p->channels % w,
                        i % p->channels, bytes[i], p->bytes[i]);
            return false;
        }
    return true;
}

#endif
