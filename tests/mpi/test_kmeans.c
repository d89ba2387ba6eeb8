/* SPDX-License-Identifier: MIT */
/* The same bits for any sharding, and failures on all ranks or none. */
#include "support.h"

#include <signal.h>
#include <stdio.h>

#include "kmeans_data.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"

#define K 4

static const uint64_t name_hash[] = {11, 22, 33};

static int world_rank(void)
{
    return comm_rank(MPI_COMM_WORLD);
}

static struct features my_share(const struct features *all, int mode)
{
    return data_share(all, mode, world_rank(), comm_size(MPI_COMM_WORLD));
}

/* A whole clustering: start, fit, nearest [n_problems][K][KMEANS_NEAREST]. */
struct outcome {
    struct kmeans km;
    struct kmeans_near *near;
};

/* How the next clusterings compute. */
static const char *use_kernel = "auto";
static int use_threads = 1;

static bool cluster(struct outcome *o, struct features *f, uint64_t seed,
                    int rule, int reduce, int node_ranks, MPI_Comm comm)
{
    const size_t n = 2 * (size_t)f->n_classes * K * KMEANS_NEAREST;
    const bool good = kmeans_init(&o->km, f, K) == LP_OK;
    o->near = calloc(n, sizeof *o->near);
    o->km.reduce = reduce;
    o->km.node_ranks = node_ranks;
    return good && kmeans_use(&o->km, use_kernel, use_threads) == LP_OK &&
           kmeans_start_hash(&o->km, f, name_hash, seed, comm) == LP_OK &&
           kmeans_fit(&o->km, f, rule, 0.05, 40, comm) == LP_OK &&
           kmeans_nearest(&o->km, f, o->near, comm) == LP_OK;
}

static void outcome_release(struct outcome *o)
{
    kmeans_release(&o->km);
    free(o->near);
}

static bool same_near(const struct kmeans_near *a, const struct kmeans_near *b)
{
    return a->image == b->image && a->cell == b->cell && a->row == b->row &&
           a->column == b->column && a->similarity == b->similarity;
}

static bool same_steps(const struct kmeans *a, const struct kmeans *b)
{
    bool same = a->n_steps == b->n_steps;
    for (int i = 0; same && i < a->n_steps * a->n_problems; ++i)
        same = a->step[i].moved == b->step[i].moved &&
               a->step[i].objective == b->step[i].objective &&
               a->step[i].shift2 == b->step[i].shift2;
    return same;
}

/* All that is the same on every rank; and the assignment of this share. */
static bool same_outcome(const struct outcome *whole,
                         const struct features *all, const struct outcome *part,
                         const struct features *f)
{
    const struct kmeans *a = &whole->km, *b = &part->km;
    const size_t n = (size_t)a->n_problems;
    const int64_t pair = all->pair_offset[f->first_image];
    bool same = memcmp(a->center, b->center,
                       n * K * (size_t)a->d * sizeof *a->center) == 0 &&
                memcmp(a->size, b->size, n * K * sizeof *a->size) == 0 &&
                memcmp(a->n_rows, b->n_rows, n * sizeof *a->n_rows) == 0 &&
                memcmp(a->n_zero, b->n_zero, n * sizeof *a->n_zero) == 0 &&
                memcmp(a->iterations, b->iterations, n * sizeof(int)) == 0 &&
                memcmp(a->why, b->why, n) == 0 && same_steps(a, b);
    for (size_t i = 0; i < n * K * KMEANS_NEAREST; ++i)
        same = same && same_near(&whole->near[i], &part->near[i]);
    return same &&
           memcmp(a->assignment + all->side_offset[pair], b->assignment,
                  (size_t)f->side_offset[f->pair_offset[f->n_images]]) == 0;
}

static void check_all_shares(enum lp_value type, uint64_t seed, int rule)
{
    struct features all = data_made(29, 3, 33, type);
    struct outcome whole;
    assert_true(on_all(
        cluster(&whole, &all, seed, rule, REDUCE_AUTO, 0, MPI_COMM_SELF)));
    assert_true(on_all(whole.km.n_steps > 3));
    for (int mode = 0; mode < 4; ++mode)
        for (int streamed = 0; streamed < 2; ++streamed) {
            struct features f = my_share(&all, mode);
            struct data_file file;
            struct outcome part;
            if (streamed) /* blocks of one image, and of several */
                data_stream(&f, &file, mode % 2 ? 0 : 60000);
            assert_true(
                on_all(cluster(&part, &f, seed, rule, (mode + 2 * streamed) % 4,
                               mode, MPI_COMM_WORLD)));
            assert_true(on_all(same_outcome(&whole, &all, &part, &f)));
            if (streamed)
                free(file.value);
            outcome_release(&part);
            features_release(&f);
        }
    outcome_release(&whole);
    features_release(&all);
}

static void any_sharding_gives_the_same_bits(void **state)
{
    (void)state;
    check_all_shares(LP_F32, 1, STOP_MOVED);
    check_all_shares(LP_F16, 2, STOP_REFERENCE);
    check_all_shares(LP_BF16, 3, STOP_MOVED);
}

static void any_way_to_add_up_gives_the_same_bits(void **state)
{
    (void)state;
    struct features all = data_made(21, 3, 40, LP_F32);
    struct features f = my_share(&all, 3);
    struct outcome whole;
    assert_true(on_all(
        cluster(&whole, &all, 4, STOP_MOVED, REDUCE_AUTO, 0, MPI_COMM_SELF)));
    for (int reduce = REDUCE_AUTO; reduce <= REDUCE_NODE; ++reduce)
        for (int node_ranks = 0; node_ranks <= 3; ++node_ranks) {
            struct outcome part;
            assert_true(on_all(cluster(&part, &f, 4, STOP_MOVED, reduce,
                                       node_ranks, MPI_COMM_WORLD)));
            assert_true(on_all(same_outcome(&whole, &all, &part, &f)));
            outcome_release(&part);
        }
    outcome_release(&whole);
    features_release(&f);
    features_release(&all);
}

static bool runs_here(const char *kernel)
{
    struct features f = data_made(1, 1, 1, LP_F32);
    struct kmeans km;
    const bool runs =
        kmeans_init(&km, &f, 1) == LP_OK && kmeans_use(&km, kernel, 1) == LP_OK;
    kmeans_release(&km);
    features_release(&f);
    return runs;
}

static void any_kernel_and_threads_give_the_same_bits(void **state)
{
    (void)state;
    static const char *const kernel[] = {"plain", "avx2", "avx512"};
    static const enum lp_value type[] = {LP_F32, LP_F16};
    for (int t = 0; t < 2; ++t) {
        struct features all = data_made(29, 3, 145, type[t]);
        struct features f = my_share(&all, 1);
        struct outcome whole, part;
        use_kernel = "plain";
        assert_true(on_all(cluster(&whole, &all, 5, STOP_MOVED, REDUCE_AUTO, 0,
                                   MPI_COMM_SELF)));
        for (int i = 0; i < 6; ++i) {
            use_kernel = kernel[i % 3];
            use_threads = 1 + i / 2;
            if (!on_all(runs_here(use_kernel)))
                continue;
            assert_true(on_all(cluster(&part, &f, 5, STOP_MOVED, REDUCE_AUTO, 0,
                                       MPI_COMM_WORLD)));
            assert_true(on_all(same_outcome(&whole, &all, &part, &f)));
            outcome_release(&part);
        }
        outcome_release(&whole);
        features_release(&f);
        features_release(&all);
    }
    use_kernel = "auto";
    use_threads = 1;
}

/* Some processors of a job may multiply bf16 in pairs and others not. */
static void bf16_pairs_are_for_all_ranks_or_none(void **state)
{
    (void)state;
    struct features all = data_made(29, 3, 145, LP_BF16);
    struct outcome whole, part;
    use_kernel = "plain";
    assert_true(on_all(
        cluster(&whole, &all, 5, STOP_MOVED, REDUCE_AUTO, 0, MPI_COMM_SELF)));
    for (int odd = 0; odd < comm_size(MPI_COMM_WORLD); ++odd) {
        struct features f = my_share(&all, 0);
        use_kernel = world_rank() == odd ? "plain" : "auto";
        assert_true(on_all(
            cluster(&part, &f, 5, STOP_MOVED, REDUCE_AUTO, 0, MPI_COMM_WORLD)));
        assert_true(on_all(same_outcome(&whole, &all, &part, &f)));
        outcome_release(&part);
        features_release(&f);
    }
    use_kernel = "auto";
    outcome_release(&whole);
    features_release(&all);
}

static void equal_starts_are_repaired_alike_on_any_sharding(void **state)
{
    (void)state;
    struct features all = data_made(17, 3, 16, LP_F32);
    struct outcome whole = {.near = NULL};
    for (int mode = -1; mode < 4; ++mode) {
        MPI_Comm comm = mode < 0 ? MPI_COMM_SELF : MPI_COMM_WORLD;
        struct features f =
            mode < 0 ? data_cut(&all, 0, 17) : my_share(&all, mode);
        struct outcome part = {
            .near = calloc(6 * K * KMEANS_NEAREST, sizeof *part.near)};
        assert_true(on_all(kmeans_init(&part.km, &f, K) == LP_OK));
        part.km.reduce = mode < 0 ? REDUCE_AUTO : mode;
        part.km.node_ranks = 2;
        for (int64_t i = 0; i < 6 * (int64_t)K * 16; ++i)
            part.km.center[i] = 1; /* every centre ties with every other */
        assert_true(
            on_all(kmeans_fit(&part.km, &f, STOP_MOVED, 0, 30, comm) == LP_OK));
        for (int p = 0; p < 6 * K; ++p)
            assert_true(on_all(part.km.size[p] > 0));
        if (mode < 0) {
            whole = part;
        } else {
            assert_true(on_all(same_outcome(&whole, &all, &part, &f)));
            outcome_release(&part);
        }
        features_release(&f);
    }
    outcome_release(&whole);
    features_release(&all);
}

/* On each rank its own status where it failed, LP_EPEER elsewhere. */
static bool fails_as(enum lp_status status, bool here, enum lp_status expected)
{
    return on_all(status == (here ? expected : LP_EPEER));
}

static enum lp_status whole_clustering(struct features *f, int reduce)
{
    enum lp_status status = LP_OK;
    struct kmeans km = {0};
    struct kmeans_near near[6 * K * KMEANS_NEAREST];
    status = kmeans_init(&km, f, K);
    if (status == LP_OK)
        status = kmeans_start_hash(&km, f, name_hash, 1, MPI_COMM_WORLD);
    if (status == LP_OK) {
        memset(km.center, 0, (size_t)(6 * K * f->d) * sizeof *km.center);
        km.reduce = reduce;
        km.node_ranks = 2;
        status = kmeans_fit(&km, f, STOP_MOVED, 0, 9, MPI_COMM_WORLD);
    }
    if (status == LP_OK)
        status = kmeans_nearest(&km, f, near, MPI_COMM_WORLD);
    kmeans_release(&km);
    return status;
}

static void a_fault_at_any_site_ends_all_ranks(void **state)
{
    (void)state;
    static const struct {
        const char *site;
        enum lp_status status;
    } site[] = {{"kmeans_scan", LP_ENOMEM},       {"kmeans_fit", LP_ENOMEM},
                {"kmeans_start_hash", LP_ENOMEM}, {"kmeans_start_rows", LP_EIO},
                {"kmeans_assign", LP_ENOMEM},     {"kmeans_empty", LP_ENOMEM},
                {"kmeans_empty_rows", LP_EIO},    {"kmeans_nearest", LP_ENOMEM},
                {"comm_nodes", LP_ENOMEM},        {"kmeans_reduce", LP_ENOMEM}};
    struct features all = data_made(8, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    for (size_t i = 0; i < sizeof site / sizeof *site; ++i)
        for (int r = 0; r < comm_size(MPI_COMM_WORLD); ++r) {
            const int reduce = REDUCE_FLAT + (r + (int)i) % 3;
            char wish[64];
            snprintf(wish, sizeof wish, "%s@%d", site[i].site, r);
            setenv("LPCAM_FAULT", wish, 1);
            const enum lp_status status = whole_clustering(&f, reduce);
            unsetenv("LPCAM_FAULT");
            assert_true(fails_as(status, world_rank() == r, site[i].status));
        }
    assert_true(on_all(whole_clustering(&f, REDUCE_AUTO) == LP_OK));
    features_release(&f);
    features_release(&all);
}

static void a_failing_read_ends_all_ranks(void **state)
{
    (void)state;
    struct features all = data_made(28, 3, 8, LP_F32);
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    for (int fail_at = 1; fail_at < 12; fail_at += 3) {
        struct features f = my_share(&all, 0);
        struct data_file file;
        data_stream(&f, &file, 1);
        file.fail_at = world_rank() == last ? fail_at : 0;
        const enum lp_status status = whole_clustering(&f, REDUCE_AUTO);
        assert_true(fails_as(status, world_rank() == last, LP_EIO));
        free(file.value);
        features_release(&f);
    }
    features_release(&all);
}

static void a_feature_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    for (int b = 0; b < 4; ++b) {
        struct features all = data_made(8, 3, 8, LP_F32);
        const int64_t row = all.offset[7];
        ((float *)all.value)[row * 8 + 3] = bad[b];
        struct features f = my_share(&all, 0);
        const bool here = f.first_image + f.n_images == 8 && f.n_images > 0;
        assert_true(
            fails_as(whole_clustering(&f, REDUCE_AUTO), here, LP_EFORMAT));
        features_release(&f);
        features_release(&all);
    }
}

static void start_rows_that_cannot_be_are_refused_everywhere(void **state)
{
    (void)state;
    const float x[] = {1, 0, 0, 1, 0, 0, 2, 2};
    const struct kmeans_start bad[] = {{0, 1}, {0, -1},   {2, 0} /* all zero */,
                                       {4, 0}, {1000, 0}, {3, 0}};
    struct features all = data_rows(4, 2, x);
    all.side[3] = SPLIT_CONTEXT;
    struct features f = my_share(&all, 0);
    for (size_t b = 0; b < sizeof bad / sizeof *bad; ++b) {
        const struct kmeans_start start[] = {{1, 0}, bad[b], {3, 0}, {-1, -1}};
        struct kmeans km;
        assert_true(on_all(kmeans_init(&km, &f, 2) == LP_OK));
        const enum lp_status status =
            kmeans_start_rows(&km, &f, start, MPI_COMM_WORLD);
        const bool mine = bad[b].image >= f.first_image &&
                          bad[b].image < f.first_image + f.n_images;
        const bool told = mine || (bad[b].image > 3 && world_rank() == 0);
        assert_true(fails_as(status, told, LP_EARG));
        kmeans_release(&km);
    }
    features_release(&f);
    features_release(&all);
}

static double plain_cosine(const float *x, const float *y, int d)
{
    double xy = 0, xx = 0, yy = 0;
    for (int j = 0; j < d; ++j) {
        xy += (double)x[j] * (double)y[j];
        xx += (double)x[j] * (double)x[j];
        yy += (double)y[j] * (double)y[j];
    }
    return xx > 0 ? xy / sqrt(xx * yy) : -2;
}

/* Is a cell of this cosine rightly in or out of the list of a centre? Counts
 * those that are in. */
static bool right_place(const struct kmeans_near *near, int64_t image,
                        int64_t cell, int64_t width, double cosine, int *n_in)
{
    for (int b = 0; b < KMEANS_NEAREST; ++b)
        if (near[b].image == image && near[b].cell == cell) {
            ++*n_in;
            return fabs(cosine - (double)near[b].similarity) < 1e-6 &&
                   near[b].row == cell / width &&
                   near[b].column == cell % width;
        }
    return cosine < (double)near[KMEANS_NEAREST - 1].similarity + 1e-6;
}

static bool right_list(const struct features *all, int slot,
                       const float *center, const struct kmeans_near *near)
{
    bool right = true;
    int n_in = 0;
    for (int64_t i = 0; i < all->n_images; ++i)
        for (int64_t p = all->pair_offset[i]; p < all->pair_offset[i + 1];
             ++p) {
            const uint8_t *side = all->side + all->side_offset[p];
            const float *x = (float *)all->value + all->offset[i] * all->d;
            const int64_t n = all->offset[i + 1] - all->offset[i];
            for (int64_t c = 0; c < n; ++c)
                if (all->pair_class[p] == slot / K / 2 &&
                    side[c] == slot / K % 2 + SPLIT_OBJECT)
                    right = right && right_place(near, i, c, all->grid_w[i],
                                                 plain_cosine(x + c * all->d,
                                                              center, all->d),
                                                 &n_in);
        }
    for (int b = 1; b < KMEANS_NEAREST; ++b)
        right = right && near[b - 1].similarity >= near[b].similarity;
    return right && n_in == KMEANS_NEAREST;
}

static void nearest_cells_are_those_of_a_plain_search(void **state)
{
    (void)state;
    struct features all = data_made(9, 3, 12, LP_F32);
    struct features f = my_share(&all, 3);
    struct outcome o;
    assert_true(
        on_all(cluster(&o, &f, 1, STOP_MOVED, REDUCE_AUTO, 0, MPI_COMM_WORLD)));
    for (int slot = 0; slot < 6 * K; ++slot)
        assert_true(on_all(right_list(&all, slot, o.km.center + slot * 12,
                                      o.near + slot * KMEANS_NEAREST)));
    outcome_release(&o);
    features_release(&f);
    features_release(&all);
}

/* Last, because a process that was asked to stop stays so. */
static void a_signal_to_one_rank_stops_all(void **state)
{
    (void)state;
    struct features all = data_made(8, 3, 8, LP_F32);
    struct features f = my_share(&all, 0);
    stop_install();
    if (world_rank() == comm_size(MPI_COMM_WORLD) - 1)
        raise(SIGUSR1);
    assert_true(on_all(whole_clustering(&f, REDUCE_AUTO) == LP_STOP));
    features_release(&f);
    features_release(&all);
}

/* With no pass that measures, it comes to the same. */
static void a_further_start_takes_over_what_was_measured(void **state)
{
    (void)state;
    static const uint64_t name[] = {11, 22, 33};
    struct features all = data_made(12, 3, 16, LP_BF16);
    struct features f = data_share(&all, 0, comm_rank(MPI_COMM_WORLD),
                                   comm_size(MPI_COMM_WORLD));
    struct kmeans a, b, alone;
    assert_true(on_all(
        kmeans_init(&a, &f, 4) == LP_OK && kmeans_init(&b, &f, 4) == LP_OK &&
        kmeans_init(&alone, &f, 4) == LP_OK &&
        kmeans_start_hash(&a, &f, name, 1, MPI_COMM_WORLD) == LP_OK));
    const float *length = a.length;
    kmeans_hand_on(&a, &b);
    assert_true(on_all(!a.assignment && !a.length && b.length == length));
    assert_true(on_all(
        kmeans_start_hash(&b, &f, name, 2, MPI_COMM_WORLD) == LP_OK &&
        kmeans_fit(&b, &f, STOP_MOVED, 0, 20, MPI_COMM_WORLD) == LP_OK &&
        kmeans_start_hash(&alone, &f, name, 2, MPI_COMM_WORLD) == LP_OK &&
        kmeans_fit(&alone, &f, STOP_MOVED, 0, 20, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(b.length == length && b.bits == alone.bits &&
                       b.pairs == alone.pairs));
    assert_true(on_all(
        memcmp(b.center, alone.center, 6 * 4 * 16 * sizeof *b.center) == 0));
    assert_true(
        on_all(memcmp(b.n_rows, alone.n_rows, 6 * sizeof *b.n_rows) == 0 &&
               memcmp(b.n_zero, alone.n_zero, 6 * sizeof *b.n_zero) == 0));
    kmeans_hand_on(&b, NULL);
    assert_true(on_all(!b.assignment && !b.length));
    kmeans_release(&a);
    kmeans_release(&b);
    kmeans_release(&alone);
    features_release(&f);
    features_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sharding_gives_the_same_bits),
        cmocka_unit_test(any_way_to_add_up_gives_the_same_bits),
        cmocka_unit_test(any_kernel_and_threads_give_the_same_bits),
        cmocka_unit_test(bf16_pairs_are_for_all_ranks_or_none),
        cmocka_unit_test(a_further_start_takes_over_what_was_measured),
        cmocka_unit_test(equal_starts_are_repaired_alike_on_any_sharding),
        cmocka_unit_test(a_fault_at_any_site_ends_all_ranks),
        cmocka_unit_test(a_failing_read_ends_all_ranks),
        cmocka_unit_test(a_feature_that_is_not_finite_is_refused),
        cmocka_unit_test(start_rows_that_cannot_be_are_refused_everywhere),
        cmocka_unit_test(nearest_cells_are_those_of_a_plain_search),
        cmocka_unit_test(a_signal_to_one_rank_stops_all),
    };
    return test_mpi_main(argc, argv, tests);
}
