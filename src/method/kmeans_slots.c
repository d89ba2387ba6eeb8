/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <stdlib.h>
#include <string.h>

enum lp_status kmeans_slots_init(struct kmeans_slots *s,
                                 const struct comm_nodes *nodes, int k,
                                 int64_t n_slots, int64_t most)
{
    const size_t n = (size_t)n_slots, n_nodes = (size_t)nodes->n_nodes;
    *s = (struct kmeans_slots){
        .k = k,
        .n_nodes = nodes->n_nodes,
        .n_columns = nodes->n_columns,
        .n_owners = nodes->n_nodes * nodes->n_columns,
        .column = nodes->place,
        .owner = nodes->node < 0
                     ? -1
                     : nodes->node * nodes->n_columns + nodes->place,
    };
    const int64_t all = (n_slots + s->n_owners - 1) / s->n_owners * s->n_nodes;
    s->most = (int)(all < most ? all : most);
    s->slot = malloc(n * sizeof *s->slot);
    s->at = malloc(n * sizeof *s->at);
    s->by_owner = malloc((size_t)s->n_owners * sizeof *s->by_owner);
    s->by_column = malloc((size_t)s->n_columns * sizeof *s->by_column);
    s->part = calloc(n_nodes, sizeof *s->part);
    s->begin = calloc(n_nodes, sizeof *s->begin);
    if (!s->slot || !s->at || !s->by_owner || !s->by_column || !s->part ||
        !s->begin)
        return lp_fail(LP_ENOMEM, "no memory for the order of %zu clusters", n);
    return LP_OK;
}

void kmeans_slots_release(struct kmeans_slots *s)
{
    free(s->slot);
    free(s->at);
    free(s->by_owner);
    free(s->by_column);
    free(s->part);
    free(s->begin);
    *s = (struct kmeans_slots){0};
}

/* Where the slots of a slot's owner are counted. */
static int *count_of(const struct kmeans_slots *s, int64_t slot)
{
    return s->by_owner + kmeans_slot_column(s, slot) * s->n_nodes +
           kmeans_slot_node(s, slot);
}

/* From the number of every owner's slots to where they begin in the column. */
static void begin_parts(struct kmeans_slots *s)
{
    int *count = s->by_owner;
    s->longest = 0;
    for (int c = 0; c < s->n_columns; ++c) {
        int before = 0;
        for (int node = 0; node < s->n_nodes; ++node, ++count) {
            const int n = *count;
            if (c == s->column) {
                s->part[node] = n;
                s->begin[node] = before;
            }
            *count = before;
            before += n;
        }
        s->longest = before > s->longest ? before : s->longest;
    }
}

int64_t kmeans_slots_next(struct kmeans_slots *s, const int *running, int n,
                          int64_t first)
{
    const int64_t n_slots = (int64_t)n * s->k;
    int64_t next = first;

    memset(s->by_owner, 0, (size_t)s->n_owners * sizeof *s->by_owner);
    memset(s->by_column, 0, (size_t)s->n_columns * sizeof *s->by_column);
    for (; next < n_slots; ++next) {
        const int64_t slot = (int64_t)running[next / s->k] * s->k + next % s->k;
        int *column = s->by_column + kmeans_slot_column(s, slot);
        if (*column == s->most)
            break;
        ++*column;
        ++*count_of(s, slot);
        s->slot[next - first] = slot;
    }
    s->n = next - first;
    begin_parts(s);
    for (int64_t i = 0; i < s->n; ++i)
        s->at[i] = (*count_of(s, s->slot[i]))++;
    return next;
}
