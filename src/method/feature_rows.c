/* SPDX-License-Identifier: MIT */
#include "lpcam/method/feature_rows.h"

#include <float.h>
#include <math.h>

/* A tile of cells x channels that stays in the first cache. */
enum { TILE = 32 };

float feature_rows_most(enum lp_value type)
{
    return type == LP_F16 ? 65504.0f : FLT_MAX;
}

/* x - x is 0 unless x is infinite or no number. */
float feature_rows_largest(const float *x, int64_t n)
{
    float most = 0, wrong = 0;
    for (int64_t i = 0; i < n; ++i) {
        const float a = fabsf(x[i]);
        wrong += x[i] - x[i];
        most = a > most ? a : most;
    }
    return wrong == 0 ? most : INFINITY;
}

float feature_rows_pack(const float *f, int d, int64_t cells,
                        enum lp_value type, void *rows)
{
    float tile[TILE][TILE];
    const int bytes = value_bytes(type);
    char *out = rows;
    for (int64_t i = 0; i < cells; i += TILE) {
        const int64_t ni = cells - i < TILE ? cells - i : TILE;
        for (int c = 0; c < d; c += TILE) {
            const int nc = d - c < TILE ? d - c : TILE;
            for (int b = 0; b < nc; ++b)
                for (int64_t a = 0; a < ni; ++a)
                    tile[a][b] = f[(c + b) * cells + i + a];
            for (int64_t a = 0; a < ni; ++a)
                value_from_f32(type, tile[a], nc,
                               out + ((i + a) * d + c) * bytes);
        }
    }
    return feature_rows_largest(f, d * cells);
}
