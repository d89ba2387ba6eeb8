/* SPDX-License-Identifier: MIT */
/* cluster.h: what the two halves of the job cluster share: the features with
 * what prototypes.h5 depends on (cluster_features.c), and the clustering. */
#ifndef LPCAM_CLUSTER_H
#define LPCAM_CLUSTER_H

#include "lpcam/method/kmeans.h"
#include "lpcam/method/prototypes.h"
#include "lpcam/store/checkpoint_file.h"
#include "lpcam/store/feature_file.h"
#include "session.h"

/* One start: its clustering and what was chosen from it. */
struct cluster_start {
    struct kmeans kmeans;
    struct prototypes prototypes;
    struct kmeans_near *nearest; /* [2N][k][KMEANS_NEAREST]                */
    struct checkpoint checkpoint;
};

struct cluster {
    struct session *session;
    char *settings; /* of prototypes.h5                                */
    struct feature_file file;
    struct features features;
    struct dataset data; /* what features.h5 says                     */
    struct head head;    /* in the dimensions of the features               */
    struct basis basis;  /* of the features                                  */
    struct shard shard;
    uint64_t *class_hash;        /* [N]                                       */
    struct kmeans_start *rows;   /* [2N][k], NULL: drawn                     */
    struct cluster_start *start; /* [kmeans.starts]                           */
    float *vector;               /* [N][d] mean over the starts               */
    double *lambda;              /* [N]                                       */
};

/* Open features.h5 and take this rank's share of it. Collective over the
 * session's comm. */
enum lp_status cluster_load(struct cluster *c);

/* What prototypes.h5 must say to be ours, into c->settings, and whether it is
 * there. Loads features that say nothing of themselves. Collective over the
 * session's comm. */
enum lp_status cluster_look(struct cluster *c, enum run_file_found *found);

#endif
