/* SPDX-License-Identifier: MIT */
/* JPEG by libjpeg-turbo with its default transforms, as Pillow uses it. */
#include "raster.h"

#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* A photograph has up to about a dozen. Every scan costs a pass over the whole
 * photograph, so a small file of many could cost hours. */
#define MOST_SCANS 200

/* A block of 8 x 8 pixels takes a bit of Huffman's code at least, and two of
 * the components may have them in the one direction or the other only.
 * Arithmetic coding goes below that for one colour all over, which is no
 * photograph. */
#define PIXELS_A_BYTE (2 * 8 * 64)

/* All that must survive a jump out of libjpeg; lives in the caller's frame. */
struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors; /* its address is jpeg.err                */
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    enum lp_status status;
    char *why;
};

static void note(struct decoder *d)
{
    char message[JMSG_LENGTH_MAX];
    d->jpeg.err->format_message((j_common_ptr)&d->jpeg, message);
    snprintf(d->why, WHY_BYTES, "%s", message);
}

static void on_error(j_common_ptr jpeg)
{
    struct decoder *d = jpeg->client_data;
    note(d);
    d->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY
                    ? lp_fail(LP_ENOMEM, "no memory to decode a JPEG file")
                    : LP_EDATA;
    longjmp(d->failed, 1);
}

/* libjpeg fills what is missing with gray and only warns. Warnings that leave
 * every pixel as it was meant (bytes between segments, versions, a scan header
 * that some old cameras left empty) are passed over, others are failures. */
static void on_message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR ||
        code == JWRN_ADOBE_XFORM || code == JWRN_NOT_SEQUENTIAL)
        return;
    on_error(jpeg);
}

/* Called while scans are read. */
static void on_progress(j_common_ptr jpeg)
{
    struct decoder *d = jpeg->client_data;
    if (d->jpeg.input_scan_number <= MOST_SCANS)
        return;
    snprintf(d->why, WHY_BYTES, "it has more than %d scans", MOST_SCANS);
    d->status = LP_EDATA;
    longjmp(d->failed, 1);
}

/* Four inks to RGB as Pillow's convert("RGB") does: files hold 255 - ink, as
 * Adobe began it, and the products are divided by 255 and rounded. */
static void cmyk_to_rgb(const uint8_t *cmyk, int n, uint8_t *rgb)
{
    for (int x = 0; x < n; ++x) {
        const int white = cmyk[4 * x + 3];
        for (int c = 0; c < 3; ++c) {
            const int t = (255 - cmyk[4 * x + c]) * white + 128;
            rgb[3 * x + c] = (uint8_t)(white - ((t + (t >> 8)) >> 8));
        }
    }
}

static void read_rows(struct decoder *d, struct raster *r)
{
    j_decompress_ptr jpeg = &d->jpeg;
    const bool inks = jpeg->out_color_space == JCS_CMYK;
    JSAMPARRAY cmyk = NULL;
    if (inks)
        cmyk = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                       4 * (JDIMENSION)r->w, 1);
    for (int y = 0; y < r->h; ++y) {
        JSAMPROW row = r->bytes + 3 * (int64_t)y * r->w;
        jpeg_read_scanlines(jpeg, inks ? cmyk : &row, 1);
        if (inks)
            cmyk_to_rgb(cmyk[0], r->w, row);
    }
}

/* Nothing local may change below setjmp: state is in *d and *r. */
static enum lp_status decode(struct decoder *d, struct raster *r, FILE *file,
                             bool size_only)
{
    j_decompress_ptr jpeg = &d->jpeg;
    if (setjmp(d->failed))
        return d->status;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &d->progress;
    jpeg_stdio_src(jpeg, file);
    jpeg_read_header(jpeg, TRUE);
    if (raster_size(r, jpeg->image_height, jpeg->image_width, file,
                    PIXELS_A_BYTE, d->why) != LP_OK)
        return LP_EDATA;
    if (size_only)
        return LP_OK;
    if (raster_reserve(r) != LP_OK)
        return LP_ENOMEM;
    jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    read_rows(d, r);
    jpeg_finish_decompress(jpeg);
    return LP_OK;
}

enum lp_status raster_read_jpeg(struct raster *r, FILE *file, bool size_only,
                                char why[WHY_BYTES])
{
    struct decoder d = {.why = why,
                        .progress = {.progress_monitor = on_progress}};
    d.jpeg.err = jpeg_std_error(&d.errors);
    d.jpeg.client_data = &d;
    d.errors.error_exit = on_error;
    d.errors.emit_message = on_message;
    enum lp_status status = decode(&d, r, file, size_only);
    jpeg_destroy_decompress(&d.jpeg);
    return status;
}
