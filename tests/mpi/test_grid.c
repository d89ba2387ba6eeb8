/* SPDX-License-Identifier: MIT */
/* Grids of any shape, and what matrices on them give against plain loops. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/dense/matrix.h"
#include "lpcam/run/comm.h"

enum { N = 23, K = 10, MOST_SHAPES = 6 };

struct shape {
    int n_rows, n_columns;
};

/* The squarest, one row, one column, 2 x 3 and single ranks, as far as there
 * are ranks. */
static int shapes(struct shape *shape)
{
    const int size = comm_size(MPI_COMM_WORLD);
    const struct shape all[] = {{0, 0}, {1, size}, {size, 1},
                                {2, 3}, {3, 2},    {1, 1}};
    int n = 0;
    for (int i = 0; i < MOST_SHAPES; ++i)
        if (all[i].n_rows * all[i].n_columns <= size)
            shape[n++] = all[i];
    return n;
}

/* Numbers without a pattern, between -1 and 1. */
static double made(int i, int j)
{
    return sin(12.9898 * i + 78.233 * j + 0.5);
}

/* Symmetric, and positive definite for shift >= N. */
static double symmetric(int i, int j, double shift)
{
    return made(i < j ? i : j, i < j ? j : i) + (i == j ? shift : 0);
}

static double *at(const struct matrix *m, int i, int j)
{
    return m->value + (size_t)j * (size_t)m->lead + i;
}

static void fill(struct matrix *m, double (*value)(int, int))
{
    for (int j = 0; j < m->local_columns; ++j)
        for (int i = 0; i < m->local_rows; ++i)
            *at(m, i, j) = value(matrix_row(m, i), matrix_column(m, j));
}

static void fill_symmetric(struct matrix *m, double shift)
{
    for (int j = 0; j < m->local_columns; ++j)
        for (int i = 0; i < m->local_rows; ++i)
            *at(m, i, j) =
                symmetric(matrix_row(m, i), matrix_column(m, j), shift);
}

/* The whole matrix [n_columns][n_rows], on every rank. */
static double *gather(const struct matrix *m)
{
    double *whole =
        calloc((size_t)m->n_rows * (size_t)m->n_columns, sizeof *whole);
    for (int j = 0; j < m->local_columns; ++j)
        for (int i = 0; i < m->local_rows; ++i)
            whole[matrix_column(m, j) * m->n_rows + matrix_row(m, i)] =
                *at(m, i, j);
    comm_sum_f64(MPI_COMM_WORLD, whole, (int64_t)m->n_rows * m->n_columns);
    return whole;
}

static void open_matrix(struct matrix *m, const struct grid *g, int n_rows,
                        int n_columns, int block)
{
    assert_true(
        on_all(matrix_init(m, g, n_rows, n_columns, block, block) == LP_OK));
}

/* As grid.c asks BLACS for it. */
extern void Cblacs_get(int context, int what, int *value);

static bool is_repeatable(const struct grid *g)
{
    int value = 0;
    if (g->context < 0)
        return true;
    Cblacs_get(g->context, 15, &value);
    return value == 1;
}

static void a_grid_is_as_square_as_the_ranks_allow(void **state)
{
    (void)state;
    static const struct shape expected[] = {{1, 1}, {1, 2}, {1, 3}, {2, 2},
                                            {2, 2}, {2, 3}, {2, 3}};
    const int size = comm_size(MPI_COMM_WORLD), me = comm_rank(MPI_COMM_WORLD);
    struct grid g;
    assert_true(on_all(grid_init(&g, 0, 0, MPI_COMM_WORLD) == LP_OK));
    const struct shape is = {g.n_rows, g.n_columns};
    const bool inside = me < is.n_rows * is.n_columns;
    assert_true(on_all(memcmp(&is, &expected[size - 1], sizeof is) == 0));
    assert_true(on_all(g.row == (inside ? me / is.n_columns : -1)));
    assert_true(on_all(g.column == (inside ? me % is.n_columns : -1)));
    assert_true(on_all(is_repeatable(&g)));
    grid_release(&g);
    grid_release(&g);
}

static void a_grid_of_too_many_places_is_refused(void **state)
{
    (void)state;
    const int size = comm_size(MPI_COMM_WORLD);
    const struct shape wrong[] = {{2, size}, {size + 1, 1}, {0, 1},
                                  {1, 0},    {-1, -1},      {65536, 65536}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        struct grid g;
        const enum lp_status status =
            grid_init(&g, wrong[i].n_rows, wrong[i].n_columns, MPI_COMM_WORLD);
        assert_true(on_all(status == LP_EARG || status == LP_EPEER));
        grid_release(&g);
    }
}

/* Every element has one place, and the helpers find it. */
static void check_places(const struct matrix *m)
{
    int64_t n = (int64_t)m->local_rows * m->local_columns;
    bool found = true;
    for (int i = 0; i < m->local_rows; ++i)
        found = found && matrix_local_row(m, matrix_row(m, i)) == i;
    for (int j = 0; j < m->local_columns; ++j)
        found = found && matrix_local_column(m, matrix_column(m, j)) == j;
    assert_true(on_all(found));
    int n_own = 0;
    for (int i = 0; i < m->n_rows && m->grid->row >= 0; ++i)
        n_own += matrix_local_row(m, i) >= 0;
    assert_true(on_all(n_own == m->local_rows));
    n = comm_total(MPI_COMM_WORLD, n);
    assert_true(on_all(n == (int64_t)m->n_rows * m->n_columns));
}

static void every_element_moves_between_any_two_grids(void **state)
{
    (void)state;
    struct shape shape[MOST_SHAPES];
    const int n = shapes(shape);
    for (int i = 0; i < n * n; ++i) {
        const struct shape a = shape[i / n], b = shape[i % n];
        struct grid from_grid, to_grid;
        struct matrix from, to;
        grid_init(&from_grid, a.n_rows, a.n_columns, MPI_COMM_WORLD);
        grid_init(&to_grid, b.n_rows, b.n_columns, MPI_COMM_WORLD);
        open_matrix(&from, &from_grid, N, K, 3);
        open_matrix(&to, &to_grid, N, K, 4);
        check_places(&to);
        fill(&from, made);
        matrix_redistribute(&from, &to);
        bool same = true;
        for (int q = 0; q < to.local_columns; ++q)
            for (int p = 0; p < to.local_rows; ++p)
                same = same && *at(&to, p, q) == made(matrix_row(&to, p),
                                                      matrix_column(&to, q));
        assert_true(on_all(same));
        matrix_release(&from);
        matrix_release(&to);
        grid_release(&from_grid);
        grid_release(&to_grid);
    }
}

/* On each shape, and with blocks that divide N or not, or are larger. */
static void on_grids(void (*check)(const struct grid *g, int block))
{
    struct shape shape[MOST_SHAPES];
    const int n = shapes(shape);
    for (int i = 0; i < n; ++i) {
        struct grid g;
        assert_true(on_all(grid_init(&g, shape[i].n_rows, shape[i].n_columns,
                                     MPI_COMM_WORLD) == LP_OK));
        check(&g, 4);
        check(&g, 23);
        check(&g, 64);
        grid_release(&g);
    }
}

static void check_syrk(const struct grid *g, int block)
{
    struct matrix a, c;
    open_matrix(&a, g, N, K, block);
    open_matrix(&c, g, N, N, block);
    fill(&a, made);
    fill_symmetric(&c, 1);
    matrix_syrk(2, &a, 3, &c);
    double *whole = gather(&c), worst = 0;
    for (int j = 0; j < N; ++j)
        for (int i = j; i < N; ++i) {
            double sum = 3 * symmetric(i, j, 1);
            for (int k = 0; k < K; ++k)
                sum += 2 * made(i, k) * made(j, k);
            worst = fmax(worst, fabs(whole[j * N + i] - sum));
        }
    assert_true(on_all(worst < 1e-13));
    free(whole);
    matrix_release(&a);
    matrix_release(&c);
}

static void products_are_those_of_plain_loops(void **state)
{
    (void)state;
    on_grids(check_syrk);
}

static void check_solve(const struct grid *g, int block)
{
    struct matrix a, b;
    open_matrix(&a, g, N, N, block);
    open_matrix(&b, g, N, K, block);
    fill_symmetric(&a, N);
    fill(&b, made);
    assert_true(on_all(matrix_factor(&a) == 0));
    matrix_solve(&a, &b);
    double *x = gather(&b), worst = 0;
    for (int j = 0; j < K; ++j)
        for (int i = 0; i < N; ++i) {
            double sum = -made(i, j);
            for (int k = 0; k < N; ++k)
                sum += symmetric(i, k, N) * x[j * N + k];
            worst = fmax(worst, fabs(sum));
        }
    assert_true(on_all(worst < 1e-13));
    free(x);
    /* a minor that is negative, after the first block where that is small */
    fill_symmetric(&a, N);
    const int i = matrix_local_row(&a, 6), j = matrix_local_column(&a, 6);
    if (g->row >= 0 && i >= 0 && j >= 0)
        *at(&a, i, j) = -1;
    assert_true(on_all(matrix_factor(&a) == 7));
    matrix_release(&a);
    matrix_release(&b);
}

static void a_factor_solves_or_names_the_minor(void **state)
{
    (void)state;
    on_grids(check_solve);
}

static void check_eigen(const struct grid *g, int block)
{
    struct matrix a, z;
    double value[N], worst = 0;
    open_matrix(&a, g, N, N, block);
    open_matrix(&z, g, N, N, block);
    fill_symmetric(&a, 0);
    assert_true(on_all(matrix_eigen(&a, value, &z) == LP_OK));
    double *whole = gather(&z);
    bool ascending = true;
    for (int j = 0; j < N; ++j) {
        ascending = ascending && (j == 0 || value[j - 1] <= value[j]);
        for (int i = 0; i < N; ++i) {
            double dot = i == j ? -1 : 0, residual = 0;
            for (int k = 0; k < N; ++k) {
                dot += whole[i * N + k] * whole[j * N + k];
                residual += symmetric(i, k, 0) * whole[j * N + k];
            }
            residual -= value[j] * whole[j * N + i];
            worst = fmax(worst, fmax(fabs(dot), fabs(residual)));
        }
    }
    assert_true(on_all(ascending && worst < 1e-13));
    free(whole);
    matrix_release(&a);
    matrix_release(&z);
}

static void eigenvectors_belong_to_ascending_values(void **state)
{
    (void)state;
    on_grids(check_eigen);
}

static void a_matrix_of_one_element_is_no_exception(void **state)
{
    (void)state;
    struct grid g;
    struct matrix a, z;
    double value = 0;
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    open_matrix(&a, &g, 1, 1, 64);
    open_matrix(&z, &g, 1, 1, 64);
    fill_symmetric(&a, 4);
    const double number = symmetric(0, 0, 4);
    assert_true(on_all(matrix_eigen(&a, &value, &z) == LP_OK));
    assert_true(on_all(fabs(value - number) < 1e-15));
    fill_symmetric(&a, 4);
    assert_true(on_all(matrix_factor(&a) == 0));
    if (a.local_columns > 0 && a.local_rows > 0)
        value = a.value[0] * a.value[0];
    assert_true(on_all(fabs(value - number) < 1e-14));
    matrix_release(&a);
    matrix_release(&z);
    grid_release(&g);
}

static void what_32_bits_cannot_number_is_refused(void **state)
{
    (void)state;
    static const int64_t wrong[][3] = {{(int64_t)1 << 31, 1, 64},
                                       {1, (int64_t)1 << 40, 64},
                                       {1 << 18, 1 << 18, 64},
                                       {INT32_MAX, INT32_MAX, INT32_MAX},
                                       {0, 1, 64},
                                       {1, 1, 0}};
    struct grid g;
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        struct matrix m;
        const enum lp_status status = matrix_init(
            &m, &g, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][2]);
        assert_true(on_all(status == LP_EARG || status == LP_EPEER));
        matrix_release(&m);
    }
    grid_release(&g);
}

static void without_memory_all_fail(void **state)
{
    (void)state;
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    const bool mine = comm_rank(MPI_COMM_WORLD) == last;
    char wish[32];
    struct grid g;
    struct matrix m;
    snprintf(wish, sizeof wish, "matrix@%d", last);
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    setenv("LPCAM_FAULT", wish, 1);
    const enum lp_status status = matrix_init(&m, &g, N, N, 4, 4);
    unsetenv("LPCAM_FAULT");
    assert_true(on_all(status == (mine ? LP_ENOMEM : LP_EPEER)));
    grid_release(&g);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_as_square_as_the_ranks_allow),
        cmocka_unit_test(a_grid_of_too_many_places_is_refused),
        cmocka_unit_test(every_element_moves_between_any_two_grids),
        cmocka_unit_test(products_are_those_of_plain_loops),
        cmocka_unit_test(a_factor_solves_or_names_the_minor),
        cmocka_unit_test(eigenvectors_belong_to_ascending_values),
        cmocka_unit_test(a_matrix_of_one_element_is_no_exception),
        cmocka_unit_test(what_32_bits_cannot_number_is_refused),
        cmocka_unit_test(without_memory_all_fail),
    };
    return test_mpi_main(argc, argv, tests);
}
