/* SPDX-License-Identifier: MIT */
#include "lpcam/output/png_write.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* All that must survive a jump out of libpng; lives in the caller's frame. */
struct encoder {
    png_structp png;
    png_infop info;
    struct png_bytes *out;
    const uint8_t *pixel;
    int h, w;
    const uint8_t (*palette)[3];
    const uint8_t *opacity; /* [256], NULL: all opaque */
};

void png_release(struct png_bytes *out)
{
    free(out->at);
    *out = (struct png_bytes){0};
}

void png_voc_palette(uint8_t palette[256][3])
{
    memset(palette, 0, 256 * 3);
    for (int v = 0; v < 256; ++v)
        for (int bit = 0; bit < 8; ++bit)
            palette[v][bit % 3] |= (uint8_t)((v >> bit & 1) << (7 - bit / 3));
}

static void on_error(png_structp png, png_const_charp message)
{
    const struct encoder *e = png_get_error_ptr(png);
    lp_report(__FILE__, __LINE__, LP_EARG, "a picture of %d x %d pixels: %s",
              e->w, e->h, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void append(png_structp png, png_bytep bytes, size_t n)
{
    struct png_bytes *out = png_get_io_ptr(png);
    if (out->n + (int64_t)n > out->room) {
        const int64_t room = 2 * (out->n + (int64_t)n) + 4096;
        uint8_t *at = realloc(out->at, (size_t)room);
        if (!at)
            png_error(png, "no memory");
        out->at = at;
        out->room = room;
    }
    memcpy(out->at + out->n, bytes, n);
    out->n += (int64_t)n;
}

static void flush(png_structp png)
{
    (void)png;
}

/* Runs of bytes equal to those before: what masks consist of. What changes
 * gradually is better off with filters. */
static void set_compression(struct encoder *e)
{
    const bool mask = !e->opacity;
    png_set_compression_level(e->png, mask ? 1 : 6);
    png_set_compression_strategy(e->png, mask ? Z_RLE : Z_FILTERED);
    png_set_filter(e->png, PNG_FILTER_TYPE_BASE,
                   mask ? PNG_FILTER_NONE : PNG_FILTER_SUB | PNG_FILTER_UP);
}

/* Nothing local may change below setjmp: state is in *e. */
static enum lp_status encode(struct encoder *e)
{
    if (setjmp(png_jmpbuf(e->png)))
        return LP_EARG;
    png_set_write_fn(e->png, e->out, append, flush);
    png_set_IHDR(e->png, e->info, (png_uint_32)e->w, (png_uint_32)e->h, 8,
                 PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color colour[256];
    for (int v = 0; v < 256; ++v)
        colour[v] =
            (png_color){e->palette[v][0], e->palette[v][1], e->palette[v][2]};
    png_set_PLTE(e->png, e->info, colour, 256);
    if (e->opacity)
        png_set_tRNS(e->png, e->info, e->opacity, 256, NULL);
    set_compression(e);
    png_write_info(e->png, e->info);
    for (int y = 0; y < e->h; ++y)
        png_write_row(e->png, e->pixel + (int64_t)y * e->w);
    png_write_end(e->png, NULL);
    return LP_OK;
}

static enum lp_status run(struct encoder *e)
{
    enum lp_status status;
    e->out->n = 0;
    e->png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, e, on_error, on_warning);
    e->info = e->png ? png_create_info_struct(e->png) : NULL;
    if (e->info)
        status = encode(e);
    else
        status = lp_fail(LP_ENOMEM, "no memory to encode a PNG file");
    png_destroy_write_struct(&e->png, &e->info);
    return status;
}

enum lp_status png_of_palette(struct png_bytes *out, const uint8_t *pixel,
                              int h, int w, const uint8_t palette[256][3])
{
    struct encoder e = {
        .out = out, .pixel = pixel, .h = h, .w = w, .palette = palette};
    return run(&e);
}

enum lp_status png_of_overlay(struct png_bytes *out, const uint8_t *pixel,
                              int h, int w, const uint8_t palette[256][3],
                              const uint8_t opacity[256])
{
    struct encoder e = {.out = out,
                        .pixel = pixel,
                        .h = h,
                        .w = w,
                        .palette = palette,
                        .opacity = opacity};
    return run(&e);
}
