/* SPDX-License-Identifier: MIT */
#include "kmeans_parts.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/base/pages.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/stop.h"

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
    int places;        /* of a block's dots: k or n_candidates, rounded up   */
    float *unit;       /* [k or n_candidates][d] vectors of length 1         */
    float *packed;     /* the same, as the kernel wants them                 */
    float *acc;        /* [n_threads][kmeans_acc_floats]                     */
    float *dot;        /* [blocks of n][places][KMEANS_BLOCK] with them      */
    int64_t *distance; /* [n] to the nearest centre so far                   */
    int64_t *loss;     /* [k] what distances would grow by without a centre  */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t n_blocks(int64_t n)
{
    return (n + KMEANS_BLOCK - 1) / KMEANS_BLOCK;
}

/* Vectors are laid out as images of KMEANS_BLOCK cells, which threads share. */
static enum lp_status make_features(struct features *f,
                                    struct kmeans_sample *sample, int d)
{
    const int64_t n = sample->n, n_images = n_blocks(n);
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

static float *new_floats(int64_t n)
{
    return pages_new(n * (int64_t)sizeof(float));
}

static struct kmeans_shape shape_of(const struct solver *s, int m)
{
    return kmeans_shape(s->km.kernel, LP_F32, m, s->km.d);
}

/* Like km, but on the sample alone. */
static enum lp_status solver_init(struct solver *s,
                                  struct kmeans_sample *sample,
                                  const struct kmeans *km)
{
    enum lp_status status = LP_OK;
    const size_t n = (size_t)sample->n;
    const int candidates = 2 + (int)log(km->k);
    const int most = candidates > km->k ? candidates : km->k;

    s->n = sample->n;
    s->n_candidates = candidates;
    LP_TRY(make_features(&s->f, sample, km->d));
    LP_TRY(kmeans_init(&s->km, &s->f, km->k));
    LP_TRY(kmeans_use(&s->km, km->kernel->name, km->n_threads));
    LP_TRY(kmeans_scan(&s->km, &s->f, MPI_COMM_SELF));
    /* Fewer vectors in larger groups may need some places more. */
    const struct kmeans_shape shape = shape_of(s, most + KMEANS_MOST_GROUP - 1);
    const int64_t dots = n_blocks(s->n) * shape.n_groups * shape.group;
    s->unit = malloc((size_t)most * (size_t)km->d * sizeof *s->unit);
    s->packed = new_floats(kmeans_packed_floats(&shape));
    s->acc = new_floats(km->n_threads * kmeans_acc_floats(&shape));
    s->dot = new_floats(dots * KMEANS_BLOCK);
    s->distance = malloc(n * sizeof *s->distance);
    s->loss = malloc((size_t)km->k * sizeof *s->loss);
    if (!s->unit || !s->packed || !s->acc || !s->dot || !s->distance ||
        !s->loss || lp_fault("kmeans_plusplus"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to choose among %zu vectors", n));
done:
    return status;
}

static void solver_release(struct solver *s)
{
    features_release(&s->f);
    kmeans_release(&s->km);
    free(s->unit);
    free(s->packed);
    free(s->acc);
    free(s->dot);
    free(s->distance);
    free(s->loss);
}

/* The dots of a block of vectors. */
static void multiply_block(struct solver *s, const struct kmeans_shape *shape,
                           int64_t block)
{
    const int64_t d = s->km.d, first = block * KMEANS_BLOCK;
    const int n = (int)least(s->n - first, KMEANS_BLOCK);
    const float *x = (const float *)s->f.value + first * d;
    const char *row[KMEANS_ROWS];
    const char *end = (const char *)(x + n * d);
    struct kmeans_ahead ahead = {end, end};
    for (int r = 0; r < n; ++r)
        row[r] = (const char *)(x + r * d);
    kmeans_dots(s->km.kernel, shape, row, n, s->packed,
                s->acc + omp_get_thread_num() * kmeans_acc_floats(shape),
                s->dot + block * s->places * KMEANS_BLOCK, &ahead);
}

/* dot of the first m unit vectors: the same bits on every processor. */
static void multiply(struct solver *s, int m)
{
    const struct kmeans_shape shape = shape_of(s, m);
    const size_t n_packed = (size_t)kmeans_packed_floats(&shape);
    s->places = shape.n_groups * shape.group;
    memset(s->packed, 0, n_packed * sizeof *s->packed);
    for (int c = 0; c < m; ++c)
        kmeans_pack(&shape, c, s->unit + (int64_t)c * s->km.d, s->packed);
#pragma omp parallel for num_threads(s->km.n_threads)
    for (int64_t b = 0; b < n_blocks(s->n); ++b)
        multiply_block(s, &shape, b);
}

static int64_t distance(const struct solver *s, int unit, int64_t i)
{
    const float dot =
        s->dot[(i / KMEANS_BLOCK * s->places + unit) * KMEANS_BLOCK +
               i % KMEANS_BLOCK];
    const float cosine = kmeans_cosine(dot, s->km.length[i]);
    return (int64_t)((1 - (double)cosine) * UNIT);
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
        kmeans_unit(draw(s, hash_mix(hash, (uint64_t)c), total), s->km.d,
                    s->unit + (int64_t)c * s->km.d);
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
        kmeans_unit(s->km.center + (int64_t)c * s->km.d, s->km.d,
                    s->unit + (int64_t)c * s->km.d);
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
    LP_TRY(solver_init(&s, sample, km));
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
    double said_s = 0;
    for (int first = 0; first < km->n_problems; first += comm_size(comm)) {
        const int p = first + comm_rank(comm);
        if (progress_due(&said_s, km->progress_s))
            lp_status_line("cluster: k-means++, %d of %d problems have a start",
                           first, km->n_problems);
        LP_TRY(kmeans_sample_round(km, f, hash, first, m, &sample, comm));
        if (stop_asked())
            status = LP_STOP;
        else if (p < km->n_problems)
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
    LP_AGREE(comm);
    if (sample < KMEANS_LEAST_SAMPLE * km->k || swaps < 0)
        LP_TRY(lp_fail_all(comm, LP_EARG,
                           "kmeans.sample must be at least %d times kmeans.k, "
                           "kmeans.swaps at least 0",
                           KMEANS_LEAST_SAMPLE));
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
