/* SPDX-License-Identifier: MIT */
/* image.h: a photograph as 8-bit RGB, and as the network's input. Local.
 * method.md step 1: gray is replicated, CMYK and YCCK converted as Pillow
 * does, 16 bits reduced to 8, alpha dropped, EXIF orientation ignored. */
#ifndef LPCAM_IMAGE_H
#define LPCAM_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

/* A file of more is refused: most such headers are broken or hostile. */
#define IMAGE_MOST_SIDE   65535
#define IMAGE_MOST_PIXELS ((int64_t)1 << 28)

struct image {
    int h, w;     /* pixels                                               */
    uint8_t *rgb; /* [h][w][3]                                            */
    int64_t room; /* bytes allocated behind rgb, kept between images      */
};

/* Read a JPEG or PNG file, told apart by content. Reuses img's memory.
 * A file that is missing, truncated or broken gives LP_EDATA without a report:
 * why [256] says in words what is wrong. LP_ENOMEM is reported. */
enum lp_status image_read(const char *path, struct image *img, char why[256]);

/* Height and width from the header alone; same failures. */
enum lp_status image_read_size(const char *path, int *h, int *w, char why[256]);

/* Make room for h x w pixels; LP_ENOMEM is reported. */
enum lp_status image_reserve(struct image *img, int h, int w);
void image_release(struct image *img);

/* round(side * scale), halves to even, at least 1. */
int image_scaled(int side, double scale);

/* The normalisation as a table: (v/255 - mean)/std in double, rounded once;
 * mean and std in the order of the input's channels. */
struct image_norm {
    float table[3][256]; /* [channel of the input][value]                  */
    int channel[3];      /* which of r, g, b each input channel reads      */
};
void image_norm_init(struct image_norm *norm, const double mean[3],
                     const double std[3], bool bgr);

/* chw [3][h][w] from img; mirror reverses each row. */
void image_to_input(const struct image *img, const struct image_norm *norm,
                    bool mirror, float *chw);

#endif
