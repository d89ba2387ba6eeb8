/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/method/prototypes.h"

#define N 3
#define K 4
#define D 6

/* Centres, sizes and classifier of one case; prototypes_choose borrows them. */
struct input {
    float center[2 * N * K * D], weight[N * D];
    int64_t size[2 * N * K];
    struct kmeans km;
    struct head head;
    struct config config;
};

static void input_init(struct input *in, int n, int choice, bool balance)
{
    memset(in, 0, sizeof *in);
    in->km = (struct kmeans){.n_problems = 2 * n,
                             .k = K,
                             .d = D,
                             .center = in->center,
                             .size = in->size};
    in->head = (struct head){.n = n, .d = D, .weight = in->weight};
    in->config.prototypes.choice = choice;
    in->config.prototypes.power = 4;
    in->config.prototypes.balance = balance;
    in->config.prototypes.class_above = 0.6;
    in->config.prototypes.context_above = 0.02;
    in->config.prototypes.context_below = 0.5;
}

static double uniform(uint64_t draw, uint64_t i)
{
    return (double)(hash_mix(draw, i) >> 11) * 0x1p-53;
}

/* Something of everything: some slots empty, logits of a few units. */
static void input_draw(struct input *in, uint64_t draw)
{
    for (uint64_t i = 0; i < N * D; ++i)
        in->weight[i] = (float)(3 * uniform(draw, i) - 1);
    for (uint64_t i = 0; i < 2 * N * K; ++i) {
        in->size[i] = (int64_t)(5 * uniform(draw, i + 100));
        for (uint64_t j = 0; j < D && in->size[i] > 0; ++j)
            in->center[i * D + j] =
                (float)(3 * uniform(draw, 1000 + i * D + j) - 1);
    }
}

static double length(const float *x)
{
    double square = 0;
    for (int j = 0; j < D; ++j)
        square += (double)x[j] * (double)x[j];
    return sqrt(square);
}

/* z of a centre: entry c of the softmax, as the formula stands. */
static double plain_z(const struct input *in, const float *center, int c)
{
    double e[N], sum = 0;
    for (int m = 0; m < in->head.n; ++m) {
        double logit = 0;
        for (int j = 0; j < D; ++j)
            logit += (double)in->weight[m * D + j] * (double)center[j];
        e[m] = exp(logit);
        sum += e[m];
    }
    return in->head.n == 1 ? e[0] / (1 + e[0]) : e[c] / sum;
}

/* Steps 6 and 6b of method.md, straight from the formulas. */
struct plain {
    double weight[2][K], lambda, vector[D];
};

static void plain_weights(const struct input *in, int c, struct plain *o)
{
    double sum[2] = {0}, z[2][K] = {{0}};
    int best = -1;
    for (int side = 0; side < 2; ++side)
        for (int k = 0; k < K; ++k) {
            const int slot = (2 * c + side) * K + k;
            const double n = (double)in->size[slot];
            z[side][k] = plain_z(in, in->center + slot * D, c);
            if (in->config.prototypes.choice == CHOICE_WEIGHTED)
                o->weight[side][k] = n * (side ? 1 - z[1][k] : pow(z[0][k], 4));
            else
                o->weight[side][k] =
                    n > 0 &&
                    (side ? z[1][k] > 0.02 && z[1][k] < 0.5 : z[0][k] > 0.6);
            sum[side] += o->weight[side][k];
            if (side == 0 && n > 0 && (best < 0 || z[0][k] > z[0][best]))
                best = k;
        }
    if (sum[0] == 0 && best >= 0)
        o->weight[0][best] = sum[0] = 1;
    for (int side = 0; side < 2; ++side)
        for (int k = 0; k < K; ++k)
            o->weight[side][k] /= sum[side] > 0 ? sum[side] : 1;
}

static struct plain plain_class(const struct input *in, int c)
{
    struct plain o = {.lambda = 1};
    double p[D] = {0}, q[D] = {0}, u[D] = {0}, pu = 0, qu = 0;
    int64_t n_object = 0;
    plain_weights(in, c, &o);
    for (int k = 0; k < K; ++k) {
        const int a = 2 * c * K + k, b = a + K;
        const float *object = in->center + a * D, *context = in->center + b * D;
        n_object += in->size[a];
        for (int j = 0; j < D; ++j) {
            if (in->size[a] > 0)
                p[j] += o.weight[0][k] * (double)object[j] / length(object);
            if (in->size[b] > 0) {
                const double hat = (double)context[j] / length(context);
                q[j] += o.weight[1][k] * hat;
                u[j] += (double)in->size[b] * hat;
            }
        }
    }
    for (int j = 0; j < D; ++j) {
        pu += p[j] * u[j];
        qu += q[j] * u[j];
    }
    if (in->config.prototypes.balance && qu > 0)
        o.lambda = pu / qu < 0 ? 0 : pu / qu > 1 ? 1 : pu / qu;
    for (int j = 0; n_object > 0 && j < D; ++j)
        o.vector[j] = p[j] - o.lambda * q[j];
    return o;
}

static void compare(const struct input *in)
{
    struct prototypes p;
    assert_int_equal(prototypes_choose(&p, &in->km, &in->head, &in->config),
                     LP_OK);
    for (int c = 0; c < in->head.n; ++c) {
        const struct plain o = plain_class(in, c);
        for (int k = 0; k < 2 * K; ++k) {
            const int slot = 2 * c * K + k;
            const double z =
                in->size[slot] > 0 ? plain_z(in, in->center + slot * D, c) : 0;
            assert_true(fabs((double)p.probability[slot] - z) < 1e-7);
            assert_true(fabs(p.weight[slot] - o.weight[k / K][k % K]) < 1e-12);
            assert_int_equal(p.selected[slot], o.weight[k / K][k % K] > 0);
        }
        assert_true(fabs(p.lambda[c] - o.lambda) < 1e-12);
        for (int j = 0; j < D; ++j)
            assert_true(fabs((double)p.vector[c * D + j] - o.vector[j]) < 1e-7);
    }
    prototypes_release(&p);
}

static void all_choices_agree_with_the_plain_formulas(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 200; ++draw)
        for (int kind = 0; kind < 4; ++kind) {
            struct input in;
            input_init(&in, N, kind % 2 ? CHOICE_WEIGHTED : CHOICE_THRESHOLD,
                       kind / 2);
            input_draw(&in, draw);
            compare(&in);
        }
}

static void one_class_uses_the_sigmoid(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 50; ++draw)
        for (int kind = 0; kind < 4; ++kind) {
            struct input in;
            input_init(&in, 1, kind % 2 ? CHOICE_WEIGHTED : CHOICE_THRESHOLD,
                       kind / 2);
            input_draw(&in, draw);
            compare(&in);
        }
}

/* One class of three: object centres along axes 0 to 3 of class 0. */
static void input_axes(struct input *in, int choice, bool balance)
{
    input_init(in, N, choice, balance);
    for (int k = 0; k < K; ++k) {
        in->size[k] = 1;
        in->center[k * D + k] = 2;
    }
}

static void tiny_probabilities_still_rank(void **state)
{
    (void)state;
    struct input in;
    struct prototypes p;
    /* z = exp(-2000), exp(-1900), exp(-1950), exp(-2000): all 0 in double. */
    const float loss[K] = {1000, 950, 975, 1000};
    input_axes(&in, CHOICE_WEIGHTED, false);
    memcpy(in.weight + D, loss, sizeof loss);
    prototypes_choose(&p, &in.km, &in.head, &in.config);
    assert_true(p.probability[1] == 0 && p.weight[1] == 1 &&
                p.weight[2] < 1e-80);
    assert_true(p.vector[1] == 1 && p.vector[0] == 0);
    prototypes_release(&p);
    in.config.prototypes.choice = CHOICE_THRESHOLD;
    prototypes_choose(&p, &in.km, &in.head, &in.config);
    const uint8_t selected[K] = {0, 1, 0, 0};
    assert_memory_equal(p.selected, selected, K);
    prototypes_release(&p);

    /* The surest centre is an empty slot: it must not be chosen. */
    in.size[1] = 0;
    prototypes_choose(&p, &in.km, &in.head, &in.config);
    assert_true(p.selected[1] == 0 && p.selected[2] == 1);
    prototypes_release(&p);
}

static void certain_context_keeps_its_small_doubt(void **state)
{
    (void)state;
    struct input in;
    struct prototypes p;
    input_axes(&in, CHOICE_WEIGHTED, false);
    /* 1 - z is exp(-60), far below the rounding of z, and exp(-61). */
    in.weight[0] = 60;
    in.weight[1] = 61;
    for (int k = 0; k < 2; ++k) {
        in.size[K + k] = 1;
        in.center[(K + k) * D + k] = 1;
    }
    prototypes_choose(&p, &in.km, &in.head, &in.config);
    assert_true(p.probability[K] == 1);
    assert_true(fabs(p.weight[K] - 1 / (1 + exp(-1))) < 1e-12);
    assert_true(fabs(p.weight[K + 1] - 1 / (1 + exp(1))) < 1e-12);
    prototypes_release(&p);
}

static void classes_without_vectors_or_context(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; ++kind) {
        struct input in;
        struct prototypes p;
        input_init(&in, N, kind % 2 ? CHOICE_WEIGHTED : CHOICE_THRESHOLD,
                   kind / 2);
        in.size[0] = 3; /* class 0: object only; class 1: context only */
        in.center[1] = 5;
        in.size[3 * K] = 3;
        in.center[3 * K * D + 2] = 5;
        prototypes_choose(&p, &in.km, &in.head, &in.config);
        for (int j = 0; j < D; ++j) {
            assert_true(p.vector[j] == (j == 1 ? 1.0f : 0.0f));
            assert_true(p.vector[D + j] == 0 && p.vector[2 * D + j] == 0);
        }
        assert_true(p.lambda[0] == 1 && p.lambda[2] == 1);
        assert_true(p.weight[1] == 0 && p.weight[K] == 0);
        prototypes_release(&p);
    }
}

/* Weights that happen to be 0 and 1 and lambda 1: step 6b must be step 6. */
static void indicator_weights_give_step_6_exactly(void **state)
{
    (void)state;
    for (uint64_t draw = 0; draw < 50; ++draw) {
        struct input in;
        struct prototypes a, b;
        input_init(&in, N, CHOICE_WEIGHTED, false);
        /* The last entry alone decides z: 1 or 0 to the last bit. */
        for (int i = 0; i < N; ++i)
            in.weight[i * D + D - 1] = i == 0 ? 2000 : i == 1 ? -2000 : 0;
        for (int slot = 0; slot < 2 * K; ++slot) {
            in.size[slot] = 7;
            for (uint64_t j = 0; j < D - 1; ++j)
                in.center[(uint64_t)slot * D + j] =
                    (float)uniform(draw, (uint64_t)slot * D + j);
            in.center[slot * D + D - 1] = slot % 3 ? -1 : 1;
        }
        in.config.prototypes.context_above = -1;
        prototypes_choose(&a, &in.km, &in.head, &in.config);
        in.config.prototypes.choice = CHOICE_THRESHOLD;
        prototypes_choose(&b, &in.km, &in.head, &in.config);
        assert_memory_equal(a.selected, b.selected, 2 * K);
        assert_memory_equal(a.vector, b.vector, D * sizeof(float));
        assert_true(a.selected[0] == 1 && a.selected[1] == 0);
        assert_true(a.selected[K] == 1 && a.selected[K + 2] == 0);
        prototypes_release(&a);
        prototypes_release(&b);
    }
}

static void balance_makes_the_mean_response_over_context_zero(void **state)
{
    (void)state;
    int strict = 0;
    for (uint64_t draw = 0; draw < 50; ++draw) {
        struct input in;
        struct prototypes p;
        input_init(&in, N, CHOICE_WEIGHTED, true);
        input_draw(&in, draw);
        prototypes_choose(&p, &in.km, &in.head, &in.config);
        for (int c = 0; c < N; ++c) {
            double response = 0;
            for (int k = 0; k < K; ++k) {
                const int slot = (2 * c + 1) * K + k;
                for (int j = 0; in.size[slot] > 0 && j < D; ++j)
                    response += (double)in.size[slot] *
                                (double)in.center[slot * D + j] /
                                length(in.center + slot * D) *
                                (double)p.vector[c * D + j];
            }
            if (p.lambda[c] > 0 && p.lambda[c] < 1) {
                assert_true(fabs(response) < 1e-5);
                ++strict;
            }
        }
        prototypes_release(&p);
    }
    assert_true(strict > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_choices_agree_with_the_plain_formulas),
        cmocka_unit_test(one_class_uses_the_sigmoid),
        cmocka_unit_test(tiny_probabilities_still_rank),
        cmocka_unit_test(certain_context_keeps_its_small_doubt),
        cmocka_unit_test(classes_without_vectors_or_context),
        cmocka_unit_test(indicator_weights_give_step_6_exactly),
        cmocka_unit_test(balance_makes_the_mean_response_over_context_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
