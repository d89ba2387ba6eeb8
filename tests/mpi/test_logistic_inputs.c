/* SPDX-License-Identifier: MIT */
/* What logistic regression makes of inputs without an optimum, or with an odd
 * one, and of what fails. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "logistic_data.h"

static const struct logistic_options usual = {
    .lambda = 0.75, .tol = 1e-12, .max_iter = 60};

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
    struct samples all = samples_made(30, 5, 2, 19);
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
    samples_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
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
