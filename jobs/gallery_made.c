/* SPDX-License-Identifier: MIT */
/* gallery_made.c: what the pictures of a gallery were made of, in made.txt. They
 * are kept where that is still so, and else removed before that is written: what
 * lies beside made.txt is always of it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"

#define MADE "made.txt"

enum lp_status gallery_note(struct gallery *g, const struct run_file *file)
{
    enum lp_status status;
    const char *path = h5_path(file->h5), *slash = strrchr(path, '/');
    char *settings = NULL;
    LP_TRY(settings_file(file, &settings));
    if (!text_add(&g->made_of, "[%s]\n%s", slash ? slash + 1 : path,
                  settings) ||
        lp_fault("gallery_note"))
        status = lp_fail(LP_ENOMEM, "no memory for the settings of %s", path);
    LP_AGREE(file->comm);
done:
    free(settings);
    return status;
}

/* The page goes first: it would show what is no longer there. Rank 0. */
static enum lp_status clear(const struct gallery *g)
{
    enum lp_status status;
    unlinkat(g->root->fd, "index.html", 0);
    LP_TRY(out_folder_clear(g->root, ".svg"));
    LP_TRY(out_folder_clear(&g->data, ".js"));
    LP_TRY(out_folder_clear(&g->photo, ".jpg"));
    LP_TRY(out_folder_clear(&g->map, ".png"));
    LP_TRY(out_folder_clear(&g->near, ".jpg"));
    const struct out_piece piece = {g->made_of.s, (int64_t)g->made_of.n};
    LP_TRY(out_folder_write(g->root, MADE, &piece, 1));
done:
    return status;
}

/* Rank 0. */
static enum lp_status keep_or_clear(const struct gallery *g)
{
    enum lp_status status = LP_OK;
    char *theirs = NULL, *path = text_path(g->root->path, MADE);
    size_t n;
    if (!path)
        return lp_fail(LP_ENOMEM, "no memory for a name in %s", g->root->path);
    if (out_folder_has(g->root, MADE))
        LP_TRY(text_read(path, &theirs, &n));
    if (theirs && strcmp(theirs, g->made_of.s) == 0) {
        lp_log("gallery: pictures that are there are kept");
        goto done;
    }
    if (theirs)
        lp_log(
            "gallery: the pictures that are there are of something else, and "
            "are made anew");
    LP_TRY(clear(g));
done:
    free(theirs);
    free(path);
    return status;
}

enum lp_status gallery_keep(struct gallery *g)
{
    enum lp_status status = LP_OK;
    const struct session *s = g->session;
    char *choice = settings_gallery(s);
    if (!choice || !text_add(&g->made_of, "[choice]\n%struth.sha256 = %s\n",
                             choice, g->truth_sha))
        status = lp_fail(LP_ENOMEM, "no memory for the settings of a gallery");
    else if (comm_rank(s->comm) == 0)
        status = keep_or_clear(g);
    LP_AGREE(s->comm);
done:
    free(choice);
    return status;
}
