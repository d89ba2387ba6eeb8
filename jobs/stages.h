/* SPDX-License-Identifier: MIT */
/* stages.h: the stages of a run, each resumable: run.c calls them one after
 * the other, the other jobs one alone. Collective over the session's comm. */
#ifndef LPCAM_STAGES_H
#define LPCAM_STAGES_H

#include "session.h"

/* Photographs -> features.h5 and cams.h5, with run.passes = 1 views.h5. Needs
 * NEED_DATA | NEED_MODEL. */
enum lp_status stage_extract(struct session *s);

/* features.h5 -> prototypes.h5. Needs neither data set nor model. */
enum lp_status stage_cluster(struct session *s);

/* Photographs or views.h5, prototypes.h5 -> maps.h5. Needs NEED_DATA |
 * NEED_VIEWS. */
enum lp_status stage_activate(struct session *s);

/* cams.h5 and maps.h5 where they are, and the masks -> a table, score.json.
 * Needs NEED_DATA. */
enum lp_status stage_score(struct session *s);

/* A job that is one stage: open, do it unless it is a dry run, tell the times,
 * close. */
enum lp_status stage_alone(const struct job_args *args, int needs,
                           enum lp_status (*stage)(struct session *s));

/* Say where the time went, by phases. Collective over the session's comm. */
void stage_times(const struct session *s);

#endif
