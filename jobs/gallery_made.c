/* SPDX-License-Identifier: MIT */
/* gallery_made.c: what the pictures of a gallery were made of, in made.txt. They
 * are kept where that is still so, and else removed before that is written: what
 * lies beside made.txt is always of it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"

#define MADE "made.txt"

/* Settings tell one content of a file from another. Where another program wrote
 * it there are none: then its size and time do. */
static bool add_file(struct text_buffer *b, const char *path,
                     const char *settings)
{
    struct stat info = {0};
    const char *slash = strrchr(path, '/');
    const bool ok = text_add(b, "[%s]\n", slash ? slash + 1 : path);
    if (settings)
        return ok && text_add(b, "%s", settings);
    stat(path, &info);
    return ok && text_add(b, "bytes = %lld\nsince = %lld.%09ld\n",
                          (long long)info.st_size,
                          (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

enum lp_status gallery_note(struct gallery *g, enum output out,
                            const struct run_file *file)
{
    enum lp_status status;
    const struct session *s = g->session;
    char *settings = NULL;
    LP_TRY(run_file_settings(file, &settings));
    if (!add_file(&g->made_of, s->out[out], settings) ||
        lp_fault("gallery_note"))
        status =
            lp_fail(LP_ENOMEM, "no memory for the settings of %s", s->out[out]);
    LP_AGREE(s->comm);
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
    if (!choice || !text_add(&g->made_of, "[choice]\n%s", choice))
        status = lp_fail(LP_ENOMEM, "no memory for the settings of a gallery");
    else if (comm_rank(s->comm) == 0)
        status = keep_or_clear(g);
    LP_AGREE(s->comm);
done:
    free(choice);
    return status;
}
