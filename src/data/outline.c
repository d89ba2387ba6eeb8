/* SPDX-License-Identifier: MIT */
#include "outline.h"

#include <stdlib.h>
#include <string.h>

/* Fine columns and rows of a pixel, and the one at its middle. */
enum { FINE = 5, MIDDLE = 2 };

/* Crossings that any outline may have, and more for each pixel. */
enum { LEAST_CROSSINGS = 1 << 20, MOST_A_PIXEL = 4 };

struct point {
    int x, y; /* fine */
};

static void add_crossing(struct outline *o, const struct canvas *canvas,
                         int column, int fine_y)
{
    /* The first pixel whose middle is not above fine_y. */
    int y = fine_y <= MIDDLE ? 0 : (fine_y + FINE - 1 - MIDDLE) / FINE;
    if (y > canvas->h)
        y = canvas->h;
    o->crossing[o->n++] = (uint32_t)column * (uint32_t)canvas->h + (uint32_t)y;
}

/* The reference rounds so: halves up, but towards zero below it. */
static int rounded(double start, double slope, int step)
{
    return (int)(start + slope * step + .5);
}

/* How many steps from its upper end an edge that is steeper than wide takes to
 * pass the fine column: found by division, put right where that was rounded. */
static int steps_past(struct point a, double slope, int length, int column)
{
    const bool right = slope > 0;
    int step = (int)((column + .5 - a.x) / slope);
    step = step < 1 ? 1 : step > length ? length : step;
    while (step < length && (rounded(a.x, slope, step) > column) != right)
        ++step;
    while (step > 1 && (rounded(a.x, slope, step - 1) > column) == right)
        --step;
    return step;
}

/* The crossings of an edge: from each middle column it covers to the next fine
 * one. The walk through all fine points is not needed for these. */
static void add_edge(struct outline *o, const struct canvas *canvas,
                     struct point a, struct point b)
{
    const bool flat = abs(b.x - a.x) >= abs(b.y - a.y);
    if (flat ? a.x > b.x : a.y > b.y) {
        const struct point other = a;
        a = b;
        b = other;
    }
    const int dx = b.x - a.x, dy = b.y - a.y;
    const int left = dx < 0 ? b.x : a.x, right = dx < 0 ? a.x : b.x;
    const double slope = flat ? (double)dy / dx : (double)dx / dy;
    int column = left < 0 ? 0 : (left + FINE - 1 - MIDDLE) / FINE;
    for (; column < canvas->w && column * FINE + MIDDLE < right; ++column) {
        const int fine = column * FINE + MIDDLE;
        int y;
        if (flat) {
            const int y0 = rounded(a.y, slope, fine - a.x);
            const int y1 = rounded(a.y, slope, fine - a.x + 1);
            y = y0 < y1 ? y0 : y1;
        } else {
            y = a.y + steps_past(a, slope, dy, fine) - 1;
        }
        add_crossing(o, canvas, column, y);
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Room for another edge, which crosses each column once at the most. */
static enum lp_status reserve(struct outline *o, const struct canvas *canvas)
{
    const int64_t pixels = (int64_t)canvas->h * canvas->w;
    if (o->n > LEAST_CROSSINGS && o->n > MOST_A_PIXEL * pixels)
        return LP_EDATA;
    if (o->n + canvas->w <= o->room)
        return LP_OK;
    const int64_t room = 2 * (o->n + canvas->w);
    uint32_t *crossing =
        realloc(o->crossing, (size_t)room * sizeof *o->crossing);
    if (!crossing)
        return lp_fail(LP_ENOMEM, "no memory for %lld crossings of an outline",
                       (long long)room);
    o->crossing = crossing;
    o->room = room;
    return LP_OK;
}

static struct point fine_point(const double xy[2])
{
    return (struct point){(int)(FINE * xy[0] + .5), (int)(FINE * xy[1] + .5)};
}

enum lp_status outline_paint(struct outline *o, const double *xy, int64_t n,
                             uint8_t value, struct canvas *canvas)
{
    o->n = 0;
    for (int64_t i = 0; i < n; ++i) {
        const int64_t next = i + 1 < n ? i + 1 : 0;
        const enum lp_status status = reserve(o, canvas);
        if (status != LP_OK)
            return status;
        add_edge(o, canvas, fine_point(xy + 2 * i), fine_point(xy + 2 * next));
    }
    if (o->n == 0)
        return LP_OK;
    qsort(o->crossing, (size_t)o->n, sizeof *o->crossing, compare);
    for (int64_t i = 0; i < o->n; i += 2) {
        const uint32_t end = i + 1 < o->n
                                 ? o->crossing[i + 1]
                                 : (uint32_t)canvas->h * (uint32_t)canvas->w;
        memset(canvas->columns + o->crossing[i], value, end - o->crossing[i]);
    }
    return LP_OK;
}

void outline_release(struct outline *o)
{
    free(o->crossing);
    *o = (struct outline){0};
}

bool runs_add(struct runs *r, int64_t n, uint8_t value, struct canvas *canvas)
{
    const int64_t left = (int64_t)canvas->h * canvas->w - r->at;
    if (n < 0 || n > left)
        return false;
    if (r->inside)
        memset(canvas->columns + r->at, value, (size_t)n);
    r->at += n;
    r->inside = !r->inside;
    return true;
}

/* One number; *text moves behind it. False where the text ends in it or it is
 * too long. */
static bool read_count(const char **text, const char *end, int64_t *count)
{
    enum { BITS = 5, MOST_BITS = 60 };
    *count = 0;
    for (int shift = 0; *text < end && shift < MOST_BITS; shift += BITS) {
        const int c = *(*text)++ - '0';
        if (c < 0 || c > 63)
            return false;
        *count |= (int64_t)(c & 31) << shift;
        if (c & 32)
            continue;
        if (c & 16)
            *count -= (int64_t)1 << (shift + BITS);
        return true;
    }
    return false;
}

bool runs_add_text(struct runs *r, const char *text, int64_t length,
                   uint8_t value, struct canvas *canvas)
{
    const char *end = text + length;
    int64_t last[2] = {0, 0}; /* counts two back and one back */
    for (int64_t i = 0; text < end; ++i) {
        int64_t count;
        if (!read_count(&text, end, &count))
            return false;
        if (i > 2)
            count += last[0];
        if (!runs_add(r, count, value, canvas))
            return false;
        last[0] = last[1];
        last[1] = count;
    }
    return true;
}
