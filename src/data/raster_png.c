/* SPDX-License-Identifier: MIT */
/* PNG by libpng. */
#include "raster.h"

#include <png.h>

/* Deflate packs up to 1032 bytes into one, a byte up to 8 pixels. */
#define PIXELS_A_BYTE (1032 * 8)

/* All that must survive a jump out of libpng; lives in the caller's frame. */
struct decoder {
    png_structp png;
    png_infop info;
    char *why;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct decoder *d = png_get_error_ptr(png);
    snprintf(d->why, WHY_BYTES, "%s", message);
    png_longjmp(png, 1);
}

/* Damage to pixels is an error in libpng; warnings are about the rest. */
static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void read_bytes(png_structp png, png_bytep bytes, size_t n)
{
    if (fread(bytes, 1, n, png_get_io_ptr(png)) != n)
        png_error(png, "the file ends too early");
}

/* Have libpng deliver what the raster wants. */
static bool set_transforms(struct decoder *d, const struct raster *r)
{
    const int colour = png_get_color_type(d->png, d->info);
    const int depth = png_get_bit_depth(d->png, d->info);
    const bool gray = !(colour & PNG_COLOR_MASK_COLOR);

    if (r->channels == 1) {
        if ((colour != PNG_COLOR_TYPE_GRAY &&
             colour != PNG_COLOR_TYPE_PALETTE) ||
            depth > 8) {
            snprintf(d->why, WHY_BYTES,
                     "a mask is a palette or gray PNG of at most 8 bits");
            return false;
        }
        png_set_packing(d->png);
        return true;
    }
    if (colour == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(d->png);
    if (gray && depth < 8)
        png_set_expand_gray_1_2_4_to_8(d->png);
    if (depth == 16)
        png_set_strip_16(d->png);
    if (gray)
        png_set_gray_to_rgb(d->png);
    png_set_strip_alpha(d->png);
    return true;
}

/* Nothing local may change below setjmp: state is in *d and *r. */
static enum lp_status decode(struct decoder *d, struct raster *r, FILE *file,
                             bool size_only)
{
    if (setjmp(png_jmpbuf(d->png)))
        return LP_EDATA;
    png_set_read_fn(d->png, file, read_bytes);
    png_read_info(d->png, d->info);
    if (raster_size(r, png_get_image_height(d->png, d->info),
                    png_get_image_width(d->png, d->info), file, PIXELS_A_BYTE,
                    d->why) != LP_OK)
        return LP_EDATA;
    if (size_only)
        return LP_OK;
    if (!set_transforms(d, r))
        return LP_EDATA;
    if (raster_reserve(r) != LP_OK)
        return LP_ENOMEM;

    const int n_passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    const size_t row_bytes = (size_t)r->w * (size_t)r->channels;
    if (png_get_rowbytes(d->png, d->info) != row_bytes)
        png_error(d->png, "unexpected kind of pixels");
    for (int pass = 0; pass < n_passes; ++pass)
        for (int y = 0; y < r->h; ++y)
            png_read_row(d->png, r->bytes + (size_t)y * row_bytes, NULL);
    png_read_end(d->png, NULL);
    return LP_OK;
}

enum lp_status raster_read_png(struct raster *r, FILE *file, bool size_only,
                               char why[WHY_BYTES])
{
    struct decoder d = {.why = why};
    enum lp_status status;
    d.png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
    d.info = d.png ? png_create_info_struct(d.png) : NULL;
    if (d.info)
        status = decode(&d, r, file, size_only);
    else
        status = lp_fail(LP_ENOMEM, "no memory to decode a PNG file");
    png_destroy_read_struct(&d.png, &d.info, NULL);
    return status;
}
