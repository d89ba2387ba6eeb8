/* SPDX-License-Identifier: MIT */
/* job.h: what main gives every job. */
#ifndef LPCAM_JOB_H
#define LPCAM_JOB_H

#include <mpi.h>
#include <stdbool.h>

#include "lpcam/base/status.h"

struct job_args {
    const char *const *file; /* arguments that are no options: the config   */
    int n_files;
    const char *const *set; /* texts of --set                              */
    int n_set;
    bool dry_run;
    int n_nodes; /* plan: those of --nodes, 0 without                  */
    MPI_Comm comm;
};

/* One job: Collective over args->comm; its failure is every rank's. */
enum lp_status job_run(const struct job_args *args);
enum lp_status job_fit(const struct job_args *args);
enum lp_status job_extract(const struct job_args *args);
enum lp_status job_cluster(const struct job_args *args);
enum lp_status job_activate(const struct job_args *args);
enum lp_status job_score(const struct job_args *args);
enum lp_status job_export(const struct job_args *args);
enum lp_status job_plan(const struct job_args *args);
enum lp_status job_check(const struct job_args *args);

#endif
