/* SPDX-License-Identifier: MIT */
/* walk.h: over the photographs that are not done: each rank its share, or chunk
 * after chunk (run.balance), in order of size, with progress, broken files,
 * stops and acknowledgement. Photographs that were broken in an earlier start
 * are tried again. What was kept of photographs in a file is walked over in the
 * same way, but in the file's order. */
#ifndef LPCAM_WALK_H
#define LPCAM_WALK_H

#include "lpcam/data/image.h"
#include "lpcam/run/shard.h"
#include "session.h"

struct walk {
    struct session *session;
    const char *what;    /* for the progress line, "extract"              */
    bool features;       /* each brings every photograph to the network, also
                             one without labels                            */
    bool plain;          /* each sees it once, at scale 1                     */
    uint8_t *state;      /* [n_images] enum image_state as found, changed
                             for this rank's images                        */
    const int64_t *cost; /* [n_images] where each reads a file instead: no
                             photograph is read, img has its size only; NULL:
                             photographs are, and cost what the network takes */
    struct shard run;    /* the images at hand, for each                   */

    /* Do one photograph and write it. LP_EDATA, not reported: it was broken
     * when it was kept. Alone. */
    enum lp_status (*each)(void *arg, int64_t image, const struct image *img);

    /* All that was written is safe, then state [n] from first. Alone. */
    enum lp_status (*mark)(void *arg, int64_t first, int64_t n,
                           const uint8_t *state);
    void *arg;
    int64_t n_bad; /* out: broken photographs, over all ranks      */
};

/* Collective over the session's comm. Fails with what each and mark fail with,
 * LP_EFORMAT when more than data.max_bad of all photographs are broken, or
 * LP_STOP. */
enum lp_status walk_photographs(struct walk *w);

#endif
