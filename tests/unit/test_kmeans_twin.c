/* SPDX-License-Identifier: MIT */
/* kmeans against a plain twin in double. */
#include "support.h"

#include <stdio.h>

#include "kmeans_data.h"

#define K   4
#define MAX 60

/* kmeans_fit for one problem in double, written from the contract alone. */
struct twin {
    int64_t n, *image, *cell;
    const float **x; /* [n] rows of the problem, in order of image and cell  */
    int *label;
    double center[K][64], shift2[MAX];
    int64_t size[K], moved[MAX];
    int iterations;
};

static void twin_rows(struct twin *t, const struct features *f, int problem)
{
    const int64_t most = f->side_offset[f->pair_offset[f->n_images]] + 1;
    t->n = 0;
    t->image = calloc((size_t)most, sizeof *t->image);
    t->cell = calloc((size_t)most, sizeof *t->cell);
    t->label = calloc((size_t)most, sizeof *t->label);
    t->x = calloc((size_t)most, sizeof *t->x);
    for (int64_t i = 0; i < f->n_images; ++i)
        for (int64_t p = f->pair_offset[i]; p < f->pair_offset[i + 1]; ++p)
            for (int64_t s = f->side_offset[p]; s < f->side_offset[p + 1];
                 ++s) {
                const int64_t cell = s - f->side_offset[p];
                const float *x =
                    (float *)f->value + (f->offset[i] + cell) * f->d;
                bool zero = true;
                for (int j = 0; j < f->d; ++j)
                    zero = zero && x[j] == 0;
                if (f->pair_class[p] != problem / 2 ||
                    f->side[s] != problem % 2 + 1 || zero)
                    continue;
                t->image[t->n] = i;
                t->cell[t->n] = cell;
                t->label[t->n] = -1;
                t->x[t->n++] = x;
            }
}

static void twin_free(struct twin *t)
{
    free(t->image);
    free(t->cell);
    free(t->label);
    free(t->x);
}

static double cosine(const float *x, const double *c, int d)
{
    double xc = 0, xx = 0, cc = 0;
    for (int j = 0; j < d; ++j) {
        xc += (double)x[j] * c[j];
        xx += (double)x[j] * (double)x[j];
        cc += c[j] * c[j];
    }
    return cc > 0 ? xc / sqrt(xx * cc) : 0;
}

static bool is_zero(const double *c, int d)
{
    for (int j = 0; j < d; ++j)
        if (c[j] != 0)
            return false;
    return true;
}

static void twin_assign(struct twin *t, int d, double *best)
{
    memset(t->size, 0, sizeof t->size);
    for (int64_t i = 0; i < t->n; ++i) {
        t->label[i] = 0;
        best[i] = -2;
        for (int c = 0; c < K; ++c) {
            const double s = cosine(t->x[i], t->center[c], d);
            if (s > best[i] && !is_zero(t->center[c], d)) {
                best[i] = s;
                t->label[i] = c;
            }
        }
        ++t->size[t->label[i]];
    }
}

static void twin_repair(struct twin *t, double *best)
{
    for (int c = 0, left = t->n < K ? (int)t->n : K; c < K; ++c) {
        int64_t worst = -1;
        int filled = 0;
        for (int e = 0; e < K; ++e)
            filled += t->size[e] > 0;
        if (t->size[c] > 0 || filled >= left)
            continue;
        for (int64_t i = 0; i < t->n; ++i)
            if (t->size[t->label[i]] > 1 &&
                (worst < 0 || best[i] < best[worst]))
                worst = i;
        --t->size[t->label[worst]];
        ++t->size[c];
        t->label[worst] = c;
        best[worst] = 2; /* not again */
    }
}

static double twin_update(struct twin *t, int d)
{
    double shift = 0;
    for (int c = 0; c < K; ++c) {
        double mean[64] = {0}, square = 0;
        for (int64_t i = 0; i < t->n; ++i)
            for (int j = 0; t->label[i] == c && j < d; ++j)
                mean[j] += (double)t->x[i][j] / (double)t->size[c];
        for (int j = 0; j < d; ++j) {
            square += (mean[j] - t->center[c][j]) * (mean[j] - t->center[c][j]);
            t->center[c][j] = mean[j];
        }
        shift += sqrt(square);
    }
    return shift;
}

static void twin_fit(struct twin *t, int d, int rule, double tol, int max_iter)
{
    double *best = calloc((size_t)t->n + 1, sizeof *best);
    int *was = calloc((size_t)t->n + 1, sizeof *was);
    for (t->iterations = 0; t->n > 0 && t->iterations < max_iter;) {
        const int s = t->iterations++;
        memcpy(was, t->label, (size_t)t->n * sizeof *was);
        twin_assign(t, d, best);
        twin_repair(t, best);
        t->moved[s] = 0;
        for (int64_t i = 0; i < t->n; ++i)
            t->moved[s] += t->label[i] != was[i];
        const double shift = twin_update(t, d);
        t->shift2[s] = shift * shift;
        if (rule == STOP_MOVED ? t->moved[s] * 10000 <= t->n
                               : t->shift2[s] < tol)
            break;
    }
    free(best);
    free(was);
}

/* Fit f from these starts with both and compare all they have in common. */
static void compare_with_twin(struct features *f,
                              const struct kmeans_start *start, int rule,
                              double tol, int max_iter)
{
    struct kmeans km;
    assert_int_equal(kmeans_init(&km, f, K), LP_OK);
    assert_int_equal(kmeans_start_rows(&km, f, start, MPI_COMM_SELF), LP_OK);
    float *first = malloc((size_t)(km.n_problems * K * f->d) * sizeof *first);
    memcpy(first, km.center,
           (size_t)(km.n_problems * K * f->d) * sizeof *first);
    assert_int_equal(kmeans_fit(&km, f, rule, tol, max_iter, MPI_COMM_SELF),
                     LP_OK);
    for (int p = 0; p < km.n_problems; ++p) {
        struct twin t = {0};
        twin_rows(&t, f, p);
        for (int c = 0; c < K * f->d; ++c)
            t.center[c / f->d][c % f->d] = (double)first[p * K * f->d + c];
        twin_fit(&t, f->d, rule, tol, max_iter);
        assert_int_equal(km.n_rows[p], t.n);
        assert_int_equal(km.iterations[p], t.iterations);
        for (int64_t i = 0; i < t.n; ++i) {
            const int64_t pair = f->pair_offset[t.image[i]];
            int64_t q = pair;
            while (f->pair_class[q] != p / 2)
                ++q;
            assert_int_equal(km.assignment[f->side_offset[q] + t.cell[i]],
                             t.label[i]);
        }
        for (int s = 0; s < t.iterations; ++s) {
            const struct kmeans_step *step = km.step + s * km.n_problems + p;
            assert_int_equal(step->moved, t.moved[s]);
            assert_true(fabs(step->shift2 - t.shift2[s]) <=
                        1e-5 * t.shift2[s] + 1e-9);
        }
        for (int c = 0; c < K; ++c) {
            assert_int_equal(km.size[p * K + c], t.size[c]);
            for (int j = 0; t.n > 0 && j < f->d; ++j)
                assert_true(fabs((double)km.center[(p * K + c) * f->d + j] -
                                 t.center[c][j]) <= 1e-6);
        }
        twin_free(&t);
    }
    free(first);
    kmeans_release(&km);
}

/* The first rows of every problem that are not zero; equal: one row k times. */
static void first_rows(const struct features *f, bool equal,
                       struct kmeans_start *start)
{
    for (int p = 0; p < 2 * f->n_classes; ++p) {
        struct twin t = {0};
        twin_rows(&t, f, p);
        for (int c = 0; c < K; ++c) {
            const int64_t i = equal ? 0 : 5 * c;
            start[p * K + c] = (struct kmeans_start){-1, -1};
            if (i < t.n)
                start[p * K + c] = (struct kmeans_start){t.image[i], t.cell[i]};
        }
        twin_free(&t);
    }
}

static void fit_agrees_with_the_plain_twin(void **state)
{
    (void)state;
    struct features f = data_made(12, 3, 24, LP_F32);
    struct kmeans_start start[6 * K];
    first_rows(&f, false, start);
    compare_with_twin(&f, start, STOP_MOVED, 0, MAX);
    compare_with_twin(&f, start, STOP_REFERENCE, 0.02, MAX);
    compare_with_twin(&f, start, STOP_MOVED, 0, 2);
    features_release(&f);
}

static void emptied_clusters_are_filled_as_in_the_plain_twin(void **state)
{
    (void)state;
    struct features f = data_made(12, 3, 24, LP_F32);
    struct kmeans_start start[6 * K];
    first_rows(&f, true, start);
    compare_with_twin(&f, start, STOP_MOVED, 0, MAX);
    start[0] = start[1] = start[2] = (struct kmeans_start){-1, -1};
    for (int c = 0; c < K; ++c) /* a problem without any start centre */
        start[2 * K + c] = (struct kmeans_start){-1, -1};
    compare_with_twin(&f, start, STOP_MOVED, 0, MAX);
    features_release(&f);
}

static void the_hash_start_is_the_k_smallest_hashes(void **state)
{
    (void)state;
    struct features f = data_made(10, 2, 8, LP_F32);
    const uint64_t name[] = {hash_text("sheep"), hash_text("cow")};
    struct kmeans a, b;
    assert_int_equal(kmeans_init(&a, &f, K), LP_OK);
    assert_int_equal(kmeans_init(&b, &f, K), LP_OK);
    assert_int_equal(kmeans_start_hash(&a, &f, name, 1, MPI_COMM_SELF), LP_OK);
    assert_int_equal(kmeans_start_hash(&b, &f, name, 2, MPI_COMM_SELF), LP_OK);
    for (int p = 0; p < 4; ++p) {
        struct twin t = {0};
        twin_rows(&t, &f, p);
        uint64_t last = 0;
        for (int c = 0; c < K; ++c) {
            int64_t best = -1;
            uint64_t least = UINT64_MAX;
            for (int64_t i = 0; i < t.n; ++i) {
                uint64_t h = hash_mix(1, name[p / 2]);
                h = hash_mix(h, (uint64_t)(p % 2 + 1));
                h = hash_mix(h, f.id_hash[t.image[i]]);
                h = hash_mix(h, (uint64_t)t.cell[i]);
                if (h < least && (c == 0 || h > last)) {
                    least = h;
                    best = i;
                }
            }
            assert_true(best >= 0);
            assert_memory_equal(a.center + (p * K + c) * 8, t.x[best], 32);
            last = least;
        }
        assert_memory_not_equal(a.center + p * K * 8, b.center + p * K * 8,
                                K * 32);
        twin_free(&t);
    }
    kmeans_release(&a);
    kmeans_release(&b);
    features_release(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit_agrees_with_the_plain_twin),
        cmocka_unit_test(emptied_clusters_are_filled_as_in_the_plain_twin),
        cmocka_unit_test(the_hash_start_is_the_k_smallest_hashes),
    };
    return test_mpi_main(argc, argv, tests);
}
