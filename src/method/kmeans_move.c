/* SPDX-License-Identifier: MIT */
/* The assignment step: every row to its nearest centre, and those that move
 * from their old cluster's sums to the new one's. */
#include <stdlib.h>
#include <string.h>

#include "kmeans_parts.h"

/* Rows of a block that change their cluster. */
struct moves {
    int n;
    int32_t row[KMEANS_BLOCK]; /* place in the block                        */
    uint8_t from[KMEANS_BLOCK], to[KMEANS_BLOCK];
};

/* A slot's part into its sums. A part has half the bytes, so that more of what
 * a block needs stays near. */
KMEANS_CLONES
static void empty_part(struct kmeans_run_lane *lane, int64_t slot)
{
    const int d = lane->sums.d;
    int64_t *sum = lane->sums.sum + slot * d;
    int32_t *part = lane->part + slot * d;
    for (int i = 0; i < d; ++i) {
        sum[i] += part[i];
        part[i] = 0;
    }
    lane->part_rows[slot] = 0;
}

/* Bring a cluster's sums up to date with the moves. */
static void add_moves(struct kmeans_run *run, const struct kmeans_rows *rows,
                      const struct moves *m, int cluster)
{
    const char *list[2 * KMEANS_BLOCK];
    struct kmeans_run_lane *lane = &run->lane[rows->lane];
    const int64_t slot = (int64_t)rows->problem * run->km->k + cluster;
    int n_in = 0, n;
    for (int i = 0; i < m->n; ++i)
        if (m->to[i] == cluster)
            list[n_in++] = rows->row[m->row[i]];
    n = n_in;
    for (int i = 0; i < m->n; ++i)
        if (m->from[i] == cluster)
            list[n++] = rows->row[m->row[i]];
    if (lane->part_rows[slot] + n > KMEANS_PART_ROWS)
        empty_part(lane, slot);
    run->km->kernel->add(&run->pass.shape, list, n_in, n, run->km->bits,
                         lane->part + slot * run->km->d);
    lane->part_rows[slot] += n;
    lane->sums.count[slot] += 2 * n_in - n;
}

static void add_all_moves(struct kmeans_run *run,
                          const struct kmeans_rows *rows, const struct moves *m)
{
    bool touched[KMEANS_NONE + 1] = {false};
    for (int i = 0; i < m->n; ++i)
        touched[m->from[i]] = touched[m->to[i]] = true;
    for (int c = 0; c < run->km->k; ++c)
        if (touched[c])
            add_moves(run, rows, m, c);
    run->lane[rows->lane].sums.moved[rows->problem] += m->n;
}

static void assign_rows(void *state, const struct kmeans_rows *rows)
{
    struct kmeans_run *run = state;
    struct kmeans_run_lane *lane = &run->lane[rows->lane];
    const struct kmeans *km = run->km;
    const int p = rows->problem;
    struct comm_key *far = lane->far + (int64_t)p * km->k;
    int32_t label[KMEANS_BLOCK];
    float cosine[KMEANS_BLOCK];
    struct moves moves = {0};

    kmeans_best(rows, km->k, label, cosine);
    lane->sums.objective[p] +=
        kmeans_fix_sum(cosine, rows->n, lane->sums.cosine_bits);
    for (int r = 0; r < rows->n; ++r) {
        uint8_t *mine = &km->assignment[rows->pair_cell + rows->cell[r]];
        if (kmeans_key(cosine[r]) <= far[km->k - 1].key)
            comm_key_keep(
                far, km->k,
                (struct comm_key){kmeans_key(cosine[r]),
                                  run->f->first_image + rows->image,
                                  (int64_t)rows->cell[r] * 256 + label[r]});
        if (*mine == label[r])
            continue;
        moves.row[moves.n] = r;
        moves.from[moves.n] = *mine;
        moves.to[moves.n++] = *mine = (uint8_t)label[r];
    }
    if (moves.n > 0)
        add_all_moves(run, rows, &moves);
}

/* All that a thread has gathered into its sums. */
static void empty_lane(const struct kmeans_run *run,
                       struct kmeans_run_lane *lane)
{
    const int k = run->km->k;
    for (int64_t i = 0; i < (int64_t)run->n_running * k; ++i) {
        const int64_t slot = (int64_t)run->running[i / k] * k + i % k;
        if (lane->part_rows[slot] > 0)
            empty_part(lane, slot);
    }
}

enum lp_status kmeans_assign(struct kmeans_run *run)
{
    enum lp_status status = LP_OK;
    const struct kmeans *km = run->km;
    const int64_t n_far = (int64_t)km->n_problems * km->k;

    for (int t = 0; t < km->n_threads; ++t) {
        struct kmeans_run_lane *lane = &run->lane[t];
        for (int64_t i = 0; i < n_far; ++i)
            lane->far[i] = COMM_KEY_NONE;
    }
    LP_TRY(kmeans_pass_run(&run->pass, assign_rows, run));
#pragma omp parallel for num_threads(km->n_threads)
    for (int t = 0; t < km->n_threads; ++t)
        empty_lane(run, &run->lane[t]);
    for (int t = 1; t < km->n_threads; ++t) {
        kmeans_sums_merge(&run->lane[0].sums, &run->lane[t].sums, run->running,
                          run->n_running);
        for (int64_t i = 0; i < n_far; ++i)
            comm_key_keep(run->lane[0].far + i / km->k * km->k, km->k,
                          run->lane[t].far[i]);
    }
done:
    return status;
}
