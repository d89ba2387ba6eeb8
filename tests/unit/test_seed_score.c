/* SPDX-License-Identifier: MIT */
#include "lpcam/method/seed_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "support.h"

#define N_CLASSES 5
#define N_PIXELS  (37 * 53)
#define N_MAPS    3

static const int32_t labels[N_MAPS] = {0, 2, 4};
static const double thresholds[] = {0.05, 0.10, 0.30, 0.35, 0.60, 0.995};
#define N_THRESHOLDS 6

static uint64_t draw(uint64_t seed, int64_t i)
{
    return hash_mix(seed, (uint64_t)i) >> 20;
}

/* Maps full of ties, zeros and values at and just above the thresholds, and
 * ground truth. */
struct scene {
    float map[N_MAPS * N_PIXELS];
    uint8_t truth[N_PIXELS], best_class[N_PIXELS], q[N_PIXELS];
    float best_value[N_PIXELS];
};

static struct scene *make_scene(uint64_t seed)
{
    struct scene *s = malloc(sizeof *s);
    assert_non_null(s);
    for (int i = 0; i < N_MAPS * N_PIXELS; ++i) {
        const uint64_t r = draw(seed, i);
        s->map[i] = r % 3 == 0 ? (float)((double)(r / 3 % 201) / 200)
                               : (float)(r / 3 % 100000) / 100000.0f;
        if (r % 4 == 0)
            s->map[i] = nextafterf(s->map[i], 1);
        if (r % 5 == 0)
            s->map[i] = 0;
        if (r % 7 == 0 && i >= N_PIXELS)
            s->map[i] = s->map[i - N_PIXELS];
    }
    for (int i = 0; i < N_PIXELS; ++i) {
        const uint64_t r = draw(seed + 1, i);
        s->truth[i] = r % 9 == 0 ? 255 : (uint8_t)(r % 5);
    }
    seed_best(s->map, labels, N_MAPS, N_PIXELS, s->best_class, s->best_value);
    seed_quantise(s->best_value, N_PIXELS, s->q);
    return s;
}

/* The reference's way: the threshold is a plane before those of the classes,
 * and the first largest plane wins. */
static int seed_ref(const struct scene *s, int i, double threshold)
{
    float best = (float)threshold;
    int c = 0;
    for (int j = 0; j < N_MAPS; ++j)
        if (s->map[j * N_PIXELS + i] > best) {
            best = s->map[j * N_PIXELS + i];
            c = labels[j] + 1;
        }
    return c;
}

struct confusion {
    int64_t n[N_CLASSES + 1][N_CLASSES + 1]; /* [truth][prediction] */
};

static void confusion_ref(const struct scene *s, double threshold,
                          struct confusion *c)
{
    for (int i = 0; i < N_PIXELS; ++i)
        if (s->truth[i] != 255)
            ++c->n[s->truth[i]][seed_ref(s, i, threshold)];
}

static void check_class(const struct seed_score *s, int t, int c,
                        const struct confusion *ref)
{
    int64_t row = 0, column = 0;
    const int64_t both = ref->n[c][c];
    struct seed_class got;
    for (int j = 0; j <= N_CLASSES; ++j) {
        row += ref->n[c][j];
        column += ref->n[j][c];
    }
    seed_score_class(s, t, c, &got);
    assert_int_equal(got.truth_pixels, row);
    assert_int_equal(got.predicted_pixels, column);
    if (row + column == 0) {
        assert_true(got.iou < 0 && got.precision <= 0 && got.recall <= 0);
        return;
    }
    const double either = (double)(row + column - both);
    assert_true(fabs(got.iou - (double)both / either) < 1e-12);
    assert_true(fabs(got.iou + got.false_positive + got.false_negative - 1) <
                1e-12);
    assert_true(fabs(got.false_negative * either - (double)(row - both)) <
                1e-6);
    assert_true(fabs(got.precision * (double)column - (double)both) < 1e-6);
    assert_true(fabs(got.recall * (double)row - (double)both) < 1e-6);
}

static double mean_ref(const struct confusion *ref, int first)
{
    double sum = 0;
    int n = 0;
    for (int c = first; c <= N_CLASSES; ++c) {
        int64_t either = -ref->n[c][c];
        for (int j = 0; j <= N_CLASSES; ++j)
            either += ref->n[c][j] + ref->n[j][c];
        if (either > 0) {
            sum += (double)ref->n[c][c] / (double)either;
            ++n;
        }
    }
    return sum / n;
}

static void counts_equal_one_confusion_matrix_a_threshold(void **state)
{
    (void)state;
    struct scene *scene[2] = {make_scene(1), make_scene(2)};
    for (int background = 0; background < 2; ++background) {
        struct seed_score s;
        assert_int_equal(seed_score_init(&s, N_CLASSES, background, thresholds,
                                         N_THRESHOLDS),
                         LP_OK);
        for (int k = 0; k < 2; ++k)
            seed_score_add(&s, scene[k]->best_class, scene[k]->best_value,
                           scene[k]->truth, N_PIXELS);
        assert_int_equal(s.n_images, 2);
        for (int t = 0; t < N_THRESHOLDS; ++t) {
            struct confusion ref = {0};
            for (int k = 0; k < 2; ++k)
                confusion_ref(scene[k], thresholds[t], &ref);
            for (int c = 0; c <= N_CLASSES; ++c)
                check_class(&s, t, c, &ref);
            assert_true(fabs(seed_score_mean(&s, t) -
                             mean_ref(&ref, background ? 0 : 1)) < 1e-12);
        }
        seed_score_release(&s);
    }
    free(scene[0]);
    free(scene[1]);
}

static void quantised_scores_lose_nothing_at_steps_of_0_005(void **state)
{
    (void)state;
    struct scene *scene = make_scene(3);
    struct seed_score exact, coarse;
    const size_t bytes = sizeof(int64_t) * (N_CLASSES + 1) * (N_CLASSES + 1) *
                         (N_THRESHOLDS + 1);
    seed_score_init(&exact, N_CLASSES, true, thresholds, N_THRESHOLDS);
    seed_score_init(&coarse, N_CLASSES, true, thresholds, N_THRESHOLDS);
    seed_score_add(&exact, scene->best_class, scene->best_value, scene->truth,
                   N_PIXELS);
    seed_score_add_quantised(&coarse, scene->best_class, scene->q, scene->truth,
                             N_PIXELS);
    assert_memory_equal(exact.count, coarse.count, bytes);
    assert_int_equal(coarse.n_images, 1);
    seed_score_release(&exact);
    seed_score_release(&coarse);
    free(scene);
}

static void a_q_turned_back_exceeds_what_it_is_counted_to_exceed(void **state)
{
    (void)state;
    static const double asked[] = {0.0, 0.0049, 0.005, 0.3, 0.303, 0.305, 1.0};
    enum { N = sizeof asked / sizeof *asked };
    uint8_t q[SEED_SCORE_STEPS + 1], truth[SEED_SCORE_STEPS + 1] = {0};
    float value[SEED_SCORE_STEPS + 1];
    for (int i = 0; i <= SEED_SCORE_STEPS; ++i)
        q[i] = (uint8_t)i;
    seed_dequantise(q, SEED_SCORE_STEPS + 1, value);
    for (int i = 0; i <= SEED_SCORE_STEPS; ++i) {
        struct seed_score s;
        struct seed_class k;
        const uint8_t best = 1;
        seed_score_init(&s, 1, true, asked, N);
        seed_score_add_quantised(&s, &best, q + i, truth, 1);
        for (int t = 0; t < N; ++t) {
            seed_score_class(&s, t, 1, &k);
            assert_int_equal(k.predicted_pixels, value[i] > (float)asked[t]);
        }
        seed_score_release(&s);
    }
}

static void other_thresholds_are_rounded_to_the_step_below(void **state)
{
    (void)state;
    static const double asked[] = {0.0, 0.303, 0.3049};
    static const double used[] = {0.0, 0.30, 0.30};
    struct scene *scene = make_scene(4);
    struct seed_score exact, coarse;
    seed_score_init(&exact, N_CLASSES, true, used, 3);
    seed_score_init(&coarse, N_CLASSES, true, asked, 3);
    seed_score_add(&exact, scene->best_class, scene->best_value, scene->truth,
                   N_PIXELS);
    seed_score_add_quantised(&coarse, scene->best_class, scene->q, scene->truth,
                             N_PIXELS);
    for (int t = 0; t < 3; ++t)
        for (int c = 0; c <= N_CLASSES; ++c) {
            struct seed_class a, b;
            seed_score_class(&exact, t, c, &a);
            seed_score_class(&coarse, t, c, &b);
            assert_int_equal(a.predicted_pixels, b.predicted_pixels);
        }
    seed_score_release(&exact);
    seed_score_release(&coarse);
    free(scene);
}

static void q_exceeds_j_exactly_where_the_value_exceeds_j_200ths(void **state)
{
    (void)state;
    for (int k = 0; k <= 200; ++k) {
        const float edge = (float)((double)k / 200);
        const float v[] = {edge, nextafterf(edge, 0), nextafterf(edge, 2),
                           edge + 0.0025f};
        uint8_t q[4];
        seed_quantise(v, 4, q);
        for (int i = 0; i < 4; ++i) {
            assert_true(q[i] <= 200);
            for (int j = 0; j < 200; ++j)
                assert_true((v[i] > (float)((double)j / 200)) == (q[i] > j));
        }
    }
    const float odd[] = {-1, NAN, INFINITY, 7, 1e-40f};
    const uint8_t expected[] = {0, 0, 200, 200, 1};
    uint8_t q[5];
    seed_quantise(odd, 5, q);
    assert_memory_equal(q, expected, 5);
}

static void ties_go_to_the_lower_class_and_zeros_to_none(void **state)
{
    (void)state;
    const int32_t label[] = {3, 7};
    const float map[] = {0.5f, 0, 0.2f, NAN, 0.5f, 0, 0.3f, NAN};
    const uint8_t expected[] = {4, 0, 8, 0};
    uint8_t c[4];
    float v[4];
    seed_best(map, label, 2, 4, c, v);
    assert_memory_equal(c, expected, 4);
    assert_true(v[0] >= 0.5f && v[2] >= 0.3f && v[1] <= 0 && v[3] <= 0);
    seed_best(NULL, NULL, 0, 4, c, v);
    for (int i = 0; i < 4; ++i)
        assert_true(c[i] == 0 && v[i] <= 0);
}

/* Plain twin of seed_score_add. */
static void add_ref(const struct seed_score *s, const uint8_t *best_class,
                    const float *best_value, const uint8_t *truth,
                    int64_t n_pixels, int64_t *count)
{
    for (int64_t i = 0; i < n_pixels; ++i) {
        int exceeded = 0;
        if (truth[i] > s->n_classes)
            continue;
        while (exceeded < s->n_thresholds &&
               best_value[i] > (float)s->threshold[exceeded])
            ++exceeded;
        ++count[((int64_t)truth[i] * (s->n_classes + 1) + best_class[i]) *
                    (s->n_thresholds + 1) +
                exceeded];
    }
}

/* Thresholds below 0, above 1, equal and closer than the program's own buckets,
 * values on and beside all of them and out of range, and more pairs of classes
 * than are tallied at a time. */
static void counts_are_those_of_a_plain_loop_whatever_the_values(void **state)
{
    (void)state;
    enum { CLASSES = 30, PIXELS = 20011, EDGES = 12 };
    static const double edge[EDGES] = {-2,     -0.5, 0,      1e-7, 0.3,  0.3,
                                       0.3001, 0.5,  0.5002, 1,    1.25, 7};
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, 7.5f};
    static uint8_t best[PIXELS], truth[PIXELS];
    static float value[PIXELS];
    const size_t n = (CLASSES + 1) * (CLASSES + 1) * (EDGES + 1);
    struct seed_score s;
    int64_t *ref = calloc(n, sizeof *ref);
    assert_non_null(ref);
    assert_int_equal(seed_score_init(&s, CLASSES, true, edge, EDGES), LP_OK);
    for (int k = 0; k < 3; ++k) {
        for (int i = 0; i < PIXELS; ++i) {
            const uint64_t r = draw((uint64_t)k, i), c = r / 4096;
            best[i] = (uint8_t)(c % (CLASSES + 1));
            truth[i] = (uint8_t)(c / 64 % (CLASSES + 3));
            value[i] = (float)edge[r / 8 % EDGES];
            if (r % 8 < 2)
                value[i] = nextafterf(value[i], r % 8 ? 8 : -8);
            else if (r % 8 == 2)
                value[i] = odd[r / 8 % (sizeof odd / sizeof *odd)];
            else if (r % 8 < 6)
                value[i] = (float)(r / 8 % 4096) / 4096.0f;
        }
        seed_score_add(&s, best, value, truth, PIXELS - k);
        add_ref(&s, best, value, truth, PIXELS - k, ref);
        assert_memory_equal(s.count, ref, n * sizeof *ref);
    }
    seed_score_release(&s);
    free(ref);
}

/* COCO has 2.3e10 pixels, most of them background. */
static void counts_and_shares_are_exact_past_2_to_the_31st_pixel(void **state)
{
    (void)state;
    enum { HIT, MISSED, WRONG, N };
    static const int64_t made_up[N] = {23456789012, 3000000001, 4294967297};
    static const double edge = 0.3;
    const uint8_t best[N] = {1, 0, 1}, truth[N] = {1, 1, 0};
    const float value[N] = {0.9f, 0, 0.9f};
    struct seed_score s;
    struct seed_class got;
    assert_int_equal(seed_score_init(&s, 1, true, &edge, 1), LP_OK);
    for (int i = 0; i < N; ++i) /* [truth][class][exceeds the threshold] */
        s.count[(truth[i] * 2 + best[i]) * 2 + (value[i] > 0.3f)] = made_up[i];
    seed_score_add(&s, best, value, truth, N);
    const int64_t hit = made_up[HIT] + 1, missed = made_up[MISSED] + 1;
    const int64_t wrong = made_up[WRONG] + 1;
    seed_score_class(&s, 0, 1, &got);
    assert_true(got.truth_pixels == hit + missed);
    assert_true(got.predicted_pixels == hit + wrong);
    const double either = (double)(hit + missed + wrong);
    assert_true(fabs(got.iou - (double)hit / either) < 1e-15);
    assert_true(fabs(got.recall - (double)hit / (double)(hit + missed)) <
                1e-15);
    assert_true(fabs(got.precision - (double)hit / (double)(hit + wrong)) <
                1e-15);
    assert_true(fabs(got.false_negative - (double)missed / either) < 1e-15);
    seed_score_class(&s, 0, 0, &got); /* nothing of it is hit */
    assert_true(got.truth_pixels == wrong && got.predicted_pixels == missed);
    assert_true(fabs(seed_score_mean(&s, 0) - (double)hit / either / 2) <
                1e-15);
    seed_score_release(&s);
}

static void a_score_without_pixels_is_zero_and_never_nan(void **state)
{
    (void)state;
    const double one = 0.3;
    const uint8_t ignored = 255, c = 1;
    const float v = 1;
    struct seed_score s;
    struct seed_class got;
    assert_int_equal(seed_score_init(&s, 1, true, &one, 1), LP_OK);
    seed_score_add(&s, &c, &v, &ignored, 1);
    seed_score_class(&s, 0, 1, &got);
    assert_true(got.iou < 0);
    assert_true(got.precision <= 0 && got.recall <= 0 &&
                got.false_positive <= 0 && got.false_negative <= 0);
    assert_true(seed_score_mean(&s, 0) <= 0);
    seed_score_release(&s);
}

static void more_classes_than_a_mask_can_hold_are_refused(void **state)
{
    (void)state;
    struct seed_score s;
    assert_int_equal(seed_score_init(&s, 255, true, thresholds, N_THRESHOLDS),
                     LP_EARG);
    seed_score_release(&s);
    assert_int_equal(seed_score_init(&s, 254, true, thresholds, N_THRESHOLDS),
                     LP_OK);
    seed_score_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_equal_one_confusion_matrix_a_threshold),
        cmocka_unit_test(quantised_scores_lose_nothing_at_steps_of_0_005),
        cmocka_unit_test(a_q_turned_back_exceeds_what_it_is_counted_to_exceed),
        cmocka_unit_test(other_thresholds_are_rounded_to_the_step_below),
        cmocka_unit_test(q_exceeds_j_exactly_where_the_value_exceeds_j_200ths),
        cmocka_unit_test(ties_go_to_the_lower_class_and_zeros_to_none),
        cmocka_unit_test(counts_are_those_of_a_plain_loop_whatever_the_values),
        cmocka_unit_test(counts_and_shares_are_exact_past_2_to_the_31st_pixel),
        cmocka_unit_test(a_score_without_pixels_is_zero_and_never_nan),
        cmocka_unit_test(more_classes_than_a_mask_can_hold_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
