/* SPDX-License-Identifier: MIT */
/* colours.h: the colours of values, wherever maps are drawn. Local. */
#ifndef LPCAM_COLOURS_H
#define LPCAM_COLOURS_H

#include <stdint.h>

/* The colours (sRGB) of the values 0 to 1 in 256 steps: from dark blue over red
 * to pale yellow, lighter with every step, and neighbours equally far apart to
 * the eye (in OKLab, where the path is a spiral of steadily rising lightness). */
void value_colours(uint8_t rgb[256][3]);

#endif
