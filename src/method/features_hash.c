/* SPDX-License-Identifier: MIT */
#include "lpcam/method/features_hash.h"

#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"

/* Words hashed beside each other, so that no multiplication waits for another.
 */
#define LANES 4

/* At about the speed of memory. Each step is one-to-one, so a single word that
 * differs always gives another hash of its lane. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, int64_t n)
{
    const int64_t n_words = n / 8, rest = n % 8;
    const char *at = bytes;
    uint64_t lane[LANES], word = 0;
    for (int j = 0; j < LANES; ++j)
        lane[j] = hash_mix(hash, (uint64_t)j);
    for (int64_t i = 0; i + LANES <= n_words; i += LANES)
        for (int j = 0; j < LANES; ++j, at += sizeof word) {
            memcpy(&word, at, sizeof word);
            const uint64_t x = lane[j] ^ word;
            lane[j] = (x << 29 | x >> 35) * 0x9e3779b97f4a7c15u;
        }
    for (int64_t i = n_words % LANES; i > 0; --i, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        lane[0] = hash_mix(lane[0], word);
    }
    word = 0;
    memcpy(&word, at, (size_t)rest);
    hash = hash_mix(hash_mix(hash, word), (uint64_t)n);
    for (int j = 0; j < LANES; ++j)
        hash = hash_mix(hash, lane[j]);
    return hash;
}

/* One image, whose vectors stand in rows. */
static uint64_t hash_image(const struct features *f, int64_t image,
                           const char *rows)
{
    const int64_t cells = f->offset[image + 1] - f->offset[image];
    uint64_t hash = hash_mix((uint64_t)f->type, (uint64_t)f->d);
    hash = hash_mix(hash, (uint64_t)(f->first_image + image));
    hash = hash_mix(hash, (uint64_t)f->grid_w[image]);
    for (int64_t p = f->pair_offset[image]; p < f->pair_offset[image + 1]; ++p)
        hash = hash_bytes(hash_mix(hash, (uint64_t)f->pair_class[p]),
                          f->side + f->side_offset[p],
                          f->side_offset[p + 1] - f->side_offset[p]);
    if (f->norm)
        hash = hash_bytes(hash, f->norm + f->offset[image],
                          cells * (int64_t)sizeof *f->norm);
    return hash_bytes(hash, rows, cells * f->d * value_bytes(f->type));
}

/* The sum over this rank's images. Alone. */
static enum lp_status hash_images(struct features *f, int n_threads,
                                  uint64_t *sum)
{
    enum lp_status status = LP_OK;
    const int64_t step = f->d * value_bytes(f->type);
    const void *block;
    uint64_t all = 0;
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        LP_TRY(features_block(f, i, &end, &block));
#pragma omp parallel for schedule(dynamic) num_threads(n_threads) \
    reduction(+ : all)
        for (int64_t image = i; image < end; ++image)
            all += hash_image(f, image,
                              (const char *)block +
                                  (f->offset[image] - f->offset[i]) * step);
    }
done:
    *sum = all;
    return status;
}

enum lp_status features_hash(struct features *f, int n_threads, uint64_t *hash,
                             MPI_Comm comm)
{
    enum lp_status status;
    uint64_t sum;

    status = hash_images(f, n_threads, &sum);
    LP_AGREE(comm);
    /* In halves, whose sums do not overflow. */
    int64_t half[] = {(int64_t)(sum & 0xffffffffu), (int64_t)(sum >> 32)};
    comm_sum_i64(comm, half, 2);
    *hash = (uint64_t)half[0] + ((uint64_t)half[1] << 32);
done:
    return status;
}
