/* SPDX-License-Identifier: MIT */
#include "lpcam/run/deal.h"

#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"

enum lp_status deal_open(struct deal *d, const int64_t *cost, int64_t n_images,
                         int balance, MPI_Comm comm)
{
    enum lp_status status = LP_OK;

    *d = (struct deal){.rank = comm_rank(comm),
                       .n_ranks = comm_size(comm),
                       .n_images = n_images};
    if (balance == BALANCE_STATIC) {
        d->share = shard_by_cost(cost, n_images, d->rank, d->n_ranks);
        return LP_OK;
    }
    d->first = malloc((size_t)(n_images + 1) * sizeof *d->first);
    if (!d->first || lp_fault("deal_open"))
        status = lp_fail(LP_ENOMEM, "no memory for the chunks of %lld images",
                         (long long)n_images);
    LP_AGREE(comm);
    d->n_chunks = shard_chunks(cost, n_images, d->n_ranks, d->first);
    comm_counter_init(&d->counter, comm);
    d->dynamic = true;
done:
    return status;
}

/* The first chunk of each rank is that of its own number: so not all come at
 * once. */
static int64_t next_chunk(struct deal *d)
{
    const double since_s = phase_now_s();
    int64_t chunk = d->rank;
    if (d->begun)
        chunk = d->n_ranks + comm_counter_next(&d->counter);
    d->wait_s += phase_add(PHASE_WAIT, since_s) - since_s;
    return chunk;
}

bool deal_next(struct deal *d, struct shard *run)
{
    bool more = !d->begun;
    *run = d->share;
    if (d->dynamic) {
        const int64_t chunk = next_chunk(d);
        more = chunk < d->n_chunks;
        if (more)
            *run = (struct shard){d->n_images, d->first[chunk],
                                  d->first[chunk + 1] - d->first[chunk]};
    }
    d->begun = true;
    return more;
}

void deal_close(struct deal *d)
{
    if (d->dynamic)
        comm_counter_release(&d->counter);
    free(d->first);
    *d = (struct deal){0};
}
