/* SPDX-License-Identifier: MIT */
/* kmeans_model.h: how long an iteration of the clustering takes, before it is
 * run. The sum of three parts, none of which hides another:
 *
 *   compute   dots and sums of the rank with the most work, after it has packed
 *             the centres of the classes its images have
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
    double row_s;           /* one rank's time for a row and its k centres   */
    double center_s;        /* one rank's time to pack a centre              */
    double memory_bytes_s;  /* of a node                                     */
    double network_bytes_s; /* of a node, each way                           */
    double latency_s;       /* of a message                                  */
    double ranks;           /* of a node, each with cores of its own         */
};

struct kmeans_times {
    double compute, memory, messages; /* seconds                             */
};

/* One iteration on n_nodes nodes of n_local ranks. Images are never split, so
 * ranks beyond their number have nothing to do. */
struct kmeans_times kmeans_model(const struct kmeans_work *work,
                                 const struct kmeans_machine *machine,
                                 double n_nodes, double n_local);

/* Measure row_s and center_s of a rank of one thread on this processor, for
 * some tenths of a second on rows made up in memory. Fails with LP_ENOMEM, or
 * LP_EARG for a kernel this processor cannot run. */
enum lp_status kmeans_measure(const struct kmeans_work *work,
                              const char *kernel,
                              struct kmeans_machine *machine);

#endif
