/* SPDX-License-Identifier: MIT */
/* Logistic regression against scikit-learn's coefficients, against the
 * conditions of an optimum, and against itself on other ranks and grids. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../data/logistic.h"
#include "logistic_data.h"
#include "lpcam/dense/logistic.h"
#include "lpcam/run/comm.h"

static const struct logistic_options usual = {
    .lambda = 0.75, .tol = 1e-12, .max_iter = 60};

static struct samples embedded(void)
{
    return (struct samples){.n = ROWS,
                            .d = FEATURES,
                            .n_classes = CLASSES,
                            .x = &image[0][0],
                            .y = &label[0][0]};
}

/* Fit the share of this rank on a grid of comm; a release is the caller's. */
static enum lp_status fit(struct logistic *l, const struct samples *s,
                          const struct logistic_options *o, int n_rows,
                          int n_columns, MPI_Comm comm)
{
    struct grid g;
    enum lp_status status = grid_init(&g, n_rows, n_columns, comm);
    *l = (struct logistic){0};
    if (status == LP_OK)
        status = logistic_fit(l, s, o, &g);
    grid_release(&g);
    return status;
}

/* The largest difference of weights and biases, as a share of the largest of
 * its class. */
static double difference(const struct logistic *a, const struct logistic *b)
{
    double worst = 0;
    for (int c = 0; c < a->n_classes; ++c) {
        double most = fabs(b->bias[c]), apart = fabs(a->bias[c] - b->bias[c]);
        for (int j = 0; j < a->d; ++j) {
            const double w = b->weight[c * a->d + j];
            most = fmax(most, fabs(w));
            apart = fmax(apart, fabs(a->weight[c * a->d + j] - w));
        }
        worst = fmax(worst, most > 0 ? apart / most : apart);
    }
    return worst;
}

static bool all_converged(const struct logistic *l)
{
    bool all = true;
    for (int c = 0; c < l->n_classes; ++c)
        all = all && l->state[c] == LOGISTIC_CONVERGED &&
              l->gradient[c] <= usual.tol && l->iterations[c] > 0;
    return all;
}

static void check_against(const double (*learned)[FEATURES + 1], bool bias,
                          bool balanced, enum logistic_solver solver)
{
    const struct samples all = embedded();
    struct logistic_options o = usual;
    o.lambda = penalty;
    o.bias = bias;
    o.balanced = balanced;
    o.solver = solver;
    for (int mode = 0; mode < SHARES; ++mode) {
        struct share mine = share_of(&all, mode);
        struct logistic l;
        assert_true(
            on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
        assert_true(on_all(all_converged(&l)));
        double worst = 0;
        for (int c = 0; c < CLASSES; ++c) {
            for (int j = 0; j < FEATURES; ++j)
                worst = fmax(worst,
                             fabs(l.weight[c * FEATURES + j] - learned[c][j]));
            worst = fmax(worst, fabs(l.bias[c] - learned[c][FEATURES]));
        }
        assert_true(on_all(worst < 1e-8));
        logistic_release(&l);
        share_release(&mine);
    }
}

static void coefficients_are_those_of_scikit_learn(void **state)
{
    (void)state;
    for (int solver = LOGISTIC_BOUND; solver <= LOGISTIC_EXACT; ++solver) {
        check_against(learned_plain_even, false, false, solver);
        check_against(learned_plain_balanced, false, true, solver);
        check_against(learned_bias_even, true, false, solver);
        check_against(learned_bias_balanced, true, true, solver);
    }
}

/* The gradient of class c by plain loops, as a share of lambda |w|. */
static double slope(const struct logistic *l, const struct samples *s, int c,
                    const struct logistic_options *o)
{
    const int d = s->d;
    const double *w = l->weight + (int64_t)c * d;
    double *g = calloc((size_t)d + 1, sizeof *g), length = 0,
           penalty_length = 0;
    double n_pos = 0;
    for (int64_t i = 0; i < s->n; ++i)
        n_pos += s->y[i * s->n_classes + c];
    for (int64_t i = 0; i < s->n; ++i) {
        const int y = s->y[i * s->n_classes + c];
        const double n = (double)s->n, n_side = y ? n_pos : n - n_pos;
        double score = l->bias[c];
        for (int j = 0; j < d; ++j)
            score += w[j] * (double)s->x[i * d + j];
        const double away =
            (o->balanced ? n / (2 * n_side) : 1) * (1 / (1 + exp(-score)) - y);
        for (int j = 0; j < d; ++j)
            g[j] += away * (double)s->x[i * d + j];
        g[d] += o->bias ? away : 0;
    }
    for (int j = 0; j <= d; ++j) {
        const double pull = j < d ? o->lambda * w[j] : 0;
        length += (g[j] + pull) * (g[j] + pull);
        penalty_length += pull * pull;
    }
    free(g);
    return sqrt(length / penalty_length);
}

/* Larger, on any grid, features that do not divide the blocks: optimal, the
 * same as on one rank, and the same from both solvers. */
static void check_grids(int d, const struct logistic_options *options)
{
    static const int shapes[][2] = {{0, 0}, {1, 7}, {7, 1}, {1, 4}, {4, 1},
                                    {2, 3}, {3, 1}, {1, 2}, {1, 1}};
    const int size = comm_size(MPI_COMM_WORLD);
    struct samples all = samples_made(700, d, 5, 3);
    struct logistic alone, l;
    struct logistic_options o = *options;
    assert_true(on_all(fit(&alone, &all, &o, 1, 1, MPI_COMM_SELF) == LP_OK));
    assert_true(on_all(all_converged(&alone)));
    for (int c = 0; c < all.n_classes; ++c)
        assert_true(on_all(slope(&alone, &all, c, &o) < 1e-9));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
        struct share mine = share_of(&all, (int)i % SHARES);
        if (shapes[i][0] * shapes[i][1] <= size) {
            o.solver = i % 3 == 0 ? LOGISTIC_EXACT : LOGISTIC_BOUND;
            assert_true(on_all(fit(&l, &mine.s, &o, shapes[i][0], shapes[i][1],
                                   MPI_COMM_WORLD) == LP_OK));
            assert_true(on_all(all_converged(&l)));
            assert_true(on_all(difference(&l, &alone) < 1e-9));
            logistic_release(&l);
        }
        share_release(&mine);
    }
    logistic_release(&alone);
    samples_release(&all);
}

static void any_grid_and_either_solver_find_the_same_optimum(void **state)
{
    (void)state;
    struct logistic_options o = usual;
    check_grids(131, &o);
    o.bias = o.balanced = true;
    check_grids(64, &o);
}

static void all_ranks_have_the_same_bits(void **state)
{
    (void)state;
    struct samples all = samples_made(300, 70, 4, 5);
    struct share mine = share_of(&all, 2);
    struct logistic l;
    assert_true(
        on_all(fit(&l, &mine.s, &usual, 0, 0, MPI_COMM_WORLD) == LP_OK));
    const size_t n = 70 * 4;
    double *of_zero = calloc(n, sizeof *of_zero);
    memcpy(of_zero, l.weight, n * sizeof *of_zero);
    comm_bcast(MPI_COMM_WORLD, of_zero, (int64_t)(n * sizeof *of_zero));
    assert_true(on_all(memcmp(of_zero, l.weight, n * sizeof *of_zero) == 0));
    free(of_zero);
    logistic_release(&l);
    share_release(&mine);
    samples_release(&all);
}

static void fewer_images_than_features_have_one_optimum(void **state)
{
    (void)state;
    struct samples all = samples_made(40, 90, 3, 7);
    struct share mine = share_of(&all, 0);
    struct logistic_options o = usual;
    struct logistic l, exact;
    o.lambda = 0.01;
    assert_true(on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    o.solver = LOGISTIC_EXACT;
    assert_true(
        on_all(fit(&exact, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(all_converged(&l) && all_converged(&exact)));
    assert_true(on_all(difference(&l, &exact) < 1e-8));
    logistic_release(&l);
    logistic_release(&exact);
    share_release(&mine);
    samples_release(&all);
}

static void without_a_penalty_dependent_features_are_refused(void **state)
{
    (void)state;
    struct samples all = samples_made(200, 12, 2, 9);
    struct logistic_options o = usual;
    struct logistic l;
    o.lambda = 0;
    float *x = (float *)(uintptr_t)all.x;
    for (int mode = 0; mode < 3; ++mode) {
        for (int64_t i = 0; i < all.n; ++i) /* a constant; then a copy of it */
            x[i * 12 + (mode < 2 ? 3 : 8)] = 2;
        o.bias = mode == 1;
        struct share mine = share_of(&all, mode);
        for (int solver = LOGISTIC_BOUND; solver <= LOGISTIC_EXACT; ++solver) {
            o.solver = solver;
            const enum lp_status status =
                fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD);
            if (mode == 0) /* alone a constant is a feature like others */
                assert_true(on_all(status == LP_OK && all_converged(&l)));
            else
                assert_true(on_all(status == LP_EARG || status == LP_EPEER));
            logistic_release(&l);
        }
        share_release(&mine);
    }
    samples_release(&all);
}

static void a_constant_feature_is_fitted_with_a_penalty(void **state)
{
    (void)state;
    struct samples all = samples_made(200, 12, 2, 9);
    struct logistic_options o = usual;
    struct logistic l;
    float *x = (float *)(uintptr_t)all.x;
    for (int64_t i = 0; i < all.n; ++i) {
        x[i * 12 + 3] = 2;
        x[i * 12 + 8] = 0;
    }
    o.bias = true;
    struct share mine = share_of(&all, 1);
    assert_true(on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(all_converged(&l) && l.weight[8] == 0));
    /* the bias is free and the constant is not, so it does all the work */
    assert_true(on_all(fabs(l.weight[3]) < 1e-9));
    logistic_release(&l);
    share_release(&mine);
    samples_release(&all);
}

/* Class 0 is nowhere, class 1 everywhere, class 2 in some images. */
static void a_class_of_one_side_has_a_stated_result(void **state)
{
    (void)state;
    struct samples all = samples_made(50, 6, 3, 11);
    struct logistic_options o = usual;
    struct logistic l;
    uint8_t *y = (uint8_t *)(uintptr_t)all.y;
    for (int64_t i = 0; i < all.n; ++i) {
        y[i * 3] = 0;
        y[i * 3 + 1] = 1;
    }
    struct share mine = share_of(&all, 0);
    o.bias = true;
    for (int balanced = 0; balanced < 2; ++balanced) {
        o.balanced = balanced;
        assert_true(
            on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
        assert_true(on_all(l.state[0] == LOGISTIC_ONE_SIDED &&
                           l.state[1] == LOGISTIC_ONE_SIDED &&
                           l.state[2] == LOGISTIC_CONVERGED));
        bool zero = true;
        for (int j = 0; j < 12; ++j)
            zero = zero && l.weight[j] == 0;
        assert_true(on_all(zero && l.bias[0] == log(0.5 / 50.5) &&
                           l.bias[1] == log(50.5 / 0.5)));
        logistic_release(&l);
    }
    o.bias = o.balanced = false;
    assert_true(on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(all_converged(&l)));
    for (int c = 0; c < 3; ++c)
        assert_true(on_all(slope(&l, &all, c, &o) < 1e-9));
    logistic_release(&l);
    share_release(&mine);
    samples_release(&all);
}

static void one_class_is_enough(void **state)
{
    (void)state;
    struct samples all = samples_made(30, 1, 1, 13);
    struct share mine = share_of(&all, 1);
    struct logistic l;
    assert_true(
        on_all(fit(&l, &mine.s, &usual, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(all_converged(&l)));
    assert_true(on_all(slope(&l, &all, 0, &usual) < 1e-9));
    logistic_release(&l);
    share_release(&mine);
    samples_release(&all);
}

static void no_images_at_all_are_refused(void **state)
{
    (void)state;
    struct samples none = {.d = 4, .n_classes = 2};
    struct logistic l;
    const enum lp_status status = fit(&l, &none, &usual, 0, 0, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_EARG || status == LP_EPEER));
}

static void a_feature_that_is_no_number_names_its_image(void **state)
{
    (void)state;
    const float wrong[] = {NAN, INFINITY, -INFINITY};
    struct samples all = samples_made(20, 5, 2, 15);
    for (int i = 0; i < 3; ++i) {
        struct share mine = share_of(&all, 0);
        struct logistic l;
        const bool here = mine.first <= 13 && 13 < mine.first + mine.s.n;
        if (here)
            mine.x[(13 - mine.first) * 5 + 4] = wrong[i];
        const enum lp_status status =
            fit(&l, &mine.s, &usual, 0, 0, MPI_COMM_WORLD);
        assert_true(on_all(status == (here ? LP_EFORMAT : LP_EPEER)));
        share_release(&mine);
    }
    samples_release(&all);
}

/* Separable and without a penalty: the weights grow without end. */
static void what_does_not_converge_says_so(void **state)
{
    (void)state;
    struct samples all = samples_made(60, 3, 2, 17);
    uint8_t *y = (uint8_t *)(uintptr_t)all.y;
    for (int64_t i = 0; i < all.n; ++i)
        y[i * 2] = all.x[i * 3] > 0.7f;
    struct share mine = share_of(&all, 0);
    struct logistic_options o = usual;
    struct logistic l;
    o.lambda = 0;
    o.bias = true;
    o.max_iter = 8;
    assert_true(on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(on_all(l.state[0] == LOGISTIC_OPEN && l.iterations[0] == 8 &&
                       l.gradient[0] > o.tol));
    assert_true(on_all(l.state[1] == LOGISTIC_CONVERGED));
    for (int j = 0; j < 6; ++j)
        assert_true(on_all(isfinite(l.weight[j])));
    logistic_release(&l);
    o.lambda = 1;
    o.max_iter = 1;
    assert_true(on_all(fit(&l, &mine.s, &o, 0, 0, MPI_COMM_WORLD) == LP_OK));
    assert_true(
        on_all(l.state[0] == LOGISTIC_OPEN && l.state[1] == LOGISTIC_OPEN));
    logistic_release(&l);
    share_release(&mine);
    samples_release(&all);
}

static void without_memory_all_fail(void **state)
{
    (void)state;
    static const char *const sites[] = {"logistic", "logistic_fit", "newton",
                                        "matrix"};
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    const bool mine = comm_rank(MPI_COMM_WORLD) == last;
    const struct samples all = embedded();
    struct share part = share_of(&all, 0);
    for (size_t i = 0; i < sizeof sites / sizeof *sites; ++i) {
        char wish[32];
        struct logistic l;
        snprintf(wish, sizeof wish, "%s@%d", sites[i], last);
        setenv("LPCAM_FAULT", wish, 1);
        const enum lp_status status =
            fit(&l, &part.s, &usual, 0, 0, MPI_COMM_WORLD);
        unsetenv("LPCAM_FAULT");
        assert_true(on_all(status == (mine ? LP_ENOMEM : LP_EPEER)));
        assert_true(on_all(l.weight == NULL));
    }
    share_release(&part);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_are_those_of_scikit_learn),
        cmocka_unit_test(any_grid_and_either_solver_find_the_same_optimum),
        cmocka_unit_test(all_ranks_have_the_same_bits),
        cmocka_unit_test(fewer_images_than_features_have_one_optimum),
        cmocka_unit_test(without_a_penalty_dependent_features_are_refused),
        cmocka_unit_test(a_constant_feature_is_fitted_with_a_penalty),
        cmocka_unit_test(a_class_of_one_side_has_a_stated_result),
        cmocka_unit_test(one_class_is_enough),
        cmocka_unit_test(no_images_at_all_are_refused),
        cmocka_unit_test(a_feature_that_is_no_number_names_its_image),
        cmocka_unit_test(what_does_not_converge_says_so),
        cmocka_unit_test(without_memory_all_fail),
    };
    return test_mpi_main(argc, argv, tests);
}
