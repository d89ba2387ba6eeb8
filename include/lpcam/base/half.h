/* SPDX-License-Identifier: MIT */
/* half.h: 16-bit floating point, IEEE binary16 (f16) and bfloat16 (bf16).
 * Rounds to nearest even; f16 overflow gives infinity. Local. */
#ifndef LPCAM_HALF_H
#define LPCAM_HALF_H

#include <stdint.h>

/* How a number is stored. */
enum lp_value { LP_F32, LP_F16, LP_BF16, LP_U8 };

int value_bytes(enum lp_value type);        /* 4, 2, 2, 1             */
const char *value_name(enum lp_value type); /* "f32", "f16", ...      */

/* n numbers from f32 to type and back; source and target do not overlap.
 * u8 holds [0, 1] in 255 steps. */
void value_from_f32(enum lp_value type, const float *x, int64_t n, void *out);
void value_to_f32(enum lp_value type, const void *x, int64_t n, float *out);

#endif
