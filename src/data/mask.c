/* SPDX-License-Identifier: MIT */
#include "lpcam/data/mask.h"

#include <stdlib.h>

#include "lpcam/base/file.h"
#include "raster.h"

enum lp_status mask_read(const char *path, struct mask *m, char why[WHY_BYTES])
{
    struct raster r = {.channels = 1, .bytes = m->value, .room = m->room};
    const char *reason;
    FILE *file = file_open(path, &reason);
    if (!file) {
        snprintf(why, WHY_BYTES, "%s", reason);
        return LP_EDATA;
    }
    enum lp_status status = raster_read_png(&r, file, false, why);
    fclose(file);
    if (status != LP_OK)
        r.h = r.w = 0;
    *m = (struct mask){r.h, r.w, r.bytes, r.room};
    return status;
}

void mask_release(struct mask *m)
{
    free(m->value);
    *m = (struct mask){0};
}
