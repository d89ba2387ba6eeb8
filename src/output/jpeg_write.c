/* SPDX-License-Identifier: MIT */
#include "lpcam/output/jpeg_write.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

/* All that must survive a jump out of libjpeg; lives in the caller's frame. */
struct encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr error;
    jmp_buf jump;
    unsigned char *bytes;
    unsigned long n;
};

static void on_error(j_common_ptr jpeg)
{
    struct encoder *e = jpeg->client_data;
    longjmp(e->jump, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* Nothing local may change below setjmp: state is in *e. */
static bool encode(struct encoder *e, const struct image *image, int quality)
{
    struct jpeg_compress_struct *jpeg = &e->jpeg;
    if (setjmp(e->jump))
        return false;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &e->bytes, &e->n);
    jpeg->image_width = (JDIMENSION)image->w;
    jpeg->image_height = (JDIMENSION)image->h;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->optimize_coding = TRUE;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row =
            image->rgb + (size_t)jpeg->next_scanline * (size_t)image->w * 3;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

enum lp_status jpeg_write(const struct out_folder *folder, const char *name,
                          const struct image *image, int quality)
{
    enum lp_status status;
    struct encoder e = {0};

    e.jpeg.err = jpeg_std_error(&e.error);
    e.error.error_exit = on_error;
    e.error.output_message = say_nothing;
    e.jpeg.client_data = &e;
    if (encode(&e, image, quality)) {
        const struct out_piece piece = {e.bytes, (int64_t)e.n};
        status = out_folder_write(folder, name, &piece, 1);
        free(e.bytes);
    } else { /* the library's, then; it may have let go of e.bytes */
        status = lp_fail(LP_ENOMEM, "no memory to write %s, %d x %d pixels",
                         name, image->h, image->w);
    }
    jpeg_destroy_compress(&e.jpeg);
    return status;
}
