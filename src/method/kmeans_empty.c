/* SPDX-License-Identifier: MIT */
/* An empty cluster takes the row with the smallest cosine to its own centre,
 * from a cluster that has another. Every rank knows k such rows of its own for
 * each problem. k of all ranks are enough: with e clusters empty, a row is only
 * passed over when it is the last of its cluster, so at most k - e times. */
#include "kmeans_parts.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"

struct move {
    int running; /* place in run->running               */
    int from, to;
    int64_t image, cell;
};

static int64_t *members(const struct kmeans_run *run, int a, int cluster)
{
    return run->km->size + (int64_t)run->running[a] * run->km->k + cluster;
}

/* Clusters of the a-th running problem to be filled. */
static int n_short(const struct kmeans_run *run, int a)
{
    const int64_t n_rows = run->km->n_rows[run->running[a]];
    const int k = run->km->k;
    int filled = 0;
    for (int c = 0; c < k; ++c)
        filled += *members(run, a, c) > 0;
    return (n_rows < k ? (int)n_rows : k) - filled;
}

/* The moves of one problem, worst row first, lowest empty cluster first; sizes
 * change with them. Returns their number. */
static int plan_problem(struct kmeans_run *run, int a,
                        const struct comm_key *far, struct move *move)
{
    const int n = n_short(run, a);
    const int k = run->km->k;
    int to = 0, n_moves = 0;
    for (int i = 0; n_moves < n && i < k; ++i) {
        if (far[i].image == COMM_KEY_NONE.image)
            break;
        const int from = (int)(far[i].cell % 256);
        if (*members(run, a, from) < 2)
            continue;
        while (*members(run, a, to) > 0)
            ++to;
        --*members(run, a, from);
        ++*members(run, a, to);
        move[n_moves++] =
            (struct move){a, from, to, far[i].image, far[i].cell / 256};
    }
    return n_moves;
}

/* Moves of all problems that are short, the same on every rank. */
static enum lp_status plan(struct kmeans_run *run, int n_lists,
                           struct comm_key *far, struct move *move,
                           int *n_moves, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int k = run->km->k;
    struct comm_key *list = far;

    for (int a = 0; a < run->n_running; ++a)
        if (n_short(run, a) > 0) {
            memcpy(list, run->lane[0].far + (int64_t)run->running[a] * k,
                   (size_t)k * sizeof *list);
            list += k;
        }
    LP_TRY(comm_best_keys(comm, far, n_lists, k));
    list = far;
    *n_moves = 0;
    for (int a = 0; a < run->n_running; ++a)
        if (n_short(run, a) > 0) {
            *n_moves += plan_problem(run, a, list, move + *n_moves);
            list += k;
        }
done:
    return status;
}

/* The part of the rank that has the row: change the assignment; into row [d + 1]
 * the vector as summed, then by how much fewer rows have moved. */
static enum lp_status take_row(struct kmeans_run *run, const struct move *m,
                               float *x, int64_t *row)
{
    enum lp_status status = LP_OK;
    struct kmeans *km = run->km;
    const int p = run->running[m->running];
    const int64_t image = m->image - run->f->first_image;

    if (image < 0 || image >= run->f->n_images)
        return LP_OK;
    const int64_t pair = kmeans_pair(run->f, image, p / 2);
    const int64_t at = run->f->side_offset[pair] + m->cell;
    LP_TRY(features_row(run->f, run->f->offset[image] + m->cell, x));
    kmeans_fix_row(row, x, km->d, run->lane[0].sums.bits, 1);
    row[km->d] = (run->was[at] != m->to) - (run->was[at] != m->from);
    km->assignment[at] = (uint8_t)m->to;
done:
    return status;
}

/* The totals after one move; the sizes are already. */
static void apply(struct kmeans_run *run, const struct move *m,
                  const int64_t *row)
{
    const int p = run->running[m->running];
    const int64_t slot = (int64_t)p * run->km->k;
    kmeans_reduce_move(&run->reduce, slot + m->from, slot + m->to, row);
    run->reduce.moved[p] += row[run->km->d];
}

enum lp_status kmeans_fill_empty(struct kmeans_run *run, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t width = run->km->d + 1;
    struct comm_key *far = NULL;
    struct move *move = NULL;
    int64_t *row = NULL;
    float *x = NULL;
    int n_lists = 0, most = 0, n_moves = 0;

    for (int a = 0; a < run->n_running; ++a) {
        most += n_short(run, a);
        n_lists += n_short(run, a) > 0;
    }
    if (most == 0)
        return LP_OK;
    far = malloc((size_t)n_lists * (size_t)run->km->k * sizeof *far);
    move = malloc((size_t)most * sizeof *move);
    row = calloc((size_t)(most * width), sizeof *row);
    x = malloc((size_t)width * sizeof *x);
    if (!far || !move || !row || !x || lp_fault("kmeans_empty"))
        status = lp_fail(LP_ENOMEM, "no memory to fill %d clusters", most);
    LP_AGREE(comm);

    LP_TRY(plan(run, n_lists, far, move, &n_moves, comm));
    for (int i = 0; status == LP_OK && i < n_moves; ++i)
        status = take_row(run, &move[i], x, row + i * width);
    if (lp_fault("kmeans_empty_rows"))
        status = lp_fail(LP_EIO, "cannot read the rows of empty clusters");
    LP_AGREE(comm);
    comm_sum_i64(comm, row, n_moves * width);
    for (int i = 0; i < n_moves; ++i)
        apply(run, &move[i], row + i * width);
done:
    free(far);
    free(move);
    free(row);
    free(x);
    return status;
}
