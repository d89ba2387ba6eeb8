/* SPDX-License-Identifier: MIT */
/* network.h: the user's classifier, ready on every rank: cut, compiled,
 * proved. */
#ifndef LPCAM_NETWORK_H
#define LPCAM_NETWORK_H

#include <mpi.h>

#include "lpcam/data/image.h"
#include "lpcam/net/backbone.h"
#include "lpcam/net/head.h"
#include "lpcam/run/config.h"

struct network {
    struct backbone *backbone; /* photograph in, unpooled features out     */
    struct head head;          /* the same on every rank                   */
    struct image_norm norm;    /* of the input                             */
    char sha256[65];           /* of the model's file                      */
};

/* Rank 0 reads and cuts the model and broadcasts its bytes; every rank
 * compiles. Collective over comm. Fails on all ranks or none with LP_EIO,
 * LP_EMODEL, LP_EARG, LP_ENOMEM. */
enum lp_status network_open(struct network *net, const struct config *config,
                            MPI_Comm comm);
void network_release(struct network *net);

/* The start-up proof on one photograph: rank 0 runs the uncut model on it too
 * and compares; all ranks return rank 0's verdict. Fails with LP_EMODEL when
 * the logits differ by more than 1e-3 (1 + |logit|) (0.05 with bf16), with
 * LP_EDATA when the photograph is broken (a warning says why; another may do),
 * LP_EIO or LP_ENOMEM. Collective over comm. */
enum lp_status network_prove(struct network *net, const struct config *config,
                             const char *photograph, MPI_Comm comm);

/* Grid of cells for each photograph: grid [n][2] from size [n][2] (pixels h,
 * w; 0 0 gives 0 0). The ranks share the work: two shape inferences for each
 * number of cells that a side can have, or where sides do not go by themselves
 * one for each distinct size. Collective. Fails on all ranks or none with
 * LP_EMODEL or LP_ENOMEM. */
enum lp_status network_grids(struct network *net, const int64_t *size,
                             int64_t *grid, int64_t n, MPI_Comm comm);

#endif
