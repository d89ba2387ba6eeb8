/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/dense/pca.h"
#include "lpcam/run/comm.h"
#include "support.h"

/* A fixed number between -1 and 1. */
static double number(uint64_t seed, int64_t i)
{
    return (double)(hash_mix(seed, (uint64_t)i) >> 11) * 0x1p-52 - 1;
}

/* n rows of d, the same on every rank, with less and less along each channel
 * and parts in common. */
static float *rows_new(int64_t n, int d, uint64_t seed)
{
    float *x = malloc((size_t)(n * d + 1) * sizeof *x);
    for (int64_t i = 0; i < n; ++i) {
        const double common = number(seed, -1 - i);
        for (int c = 0; c < d; ++c)
            x[i * d + c] =
                (float)(common + 3 * number(seed, i * d + c) * pow(0.9, c));
    }
    return x;
}

/* The basis from rows dealt out unevenly, in an order that depends on the ranks;
 * rank 1 of several has none. */
static struct basis learn(const float *x, int64_t n, int d, int r,
                          const struct grid *g)
{
    struct basis b = {.d = d, .r = r};
    const int n_ranks = comm_size(g->comm), me = comm_rank(g->comm);
    float *own = malloc((size_t)(n * d + 1) * sizeof *own);
    int64_t n_own = 0;
    for (int64_t i = n - 1; i >= 0; --i) {
        int owner = (int)(hash_mix(77, (uint64_t)i) % (uint64_t)n_ranks);
        owner = owner == 1 ? 0 : owner;
        if (owner == me)
            memcpy(own + n_own++ * d, x + i * d, (size_t)d * sizeof *own);
    }
    assert_true(on_all(pca_learn(own, n_own, g, &b) == LP_OK));
    free(own);
    return b;
}

/* The basis this process learns alone. */
static struct basis learn_alone(const float *x, int64_t n, int d, int r)
{
    struct basis b = {.d = d, .r = r};
    struct grid g;
    bool good = grid_init(&g, 1, 1, MPI_COMM_SELF) == LP_OK &&
                pca_learn(x, n, &g, &b) == LP_OK;
    grid_release(&g);
    assert_true(on_all(good));
    return b;
}

static struct basis learn_on(const float *x, int64_t n, int d, int r,
                             int n_rows, int n_columns)
{
    struct grid g;
    assert_true(
        on_all(grid_init(&g, n_rows, n_columns, MPI_COMM_WORLD) == LP_OK));
    struct basis b = learn(x, n, d, r, &g);
    grid_release(&g);
    return b;
}

static double dot(const float *a, const float *b, int d)
{
    double sum = 0;
    for (int c = 0; c < d; ++c)
        sum += (double)a[c] * (double)b[c];
    return sum;
}

/* Rows of length 1 at right angles, each with its largest entry positive. */
static bool is_basis(const struct basis *b)
{
    bool good = true;
    for (int j = 0; j < b->r; ++j) {
        const float *v = b->vector + j * b->d;
        float high = 0, low = 0;
        for (int k = 0; k <= j; ++k)
            good = good &&
                   fabs(dot(v, b->vector + k * b->d, b->d) - (j == k)) < 1e-6;
        for (int c = 0; c < b->d; ++c)
            high = v[c] > high ? v[c] : high, low = v[c] < low ? v[c] : low;
        good = good && high >= -low * (1 - 1e-6f);
        good = good && b->value[j] >= (j + 1 < b->d ? b->value[j + 1] : 0);
    }
    return good && b->loss.energy >= 0 && b->loss.energy <= 1 + 1e-12;
}

static bool same_bits(const struct basis *a, const struct basis *b)
{
    const size_t d = (size_t)a->d, r = (size_t)a->r;
    return memcmp(a->vector, b->vector, r * d * sizeof(float)) == 0 &&
           memcmp(a->value, b->value, d * sizeof(double)) == 0 &&
           memcmp(&a->loss, &b->loss, sizeof a->loss) == 0;
}

/* Rotate rows and columns p, q of s [d][d] so that s[p][q] is 0; the columns of
 * v turn along. */
static void rotate(double *s, double *v, int d, int p, int q)
{
    if (s[p * d + q] == 0)
        return;
    const double theta = (s[q * d + q] - s[p * d + p]) / (2 * s[p * d + q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + hypot(theta, 1));
    const double c = 1 / hypot(t, 1), sn = t * c;
    for (int i = 0; i < d; ++i) {
        const double a = s[i * d + p], b = s[i * d + q];
        s[i * d + p] = c * a - sn * b;
        s[i * d + q] = sn * a + c * b;
    }
    for (int i = 0; i < d; ++i) {
        const double a = s[p * d + i], b = s[q * d + i];
        s[p * d + i] = c * a - sn * b;
        s[q * d + i] = sn * a + c * b;
    }
    for (int i = 0; i < d; ++i) {
        const double a = v[i * d + p], b = v[i * d + q];
        v[i * d + p] = c * a - sn * b;
        v[i * d + q] = sn * a + c * b;
    }
}

/* Eigenvalues of the second moment of x [n][d] on the diagonal of s, vectors in
 * the columns of v, by Jacobi's rotations in double. */
static void jacobi(const float *x, int64_t n, int d, double *s, double *v)
{
    for (int p = 0; p < d; ++p)
        for (int q = 0; q < d; ++q) {
            s[p * d + q] = 0;
            v[p * d + q] = p == q;
            for (int64_t i = 0; i < n; ++i)
                s[p * d + q] +=
                    (double)x[i * d + p] * (double)x[i * d + q] / (double)n;
        }
    for (int sweep = 0; sweep < 30; ++sweep)
        for (int p = 0; p < d; ++p)
            for (int q = p + 1; q < d; ++q)
                rotate(s, v, d, p, q);
}

static void components_are_those_of_jacobis_method(void **state)
{
    enum { N = 900, D = 37, R = 6 };
    double s[D * D], v[D * D], all = 0, kept = 0;
    bool good = true, taken[D] = {false};
    (void)state;
    float *x = rows_new(N, D, 5);
    struct basis b = learn_on(x, N, D, R, 0, 0);
    jacobi(x, N, D, s, v);
    for (int k = 0; k < D; ++k) {
        int next = -1;
        for (int c = 0; c < D; ++c)
            if (!taken[c] && (next < 0 || s[c * D + c] > s[next * D + next]))
                next = c;
        taken[next] = true;
        all += s[next * D + next];
        kept += k < R ? s[next * D + next] : 0;
        good = good && fabs(b.value[k] - s[next * D + next]) <
                           1e-4 * s[next * D + next] + 1e-9;
        double cosine = 0;
        for (int c = 0; c < D && k < R; ++c)
            cosine += (double)b.vector[k * D + c] * v[c * D + next];
        good = good && (k >= R || fabs(fabs(cosine) - 1) < 1e-6);
    }
    good = good && fabs(b.loss.energy - kept / all) < 1e-6;
    assert_true(on_all(good && is_basis(&b) && b.loss.n_rows == N));
    basis_release(&b);
    free(x);
}

/* Rows along known axes at right angles, of known lengths: Hadamard's. */
static void a_known_spectrum_is_found(void **state)
{
    enum { D = 128, R = D };
    bool good = true;
    (void)state;
    float *x = malloc(D * D * sizeof *x);
    for (int k = 0; k < D; ++k)
        for (int c = 0; c < D; ++c) {
            const int parity = __builtin_popcount((unsigned)(k & c)) & 1;
            x[k * D + c] = (float)((parity ? -1 : 1) * (D - k));
        }
    struct basis b = learn_on(x, D, D, R, 0, 0);
    for (int k = 0; k < D; ++k) {
        const double length2 = (double)(D - k) * (D - k) * D;
        good = good && fabs(b.value[k] - length2 / D) < 1e-8 * length2;
        good = good && fabs(dot(b.vector + k * D, x + k * D, D)) >
                           (1 - 1e-6) * sqrt(length2);
    }
    assert_true(on_all(good && is_basis(&b)));
    assert_true(on_all(fabs(b.loss.energy - 1) < 1e-12));
    basis_release(&b);
    free(x);
}

static const int shape[][3] = {/* rows, d, r */
                               {500, 1, 1},  {40, 2, 1}, {900, 65, 7},
                               {30, 70, 70}, {1, 20, 3}, {1100, 130, 40}};
enum { N_SHAPES = sizeof shape / sizeof shape[0] };

/* With one rank to solve: to the last bit. */
static void ranks_and_order_change_nothing(void **state)
{
    (void)state;
    for (int s = 0; s < N_SHAPES; ++s) {
        const int n = shape[s][0], d = shape[s][1], r = shape[s][2];
        float *x = rows_new(n, d, 11);
        struct basis b = learn_on(x, n, d, r, 1, 1);
        struct basis alone = learn_alone(x, n, d, r);
        assert_true(on_all(is_basis(&b)));
        assert_true(on_all(same_bits(&b, &alone)));
        basis_release(&alone);
        basis_release(&b);
        free(x);
    }
}

/* The largest sine between vectors of a and the span of b, which is that of
 * equally many. */
static double angle(const struct basis *a, const struct basis *b)
{
    double most = 0;
    for (int k = 0; k < a->r; ++k) {
        double rest = 0;
        for (int c = 0; c < a->d; ++c) {
            double x = (double)a->vector[k * a->d + c];
            for (int j = 0; j < b->r; ++j)
                x -= dot(a->vector + k * a->d, b->vector + j * b->d, a->d) *
                     (double)b->vector[j * b->d + c];
            rest += x * x;
        }
        most = fmax(most, sqrt(rest));
    }
    return most;
}

/* On every grid that the ranks can be: the same values and the same span, as far
 * as floats can tell; and on that grid again to the last bit. */
static void any_grid_finds_the_same_components(void **state)
{
    enum { N = 700, D = 100, R = 20 };
    const int n_ranks = comm_size(MPI_COMM_WORLD);
    (void)state;
    float *x = rows_new(N, D, 12);
    struct basis alone = learn_alone(x, N, D, R);
    for (int rows = 1; rows <= n_ranks; ++rows)
        for (int columns = 1; rows * columns <= n_ranks; ++columns) {
            struct basis b = learn_on(x, N, D, R, rows, columns);
            struct basis again = learn_on(x, N, D, R, rows, columns);
            bool good = is_basis(&b) && angle(&b, &alone) < 4e-7 &&
                        same_bits(&b, &again);
            for (int k = 0; k < D; ++k)
                good = good && fabs(b.value[k] - alone.value[k]) <
                                   1e-12 * alone.value[0];
            assert_true(on_all(good));
            basis_release(&again);
            basis_release(&b);
        }
    basis_release(&alone);
    free(x);
}

/* r - rank further vectors complete the basis. */
static void fewer_rows_than_dimensions_are_kept_whole(void **state)
{
    enum { N = 3, D = 90, R = 10 };
    bool good = true;
    (void)state;
    float *x = rows_new(N, D, 13);
    memcpy(x + 2 * D, x, D * sizeof *x); /* two are equal */
    struct basis b = learn_on(x, N, D, R, 1, 1);
    for (int k = 2; k < D; ++k)
        good = good && b.value[k] < 1e-9 * b.value[0];
    for (int i = 0; i < N; ++i) {
        double kept = 0;
        for (int k = 0; k < R; ++k)
            kept += pow(dot(x + i * D, b.vector + k * D, D), 2);
        good = good && fabs(kept / dot(x + i * D, x + i * D, D) - 1) < 1e-5;
    }
    assert_true(on_all(good && is_basis(&b) && b.loss.energy > 1 - 1e-9));
    basis_release(&b);
    free(x);
}

/* Every direction alike: any basis is right. */
static void equal_values_give_some_basis(void **state)
{
    enum { D = 66, R = 20 };
    bool good = true;
    (void)state;
    float *x = calloc(D * D, sizeof *x);
    for (int i = 0; i < D; ++i)
        x[i * D + i] = i % 2 ? 2 : -2;
    struct basis b = learn_on(x, D, D, R, 0, 0);
    for (int k = 0; k < D; ++k)
        good = good && fabs(b.value[k] - 4.0 / D) < 1e-12;
    assert_true(on_all(good && is_basis(&b)));
    assert_true(on_all(fabs(b.loss.energy - (double)R / D) < 1e-12));
    basis_release(&b);
    free(x);
}

static void nothing_and_zeros_give_unit_vectors(void **state)
{
    enum { N = 4, D = 9, R = 3 };
    float zero[N * D] = {0};
    (void)state;
    for (int n = 0; n <= N; n += N) {
        struct basis b = learn_on(zero, n, D, R, 0, 0);
        bool good = b.loss.energy == 1 && b.loss.n_rows == n;
        for (int i = 0; i < R * D; ++i)
            good = good && b.vector[i] == (i % (D + 1) == 0);
        for (int k = 0; k < D; ++k)
            good = good && b.value[k] == 0;
        assert_true(on_all(good));
        basis_release(&b);
    }
}

/* By powers of two, which round nothing: the same vectors to the last bit. */
static void size_does_not_matter(void **state)
{
    enum { N = 300, D = 30, R = 4 };
    static const int exponent[] = {-100, 90};
    (void)state;
    float *x = rows_new(N, D, 14), *y = rows_new(N, D, 14);
    struct basis b = learn_on(x, N, D, R, 1, 1);
    for (int e = 0; e < 2; ++e) {
        for (int i = 0; i < N * D; ++i)
            y[i] = ldexpf(x[i], exponent[e]);
        struct basis c = learn_on(y, N, D, R, 1, 1);
        bool good = memcmp(b.vector, c.vector, R * D * sizeof *y) == 0;
        for (int k = 0; k < D; ++k)
            good = good && c.value[k] == ldexp(b.value[k], 2 * exponent[e]);
        assert_true(on_all(good));
        basis_release(&c);
    }
    basis_release(&b);
    free(x);
    free(y);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_are_those_of_jacobis_method),
        cmocka_unit_test(a_known_spectrum_is_found),
        cmocka_unit_test(ranks_and_order_change_nothing),
        cmocka_unit_test(any_grid_finds_the_same_components),
        cmocka_unit_test(fewer_rows_than_dimensions_are_kept_whole),
        cmocka_unit_test(equal_values_give_some_basis),
        cmocka_unit_test(nothing_and_zeros_give_unit_vectors),
        cmocka_unit_test(size_does_not_matter),
    };
    return test_mpi_main(argc, argv, tests);
}
