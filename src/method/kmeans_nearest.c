/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"

/* In a key the grid's width rides below the cell, so that every rank can tell
 * row and column of another's image. */
#define WIDTH_BITS 31

struct search {
    const struct kmeans *km;
    const struct features *f;
    struct comm_key *list; /* [n_lanes][n_problems][k][KMEANS_NEAREST]      */
    int64_t n;             /* keys of a lane                                */
};

static void keep_nearest(void *state, const struct kmeans_rows *rows)
{
    struct search *search = state;
    const struct kmeans *km = search->km;
    const int64_t width = search->f->grid_w[rows->image];
    struct comm_key *list = search->list + rows->lane * search->n;
    for (int c = 0; c < km->k; ++c) {
        const int64_t slot = (int64_t)rows->problem * km->k + c;
        const float *dot = rows->dot + c * KMEANS_BLOCK;
        if (km->size[slot] == 0)
            continue;
        struct comm_key *near = list + slot * KMEANS_NEAREST;
        for (int r = 0; r < rows->n; ++r) {
            const uint64_t key =
                ~kmeans_key(kmeans_cosine(dot[r], rows->length[r]));
            if (key <= near[KMEANS_NEAREST - 1].key)
                comm_key_keep(near, KMEANS_NEAREST,
                              (struct comm_key){
                                  key,
                                  search->f->first_image + rows->image,
                                  (int64_t)rows->cell[r] << WIDTH_BITS | width,
                              });
        }
    }
}

/* The lists of all threads, into the first one's. */
static void merge(struct search *search, int n_lanes)
{
    for (int64_t i = search->n; i < n_lanes * search->n; ++i)
        comm_key_keep(search->list +
                          i % search->n / KMEANS_NEAREST * KMEANS_NEAREST,
                      KMEANS_NEAREST, search->list[i]);
}

static struct kmeans_near decode(const struct comm_key *key)
{
    const int64_t width = key->cell & (((int64_t)1 << WIDTH_BITS) - 1);
    const int64_t cell = key->cell >> WIDTH_BITS;
    if (key->image == COMM_KEY_NONE.image)
        return (struct kmeans_near){-1, -1, -1, -1, 0};
    return (struct kmeans_near){key->image, cell, (int32_t)(cell / width),
                                (int32_t)(cell % width),
                                kmeans_unkey(~key->key)};
}

enum lp_status kmeans_nearest(const struct kmeans *km, struct features *f,
                              struct kmeans_near *nearest, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n_lists = (int64_t)km->n_problems * km->k;
    const int64_t n = n_lists * KMEANS_NEAREST;
    struct kmeans_pass pass = {0};
    struct search search = {.km = km, .f = f, .n = n};

    assert(km->length);
    status = kmeans_pass_init(&pass, km, f);
    search.list = malloc((size_t)(n * km->n_threads) * sizeof *search.list);
    if (status == LP_OK && (!search.list || lp_fault("kmeans_nearest")))
        status = lp_fail(LP_ENOMEM, "no memory for %lld nearest cells",
                         (long long)n);
    if (status == LP_OK) {
        for (int p = 0; p < km->n_problems; ++p)
            pass.wanted[p] = true;
        for (int64_t i = 0; i < n * km->n_threads; ++i)
            search.list[i] = COMM_KEY_NONE;
        status = kmeans_pass_run(&pass, keep_nearest, &search);
        merge(&search, km->n_threads);
    }
    LP_AGREE(comm);

    LP_TRY(comm_best_keys(comm, search.list, n_lists, KMEANS_NEAREST));
    for (int64_t i = 0; i < n; ++i)
        nearest[i] = decode(&search.list[i]);
done:
    kmeans_pass_release(&pass);
    free(search.list);
    return status;
}
