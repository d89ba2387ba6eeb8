/* SPDX-License-Identifier: MIT */
#include "lpcam/run/shard.h"

/* Chunks an equal share of what is left is cut into. */
#define CHUNKS_A_SHARE 4

struct shard shard_by_count(int64_t n_global, int rank, int n_ranks)
{
    const int64_t each = n_global / n_ranks, rest = n_global % n_ranks;
    const struct shard shard = {
        .n_global = n_global,
        .first = rank * each + (rank < rest ? rank : rest),
        .n_local = each + (rank < rest),
    };
    return shard;
}

/* Cost that should lie before a rank, total * rank / n_ranks without the
 * product, which may not fit. */
static int64_t share_before(int64_t total, int rank, int n_ranks)
{
    return total / n_ranks * rank + total % n_ranks * rank / n_ranks;
}

/* A boundary between ranks falls before the first image whose middle lies at or
 * behind the share: at most half an image's cost from where it should be. */
struct shard shard_by_cost(const int64_t *cost, int64_t n_global, int rank,
                           int n_ranks)
{
    int64_t total = 0, before = 0, first = 0, i = 0;
    for (int64_t j = 0; j < n_global; ++j)
        total += cost[j];
    if (total == 0)
        return shard_by_count(n_global, rank, n_ranks);

    const int64_t begin = share_before(total, rank, n_ranks);
    const int64_t end = share_before(total, rank + 1, n_ranks);
    for (; i < n_global && before + cost[i] / 2 < begin; ++i)
        before += cost[i];
    first = i;
    for (; i < n_global && before + cost[i] / 2 < end; ++i)
        before += cost[i];
    if (rank == n_ranks - 1)
        i = n_global; /* images that cost nothing may stand at the end */
    return (struct shard){n_global, first, i - first};
}

int64_t shard_chunks(const int64_t *cost, int64_t n_global, int n_ranks,
                     int64_t *first)
{
    int64_t left = 0, n_chunks = 0, i = 0;
    for (int64_t j = 0; j < n_global; ++j)
        left += cost[j];
    while (left > 0) {
        const int64_t most = left / n_ranks / CHUNKS_A_SHARE;
        int64_t sum = 0;
        first[n_chunks++] = i;
        for (; left > 0 && (sum == 0 || sum + cost[i] / 2 < most); ++i) {
            sum += cost[i];
            left -= cost[i];
        }
    }
    first[n_chunks] = n_global; /* images that cost nothing may stand there */
    return n_chunks;
}
