/* SPDX-License-Identifier: MIT */
/* Maps, split and score from what the authors' code recorded on the way, so
 * that no network is needed; each test prints its largest difference. */
#include "lpcam/method/cam.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/method/split.h"

#include "golden_file.h"

enum { N_CLASSES = 21, N_FULL = 3, N_SCALES = 4 };

/* The photographs of which everything is recorded. */
static const int full[N_FULL] = {5, 17, 23};

static hid_t file;

/* ReLU(FG - BG), the reference's LPCAM of one scale. */
static float *foreground_minus_background(int scale, int image, int dim[4])
{
    static const char *const fg[] = {"image/%02d/fg_1.0", "image/%02d/fg_0.5",
                                     "image/%02d/fg_1.5", "image/%02d/fg_2.0"};
    static const char *const bg[] = {"image/%02d/bg_1.0", "image/%02d/bg_0.5",
                                     "image/%02d/bg_1.5", "image/%02d/bg_2.0"};
    float *raw = golden_f32(file, fg[scale], image, dim);
    float *context = golden_f32(file, bg[scale], image, NULL);
    for (int i = 0; i < dim[0] * dim[1] * dim[2]; ++i)
        raw[i] = fmaxf(raw[i] - context[i], 0);
    free(context);
    return raw;
}

static float *recorded_cam(int scale, int image, int dim[4])
{
    static const char *const cam[] = {
        "image/%02d/cam_raw_1.0", "image/%02d/cam_raw_0.5",
        "image/%02d/cam_raw_1.5", "image/%02d/cam_raw_2.0"};
    return golden_f32(file, cam[scale], image, dim);
}

/* Gather the scales of the three photographs and compare with what the
 * reference made of them. */
static void check_maps(const char *name, const char *strided,
                       const char *high_res, float epsilon,
                       float *(*raw_of)(int scale, int image, int dim[4]))
{
    struct class_maps m = {0};
    double worst[2] = {0};
    for (int i = 0; i < N_FULL; ++i) {
        int dim[4], small_dim[4];
        float *large = golden_f32(file, high_res, full[i], dim);
        float *small = golden_f32(file, strided, full[i], small_dim);
        assert_int_equal(class_maps_begin(&m, dim[0], dim[1], dim[2], true),
                         LP_OK);
        assert_int_equal(m.sh, small_dim[1]);
        assert_int_equal(m.sw, small_dim[2]);
        for (int s = 0; s < N_SCALES; ++s) {
            int raw_dim[4];
            float *raw = raw_of(s, full[i], raw_dim);
            class_maps_add(&m, raw, raw_dim[1], raw_dim[2]);
            free(raw);
        }
        class_maps_finish(&m, epsilon);
        worst[0] =
            fmax(worst[0], golden_difference(m.strided, small,
                                             (int64_t)m.n * m.sh * m.sw));
        worst[1] = fmax(worst[1], golden_difference(m.high_res, large,
                                                    (int64_t)m.n * m.h * m.w));
        free(large);
        free(small);
    }
    printf("%s: largest difference %.1e strided, %.1e high_res\n", name,
           worst[0], worst[1]);
    assert_true(worst[0] < 2e-6 && worst[1] < 2e-6);
    class_maps_release(&m);
}

static void cam_of_recorded_activations_is_the_references(void **state)
{
    (void)state;
    check_maps("CAM", "image/%02d/cam_strided", "image/%02d/cam_high_res",
               1e-5f, recorded_cam);
}

static void lpcam_of_recorded_similarities_is_the_references(void **state)
{
    (void)state;
    check_maps("LPCAM", "image/%02d/lpcam_strided", "image/%02d/lpcam_high_res",
               0, foreground_minus_background);
}

static void count_sides(const uint8_t *side, int n, int32_t count[2])
{
    count[0] = count[1] = 0;
    for (int i = 0; i < n; ++i) {
        count[0] += side[i] == SPLIT_OBJECT;
        count[1] += side[i] == SPLIT_CONTEXT;
    }
}

/* Every photograph: a map already on the grid splits into the recorded
 * counts. The three: so does the map at full size, cell by cell. */
static void split_finds_the_references_cells(void **state)
{
    (void)state;
    const float tau = 0.1f;
    uint8_t side[32 * 32], direct[32 * 32];
    int n_pairs = 0, n_full = 0;
    for (int image = 0; image < 24; ++image) {
        int dim[4], size[4];
        int32_t count[2];
        float *cam = golden_f32(file, "image/%02d/cam_at_cells", image, dim);
        int32_t *expected =
            golden_i32(file, "image/%02d/cells_object_context", image, NULL);
        const bool is_full =
            image == full[0] || image == full[1] || image == full[2];
        float *large =
            is_full ? golden_f32(file, "image/%02d/cam_high_res", image, size)
                    : NULL;
        for (int i = 0; i < dim[0]; ++i, ++n_pairs) {
            const int cells = dim[1] * dim[2];
            split_cells(cam + i * cells, dim[1], dim[2], dim[1], dim[2], tau,
                        direct);
            count_sides(direct, cells, count);
            assert_memory_equal(count, expected + 2 * i, sizeof count);
            if (!large)
                continue;
            split_cells(large + (int64_t)i * size[1] * size[2], size[1],
                        size[2], dim[1], dim[2], tau, side);
            assert_memory_equal(side, direct, (size_t)cells);
            ++n_full;
        }
        free(cam);
        free(expected);
        free(large);
    }
    printf("split: %d pairs, %d of them from full size\n", n_pairs, n_full);
    assert_int_equal(n_full, 12);
}

/* A = ReLU(A) - ReLU(-A), whose mean over the cells is the recorded logit. */
static void activations_average_to_the_recorded_logits(void **state)
{
    (void)state;
    int wd[4];
    float *weight = golden_f32(file, "w", 0, wd);
    float *logits = golden_f32(file, "logits", 0, NULL);
    int32_t label[N_CLASSES];
    double worst = 0;
    struct cam c = {0};
    for (int i = 0; i < N_CLASSES; ++i)
        label[i] = i;
    for (int i = 0; i < N_FULL; ++i) {
        int dim[4];
        double mean[N_CLASSES] = {0};
        float *f = golden_f32(file, "image/%02d/feature", full[i], dim);
        const int cells = dim[1] * dim[2];
        const struct view view = {
            .scale = 1, .d = dim[0], .h = dim[1], .w = dim[2], .f = f};
        for (int sign = 1; sign >= -1; sign -= 2) {
            assert_int_equal(cam_view(&c, &view, weight, label, N_CLASSES),
                             LP_OK);
            for (int j = 0; j < N_CLASSES * cells; ++j)
                mean[j / cells] += sign * (double)c.raw[j] / cells;
            for (int j = 0; j < N_CLASSES * wd[1]; ++j)
                weight[j] = -weight[j];
        }
        for (int k = 0; k < N_CLASSES; ++k)
            worst = fmax(
                worst, fabs(mean[k] - (double)logits[full[i] * N_CLASSES + k]));
        free(f);
    }
    printf("logits: largest difference %.1e\n", worst);
    assert_true(worst < 1e-4);
    cam_release(&c);
    free(weight);
    free(logits);
}

/* One view without its mirror against the definition in double, the lengths
 * as recorded. */
static void lpcam_of_recorded_features_is_the_cosine_with_m(void **state)
{
    (void)state;
    int md[4];
    float *vector = golden_f32(file, "prototypes/one_vector", 0, md);
    double worst = 0;
    struct cam c = {0};
    for (int i = 0; i < N_FULL; ++i) {
        int dim[4], n_dim[4];
        float *f = golden_f32(file, "image/%02d/feature", full[i], dim);
        float *norm =
            golden_f32(file, "image/%02d/feature_norm", full[i], NULL);
        int32_t *label = golden_i32(file, "image/%02d/keys", full[i], n_dim);
        const int cells = dim[1] * dim[2];
        const struct view view = {
            .scale = 1, .d = dim[0], .h = dim[1], .w = dim[2], .f = f};
        assert_int_equal(lpcam_view(&c, &view, vector, label, n_dim[0]), LP_OK);
        for (int j = 0; j < n_dim[0] * cells; ++j) {
            const float *row = vector + label[j / cells] * md[1];
            double sum = 0;
            for (int k = 0; k < dim[0]; ++k)
                sum += (double)row[k] * (double)f[k * cells + j % cells];
            sum = fmax(sum / (double)norm[j % cells], 0);
            worst = fmax(worst, fabs(sum - (double)c.raw[j]));
        }
        free(f);
        free(norm);
        free(label);
    }
    printf("LPCAM of a view: largest difference %.1e\n", worst);
    assert_true(worst < 1e-6);
    cam_release(&c);
    free(vector);
}

/* The reference's seed of one pixel: the threshold is the first plane of an
 * argmax. */
static int seed_ref(const float *map, const int32_t *label, int n,
                    int64_t n_pixels, int64_t pixel, double threshold)
{
    float best = (float)threshold;
    int c = 0;
    for (int i = 0; i < n; ++i)
        if (map[i * n_pixels + pixel] > best) {
            best = map[i * n_pixels + pixel];
            c = label[i] + 1;
        }
    return c;
}

struct confusion {
    int64_t n[N_CLASSES + 1][N_CLASSES + 1]; /* [truth][prediction] */
};

/* One photograph into the score and into a confusion matrix a threshold;
 * returns pixels whose seed at threshold 0.30 is not the recorded one. */
static int64_t score_photograph(const char *maps, const char *seeds, int image,
                                struct seed_score *s, struct confusion *ref)
{
    int dim[4];
    float *map = golden_f32(file, maps, image, dim);
    const int64_t n_pixels = (int64_t)dim[1] * dim[2];
    int32_t *label = golden_i32(file, "image/%02d/keys", image, NULL);
    uint8_t *truth = golden_u8(file, "image/%02d/gt", image, NULL);
    uint8_t *seed = golden_u8(file, seeds, image, NULL);
    uint8_t *best_class = malloc((size_t)n_pixels);
    float *best_value = malloc((size_t)n_pixels * sizeof *best_value);
    int64_t wrong = 0;
    assert_true(best_class && best_value);
    seed_best(map, label, dim[0], n_pixels, best_class, best_value);
    seed_score_add(s, best_class, best_value, truth, n_pixels);
    for (int64_t i = 0; i < n_pixels; ++i) {
        wrong += (best_value[i] > 0.3f ? best_class[i] : 0) != seed[i];
        for (int t = 0; truth[i] != 255 && t < s->n_thresholds; ++t)
            ++ref[t].n[truth[i]][seed_ref(map, label, dim[0], n_pixels, i,
                                          s->threshold[t])];
    }
    free(map);
    free(label);
    free(truth);
    free(seed);
    free(best_class);
    free(best_value);
    return wrong;
}

static void check_score(const struct seed_score *s, const struct confusion *ref)
{
    for (int t = 0; t < s->n_thresholds; ++t)
        for (int c = 0; c <= N_CLASSES; ++c) {
            int64_t row = 0, column = 0;
            const int64_t both = ref[t].n[c][c];
            struct seed_class got;
            for (int j = 0; j <= N_CLASSES; ++j) {
                row += ref[t].n[c][j];
                column += ref[t].n[j][c];
            }
            seed_score_class(s, t, c, &got);
            assert_int_equal(got.truth_pixels, row);
            assert_int_equal(got.predicted_pixels, column);
            if (row + column > 0)
                assert_true(fabs(got.iou -
                                 (double)both / (double)(row + column - both)) <
                            1e-12);
        }
}

static void seeds_and_their_score_are_the_references(void **state)
{
    (void)state;
    static const char *const maps[] = {"image/%02d/cam_high_res",
                                       "image/%02d/lpcam_high_res"};
    static const char *const seeds[] = {"image/%02d/seed_cam_0.30",
                                        "image/%02d/seed_lpcam_0.30"};
    int n[4];
    double *threshold = golden_f64(file, "eval/thresholds", 0, n);
    for (int k = 0; k < 2; ++k) {
        struct seed_score s;
        struct confusion *ref = calloc((size_t)n[0], sizeof *ref);
        int64_t wrong = 0;
        assert_non_null(ref);
        assert_int_equal(seed_score_init(&s, N_CLASSES, false, threshold, n[0]),
                         LP_OK);
        for (int i = 0; i < N_FULL; ++i)
            wrong += score_photograph(maps[k], seeds[k], full[i], &s, ref);
        printf("%s: %lld seed pixels differ; mIoU of three at 0.30 %.4f\n",
               k ? "LPCAM" : "CAM", (long long)wrong, seed_score_mean(&s, 5));
        assert_int_equal(wrong, 0);
        check_score(&s, ref);
        seed_score_release(&s);
        free(ref);
    }
    free(threshold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cam_of_recorded_activations_is_the_references),
        cmocka_unit_test(lpcam_of_recorded_similarities_is_the_references),
        cmocka_unit_test(split_finds_the_references_cells),
        cmocka_unit_test(activations_average_to_the_recorded_logits),
        cmocka_unit_test(lpcam_of_recorded_features_is_the_cosine_with_m),
        cmocka_unit_test(seeds_and_their_score_are_the_references),
    };
    if (!test_have_shared())
        return 77;
    file = golden_open("golden/golden-msrc24.h5");
    const int bad = cmocka_run_group_tests(tests, NULL, NULL);
    H5Fclose(file);
    return bad;
}
