/* SPDX-License-Identifier: MIT */
/* On the way from the ranks' sums to the centres that all have:
 *
 *   in a node:      each rank shows its numbers of other columns' slots to the
 *                   node, a round of slots at a time; the rank that stands in a
 *                   slot's column adds the slot up over the node
 *   between nodes:  each column brings its slots to their owners, so all ranks
 *                   drive the network, and with the fewest numbers
 *   centres:        the owner's, back along the column, then in the node
 *
 * `scatter` is one rank a node; `flat` too, on sums that an allreduce has made
 * the same everywhere, each rank for itself. Nothing is started early to
 * overlap: Open MPI's MPI_Ireduce_scatter brings everything to one rank. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kmeans_parts.h"
#include "lpcam/base/fault.h"

/* Numbers of one message of a column, at most. */
#define MESSAGE_NUMBERS ((int64_t)1 << 20)

/* Bytes a rank shows to its node at a time: two of these a rank are all the
 * shared memory there is. */
#define SEGMENT_BYTES ((int64_t)1 << 20)

/* Below this message one allreduce ends before several calls would. */
#define SMALL_BYTES ((int64_t)1 << 16)

/* The floats of a centre on its way: d entries, then the length of its step. */
#define STEP_FLOATS (int)(sizeof(double) / sizeof(float))

static int64_t *total_of(const struct kmeans_reduce *r, int64_t slot)
{
    return r->total + slot / r->slots.n_owners * r->km->d;
}

/* Open the nodes that km->reduce asks for; r->flat is set. */
static enum lp_status open_nodes(struct kmeans_reduce *r, int64_t bytes)
{
    enum lp_status status = LP_OK;
    const struct kmeans *km = r->km;
    int64_t n_rows = 0;

    for (int p = 0; p < km->n_problems; ++p)
        n_rows += km->n_rows[p] > 0;
    const int64_t message = n_rows * km->k * km->d * (int64_t)sizeof(int64_t);
    r->flat = km->reduce == REDUCE_FLAT || comm_size(r->comm) == 1 ||
              (km->reduce == REDUCE_AUTO && message < SMALL_BYTES);
    if (r->flat)
        return comm_nodes_init(&r->nodes, 1, bytes, MPI_COMM_SELF);
    if (km->reduce != REDUCE_SCATTER) {
        LP_TRY(comm_nodes_init(&r->nodes, km->node_ranks, bytes, r->comm));
        if (km->reduce == REDUCE_NODE ||
            2 * r->nodes.n_columns >= r->nodes.most_local)
            return LP_OK;
        comm_nodes_release(&r->nodes);
    }
    LP_TRY(comm_nodes_init(&r->nodes, 1, bytes, r->comm));
done:
    return status;
}

static enum lp_status allocate(struct kmeans_reduce *r)
{
    const size_t n = (size_t)r->km->n_problems, k = (size_t)r->km->k;
    const size_t d = (size_t)r->km->d, n_nodes = (size_t)r->nodes.n_nodes;
    const size_t column = (size_t)r->slots.most;
    const size_t owned =
        r->slots.owner < 0 ? 0 : n * k / (size_t)r->slots.n_owners + 1;

    r->total = calloc(owned * d + 1, sizeof *r->total);
    r->moved = calloc(n, sizeof *r->moved);
    r->objective = calloc(n, sizeof *r->objective);
    r->tally = malloc(n * (k + 2) * sizeof *r->tally);
    r->step = calloc(n * k, sizeof *r->step);
    r->count = malloc(n_nodes * sizeof *r->count);
    r->begin = malloc(n_nodes * sizeof *r->begin);
    r->sum = malloc(column * d * sizeof *r->sum);
    r->center = malloc(column * (d + STEP_FLOATS) * sizeof *r->center);
    if (!r->total || !r->moved || !r->objective || !r->tally || !r->step ||
        !r->count || !r->begin || !r->sum || !r->center ||
        lp_fault("kmeans_reduce"))
        return lp_fail(LP_ENOMEM,
                       "no memory to add up %zu x %zu clusters of %zu channels",
                       n, k, d);
    return LP_OK;
}

enum lp_status kmeans_reduce_init(struct kmeans_reduce *r, struct kmeans *km,
                                  MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t row = (km->d + STEP_FLOATS) * (int64_t)sizeof(int64_t);
    const int64_t bytes = row > SEGMENT_BYTES ? row : SEGMENT_BYTES;
    const int64_t n_slots = (int64_t)km->n_problems * km->k;
    const int64_t most = MESSAGE_NUMBERS / km->d;

    *r = (struct kmeans_reduce){.km = km, .comm = comm, .round = bytes / row};
    memset(km->size, 0, (size_t)n_slots * sizeof *km->size);
    status = open_nodes(r, bytes);
    LP_AGREE(comm);
    status = kmeans_slots_init(&r->slots, &r->nodes, km->k, n_slots,
                               most > 1 ? most : 1);
    if (status == LP_OK)
        status = allocate(r);
    LP_AGREE(comm);
done:
    return status;
}

void kmeans_reduce_release(struct kmeans_reduce *r)
{
    comm_nodes_release(&r->nodes);
    kmeans_slots_release(&r->slots);
    free(r->total);
    free(r->moved);
    free(r->objective);
    free(r->tally);
    free(r->step);
    free(r->count);
    free(r->begin);
    free(r->sum);
    free(r->center);
    *r = (struct kmeans_reduce){0};
}

/* The members, moves and objectives of all ranks, small and for everyone. */
static void sum_tallies(struct kmeans_reduce *r, struct kmeans_sums *s,
                        const int *running, int n)
{
    const int k = r->km->k;
    for (int a = 0; a < n; ++a) {
        const int p = running[a];
        int64_t *tally = r->tally + (int64_t)a * (k + 2);
        memcpy(tally, s->count + (int64_t)p * k, (size_t)k * sizeof *tally);
        memset(s->count + (int64_t)p * k, 0, (size_t)k * sizeof *tally);
        tally[k] = s->moved[p];
        tally[k + 1] = s->objective[p];
        s->moved[p] = s->objective[p] = 0;
    }
    comm_sum_i64(r->comm, r->tally, (int64_t)n * (k + 2));
    for (int a = 0; a < n; ++a) {
        const int p = running[a];
        const int64_t *tally = r->tally + (int64_t)a * (k + 2);
        for (int c = 0; c < k; ++c)
            r->km->size[(int64_t)p * k + c] += tally[c];
        r->moved[p] = tally[k];
        r->objective[p] = tally[k + 1];
    }
}

/* The parts of a column's message, each slot so many numbers. */
static void lay_out(struct kmeans_reduce *r, int width)
{
    for (int node = 0; node < r->nodes.n_nodes; ++node) {
        r->count[node] = r->slots.part[node] * width;
        r->begin[node] = r->slots.begin[node] * width;
    }
}

KMEANS_CLONES
static void add(int64_t *sum, const int64_t *x, int n)
{
    for (int i = 0; i < n; ++i)
        sum[i] += x[i];
}

/* Slots [first, end) of the block: those of this rank's column from the whole
 * node into r->sum. What was taken from the sums is zero there. */
static void sum_round(struct kmeans_reduce *r, struct kmeans_sums *s,
                      int64_t first, int64_t end)
{
    const struct kmeans_slots *slots = &r->slots;
    const int64_t d = r->km->d;
    const size_t bytes = (size_t)d * sizeof(int64_t);

    for (int64_t i = first; i < end; ++i) {
        int64_t *own = s->sum + slots->slot[i] * d, *to;
        if (kmeans_slot_column(slots, slots->slot[i]) == slots->column)
            to = r->sum + slots->at[i] * d;
        else
            to = (int64_t *)comm_nodes_mine(&r->nodes) + (i - first) * d;
        memcpy(to, own, bytes);
        memset(own, 0, bytes);
    }
    comm_nodes_turn(&r->nodes);
    for (int64_t i = first; i < end; ++i) {
        if (kmeans_slot_column(slots, slots->slot[i]) != slots->column)
            continue;
        for (int p = 0; p < r->nodes.n_local; ++p)
            if (p != r->nodes.place)
                add(r->sum + slots->at[i] * d,
                    (const int64_t *)comm_nodes_shown(&r->nodes, p) +
                        (i - first) * d,
                    (int)d);
    }
}

/* The block's sums over all ranks, to the totals of the slots owned here. */
static void sum_block(struct kmeans_reduce *r, struct kmeans_sums *s)
{
    const struct kmeans_slots *slots = &r->slots;
    const int64_t d = r->km->d;
    const int64_t round = r->nodes.n_local > 1 ? r->round : slots->n;

    for (int64_t i = 0; i < slots->n; i += round)
        sum_round(r, s, i, i + round < slots->n ? i + round : slots->n);
    if (slots->owner < 0)
        return;
    lay_out(r, (int)d);
    if (r->flat)
        comm_sum_i64(r->comm, r->sum, slots->n * d);
    else
        comm_sum_scatter_i64(r->nodes.column, r->sum, r->count);
    for (int64_t i = 0; i < slots->n; ++i)
        if (kmeans_slot_owned(slots, slots->slot[i]))
            add(total_of(r, slots->slot[i]),
                r->sum + slots->at[i] * d - r->begin[r->nodes.node], (int)d);
}

void kmeans_reduce_sum(struct kmeans_reduce *r, struct kmeans_sums *s,
                       const int *running, int n)
{
    const int64_t n_slots = (int64_t)n * r->km->k;
    sum_tallies(r, s, running, n);
    for (int64_t next = 0; next < n_slots;) {
        next = kmeans_slots_next(&r->slots, running, n, next);
        sum_block(r, s);
    }
}

void kmeans_reduce_move(struct kmeans_reduce *r, int64_t from, int64_t to,
                        const int64_t *row)
{
    const int d = r->km->d;
    if (kmeans_slot_owned(&r->slots, from)) {
        int64_t *total = total_of(r, from);
        for (int i = 0; i < d; ++i)
            total[i] -= row[i];
    }
    if (kmeans_slot_owned(&r->slots, to))
        add(total_of(r, to), row, d);
}

/* The mean of a slot's members, 0 where it has none, then how far the centre
 * moves, as a double. row [d + STEP_FLOATS]. */
static void move_center(const struct kmeans_reduce *r, int64_t slot, float *row)
{
    const int d = r->km->d;
    const int64_t *sum = total_of(r, slot), n = r->km->size[slot];
    const double unit = ldexp(1, -r->km->bits);
    const float *center = r->km->center + slot * d;
    double square = 0;
    for (int i = 0; i < d; ++i) {
        row[i] = n > 0 ? (float)((double)sum[i] * unit / (double)n) : 0;
        const double step = (double)row[i] - (double)center[i];
        square += step * step;
    }
    square = sqrt(square);
    memcpy(row + d, &square, sizeof square);
}

/* A slot's centre and step as they came. */
static void take_center(struct kmeans_reduce *r, int64_t slot, const float *row)
{
    const int d = r->km->d;
    memcpy(r->km->center + slot * d, row, (size_t)d * sizeof *row);
    memcpy(&r->step[slot], row + d, sizeof *r->step);
}

/* The block's centres whose slots are owned here, then those of the column. */
static void make_centers(struct kmeans_reduce *r)
{
    const struct kmeans_slots *slots = &r->slots;
    const int width = r->km->d + STEP_FLOATS;
    for (int64_t i = 0; i < slots->n; ++i)
        if (kmeans_slot_owned(slots, slots->slot[i]))
            move_center(r, slots->slot[i],
                        r->center + (int64_t)slots->at[i] * width);
    if (slots->owner < 0)
        return;
    lay_out(r, width);
    comm_share_f32(r->nodes.column, r->center, r->count, r->begin);
}

/* The block's centres from this rank's column and, as far as a segment holds at
 * a time, from the other columns through the node. */
static void take_centers(struct kmeans_reduce *r)
{
    const struct kmeans_slots *slots = &r->slots;
    const int64_t width = r->km->d + STEP_FLOATS;
    const int64_t row_bytes = width * (int64_t)sizeof(float);
    const bool alone = r->nodes.n_local == 1;
    const int64_t round = alone ? slots->longest : r->nodes.bytes / row_bytes;
    const int64_t mine = slots->owner < 0 ? 0 : slots->by_column[slots->column];

    for (int64_t first = 0; first < slots->longest; first += round) {
        const float *own = r->center + first * width;
        const int64_t n = mine - first < round ? mine - first : round;
        if (!alone && n > 0)
            memcpy(comm_nodes_mine(&r->nodes), own, (size_t)(n * row_bytes));
        comm_nodes_turn(&r->nodes);
        for (int64_t i = 0; i < slots->n; ++i) {
            const int column = kmeans_slot_column(slots, slots->slot[i]);
            const int64_t row = slots->at[i] - first;
            if (row < 0 || row >= round)
                continue;
            const float *from = own;
            if (column != slots->column)
                from = comm_nodes_shown(&r->nodes, column);
            take_center(r, slots->slot[i], from + row * width);
        }
    }
}

void kmeans_reduce_centers(struct kmeans_reduce *r, const int *running, int n)
{
    const int64_t n_slots = (int64_t)n * r->km->k;
    for (int64_t next = 0; next < n_slots;) {
        next = kmeans_slots_next(&r->slots, running, n, next);
        make_centers(r);
        take_centers(r);
    }
}

double kmeans_reduce_shift(const struct kmeans_reduce *r, int problem)
{
    double shift = 0;
    for (int c = 0; c < r->km->k; ++c)
        shift += r->step[(int64_t)problem * r->km->k + c];
    return shift;
}
