/* SPDX-License-Identifier: MIT */
#include "lpcam/method/features_hash.h"

#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"

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
