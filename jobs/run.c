/* SPDX-License-Identifier: MIT */
/* run.c: the method, from photographs to maps. Start reading here.
 *
 *   photographs -> network -> CAM -> object and context cells   extract
 *   features of those cells -> k-means -> prototypes -> M       cluster
 *   photographs -> network -> features . M -> LPCAM             activate
 *   maps and masks -> mIoU                                      score
 *   maps -> files of other programs, where asked for            export
 *
 * With run.passes = 1 extract keeps the features of all views, and activate
 * needs neither photographs nor network.
 *
 * Every stage leaves a file and finds what an earlier start left there, so the
 * same command goes on after a stop. What runs in one job here may as well run
 * stage by stage: the files are the same to the last bit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "export.h"
#include "stages.h"

void stage_times(const struct session *s)
{
    struct text_buffer table = {0};
    phase_table(&table, s->comm);
    if (table.s)
        lp_log_table("where the time went, seconds", table.s);
    free(table.s);
}

enum lp_status stage_alone(const struct job_args *args, int needs,
                           enum lp_status (*stage)(struct session *s))
{
    enum lp_status status = LP_OK;
    struct session s;
    LP_TRY(session_open(&s, args, needs));
    if (!args->dry_run) {
        LP_TRY(stage(&s));
        stage_times(&s);
    }
done:
    session_close(&s);
    return status;
}

/* What is of no more use, unless features.keep. */
static enum lp_status drop(struct session *s, enum output out)
{
    enum lp_status status = LP_OK;
    if (!s->config.features.keep && comm_rank(s->comm) == 0 &&
        unlink(s->out[out]) != 0 && errno != ENOENT)
        status = lp_fail(LP_EIO, "cannot remove %s (features.keep = no): %s",
                         s->out[out], strerror(errno));
    LP_AGREE(s->comm);
done:
    return status;
}

/* Has an earlier start left all that the stages behind extract need? */
static bool is_extracted(struct session *s)
{
    const bool clustered = session_has(s, OUT_PROTOTYPES) &&
                           session_has(s, OUT_CAMS) &&
                           !session_has(s, OUT_FEATURES);
    return clustered && (s->config.run.passes == 2 ||
                         session_has(s, OUT_VIEWS) || session_has(s, OUT_MAPS));
}

enum lp_status job_run(const struct job_args *args)
{
    enum lp_status status = LP_OK;
    struct session s;

    LP_TRY(
        session_open(&s, args, NEED_DATA | NEED_MODEL | NEED_BASIS | NEED_RUN));
    if (args->dry_run)
        goto done;
    if (!is_extracted(&s))
        LP_TRY(stage_extract(&s));
    LP_TRY(stage_cluster(&s));
    LP_TRY(drop(&s, OUT_FEATURES));
    LP_TRY(stage_activate(&s));
    LP_TRY(drop(&s, OUT_VIEWS));
    LP_TRY(stage_score(&s));
    if (s.config.export.formats)
        LP_TRY(stage_export(&s));
    stage_times(&s);
done:
    session_close(&s);
    return status;
}
