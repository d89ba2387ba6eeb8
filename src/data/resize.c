/* SPDX-License-Identifier: MIT */
/* Both passes are one kernel, weigh(): lanes that lie side by side are summed
 * with the same weights over positions that lie a stride apart. Down a column
 * that is how an image is stored; along a row the image is taken by strips of
 * a few rows, turned so that a column of the strip is contiguous. */
#include "lpcam/data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FRACTION_BITS 22
#define STRIP_ROWS    16
#define LANES         (3 * STRIP_ROWS)

/* Keys' cubic with a = -0.5 in Horner's form. The order of the operations is
 * part of the result. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* The weights of one output position, centred at `centre` in the source; sum
 * and rounding as Pillow has them. */
static void make_weights(int n_in, double centre, double stretch, int *bound,
                         double *exact, int32_t *weight)
{
    const double reach = 2 * stretch;
    int first = (int)(centre - reach + 0.5);
    int last = (int)(centre + reach + 0.5);
    double sum = 0;

    first = first < 0 ? 0 : first;
    last = last > n_in ? n_in : last;
    for (int i = 0; i < last - first; ++i) {
        exact[i] = cubic((i + first - centre + 0.5) * (1 / stretch));
        sum += exact[i];
    }
    for (int i = 0; i < last - first; ++i) {
        const double w =
            (sum != 0 ? exact[i] / sum : exact[i]) * (1 << FRACTION_BITS);
        weight[i] = (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
    }
    bound[0] = first;
    bound[1] = last - first;
}

/* Fill r->bound and r->weight for n_in -> n_out positions; *n_taps is the
 * distance between the weights of neighbours. */
static enum lp_status plan(struct resize *r, int n_in, int n_out, int *n_taps)
{
    const double scale = (double)n_in / n_out;
    const double stretch = scale < 1 ? 1 : scale;
    *n_taps = 2 * (int)ceil(2 * stretch) + 1;
    const int64_t n_weights = (int64_t)n_out * *n_taps;
    enum lp_status status = LP_OK;

    if (2 * (int64_t)n_out > r->bound_room) {
        free(r->bound);
        r->bound_room = 2 * (int64_t)n_out;
        r->bound = malloc((size_t)r->bound_room * sizeof *r->bound);
    }
    if (n_weights > r->weight_room) {
        free(r->weight);
        r->weight_room = n_weights;
        r->weight = malloc((size_t)n_weights * sizeof *r->weight);
    }
    double *exact = malloc((size_t)*n_taps * sizeof *exact);
    if (!r->bound || !r->weight || !exact) {
        resize_release(r);
        status = lp_fail(LP_ENOMEM, "no memory for %lld weights to resize by",
                         (long long)n_weights);
        goto done;
    }
    for (int i = 0; i < n_out; ++i)
        make_weights(n_in, (i + 0.5) * scale, stretch, r->bound + 2 * i, exact,
                     r->weight + (int64_t)i * *n_taps);
done:
    free(exact);
    return status;
}

/* out[i] = the weighted sum of from[i], from[i + stride], ..., rounded and
 * clipped; the sum of |weights| is below 2 in fixed point, so 32 bits do. */
static inline void weigh(const uint8_t *restrict from, int64_t stride,
                         const int32_t *restrict weight, int n_taps,
                         int n_lanes, uint8_t *restrict out)
{
    int32_t sum[LANES];
    for (int i = 0; i < n_lanes; ++i)
        sum[i] = 1 << (FRACTION_BITS - 1);
    for (int k = 0; k < n_taps; ++k) {
        const int32_t w = weight[k];
        for (int i = 0; i < n_lanes; ++i)
            sum[i] += w * from[k * stride + i];
    }
    for (int i = 0; i < n_lanes; ++i) {
        const int32_t v = sum[i] < 0 ? 0 : sum[i] >> FRACTION_BITS;
        out[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* The compiler makes the most of a number of lanes that it knows. */
static void weigh_lanes(const uint8_t *from, int64_t stride,
                        const int32_t *weight, int n_taps, int n_lanes,
                        uint8_t *out)
{
    if (n_lanes == LANES)
        weigh(from, stride, weight, n_taps, LANES, out);
    else
        weigh(from, stride, weight, n_taps, n_lanes, out);
}

/* Rows [0, n_rows) at `from` to columns of LANES bytes. */
static void turn(const uint8_t *from, int w, int n_rows, uint8_t *strip)
{
    for (int y = 0; y < n_rows; ++y) {
        const uint8_t *row = from + 3 * (int64_t)y * w;
        uint8_t *to = strip + 3 * y;
        for (int x = 0; x < w; ++x, row += 3, to += LANES) {
            to[0] = row[0];
            to[1] = row[1];
            to[2] = row[2];
        }
    }
}

static enum lp_status resize_rows(struct resize *r, const struct image *in,
                                  struct image *out, int out_w)
{
    enum lp_status status = LP_OK;
    int n_taps;
    LP_TRY(image_reserve(out, in->h, out_w));
    LP_TRY(image_reserve(&r->strip, STRIP_ROWS, in->w));
    LP_TRY(plan(r, in->w, out_w, &n_taps));

    for (int y = 0; y < in->h; y += STRIP_ROWS) {
        const int n_rows = in->h - y < STRIP_ROWS ? in->h - y : STRIP_ROWS;
        turn(in->rgb + 3 * (int64_t)y * in->w, in->w, n_rows, r->strip.rgb);
        for (int x = 0; x < out_w; ++x) {
            uint8_t column[LANES];
            const int *bound = r->bound + 2 * (int64_t)x;
            weigh_lanes(r->strip.rgb + LANES * (int64_t)bound[0], LANES,
                        r->weight + (int64_t)x * n_taps, bound[1], 3 * n_rows,
                        column);
            uint8_t *to = out->rgb + 3 * ((int64_t)y * out_w + x);
            for (int i = 0; i < n_rows; ++i, to += 3 * (int64_t)out_w)
                memcpy(to, column + 3 * i, 3);
        }
    }
done:
    return status;
}

static enum lp_status resize_columns(struct resize *r, const struct image *in,
                                     struct image *out, int out_h)
{
    enum lp_status status = LP_OK;
    const int64_t stride = 3 * (int64_t)in->w;
    int n_taps;
    LP_TRY(image_reserve(out, out_h, in->w));
    LP_TRY(plan(r, in->h, out_h, &n_taps));

    for (int y = 0; y < out_h; ++y) {
        const int *bound = r->bound + 2 * (int64_t)y;
        const uint8_t *from = in->rgb + bound[0] * stride;
        uint8_t *to = out->rgb + y * stride;
        for (int64_t i = 0; i < stride; i += LANES)
            weigh_lanes(from + i, stride, r->weight + (int64_t)y * n_taps,
                        bound[1],
                        stride - i < LANES ? (int)(stride - i) : LANES, to + i);
    }
done:
    return status;
}

enum lp_status resize_bicubic(struct resize *r, const struct image *in,
                              struct image *out, int out_h, int out_w)
{
    enum lp_status status = LP_OK;
    const bool rows = out_w != in->w, columns = out_h != in->h;

    if (!rows && !columns) {
        LP_TRY(image_reserve(out, out_h, out_w));
        memcpy(out->rgb, in->rgb, 3 * (size_t)out_h * (size_t)out_w);
    } else if (!columns) {
        LP_TRY(resize_rows(r, in, out, out_w));
    } else if (!rows) {
        LP_TRY(resize_columns(r, in, out, out_h));
    } else {
        LP_TRY(resize_rows(r, in, &r->between, out_w));
        LP_TRY(resize_columns(r, &r->between, out, out_h));
    }
done:
    return status;
}

void resize_release(struct resize *r)
{
    image_release(&r->between);
    image_release(&r->strip);
    free(r->bound);
    free(r->weight);
    *r = (struct resize){0};
}
