/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syncfs */
#include "lpcam/output/out_batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/fault.h"
#include "lpcam/run/phase.h"

/* At most so many files wait. */
#define MOST_HELD 4096

/* Work of so many times what the last wait for the disk took is done before the
 * next one. */
#define WORK_OF_COST 20

struct out_held {
    const struct out_folder *folder;
    char name[256], partial[256];
};

void out_batch_begin(struct out_batch *b)
{
    b->open = true;
    b->settled_s = phase_now_s();
}

/* The folder's file system is to be synced. */
static enum lp_status note_system(struct out_batch *b,
                                  const struct out_folder *folder)
{
    for (int i = 0; i < b->n_on; ++i)
        if (b->on[i]->device == folder->device)
            return LP_OK;
    if (b->n_on == OUT_BATCH_SYSTEMS)
        return lp_fail(LP_EIO,
                       "%s is on one file system more than %d: an "
                       "export may not be spread over so many",
                       folder->path, OUT_BATCH_SYSTEMS);
    b->on[b->n_on++] = folder;
    return LP_OK;
}

enum lp_status out_batch_hold(struct out_batch *b,
                              const struct out_folder *folder,
                              const char *partial, const char *name)
{
    enum lp_status status;
    LP_TRY(note_system(b, folder));
    if (b->n == b->room) {
        const int room = b->room > 0 ? 2 * b->room : 64;
        struct out_held *held = realloc(b->held, (size_t)room * sizeof *held);
        if (!held)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the names of %d files",
                           room));
        b->held = held;
        b->room = room;
    }
    struct out_held *h = &b->held[b->n++];
    h->folder = folder;
    snprintf(h->name, sizeof h->name, "%s", name);
    snprintf(h->partial, sizeof h->partial, "%s", partial);
done:
    return status;
}

static enum lp_status sync_all(const struct out_batch *b)
{
    for (int i = 0; i < b->n_on; ++i)
        if (syncfs(b->on[i]->fd) != 0 || lp_fault("out_batch_sync"))
            return lp_fail(LP_EIO, "cannot bring %s to the disk: %s",
                           b->on[i]->path, strerror(errno));
    return LP_OK;
}

/* The files that wait get their names; what then has none is removed. */
static enum lp_status settle(struct out_batch *b)
{
    enum lp_status status;
    const double start_s = phase_now_s();
    int i = 0;
    LP_TRY(sync_all(b));
    for (; i < b->n; ++i) {
        const struct out_held *h = &b->held[i];
        if (renameat(h->folder->fd, h->partial, h->folder->fd, h->name) != 0)
            LP_TRY(lp_fail(LP_EIO, "cannot write %s/%s: %s", h->folder->path,
                           h->name, strerror(errno)));
    }
done:
    for (; i < b->n; ++i)
        unlinkat(b->held[i].folder->fd, b->held[i].partial, 0);
    b->n = 0;
    b->settled_s = phase_now_s();
    b->cost_s = b->settled_s - start_s;
    return status;
}

enum lp_status out_batch_step(struct out_batch *b)
{
    const double work_s = phase_now_s() - b->settled_s;
    const bool due = b->n >= MOST_HELD || work_s >= WORK_OF_COST * b->cost_s;
    return due && b->n > 0 ? settle(b) : LP_OK;
}

enum lp_status out_batch_end(struct out_batch *b, enum lp_status status)
{
    enum lp_status kept = settle(b);
    if (kept == LP_OK)
        kept = sync_all(b); /* the names */
    free(b->held);
    *b = (struct out_batch){0};
    return status == LP_OK ? kept : status;
}
