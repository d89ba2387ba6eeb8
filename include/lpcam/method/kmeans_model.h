/* SPDX-License-Identifier: MIT */
/* kmeans_model.h: how long an iteration of the clustering takes, before it is
 * run. The sum of three parts, none of which hides another:
 *
 *   compute   dots and sums of the rank with the most work
 *   memory    what the rows need beyond it where a node's memory is slower than
 *             its cores
 *   messages  the sums to the centres' owners, the centres back
 *
 * after section 5 of the clustering notes: reduction in a node through its
 * memory, then over the network. Local. */
#ifndef LPCAM_KMEANS_MODEL_H
#define LPCAM_KMEANS_MODEL_H

#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"

/* What is to be clustered. */
struct kmeans_work {
    double cells; /* vectors, each read once an iteration                    */
    double rows;  /* clustering rows: a vector once for each of its classes  */
    double images;
    int n_problems, k, d;
    enum lp_value type;
};

/* What it runs on. */
struct kmeans_machine {
    double row_s;           /* one core's time for a row and its k centres   */
    double memory_bytes_s;  /* of a node                                     */
    double network_bytes_s; /* of a node, each way                           */
    double latency_s;       /* of a message                                  */
    int cores;              /* of a node                                     */
};

struct kmeans_times {
    double compute, memory, messages; /* seconds                             */
};

/* One iteration on n_nodes nodes of n_local ranks. */
struct kmeans_times kmeans_model(const struct kmeans_work *work,
                                 const struct kmeans_machine *machine,
                                 double n_nodes, double n_local);

/* Seconds a row on one core of this processor, measured for some tenths of a
 * second on rows made up in memory. Fails with LP_ENOMEM. */
enum lp_status kmeans_measure_row(const struct kmeans_work *work,
                                  const char *kernel, double *row_s);

#endif
