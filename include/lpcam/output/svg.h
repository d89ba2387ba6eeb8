/* SPDX-License-Identifier: MIT */
/* svg.h: small charts of curves that read on light and dark pages, 420 x 300
 * units each, side by side. Local. */
#ifndef LPCAM_SVG_H
#define LPCAM_SVG_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/text.h"

#define SVG_MAX_SERIES 6

struct svg_series {
    const char *name;
    int colour; /* 0 .. SVG_MAX_SERIES - 1                                  */
    const double *x, *y; /* [n]; what is no number is left out              */
    int n;
    int mark; /* the point to be marked, with its values; -1: none     */
};

/* Axes begin and end at round numbers around the values. */
struct svg_chart {
    const char *title, *x_label, *y_label; /* units in the labels          */
    bool log_y;                            /* values <= 0 are left out     */
    struct svg_series series[SVG_MAX_SERIES];
    int n_series;
};

/* Append a whole SVG file with n charts; false without memory. Texts are
 * UTF-8. */
bool svg_add(struct text_buffer *b, const struct svg_chart *chart, int n);

/* The same to a file, as text_write does. LP_EIO, LP_ENOMEM, reported. */
enum lp_status svg_write(const char *path, const struct svg_chart *chart,
                         int n);

#endif
