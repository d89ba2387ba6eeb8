/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"

/* The k smallest hashes among this rank's rows of one side of a pair. */
static void draw_side(const struct kmeans *km, const struct features *f,
                      int64_t image, int64_t pair, int side, uint64_t hash,
                      struct comm_key *list)
{
    const float *length = km->length + f->offset[image];
    const uint8_t *sides = f->side + f->side_offset[pair];
    const int64_t n = f->side_offset[pair + 1] - f->side_offset[pair];
    for (int64_t c = 0; c < n; ++c)
        if (sides[c] == side && length[c] > 0)
            comm_key_keep(list, km->k,
                          (struct comm_key){hash_mix(hash, (uint64_t)c),
                                            f->first_image + image, c});
}

static void draw(const struct kmeans *km, const struct features *f,
                 const uint64_t *class_hash, uint64_t seed,
                 struct comm_key *list)
{
    for (int64_t i = 0; i < f->n_images; ++i)
        for (int64_t pair = f->pair_offset[i]; pair < f->pair_offset[i + 1];
             ++pair)
            for (int side = SPLIT_OBJECT; side <= SPLIT_CONTEXT; ++side) {
                const int c = f->pair_class[pair];
                const uint64_t hash =
                    hash_mix(kmeans_problem_hash(seed, class_hash[c], side),
                             f->id_hash[i]);
                draw_side(km, f, i, pair, side, hash,
                          list + (int64_t)kmeans_problem(c, side) * km->k);
            }
}

enum lp_status kmeans_start_hash(struct kmeans *km, struct features *f,
                                 const uint64_t *class_hash, uint64_t seed,
                                 MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n = (int64_t)km->n_problems * km->k;
    struct comm_key *list = malloc((size_t)n * sizeof *list);
    struct kmeans_start *start = malloc((size_t)n * sizeof *start);

    if (!list || !start || lp_fault("kmeans_start_hash"))
        status = lp_fail(LP_ENOMEM, "no memory to draw %lld start rows",
                         (long long)n);
    LP_AGREE(comm);
    LP_TRY(kmeans_scan(km, f, comm));
    for (int64_t i = 0; i < n; ++i)
        list[i] = COMM_KEY_NONE;
    draw(km, f, class_hash, seed, list);
    LP_TRY(comm_best_keys(comm, list, km->n_problems, km->k));

    for (int64_t i = 0; i < n; ++i) {
        const bool none = list[i].image == COMM_KEY_NONE.image;
        start[i].image = none ? -1 : list[i].image;
        start[i].cell = none ? -1 : list[i].cell;
    }
    LP_TRY(kmeans_start_rows(km, f, start, comm));
done:
    free(list);
    free(start);
    return status;
}

/* Bring a start row of this rank into its slot. */
static enum lp_status load_row(struct kmeans *km, struct features *f,
                               int64_t slot, const struct kmeans_start *start)
{
    const int64_t image = start->image - f->first_image;
    const int p = (int)(slot / km->k), side = p % 2 + SPLIT_OBJECT;
    const int64_t n = f->offset[image + 1] - f->offset[image];
    const int64_t pair = kmeans_pair(f, image, p / 2);
    if (pair < 0 || start->cell < 0 || start->cell >= n ||
        f->side[f->side_offset[pair] + start->cell] != side)
        return lp_fail(LP_EARG,
                       "start row %lld of class %d: cell %lld of image %lld "
                       "is not %s of that class; correct kmeans.rows",
                       (long long)(slot % km->k), p / 2, (long long)start->cell,
                       (long long)start->image,
                       side == SPLIT_OBJECT ? "object" : "context");
    if (!(km->length[f->offset[image] + start->cell] > 0))
        return lp_fail(LP_EARG,
                       "start row %lld of class %d: the feature at cell %lld "
                       "of image %lld is all zero; choose another",
                       (long long)(slot % km->k), p / 2, (long long)start->cell,
                       (long long)start->image);
    return features_row(f, f->offset[image] + start->cell,
                        km->center + slot * km->d);
}

/* This rank's start rows; their number into *n_loaded. */
static enum lp_status load_rows(struct kmeans *km, struct features *f,
                                const struct kmeans_start *start,
                                int64_t *n_loaded)
{
    enum lp_status status = LP_OK;
    const int64_t n = (int64_t)km->n_problems * km->k;
    memset(km->center, 0, ((size_t)n * (size_t)km->d + 1) * sizeof(float));
    for (int64_t i = 0; i < n; ++i) {
        const int64_t image = start[i].image - f->first_image;
        if (start[i].image < 0 || image < 0 || image >= f->n_images)
            continue;
        LP_TRY(load_row(km, f, i, &start[i]));
        ++*n_loaded;
    }
    if (lp_fault("kmeans_start_rows"))
        LP_TRY(lp_fail(LP_EIO, "cannot read the start rows"));
done:
    return status;
}

enum lp_status kmeans_start_rows(struct kmeans *km, struct features *f,
                                 const struct kmeans_start *start,
                                 MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n = (int64_t)km->n_problems * km->k;
    int64_t n_named = 0, n_loaded = 0;

    for (int64_t i = 0; i < n; ++i)
        n_named += start[i].image >= 0;
    LP_TRY(kmeans_scan(km, f, comm));
    status = load_rows(km, f, start, &n_loaded);
    LP_AGREE(comm);
    if (comm_total(comm, n_loaded) != n_named)
        LP_TRY(lp_fail_all(comm, LP_EARG,
                           "a start row is of an image that is not in the "
                           "list; correct kmeans.rows"));

    /* Each slot was written by one rank and is zero on the others, so adding
     * the bits brings it to all. */
    comm_sum_i64(comm, (int64_t *)(void *)km->center, (n * km->d + 1) / 2);
done:
    return status;
}
