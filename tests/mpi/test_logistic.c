/* SPDX-License-Identifier: MIT */
/* Logistic regression against scikit-learn's coefficients, against the
 * conditions of an optimum, and against itself on other ranks and grids. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../data/logistic.h"
#include "logistic_data.h"

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

/* Larger, on any grid, features that do not divide the blocks: optimal, the
 * same as on one rank, and the same from both solvers. */
static void check_grids(int d, const struct logistic_options *options)
{
    const int size = comm_size(MPI_COMM_WORLD);
    const int shapes[][2] = {{0, 0}, {1, size}, {size, 1}, {2, 3}, {1, 1}};
    struct samples all = samples_made(400, d, 3, 3);
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
    check_grids(63, &o);
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
    struct samples all = samples_made(40, 530, 2, 7);
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
    assert_true(on_all(slope(&l, &all, 1, &o) < 1e-9));
    assert_true(on_all(exact.iterations[0] < 15 && exact.iterations[1] < 15));
    logistic_release(&l);
    logistic_release(&exact);
    share_release(&mine);
    samples_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_are_those_of_scikit_learn),
        cmocka_unit_test(any_grid_and_either_solver_find_the_same_optimum),
        cmocka_unit_test(all_ranks_have_the_same_bits),
        cmocka_unit_test(fewer_images_than_features_have_one_optimum),
    };
    return test_mpi_main(argc, argv, tests);
}
