/* SPDX-License-Identifier: MIT */
/* kmeans_data.h: made-up features for the tests of clustering. A data set is
 * made whole on every rank, which then cuts out its images. Running out of
 * memory is not handled. */
#ifndef LPCAM_TEST_KMEANS_DATA_H
#define LPCAM_TEST_KMEANS_DATA_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/method/split.h"

static inline double data_uniform(uint64_t a, uint64_t b)
{
    return (double)(hash_mix(hash_mix(7, a), b) >> 11) * 0x1p-53;
}

static inline void data_tables(struct features *f)
{
    const size_t n = (size_t)f->n_images + 1;
    f->offset = calloc(n, sizeof *f->offset);
    f->grid_w = calloc(n, sizeof *f->grid_w);
    f->id_hash = calloc(n, sizeof *f->id_hash);
    f->pair_offset = calloc(n, sizeof *f->pair_offset);
    f->pair_class = calloc(n * (size_t)f->n_classes, sizeof *f->pair_class);
    f->side_offset =
        calloc(n * (size_t)f->n_classes + 1, sizeof *f->side_offset);
}

/* Vectors around nine directions with as much noise as signal, half of the
 * entries zero, as after a ReLU: k-means needs many iterations for them. */
static inline float data_entry(int64_t image, int64_t cell, int j)
{
    const uint64_t row = (uint64_t)(image * 1000 + cell), at = (uint64_t)j;
    const double base = data_uniform(hash_mix(row, 1) % 9, at);
    const double noise = data_uniform(row + 100, at);
    const double x = base + 1.5 * noise - 1.25;
    return (float)(x > 0 ? 3 * x : 0);
}

/* n_images photographs of different sizes, some without cells, some cells all
 * zero; n_classes classes of which every image has some or none. */
static inline struct features data_made(int64_t n_images, int n_classes, int d,
                                        enum lp_value type)
{
    struct features f = {
        .d = d, .type = type, .n_classes = n_classes, .n_images = n_images};
    int64_t n_cells = 0, n_pairs = 0, n_sides = 0;
    float *x;

    data_tables(&f);
    for (int64_t i = 0; i < n_images; ++i) {
        const uint64_t h = hash_mix((uint64_t)i, 3);
        f.grid_w[i] = (int32_t)(5 + h % 16);
        f.id_hash[i] = hash_mix(99, (uint64_t)i);
        f.offset[i] = n_cells;
        n_cells += i % 9 == 4 ? 0 : f.grid_w[i] * (int64_t)(5 + (h >> 8) % 14);
    }
    f.offset[n_images] = n_cells;
    f.side = malloc((size_t)(n_cells * n_classes) + 1);
    x = malloc((size_t)(n_cells * d) * sizeof *x);
    f.value = malloc((size_t)(n_cells * d * value_bytes(type)));
    for (int64_t i = 0; i < n_images; ++i) {
        const int64_t n = f.offset[i + 1] - f.offset[i];
        for (int64_t c = 0; c < n; ++c)
            for (int j = 0; j < d; ++j)
                x[(f.offset[i] + c) * d + j] =
                    c % 37 == 5 ? 0 : data_entry(i, c, j);
        f.pair_offset[i] = n_pairs;
        for (int k = 0; k < n_classes; ++k) {
            if (hash_mix((uint64_t)i, (uint64_t)k + 50) % 3 == 0)
                continue;
            f.pair_class[n_pairs] = k;
            f.side_offset[n_pairs++] = n_sides;
            for (int64_t c = 0; c < n; ++c)
                f.side[n_sides++] =
                    (uint8_t)(hash_mix((uint64_t)(i + 7 * k), (uint64_t)c / 4) %
                              7 % 3);
        }
    }
    f.pair_offset[n_images] = n_pairs;
    f.side_offset[n_pairs] = n_sides;
    value_from_f32(type, x, n_cells * d, f.value);
    free(x);
    return f;
}

/* One class, n images of one cell each with these rows, all object. */
static inline struct features data_rows(int64_t n, int d, const float *x)
{
    struct features f = {.d = d, .type = LP_F32, .n_classes = 1, .n_images = n};
    data_tables(&f);
    f.side = malloc((size_t)n + 1);
    f.value = malloc(((size_t)n * (size_t)d + 1) * sizeof *x);
    memset(f.side, SPLIT_OBJECT, (size_t)n);
    if (n > 0)
        memcpy(f.value, x, (size_t)n * (size_t)d * sizeof *x);
    for (int64_t i = 0; i < n; ++i) {
        f.grid_w[i] = 1;
        f.id_hash[i] = hash_mix(99, (uint64_t)i);
        f.offset[i + 1] = f.pair_offset[i + 1] = f.side_offset[i + 1] = i + 1;
    }
    return f;
}

/* Images [first, first + n) of a whole data set. */
static inline struct features data_cut(const struct features *all,
                                       int64_t first, int64_t n)
{
    struct features f = {.d = all->d,
                         .type = all->type,
                         .n_classes = all->n_classes,
                         .n_images = n,
                         .first_image = first};
    const int64_t pair = all->pair_offset[first], row = all->offset[first];
    const int64_t n_pairs = all->pair_offset[first + n] - pair;
    const int64_t side = all->side_offset[pair];
    const int64_t n_sides = all->side_offset[pair + n_pairs] - side;
    const size_t bytes = (size_t)(f.d * value_bytes(f.type));
    const size_t n_rows = (size_t)(all->offset[first + n] - row);

    data_tables(&f);
    for (int64_t i = 0; i < n; ++i) {
        f.grid_w[i] = all->grid_w[first + i];
        f.id_hash[i] = all->id_hash[first + i];
        f.offset[i + 1] = all->offset[first + i + 1] - row;
        f.pair_offset[i + 1] = all->pair_offset[first + i + 1] - pair;
    }
    for (int64_t p = 0; p < n_pairs; ++p) {
        f.pair_class[p] = all->pair_class[pair + p];
        f.side_offset[p + 1] = all->side_offset[pair + p + 1] - side;
    }
    f.side = malloc((size_t)n_sides + 1);
    f.value = malloc(n_rows * bytes + 1);
    memcpy(f.side, all->side + side, (size_t)n_sides);
    memcpy(f.value, (char *)all->value + (size_t)row * bytes, n_rows * bytes);
    return f;
}

/* Contiguous shares of the ranks. Mode 0: equal; 1: equal, in reverse; 2: all
 * on the last rank; 3: uneven, rank 0 empty where there are others. */
static inline struct features data_share(const struct features *all, int mode,
                                         int rank, int n_ranks)
{
    const int64_t n = all->n_images;
    const int turn = mode == 1 ? n_ranks - 1 - rank : rank;
    int64_t first = n * turn / n_ranks, end = n * (turn + 1) / n_ranks;
    if (mode == 2)
        first = rank == n_ranks - 1 ? 0 : n, end = n;
    if (mode == 3 && n_ranks > 1) {
        const int64_t m = (n_ranks - 1) * (n_ranks - 1);
        first = rank == 0 ? 0 : n * (rank - 1) * (rank - 1) / m;
        end = n * rank * rank / m;
    }
    return data_cut(all, first, end - first);
}

/* From memory to a reader of blocks; the caller frees file->value. */
struct data_file {
    char *value;
    int64_t row_bytes, n_reads, fail_at; /* fail_at 0: never */
};
static inline enum lp_status data_read(void *file, int64_t first, int64_t n,
                                       void *rows)
{
    struct data_file *from = file;
    if (++from->n_reads == from->fail_at)
        return lp_fail(LP_EIO, "a read that is meant to fail");
    memcpy(rows, from->value + first * from->row_bytes,
           (size_t)(n * from->row_bytes));
    return LP_OK;
}
static inline void data_stream(struct features *f, struct data_file *file,
                               int64_t block_bytes)
{
    *file = (struct data_file){.value = f->value,
                               .row_bytes = f->d * value_bytes(f->type)};
    f->value = NULL;
    f->read = data_read;
    f->file = file;
    f->block_bytes = block_bytes;
}

#endif
