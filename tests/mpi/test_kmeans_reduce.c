/* SPDX-License-Identifier: MIT */
/* The ranks' sums and the centres from them, in every way to add up, against a
 * plain sum over the ranks. Every rank knows what every other one brings. */
#include "support.h"

#include <stdio.h>

#include "../../src/method/kmeans_parts.h"
#include "kmeans_data.h"

#define WORLD MPI_COMM_WORLD

struct shape {
    int n_problems, k, d;
    int block, round;  /* slots; 0: as kmeans_reduce_init says             */
    int64_t magnitude; /* of a rank's numbers                              */
    int idle;          /* this rank brings nothing; -1: all bring something */
};

/* What a rank brings in one iteration: to entry i of a slot, and its rows. All
 * of one sign in half of the slots, so that the ranks' sums grow. */
static int64_t entry(const struct shape *s, int rank, int step, int64_t slot,
                     int i)
{
    const uint64_t h = (uint64_t)(rank * 7 + step + 1) * 0x9e3779b97f4a7c15u +
                       (uint64_t)(slot * 4099 + i) * 0xd1342543de82ef95u;
    const int64_t size = s->magnitude - (int64_t)(h >> 40) % (s->magnitude / 8);
    if (rank == s->idle)
        return 0;
    return slot % 2 || h >> 39 & 1 ? size : -size;
}

static int64_t rows(const struct shape *s, int rank, int step, int64_t slot)
{
    return rank == s->idle ? 0 : (slot * 5 + rank + step) % 4;
}

/* The twin's state and the code's. */
struct twin {
    int64_t *total, *size, *moved, *objective;
    float *center;
    double *shift;
};

static void twin_init(struct twin *t, const struct kmeans *km)
{
    const size_t n = (size_t)km->n_problems, slots = n * (size_t)km->k;
    const size_t numbers = slots * (size_t)km->d;
    t->total = calloc(numbers, sizeof *t->total);
    t->size = calloc(slots, sizeof *t->size);
    t->moved = calloc(n, sizeof *t->moved);
    t->objective = calloc(n, sizeof *t->objective);
    t->center = malloc(numbers * sizeof *t->center);
    t->shift = calloc(n, sizeof *t->shift);
    memcpy(t->center, km->center, numbers * sizeof *t->center);
}

static void twin_release(struct twin *t)
{
    free(t->total);
    free(t->size);
    free(t->moved);
    free(t->objective);
    free(t->center);
    free(t->shift);
}

static void twin_sum(struct twin *t, const struct shape *s, int p, int step)
{
    t->moved[p] = t->objective[p] = 0;
    for (int rank = 0; rank < comm_size(WORLD); ++rank) {
        t->moved[p] += rank + p + step;
        t->objective[p] += (int64_t)(rank + 1) << 40;
        for (int64_t slot = p * s->k; slot < (p + 1) * s->k; ++slot) {
            t->size[slot] += rows(s, rank, step, slot);
            for (int i = 0; i < s->d; ++i)
                t->total[slot * s->d + i] += entry(s, rank, step, slot, i);
        }
    }
}

static void twin_centers(struct twin *t, const struct kmeans *km, int p)
{
    t->shift[p] = 0;
    for (int64_t slot = p * km->k; slot < (p + 1) * km->k; ++slot) {
        double square = 0;
        for (int64_t j = slot * km->d; j < (slot + 1) * km->d; ++j) {
            const double old = (double)t->center[j];
            t->center[j] = 0;
            if (t->size[slot] > 0)
                t->center[j] = (float)(ldexp((double)t->total[j], -km->bits) /
                                       (double)t->size[slot]);
            square +=
                ((double)t->center[j] - old) * ((double)t->center[j] - old);
        }
        t->shift[p] += sqrt(square);
    }
}

/* This rank's numbers of one iteration, of problems that have stopped too:
 * those are to stay where they are. */
static void bring(struct kmeans_sums *sums, const struct shape *s, int step)
{
    const int rank = comm_rank(WORLD);
    for (int p = 0; p < s->n_problems; ++p) {
        sums->moved[p] = rank + p + step;
        sums->objective[p] = (int64_t)(rank + 1) << 40;
        for (int64_t slot = p * s->k; slot < (p + 1) * s->k; ++slot) {
            sums->count[slot] = rows(s, rank, step, slot);
            for (int i = 0; i < s->d; ++i)
                sums->sum[slot * s->d + i] = entry(s, rank, step, slot, i);
        }
    }
}

static bool taken_or_left(const struct kmeans_sums *sums, const struct shape *s,
                          int p, int step, bool taken)
{
    const int rank = comm_rank(WORLD);
    bool good = sums->moved[p] == (taken ? 0 : rank + p + step) &&
                sums->objective[p] == (taken ? 0 : (int64_t)(rank + 1) << 40);
    for (int64_t slot = p * s->k; slot < (p + 1) * s->k; ++slot) {
        good = good &&
               sums->count[slot] == (taken ? 0 : rows(s, rank, step, slot));
        for (int i = 0; good && i < s->d; ++i)
            good = sums->sum[slot * s->d + i] ==
                   (taken ? 0 : entry(s, rank, step, slot, i));
    }
    return good;
}

/* A row from the first cluster of a problem to its last, as an empty cluster
 * takes one; the same row on every rank. */
static void move_row(struct kmeans_reduce *r, struct twin *t,
                     const struct shape *s, int p, int step)
{
    const int64_t from = (int64_t)p * s->k, to = from + s->k - 1;
    int64_t *row = malloc((size_t)s->d * sizeof *row);
    for (int i = 0; i < s->d; ++i) {
        row[i] = entry(s, -1, step, from, i);
        t->total[from * s->d + i] -= row[i];
        t->total[to * s->d + i] += row[i];
    }
    kmeans_reduce_move(r, from, to, row);
    free(row);
}

static bool same_as_twin(const struct twin *t, const struct kmeans_reduce *r,
                         int p)
{
    const struct kmeans *km = r->km;
    const int64_t k = km->k, first = p * k;
    const double shift = kmeans_reduce_shift(r, p);
    return t->moved[p] == r->moved[p] && t->objective[p] == r->objective[p] &&
           memcmp(&t->shift[p], &shift, sizeof shift) == 0 &&
           memcmp(t->size + first, km->size + first,
                  (size_t)k * sizeof *t->size) == 0 &&
           memcmp(t->center + first * km->d, km->center + first * km->d,
                  (size_t)(k * km->d) * sizeof(float)) == 0;
}

/* Problems that go on in a step: fewer each time, one at last; the last problem
 * has no rows and never runs. */
static int list(const struct shape *s, int step, int *running)
{
    int n = 0;
    for (int p = 0; p < s->n_problems - 1; ++p)
        if (p % (step + 1) == 0 && (step < 3 || n == 0))
            running[n++] = p;
    return n;
}

static bool one_step(struct kmeans_reduce *r, struct kmeans_sums *sums,
                     struct twin *t, const struct shape *s, int step)
{
    int running[16];
    const int n = list(s, step, running);
    bool good = true;

    bring(sums, s, step);
    kmeans_reduce_sum(r, sums, running, n);
    for (int p = 0, a = 0; p < s->n_problems; ++p) {
        const bool runs = a < n && running[a] == p;
        a += runs;
        good = taken_or_left(sums, s, p, step, runs) && good;
    }
    for (int a = 0; a < n; ++a) {
        twin_sum(t, s, running[a], step);
        if (a % 2 == step % 2)
            move_row(r, t, s, running[a], step);
        twin_centers(t, r->km, running[a]);
    }
    kmeans_reduce_centers(r, running, n);
    for (int p = 0; p < s->n_problems; ++p)
        good = same_as_twin(t, r, p) && good;
    return good;
}

/* Are the owners as many as this way to add up has? */
static bool owners_as_said(const struct kmeans_reduce *r)
{
    const int size = comm_size(WORLD), asked = r->km->node_ranks;
    const int m = asked > 0 && asked < size ? asked : size;
    const int nodes = (size + m - 1) / m, rest = size - (nodes - 1) * m;
    switch (r->km->reduce) {
    case REDUCE_FLAT:
        return r->flat && r->slots.n_owners == 1 && r->slots.owner == 0;
    case REDUCE_SCATTER:
        return r->flat == (size == 1) && r->slots.n_owners == size;
    case REDUCE_NODE:
        return r->flat == (size == 1) &&
               r->slots.n_owners == (size == 1 ? 1 : nodes * rest);
    default:
        return r->slots.n_owners >= 1;
    }
}

static void check(const struct shape *s, int reduce, int node_ranks)
{
    const struct features f = {.d = s->d,
                               .n_classes = s->n_problems / 2,
                               .pair_offset = (int64_t[]){0},
                               .side_offset = (int64_t[]){0}};
    struct kmeans km;
    struct kmeans_sums sums;
    struct kmeans_reduce r;
    struct twin t;
    bool good = kmeans_init(&km, &f, s->k) == LP_OK;
    for (int p = 0; p < s->n_problems - 1; ++p)
        km.n_rows[p] = 1000;
    for (int64_t i = 0; i < (int64_t)s->n_problems * s->k * s->d; ++i)
        km.center[i] = (float)(i % 11) - 3;
    km.size[0] = 77; /* of an earlier fit */
    km.bits = 13;
    km.reduce = reduce;
    km.node_ranks = node_ranks;
    twin_init(&t, &km);
    good = kmeans_sums_init(&sums, &km) == LP_OK && good;
    assert_true(on_all(good));
    assert_true(on_all(kmeans_reduce_init(&r, &km, WORLD) == LP_OK));
    assert_true(on_all(owners_as_said(&r)));
    r.slots.most =
        s->block && s->block < r.slots.most ? s->block : r.slots.most;
    r.round = s->round && s->round < r.round ? s->round : r.round;
    for (int step = 0; step < 4; ++step)
        if (!on_all(one_step(&r, &sums, &t, s, step)))
            fail_msg("reduce %d, nodes of %d, %d x %d x %d, step %d differs",
                     reduce, node_ranks, s->n_problems, s->k, s->d, step);
    kmeans_reduce_release(&r);
    kmeans_sums_release(&sums);
    kmeans_release(&km);
    twin_release(&t);
}

static void check_all_ways(const struct shape *s)
{
    check(s, REDUCE_AUTO, 0);
    check(s, REDUCE_FLAT, 0);
    check(s, REDUCE_SCATTER, 0);
    for (int node_ranks = 0; node_ranks <= 3; ++node_ranks)
        check(s, REDUCE_NODE, node_ranks);
}

static void every_way_gives_the_sums_of_a_plain_loop(void **state)
{
    (void)state;
    const struct shape small = {6, 4, 33, 0, 0, 1 << 16, -1};
    const struct shape one = {4, 1, 1, 0, 0, 1 << 16, -1};
    check_all_ways(&small);
    check_all_ways(&one);
}

/* 2^30 of every rank fit in 32 bits alone and on one, not in all; 2^45 never
 * do. */
static void large_sums_lose_no_bits(void **state)
{
    (void)state;
    for (int bits = 28; bits <= 31; ++bits) {
        const struct shape s = {6, 4, 17, 0, 0, (int64_t)1 << bits, -1};
        check_all_ways(&s);
    }
    const struct shape large = {6, 4, 17, 5, 2, (int64_t)1 << 45, -1};
    check_all_ways(&large);
}

static void ranks_that_bring_nothing_change_nothing(void **state)
{
    (void)state;
    const int last = comm_size(WORLD) - 1;
    const struct shape first_idle = {6, 5, 9, 0, 0, 1 << 20, 0};
    const struct shape last_idle = {6, 5, 9, 4, 3, (int64_t)1 << 40, last};
    check_all_ways(&first_idle);
    check_all_ways(&last_idle);
}

/* 6 slots that run, for 7 ranks. */
static void fewer_slots_than_ranks_leave_some_without(void **state)
{
    (void)state;
    const struct shape s = {4, 2, 21, 0, 0, 1 << 20, -1};
    check_all_ways(&s);
}

static void many_blocks_and_rounds_are_one_sum(void **state)
{
    (void)state;
    for (int block = 1; block <= 25; block += 8)
        for (int round = 1; round <= 7; round += 3) {
            const struct shape s = {6, 5, 6, block, round, 1 << 20, -1};
            check_all_ways(&s);
        }
}

/* As large as the segments and blocks of the program are, some rows wider. */
static void real_segments_take_more_than_one_round(void **state)
{
    (void)state;
    const struct shape s = {10, 20, 1000, 0, 0, 1 << 20, -1};
    const struct shape wide = {4, 1, 140000, 0, 0, (int64_t)1 << 33, -1};
    check(&s, REDUCE_AUTO, 0);
    check(&s, REDUCE_AUTO, 2);
    check(&s, REDUCE_NODE, 3);
    check(&wide, REDUCE_NODE, 0);
}

static void auto_chooses_as_the_contract_says(void **state)
{
    (void)state;
    const int size = comm_size(WORLD);
    static const int d[] = {100, 4096};
    for (int large = 0; large < 2; ++large)
        for (int node_ranks = 0; node_ranks <= 3; ++node_ranks) {
            const struct features f = {.d = d[large],
                                       .n_classes = 2,
                                       .pair_offset = (int64_t[]){0},
                                       .side_offset = (int64_t[]){0}};
            struct kmeans km;
            struct kmeans_reduce r;
            assert_true(on_all(kmeans_init(&km, &f, 3) == LP_OK));
            km.n_rows[0] = km.n_rows[3] = 5;
            km.node_ranks = node_ranks;
            assert_true(on_all(kmeans_reduce_init(&r, &km, WORLD) == LP_OK));
            const bool even = node_ranks == 0 || size % node_ranks == 0 ||
                              2 * (size % node_ranks) >=
                                  (node_ranks < size ? node_ranks : size);
            const int local =
                node_ranks == 0 || node_ranks > size ? size : node_ranks;
            assert_true(on_all(r.flat == (size == 1 || !large)));
            if (!r.flat)
                assert_true(on_all(r.nodes.most_local == (even ? local : 1)));
            kmeans_reduce_release(&r);
            kmeans_release(&km);
        }
}

static bool fails_on(int rank, const char *format, bool fails)
{
    const struct features f = {.d = 4096,
                               .n_classes = 1,
                               .pair_offset = (int64_t[]){0},
                               .side_offset = (int64_t[]){0}};
    struct kmeans km;
    struct kmeans_reduce r;
    char wish[64];
    bool good = kmeans_init(&km, &f, 2) == LP_OK;
    km.n_rows[0] = 5;
    km.node_ranks = comm_size(WORLD) - 1;
    snprintf(wish, sizeof wish, format, rank);
    setenv("LPCAM_FAULT", wish, 1);
    const enum lp_status status = kmeans_reduce_init(&r, &km, WORLD);
    unsetenv("LPCAM_FAULT");
    const enum lp_status want = comm_rank(WORLD) == rank ? LP_ENOMEM : LP_EPEER;
    good = good && status == (fails ? want : LP_OK);
    kmeans_reduce_release(&r);
    kmeans_release(&km);
    return good;
}

/* One rank of the last node is too few from 4 ranks on: then auto has opened
 * the nodes once when it goes over to scatter. Visits count from the start of
 * the program, so the second one comes first. */
static void a_fault_in_what_auto_opens_fails_all(void **state)
{
    (void)state;
    const int size = comm_size(WORLD);
    for (int rank = 0; rank < size; ++rank) {
        assert_true(on_all(fails_on(rank, "comm_nodes@%d:2", size > 3)));
        assert_true(on_all(fails_on(rank, "comm_nodes@%d", true)));
        assert_true(on_all(fails_on(rank, "kmeans_reduce@%d", true)));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_sums_of_a_plain_loop),
        cmocka_unit_test(large_sums_lose_no_bits),
        cmocka_unit_test(ranks_that_bring_nothing_change_nothing),
        cmocka_unit_test(fewer_slots_than_ranks_leave_some_without),
        cmocka_unit_test(many_blocks_and_rounds_are_one_sum),
        cmocka_unit_test(real_segments_take_more_than_one_round),
        cmocka_unit_test(auto_chooses_as_the_contract_says),
        cmocka_unit_test(a_fault_in_what_auto_opens_fails_all),
    };
    return test_mpi_main(argc, argv, tests);
}
