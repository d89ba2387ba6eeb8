/* SPDX-License-Identifier: MIT */
/* From photographs to maps, seeds and score: what every floor up to method
 * makes of 24 photographs with a real network, next to what the authors' code
 * made of them. The prototypes are the recorded ones, because k-means has
 * tests of its own. The first test computes; the others judge and print. */
#include "lpcam/data/image.h"
#include "lpcam/data/mask.h"
#include "lpcam/method/cam.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/method/split.h"
#include "lpcam/method/views.h"
#include "lpcam/net/network.h"

#include "golden_file.h"

enum { N_IMAGES = 24, N_CLASSES = 21, N_MSRC = 23, MSRC_HORSE = 5 };
enum { MSRC_MOUNTAIN = 8 };

/* The largest differences over all photographs. */
struct difference {
    double weight, feature, strided[2], high_res[2]; /* CAM, LPCAM */
    int cells, moved; /* of the split: all, and on another side */
};

static struct difference worst;
static struct seed_score score[2]; /* CAM, LPCAM */
static int n_done;

/* What a photograph needs on its way. */
struct path {
    hid_t file, features;
    struct network net;
    struct views views;
    struct image img;
    struct mask mask;
    struct cam cam;
    struct class_maps maps[2]; /* CAM, LPCAM */
    float *vector;             /* recorded: prototypes/one_vector */
    int image, n;
    int32_t *label;
};

static char none[] = "";

static void fill_config(struct config *c)
{
    static char model[4096];
    snprintf(model, sizeof model, "%s", test_shared("models/msrc21-mnv2.onnx"));
    memset(c, 0, sizeof *c);
    c->model.file = model;
    c->model.classes = none;
    c->model.feature = c->model.weight = c->model.bias = none;
    c->model.precision = LP_F32;
    c->model.threads = 1;
    c->model.mean = (struct number_list){3, {0.485, 0.456, 0.406}};
    c->model.std = (struct number_list){3, {0.229, 0.224, 0.225}};
    c->cam.scales = (struct number_list){4, {1.0, 0.5, 1.5, 2.0}};
    c->cam.flip = true;
}

/* Mask values of MSRC to class index + 1; void, horse and mountain are not
 * scored. */
static void translate(struct mask *m)
{
    uint8_t to[256];
    memset(to, 255, sizeof to);
    for (int id = 1, next = 1; id <= N_MSRC; ++id)
        if (id != MSRC_HORSE && id != MSRC_MOUNTAIN)
            to[id] = (uint8_t)next++;
    for (int64_t i = 0; i < (int64_t)m->h * m->w; ++i)
        m->value[i] = to[m->value[i]];
}

static void read_photograph(struct path *p, const char *name)
{
    char path[256], why[256] = "";
    snprintf(path, sizeof path, "data/msrc-v2/images/%s.jpg", name);
    if (image_read(test_shared(path), &p->img, why) != LP_OK)
        fail_msg("%s: %s", path, why);
    snprintf(path, sizeof path, "data/msrc-v2/masks/%s.png", name);
    if (mask_read(test_shared(path), &p->mask, why) != LP_OK)
        fail_msg("%s: %s", path, why);
    assert_int_equal(p->img.h, p->mask.h);
    assert_int_equal(p->img.w, p->mask.w);
    translate(&p->mask);
}

static void compare_feature(const struct path *p, const struct view *view)
{
    int dim[4];
    float *f = golden_f32(p->features, "feature/%02d", p->image, dim);
    const int64_t n = (int64_t)view->d * view->h * view->w;
    double largest = 0;
    assert_int_equal(dim[0], view->d);
    assert_int_equal(dim[1], view->h);
    assert_int_equal(dim[2], view->w);
    for (int64_t i = 0; i < n; ++i)
        largest = fmax(largest, fabs((double)f[i]));
    worst.feature =
        fmax(worst.feature, golden_difference(view->f, f, n) / largest);
    free(f);
}

static enum lp_status activate(void *arg, const struct view *view)
{
    struct path *p = arg;
    enum lp_status status = LP_OK;
    if (view->scale <= 1 && view->scale >= 1)
        compare_feature(p, view);
    LP_TRY(cam_view(&p->cam, view, p->net.head.weight, p->label, p->n));
    class_maps_add(&p->maps[0], p->cam.raw, view->h, view->w);
    LP_TRY(lpcam_view(&p->cam, view, p->vector, p->label, p->n));
    class_maps_add(&p->maps[1], p->cam.raw, view->h, view->w);
done:
    return status;
}

static void compare_maps(const struct path *p)
{
    static const char *const strided[] = {"image/%02d/cam_strided",
                                          "image/%02d/lpcam_strided"};
    static const char *const high_res[] = {"image/%02d/cam_high_res",
                                           "image/%02d/lpcam_high_res"};
    const bool is_full = p->image == 5 || p->image == 17 || p->image == 23;
    for (int k = 0; k < 2; ++k) {
        const struct class_maps *m = &p->maps[k];
        int dim[4];
        float *map = golden_f32(p->file, strided[k], p->image, dim);
        assert_int_equal(dim[0], m->n);
        assert_int_equal(dim[1], m->sh);
        assert_int_equal(dim[2], m->sw);
        worst.strided[k] = fmax(
            worst.strided[k],
            golden_difference(m->strided, map, (int64_t)m->n * m->sh * m->sw));
        free(map);
        if (!is_full)
            continue;
        map = golden_f32(p->file, high_res[k], p->image, dim);
        worst.high_res[k] = fmax(
            worst.high_res[k],
            golden_difference(m->high_res, map, (int64_t)m->n * m->h * m->w));
        free(map);
    }
}

/* Cells whose side is not that of the recorded map. */
static void compare_split(const struct path *p)
{
    const struct class_maps *m = &p->maps[0];
    int dim[4];
    float *recorded =
        golden_f32(p->file, "image/%02d/cam_at_cells", p->image, dim);
    const int h = dim[1], w = dim[2];
    uint8_t *side = malloc((size_t)(2 * h * w)), *expected = side + h * w;
    assert_non_null(side);
    for (int i = 0; i < p->n; ++i) {
        split_cells(m->high_res + (int64_t)i * m->h * m->w, m->h, m->w, h, w,
                    0.1f, side);
        split_cells(recorded + i * h * w, h, w, h, w, 0.1f, expected);
        for (int j = 0; j < h * w; ++j)
            worst.moved += side[j] != expected[j];
        worst.cells += h * w;
    }
    free(side);
    free(recorded);
}

static void count_seeds(const struct path *p)
{
    const int64_t n_pixels = (int64_t)p->img.h * p->img.w;
    uint8_t *best_class = malloc((size_t)n_pixels);
    float *best_value = malloc((size_t)n_pixels * sizeof *best_value);
    assert_true(best_class && best_value);
    for (int k = 0; k < 2; ++k) {
        seed_best(p->maps[k].high_res, p->label, p->n, n_pixels, best_class,
                  best_value);
        seed_score_add(&score[k], best_class, best_value, p->mask.value,
                       n_pixels);
    }
    free(best_class);
    free(best_value);
}

static void do_photograph(struct path *p, int image, const char *name)
{
    int dim[4];
    p->image = image;
    p->label = golden_i32(p->file, "image/%02d/keys", image, dim);
    p->n = dim[0];
    read_photograph(p, name);
    for (int k = 0; k < 2; ++k)
        assert_int_equal(
            class_maps_begin(&p->maps[k], p->n, p->img.h, p->img.w, true),
            LP_OK);
    assert_int_equal(views_each(&p->views, &p->img, activate, p), LP_OK);
    class_maps_finish(&p->maps[0], 1e-5f);
    class_maps_finish(&p->maps[1], 0);
    compare_maps(p);
    compare_split(p);
    count_seeds(p);
    free(p->label);
    ++n_done;
}

static void release(struct path *p)
{
    views_release(&p->views);
    network_release(&p->net);
    image_release(&p->img);
    mask_release(&p->mask);
    cam_release(&p->cam);
    class_maps_release(&p->maps[0]);
    class_maps_release(&p->maps[1]);
    free(p->vector);
    H5Fclose(p->file);
    H5Fclose(p->features);
}

static double *thresholds;

static void all_photographs_go_the_whole_way(void **state)
{
    (void)state;
    struct path p = {.file = golden_open("golden/golden-msrc24.h5"),
                     .features =
                         golden_open("golden/golden-msrc24-features.h5")};
    struct config config;
    int dim[4], n[4];
    fill_config(&config);
    assert_int_equal(network_open(&p.net, &config, MPI_COMM_WORLD), LP_OK);
    assert_int_equal(p.net.head.n, N_CLASSES);
    views_init(&p.views, &p.net, &config);
    float *w = golden_f32(p.file, "w", 0, dim);
    assert_int_equal(p.net.head.d, dim[1]);
    worst.weight =
        golden_difference(p.net.head.weight, w, (int64_t)dim[0] * dim[1]);
    free(w);
    p.vector = golden_f32(p.file, "prototypes/one_vector", 0, NULL);
    thresholds = golden_f64(p.file, "eval/thresholds", 0, n);
    for (int k = 0; k < 2; ++k)
        assert_int_equal(
            seed_score_init(&score[k], N_CLASSES, false, thresholds, n[0]),
            LP_OK);

    char **names = golden_names(p.file, N_IMAGES);
    for (int i = 0; i < N_IMAGES; ++i)
        do_photograph(&p, i, names[i]);
    golden_names_free(names, N_IMAGES);
    release(&p);
}

static void features_are_the_references(void **state)
{
    (void)state;
    printf("classifier: largest difference %.1e; features: %.1e of the "
           "largest\n",
           worst.weight, worst.feature);
    assert_int_equal(n_done, N_IMAGES);
    assert_true(worst.weight < 1e-6);
    assert_true(worst.feature < 1e-3);
}

static void maps_are_the_references(void **state)
{
    (void)state;
    assert_int_equal(n_done, N_IMAGES);
    for (int k = 0; k < 2; ++k) {
        printf("%s: largest difference %.1e strided, %.1e high_res\n",
               k ? "LPCAM" : "CAM", worst.strided[k], worst.high_res[k]);
        assert_true(worst.strided[k] < 1e-4 && worst.high_res[k] < 1e-4);
    }
}

/* Ten recorded values lie within 1e-4 of the threshold; those may move. */
static void hardly_a_cell_changes_its_side(void **state)
{
    (void)state;
    printf("split: %d of %d cells on another side\n", worst.moved, worst.cells);
    assert_int_equal(n_done, N_IMAGES);
    assert_int_equal(worst.cells, 27960);
    assert_true(worst.moved <= 10);
}

/* The recorded mean over the 21 classes, in points. */
static double mean_of(const double *iou)
{
    double sum = 0;
    int n = 0;
    for (int c = 1; c <= N_CLASSES; ++c)
        if (!isnan(iou[c])) {
            sum += iou[c];
            ++n;
        }
    return 100 * sum / n;
}

static void the_score_is_the_references_at_every_threshold(void **state)
{
    (void)state;
    static const char *const recorded[] = {"eval/iou_cam", "eval/iou_lpcam"};
    const hid_t file = golden_open("golden/golden-msrc24.h5");
    assert_int_equal(n_done, N_IMAGES);
    for (int k = 0; k < 2; ++k) {
        int dim[4];
        double off = 0, *iou = golden_f64(file, recorded[k], 0, dim);
        assert_int_equal(dim[0], score[k].n_thresholds);
        for (int t = 0; t < dim[0]; ++t)
            off = fmax(off, fabs(100 * seed_score_mean(&score[k], t) -
                                 mean_of(iou + t * dim[1])));
        printf("%s: mIoU at 0.30 %.2f, recorded %.2f; at most %.3f points "
               "off at %d thresholds\n",
               k ? "LPCAM" : "CAM", 100 * seed_score_mean(&score[k], 5),
               mean_of(iou + 5 * dim[1]), off, dim[0]);
        assert_true(off < 0.1);
        free(iou);
        seed_score_release(&score[k]);
    }
    free(thresholds);
    H5Fclose(file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_photographs_go_the_whole_way),
        cmocka_unit_test(features_are_the_references),
        cmocka_unit_test(maps_are_the_references),
        cmocka_unit_test(hardly_a_cell_changes_its_side),
        cmocka_unit_test(the_score_is_the_references_at_every_threshold),
    };
    if (!test_have_shared())
        return 77;
    return test_mpi_main(argc, argv, tests);
}
