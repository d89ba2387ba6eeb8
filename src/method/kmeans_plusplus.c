/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"

/* Iterations on the sample, before and between the swaps. */
#define FIRST_ITERATIONS 10
#define SWAP_ITERATIONS  5

/* A swap takes one of so many centres that are the easiest to do without. */
#define EASIEST 4

/* Distances are whole numbers of 2^-20, cut off: their sums are exact, and
 * between equal vectors they are 0 whatever rounding did to the cosine. */
#define UNIT 0x1p20

/* One problem on the rank that solves it. */
struct solver {
    struct features f; /* the sample as the objects of one class             */
    struct kmeans km;
    int64_t n; /* vectors                                            */
    int n_candidates;
    float *unit;       /* [k or n_candidates][d] vectors of length 1         */
    float *dot;        /* [k or n_candidates][n] with them                   */
    int64_t *distance; /* [n] to the nearest centre so far                   */
    int64_t *loss;     /* [k] what distances would grow by without a centre  */
};

/* Vectors are laid out as images of KMEANS_BLOCK cells, so that threads that
 * share images share them too. */
static enum lp_status make_features(struct features *f,
                                    struct kmeans_sample *sample, int d)
{
    const int64_t n = sample->n,
                  n_images = (n + KMEANS_BLOCK - 1) / KMEANS_BLOCK;
    const size_t room = (size_t)n_images + 1;

    *f = (struct features){
        .d = d, .type = LP_F32, .n_classes = 1, .n_images = n_images};
    f->value = sample->x;
    sample->x = NULL;
    f->offset = calloc(room, sizeof *f->offset);
    f->grid_w = calloc(room, sizeof *f->grid_w);
    f->id_hash = calloc(room, sizeof *f->id_hash);
    f->pair_offset = calloc(room, sizeof *f->pair_offset);
    f->pair_class = calloc(room, sizeof *f->pair_class);
    f->side_offset = calloc(room, sizeof *f->side_offset);
    f->side = malloc((size_t)n + 1);
    if (!f->offset || !f->grid_w || !f->id_hash || !f->pair_offset ||
        !f->pair_class || !f->side_offset || !f->side)
        return lp_fail(LP_ENOMEM, "no memory for the tables of a sample");
    memset(f->side, SPLIT_OBJECT, (size_t)n);
    for (int64_t i = 0; i < n_images; ++i) {
        const int64_t end = (i + 1) * KMEANS_BLOCK;
        f->offset[i + 1] = f->side_offset[i + 1] = end < n ? end : n;
        f->grid_w[i] = KMEANS_BLOCK;
        f->pair_offset[i + 1] = i + 1;
    }
    return LP_OK;
}

static enum lp_status solver_init(struct solver *s,
                                  struct kmeans_sample *sample, int k, int d)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)sample->n;
    const size_t candidates = 2 + (size_t)log(k);
    const size_t most = candidates > (size_t)k ? candidates : (size_t)k;

    s->n = sample->n;
    s->n_candidates = (int)candidates;
    LP_TRY(make_features(&s->f, sample, d));
    LP_TRY(kmeans_init(&s->km, &s->f, k));
    LP_TRY(kmeans_scan(&s->km, &s->f, MPI_COMM_SELF));
    s->unit = malloc(most * (size_t)d * sizeof *s->unit);
    s->dot = malloc(most * n * sizeof *s->dot);
    s->distance = malloc(n * sizeof *s->distance);
    s->loss = malloc((size_t)k * sizeof *s->loss);
    if (!s->unit || !s->dot || !s->distance || !s->loss ||
        lp_fault("kmeans_plusplus"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to choose among %zu vectors", n));
done:
    return status;
}

static void solver_release(struct solver *s)
{
    features_release(&s->f);
    kmeans_release(&s->km);
    free(s->unit);
    free(s->dot);
    free(s->distance);
    free(s->loss);
}

/* unit [at] = x divided by its length, 0 where that is 0. */
static void set_unit(struct solver *s, int at, const float *x)
{
    const int d = s->km.d;
    double square = 0;
    for (int i = 0; i < d; ++i)
        square += (double)x[i] * (double)x[i];
    const double factor = square > 0 ? 1 / sqrt(square) : 0;
    for (int i = 0; i < d; ++i)
        s->unit[(int64_t)at * d + i] = (float)((double)x[i] * factor);
}

/* dot of the first m unit vectors. */
static void multiply(struct solver *s, int m)
{
    const int d = s->km.d, n = (int)s->n;
    cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, n, m, d, 1.0f,
                s->f.value, d, s->unit, d, 0.0f, s->dot, n);
}

static int64_t distance(const struct solver *s, int unit, int64_t i)
{
    const float dot = s->dot[unit * s->n + i];
    const float cosine = kmeans_cosine(dot, s->km.length[i]);
    return (int64_t)((1 - (double)cosine) * UNIT);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A vector, each with probability as its distance; total is their sum. */
static const float *draw(const struct solver *s, uint64_t hash, int64_t total)
{
    int64_t i = 0, at = (int64_t)(hash % (uint64_t)total);
    while (at >= s->distance[i])
        at -= s->distance[i++];
    return (const float *)s->f.value + i * s->km.d;
}

/* Draw candidates for one more centre. Which leaves the least distance, the
 * first of equals; it stands in unit. -1: every vector equals a centre. */
static int choose(struct solver *s, uint64_t hash)
{
    int64_t total = 0, lowest = INT64_MAX;
    int best = -1;
    for (int64_t i = 0; i < s->n; ++i)
        total += s->distance[i];
    if (total == 0)
        return -1;
    for (int c = 0; c < s->n_candidates; ++c)
        set_unit(s, c, draw(s, hash_mix(hash, (uint64_t)c), total));
    multiply(s, s->n_candidates);
    for (int c = 0; c < s->n_candidates; ++c) {
        int64_t sum = 0;
        for (int64_t i = 0; i < s->n; ++i)
            sum += least(distance(s, c, i), s->distance[i]);
        best = sum < lowest ? c : best;
        lowest = least(sum, lowest);
    }
    return best;
}

static void set_center(struct solver *s, int slot, int unit)
{
    const int64_t d = s->km.d;
    memcpy(s->km.center + slot * d, s->unit + unit * d,
           (size_t)d * sizeof *s->unit);
}

/* Greedy k-means++ into s->km.center. Once every vector equals a centre, the
 * other slots stay zero: the iterations fill them. */
static void choose_all(struct solver *s, uint64_t hash)
{
    memset(s->km.center, 0,
           (size_t)s->km.k * (size_t)s->km.d * sizeof *s->km.center);
    for (int64_t i = 0; i < s->n; ++i)
        s->distance[i] = (int64_t)(2 * UNIT);
    for (int slot = 0; slot < s->km.k; ++slot) {
        const int best = choose(s, hash_mix(hash, (uint64_t)slot));
        if (best < 0)
            return;
        set_center(s, slot, best);
        for (int64_t i = 0; i < s->n; ++i)
            s->distance[i] = least(distance(s, best, i), s->distance[i]);
    }
}

/* Fit the centres; the sum of the cosines into *objective. */
static enum lp_status fit(struct solver *s, int iterations, double *objective)
{
    enum lp_status status = LP_OK;
    struct kmeans *km = &s->km;
    LP_TRY(kmeans_fit(km, &s->f, STOP_MOVED, 0, iterations, MPI_COMM_SELF));
    *objective = km->step[(km->n_steps - 1) * km->n_problems].objective;
done:
    return status;
}

/* distance and loss of the centres. */
static void measure(struct solver *s)
{
    const int k = s->km.k;
    for (int c = 0; c < k; ++c) {
        set_unit(s, c, s->km.center + (int64_t)c * s->km.d);
        s->loss[c] = 0;
    }
    multiply(s, k);
    for (int64_t i = 0; i < s->n; ++i) {
        int64_t first = INT64_MAX, second = (int64_t)(2 * UNIT);
        int nearest = 0;
        for (int c = 0; c < k; ++c) {
            const int64_t at = distance(s, c, i);
            second = at < first ? least(first, second) : least(at, second);
            nearest = at < first ? c : nearest;
            first = least(at, first);
        }
        s->distance[i] = first;
        s->loss[nearest] += second - first;
    }
}

/* The centre with this many of less loss; ties to the lower one. */
static int slot_of_rank(const struct solver *s, int rank)
{
    for (int c = 0; c < s->km.k; ++c) {
        int n_less = 0;
        for (int e = 0; e < s->km.k; ++e)
            n_less +=
                s->loss[e] < s->loss[c] || (s->loss[e] == s->loss[c] && e < c);
        if (n_less == rank)
            return c;
    }
    return 0;
}

/* Put a drawn vector in the place of a centre that is easy to do without. */
static bool swap(struct solver *s, uint64_t hash)
{
    const int k = s->km.k, n_easy = k < EASIEST ? k : EASIEST;
    const int rank = (int)(hash % (uint64_t)n_easy);
    const int best = choose(s, hash);
    if (best >= 0)
        set_center(s, slot_of_rank(s, rank), best);
    return best >= 0;
}

/* The best centres found into center [k][d]. A swap stays when the iterations
 * behind it reach a larger sum of cosines. */
static enum lp_status solve(struct solver *s, uint64_t hash, int n_swaps,
                            float *center)
{
    enum lp_status status = LP_OK;
    struct kmeans *km = &s->km;
    const size_t bytes = (size_t)km->k * (size_t)km->d * sizeof *center;
    double most, objective;

    choose_all(s, hash);
    LP_TRY(fit(s, FIRST_ITERATIONS, &most));
    memcpy(center, km->center, bytes);
    measure(s);
    for (int i = 0; i < n_swaps && swap(s, hash_mix(hash, ~(uint64_t)i)); ++i) {
        LP_TRY(fit(s, SWAP_ITERATIONS, &objective));
        if (objective > most) {
            most = objective;
            memcpy(center, km->center, bytes);
            measure(s);
        }
        memcpy(km->center, center, bytes);
    }
done:
    return status;
}

/* Where there are no more vectors than centres, each is one. */
static enum lp_status solve_sample(struct kmeans *km, int problem,
                                   struct kmeans_sample *sample, uint64_t hash,
                                   int swaps)
{
    enum lp_status status = LP_OK;
    struct solver s = {.n_candidates = 0};
    float *center = km->center + (int64_t)problem * km->k * km->d;

    if (sample->n <= km->k) {
        memcpy(center, sample->x, (size_t)(sample->n * km->d) * sizeof *center);
        goto done;
    }
    LP_TRY(solver_init(&s, sample, km->k, km->d));
    LP_TRY(solve(&s, hash, swaps, center));
done:
    solver_release(&s);
    return status;
}

/* Deal the problems to the ranks, one each in a round. */
static enum lp_status solve_all(struct kmeans *km, struct features *f,
                                const uint64_t *hash, int m, int swaps,
                                MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct kmeans_sample sample = {0};
    for (int first = 0; first < km->n_problems; first += comm_size(comm)) {
        const int p = first + comm_rank(comm);
        LP_TRY(kmeans_sample_round(km, f, hash, first, m, &sample, comm));
        if (p < km->n_problems)
            status = solve_sample(km, p, &sample, hash[p], swaps);
        LP_AGREE(comm);
        free(sample.x);
        sample.x = NULL;
    }
done:
    free(sample.x);
    return status;
}

enum lp_status kmeans_start_plusplus(struct kmeans *km, struct features *f,
                                     const uint64_t *class_hash, uint64_t seed,
                                     int sample, int swaps, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n_floats = (int64_t)km->n_problems * km->k * km->d;
    uint64_t *hash = malloc((size_t)km->n_problems * sizeof *hash);

    if (!hash)
        status = lp_fail(LP_ENOMEM, "no memory for %d hashes", km->n_problems);
    else if (sample < km->k || swaps < 0)
        status = lp_fail(LP_EARG, "kmeans.sample must be at least kmeans.k, "
                                  "kmeans.swaps at least 0");
    LP_AGREE(comm);
    LP_TRY(kmeans_scan(km, f, comm));
    for (int p = 0; p < km->n_problems; ++p)
        hash[p] =
            kmeans_problem_hash(seed, class_hash[p / 2], p % 2 + SPLIT_OBJECT);
    memset(km->center, 0, (size_t)(n_floats + 1) * sizeof *km->center);
    LP_TRY(solve_all(km, f, hash, sample, swaps, comm));

    /* One rank solved each problem; the others hold zeros for it, so adding the
     * bits brings the centres to all. */
    comm_sum_i64(comm, (int64_t *)(void *)km->center, (n_floats + 1) / 2);
done:
    free(hash);
    return status;
}
