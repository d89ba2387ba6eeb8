/* SPDX-License-Identifier: MIT */
#include "lpcam/output/rle.h"

#include <string.h>

/* Pixels turned together: both sides of a tile stay in the first cache. */
#define TILE 32

void rle_columns(const uint8_t *pixel, int h, int w, uint8_t *column)
{
    for (int y0 = 0; y0 < h; y0 += TILE)
        for (int x0 = 0; x0 < w; x0 += TILE) {
            const int y1 = h - y0 < TILE ? h : y0 + TILE;
            const int x1 = w - x0 < TILE ? w : x0 + TILE;
            for (int x = x0; x < x1; ++x)
                for (int y = y0; y < y1; ++y)
                    column[(int64_t)x * h + y] = pixel[(int64_t)y * w + x];
        }
}

/* A signed number, at most 13 digits, its lowest 5 bits first; bit 6 says that more follow, and the
 * last digit's bit 5 is the sign. */
static int put_number(int64_t x, char *digits)
{
    int n = 0;
    bool more = true;
    while (more) {
        int digit = (int)(x & 0x1f);
        x = (x - digit) / 32; /* exact: x >> 5 of a negative number */
        more = digit & 0x10 ? x != -1 : x != 0;
        digits[n++] = (char)('0' + (more ? digit | 0x20 : digit));
    }
    return n;
}

/* Where the run that begins at `at` ends. */
static int64_t run_end(const uint8_t *column, int64_t at, int64_t n,
                       uint8_t value, bool set)
{
    if (!set) {
        const uint8_t *next = memchr(column + at, value, (size_t)(n - at));
        return next ? next - column : n;
    }
    while (at < n && column[at] == value)
        ++at;
    return at;
}

bool rle_encode(const uint8_t *column, int64_t n, uint8_t value,
                struct text_buffer *counts, int64_t *n_set)
{
    enum { MOST_DIGITS = 13 };
    char digits[1024];
    int n_digits = 0;
    int64_t before[2] = {0, 0}; /* the last run of either kind */
    bool set = false, ok = text_add(counts, "%s", "");
    *n_set = 0;
    for (int64_t at = 0, run = 0; at < n && ok; ++run) {
        const int64_t end = run_end(column, at, n, value, set);
        const int64_t length = end - at;
        n_digits += put_number(run > 2 ? length - before[set] : length,
                               digits + n_digits);
        if (end == n || n_digits > (int)sizeof digits - MOST_DIGITS) {
            ok = text_add(counts, "%.*s", n_digits, digits);
            n_digits = 0;
        }
        *n_set += set ? length : 0;
        before[set] = length;
        set = !set;
        at = end;
    }
    return ok;
}
