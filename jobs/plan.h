/* SPDX-License-Identifier: MIT */
/* plan.h: what a job will need, before any work. Local. */
#ifndef LPCAM_PLAN_H
#define LPCAM_PLAN_H

#include "lpcam/method/kmeans_model.h"
#include "session.h"

/* Bytes, of the whole job (disk) or of one rank (memory). */
struct plan {
    int64_t features, maps, seeds, prototypes; /* disk                     */
    int64_t views;                             /* disk, of run.passes = 1  */
    int64_t rank_features, sums, photograph;   /* memory                   */
    int64_t largest; /* the image that photograph is of, -1: none           */
    int64_t basis;   /* memory before features are stored: components        */
    int64_t rank_views; /* memory of activate with run.passes = 1            */
};

/* The plan for so many ranks, and for so many times the data set. */
struct plan plan_make(const struct session *s, double ranks, double copies);

/* The most memory this process has had: the program, and the network once it
 * is proved. */
int64_t plan_program_bytes(void);

/* Channels that are stored and clustered. */
int plan_channels(const struct session *s);

/* Cells of a photograph at all scales; 0 with run.passes = 2. */
int64_t plan_view_cells(const struct session *s, int64_t image);

/* How many times the data set plan.images are; 1 where that is not set. */
double plan_copies(const struct session *s);

/* What the clustering of this data set works on, or of one with plan.images
 * photographs like these. */
struct kmeans_work plan_work(const struct session *s);

/* Ranks of a node: plan.ranks, or as many as this machine has cores for. */
int plan_node_ranks(const struct config *config);

/* A node of as many ranks; one is what a rank of one thread measured. */
struct kmeans_machine plan_machine(const struct config *config,
                                   struct kmeans_machine one);

/* Memory of a node and time of each stage on args->n_nodes nodes, and the line
 * of sbatch that asks for them. Fails with what kmeans_measure fails with, and
 * where no photograph can be read. */
enum lp_status plan_nodes(struct session *s, const struct job_args *args);

#endif
