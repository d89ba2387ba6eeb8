/* SPDX-License-Identifier: MIT */
#include "lpcam/output/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a chart, in units of the picture. */
enum { W = 420, H = 300, LEFT = 58, RIGHT = 22, TOP = 62, BOTTOM = 48 };

/* One axis: values low to high, a label every step (of the logarithm). */
struct axis {
    double low, high, step;
    bool log;
};

static const char style[] =
    "<style>.b{fill:#fff}.t{fill:#1f2328}.l{fill:#59636e}.g{stroke:#d1d9e0}"
    ".a{stroke:#818b98}.p{fill:none;stroke-width:2.2;stroke-linejoin:round;"
    "stroke-linecap:round}.s0{stroke:#0f62d6}.s1{stroke:#c2560c}"
    ".s2{stroke:#7a3fd1}.s3{stroke:#13795b}.s4{stroke:#b3266d}"
    ".s5{stroke:#6b6f00}.m{fill:#fff;stroke-width:2.2}"
    "text{font:13px system-ui,sans-serif}.h{font-weight:600}"
    "@media(prefers-color-scheme:dark){.b{fill:#151a21}.t{fill:#f0f3f6}"
    ".l{fill:#a5afbb}.g{stroke:#2d3540}.a{stroke:#6b7683}.s0{stroke:#5aa2ff}"
    ".s1{stroke:#ff9a4d}.s2{stroke:#b694ff}.s3{stroke:#4cc9a0}"
    ".s4{stroke:#ff7ab8}.s5{stroke:#c9cd5a}.m{fill:#151a21}}</style>";

/* Text as XML 1.0 can hold it. */
static void add_xml(struct text_buffer *b, const char *s)
{
    for (; *s; ++s) {
        const char *name = *s == '<'   ? "&lt;"
                           : *s == '>' ? "&gt;"
                           : *s == '&' ? "&amp;"
                           : *s == '"' ? "&quot;"
                                       : NULL;
        if (name)
            text_add(b, "%s", name);
        else
            text_add(b, "%c", (unsigned char)*s < 0x20 ? ' ' : *s);
    }
}

static void add_text(struct text_buffer *b, double x, double y,
                     const char *kind, const char *anchor, const char *s)
{
    text_add(b, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">",
             x, y, kind, anchor);
    add_xml(b, s);
    text_add(b, "</text>");
}

static void add_line(struct text_buffer *b, double x1, double y1, double x2,
                     double y2, const char *kind)
{
    text_add(b,
             "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
             "class=\"%s\"/>",
             x1, y1, x2, y2, kind);
}

static bool is_drawn(const struct svg_chart *c, const struct svg_series *s,
                     int i)
{
    return isfinite(s->x[i]) && isfinite(s->y[i]) && (!c->log_y || s->y[i] > 0);
}

/* A round step that gives three to six of them. */
static double round_step(double range)
{
    const double power = pow(10, floor(log10(range / 3)));
    for (int m = 1; m < 10; m = m == 2 ? 5 : 2 * m)
        if (range / (m * power) <= 6)
            return m * power;
    return 10 * power;
}

/* Round numbers around what is drawn. */
static struct axis axis_of(const struct svg_chart *c, bool vertical)
{
    struct axis a = {.log = vertical && c->log_y};
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < c->n_series; ++k)
        for (int i = 0; i < c->series[k].n; ++i) {
            const struct svg_series *s = &c->series[k];
            const double v = vertical ? s->y[i] : s->x[i];
            if (!is_drawn(c, s, i))
                continue;
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    if (low > high)
        return (struct axis){.low = a.log ? 0.1 : 0, 1, 1, a.log};
    if (a.log) {
        a.low = floor(log10(low));
        a.high = fmax(ceil(log10(high)), a.low + 1);
        a.step = ceil((a.high - a.low) / 6);
        return a;
    }
    if (low == high) {
        low -= low == 0 ? 0 : fabs(low) / 10;
        high += high == 0 ? 1 : fabs(high) / 10;
    }
    a.step = round_step(high - low);
    a.low = floor(low / a.step) * a.step;
    a.high = ceil(high / a.step - 1e-9) * a.step;
    return a;
}

/* Where v lies on the axis, 0 to 1. */
static double place(const struct axis *a, double v)
{
    return ((a->log ? log10(v) : v) - a->low) / (a->high - a->low);
}

static double place_x(const struct axis *a, double v)
{
    return LEFT + place(a, v) * (W - LEFT - RIGHT);
}

static double place_y(const struct axis *a, double v)
{
    return H - BOTTOM - place(a, v) * (H - TOP - BOTTOM);
}

/* Without digits that rounding has made. */
static void number(char text[32], double v)
{
    snprintf(text, 32, "%.6g", fabs(v) < 1e-12 ? 0 : v);
}

static void add_axes(struct text_buffer *b, const struct svg_chart *c,
                     const struct axis *x, const struct axis *y)
{
    char text[32];
    for (int i = 0; y->low + i * y->step <= y->high + y->step / 2; ++i) {
        const double v = y->low + i * y->step;
        const double at = place_y(y, y->log ? pow(10, v) : v);
        add_line(b, LEFT, at, W - RIGHT, at, i == 0 ? "a" : "g");
        number(text, y->log ? pow(10, v) : v);
        add_text(b, LEFT - 8, at + 4.5, "l", "end", text);
    }
    for (int i = 0; x->low + i * x->step <= x->high + x->step / 2; ++i) {
        const double at = place_x(x, x->low + i * x->step);
        add_line(b, at, H - BOTTOM, at, H - BOTTOM + 4, "a");
        number(text, x->low + i * x->step);
        add_text(b, at, H - BOTTOM + 19, "l", "middle", text);
    }
    add_text(b, LEFT + (W - LEFT - RIGHT) / 2.0, H - 10, "l", "middle",
             c->x_label);
    add_text(b, 14, 24, "t h", "start", c->title);
    add_text(b, 14, 44, "l", "start", c->y_label);
}

/* The names, right-aligned on the second line, each behind a piece of its
 * curve. */
static void add_legend(struct text_buffer *b, const struct svg_chart *c)
{
    double x = W - RIGHT;
    if (c->n_series < 2)
        return;
    for (int k = c->n_series - 1; k >= 0; --k) {
        const char *name = c->series[k].name;
        char kind[8];
        add_text(b, x, 44, "t", "end", name);
        x -= 9 * (double)strlen(name) + 8;
        snprintf(kind, sizeof kind, "p s%d", c->series[k].colour);
        add_line(b, x - 14, 40, x, 40, kind);
        x -= 26;
    }
}

/* Does another curve come so close above the marked point that its values
 * would lie on it? */
static bool is_below(const struct svg_chart *c, int k, const struct axis *x,
                     const struct axis *y)
{
    const struct svg_series *s = &c->series[k];
    const double at_x = place_x(x, s->x[s->mark]);
    const double at_y = place_y(y, s->y[s->mark]);
    for (int j = 0; j < c->n_series; ++j)
        for (int i = 0; i < c->series[j].n; ++i) {
            const struct svg_series *other = &c->series[j];
            if (j == k || !is_drawn(c, other, i))
                continue;
            const double above = at_y - place_y(y, other->y[i]);
            if (fabs(place_x(x, other->x[i]) - at_x) < 20 && above >= 0 &&
                above < 30)
                return true;
        }
    return false;
}

static void add_series(struct text_buffer *b, const struct svg_chart *c, int k,
                       const struct axis *x, const struct axis *y)
{
    const struct svg_series *s = &c->series[k];
    text_add(b, "<polyline class=\"p s%d\" points=\"", s->colour);
    for (int i = 0; i < s->n; ++i)
        if (is_drawn(c, s, i))
            text_add(b, "%.1f,%.1f ", place_x(x, s->x[i]), place_y(y, s->y[i]));
    text_add(b, "\"/>");
    if (s->mark >= 0 && s->mark < s->n && is_drawn(c, s, s->mark)) {
        char text[32];
        const double at = place_y(y, s->y[s->mark]);
        text_add(b,
                 "<circle r=\"4.5\" cx=\"%.1f\" cy=\"%.1f\" class=\"m s%d\"/>",
                 place_x(x, s->x[s->mark]), at, s->colour);
        snprintf(text, sizeof text, "%.3g", s->y[s->mark]);
        add_text(b, place_x(x, s->x[s->mark]),
                 is_below(c, k, x, y) ? at + 20 : at - 10, "t", "middle", text);
    }
}

static void add_chart(struct text_buffer *b, const struct svg_chart *c, int at)
{
    const struct axis x = axis_of(c, false), y = axis_of(c, true);
    text_add(b, "\n<g transform=\"translate(%d 0)\">", at * W);
    add_axes(b, c, &x, &y);
    add_legend(b, c);
    for (int k = c->n_series - 1; k >= 0; --k)
        add_series(b, c, k, &x, &y);
    text_add(b, "</g>");
}

bool svg_add(struct text_buffer *b, const struct svg_chart *chart, int n)
{
    text_add(b,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
             "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
             n * W, H, n * W, H);
    for (int i = 0; i < n; ++i) {
        text_add(b, i ? "; " : "");
        add_xml(b, chart[i].title);
    }
    text_add(b,
             "</title>\n%s\n<rect class=\"b\" width=\"%d\" height=\"%d\" "
             "rx=\"10\"/>",
             style, n * W, H);
    for (int i = 0; i < n; ++i)
        add_chart(b, &chart[i], i);
    return text_add(b, "\n</svg>\n");
}

enum lp_status svg_write(const char *path, const struct svg_chart *chart, int n)
{
    struct text_buffer b = {0};
    enum lp_status status;
    if (svg_add(&b, chart, n))
        status = text_write(path, b.s, b.n);
    else
        status = lp_fail(LP_ENOMEM, "no memory for %s", path);
    free(b.s);
    return status;
}
