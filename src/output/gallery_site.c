/* SPDX-License-Identifier: MIT */
#include "lpcam/output/gallery_site.h"

#include <string.h>

/* Made of the files by CMake. */
extern const char gallery_index_html[], gallery_style_css[], gallery_page_js[],
    gallery_view_js[];

enum lp_status gallery_site_write(const struct out_folder *folder)
{
    const struct {
        const char *name, *text;
    } file[] = {{"style.css", gallery_style_css},
                {"page.js", gallery_page_js},
                {"view.js", gallery_view_js},
                {"index.html", gallery_index_html}};
    enum lp_status status = LP_OK;
    for (int i = 0; i < 4 && status == LP_OK; ++i) {
        const struct out_piece piece = {file[i].text,
                                        (int64_t)strlen(file[i].text)};
        status = out_folder_write(folder, file[i].name, &piece, 1);
    }
    return status;
}
