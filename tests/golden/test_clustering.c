/* SPDX-License-Identifier: MIT */
/* Steps 4 to 7 of method.md from the features of 24 photographs, against what
 * the authors' code made of them. */
#include "support.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/method/kmeans.h"
#include "lpcam/method/prototypes.h"
#include "lpcam/method/split.h"

#define IMAGES  24
#define CLASSES 21
#define D       1280
#define K       4
#define TAU     0.1f

static hid_t golden, golden_features;

/* A data set whole, its number of elements in *n; freed by the caller. */
static void *get(hid_t file, hid_t type, int64_t *n, const char *format, ...)
{
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(set >= 0);
    const hid_t space = H5Dget_space(set);
    *n = H5Sget_simple_extent_npoints(space);
    void *x = malloc((size_t)*n * H5Tget_size(type));
    assert_non_null(x);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    return x;
}

static void allocate(struct features *f, int64_t n_cells)
{
    f->offset = calloc(IMAGES + 1, sizeof *f->offset);
    f->grid_w = calloc(IMAGES, sizeof *f->grid_w);
    f->id_hash = calloc(IMAGES, sizeof *f->id_hash);
    f->pair_offset = calloc(IMAGES + 1, sizeof *f->pair_offset);
    f->pair_class = calloc(IMAGES * CLASSES, sizeof *f->pair_class);
    f->side_offset = calloc(IMAGES * CLASSES + 1, sizeof *f->side_offset);
    f->side = calloc((size_t)n_cells * CLASSES, 1);
    f->value = calloc((size_t)n_cells * D, sizeof(float));
}

/* Image i: its rows from [D][h][w], its split from the CAM. */
static void add_image(struct features *f, int i)
{
    int64_t n_keys, n, cells;
    int32_t *keys =
        get(golden, H5T_NATIVE_INT32, &n_keys, "image/%02d/keys", i);
    float *cam =
        get(golden, H5T_NATIVE_FLOAT, &n, "image/%02d/cam_at_cells", i);
    float *x =
        get(golden_features, H5T_NATIVE_FLOAT, &cells, "feature/%02d", i);
    float *rows = (float *)f->value + f->offset[i] * D;

    cells /= D;
    assert_int_equal(n, n_keys * cells);
    f->offset[i + 1] = f->offset[i] + cells;
    for (int64_t c = 0; c < cells; ++c)
        for (int j = 0; j < D; ++j)
            rows[c * D + j] = x[j * cells + c];
    int64_t pair = f->pair_offset[i];
    for (int64_t k = 0; k < n_keys; ++k, ++pair) {
        uint8_t *side = f->side + f->side_offset[pair];
        f->pair_class[pair] = keys[k];
        f->side_offset[pair + 1] = f->side_offset[pair] + cells;
        for (int64_t c = 0; c < cells; ++c) {
            const float v = cam[k * cells + c];
            side[c] = v > TAU   ? SPLIT_OBJECT
                      : v < TAU ? SPLIT_CONTEXT
                                : SPLIT_NEITHER;
        }
    }
    f->pair_offset[i + 1] = pair;
    free(keys);
    free(cam);
    free(x);
}

static struct features load(enum lp_value type)
{
    struct features f = {.d = D, .n_classes = CLASSES, .n_images = IMAGES};
    int64_t n, n_cells = 0;
    int32_t *hw = get(golden, H5T_NATIVE_INT32, &n, "feature_hw");
    for (int i = 0; i < IMAGES; ++i)
        n_cells += hw[2 * i] * hw[2 * i + 1];
    allocate(&f, n_cells);
    for (int i = 0; i < IMAGES; ++i) {
        f.grid_w[i] = hw[2 * i + 1];
        add_image(&f, i);
    }
    free(hw);
    if (type != LP_F32) {
        void *stored = malloc((size_t)(n_cells * D * value_bytes(type)));
        value_from_f32(type, f.value, n_cells * D, stored);
        free(f.value);
        f.value = stored;
    }
    f.type = type;
    return f;
}

static struct kmeans fit(struct features *f)
{
    struct kmeans km;
    struct kmeans_start start[2 * CLASSES * K];
    int64_t n;
    for (int side = 0; side < 2; ++side) {
        const char *group = side ? "context" : "object";
        int32_t *image =
            get(golden, H5T_NATIVE_INT32, &n, "kmeans/%s/start_image", group);
        int32_t *cell =
            get(golden, H5T_NATIVE_INT32, &n, "kmeans/%s/start_cell", group);
        for (int i = 0; i < CLASSES * K; ++i) {
            const int slot = (2 * (i / K) + side) * K + i % K;
            start[slot] = (struct kmeans_start){image[i], cell[i]};
        }
        free(image);
        free(cell);
    }
    assert_int_equal(kmeans_init(&km, f, K), LP_OK);
    assert_int_equal(kmeans_start_rows(&km, f, start, MPI_COMM_SELF), LP_OK);
    assert_int_equal(kmeans_fit(&km, f, STOP_REFERENCE, 5, 300, MPI_COMM_SELF),
                     LP_OK);
    return km;
}

/* Rows of a problem whose cluster is not the authors'. */
static int64_t other_labels(const struct kmeans *km, const struct features *f,
                            int problem)
{
    int64_t n, at = 0, other = 0;
    uint8_t *label =
        get(golden, H5T_NATIVE_UINT8, &n, "kmeans/%s/assignment/%02d",
            problem % 2 ? "context" : "object", problem / 2);
    for (int64_t p = 0; p < f->pair_offset[IMAGES]; ++p)
        for (int64_t s = f->side_offset[p]; s < f->side_offset[p + 1]; ++s)
            if (f->pair_class[p] == problem / 2 &&
                f->side[s] == problem % 2 + SPLIT_OBJECT)
                other += at >= n || label[at++] != km->assignment[s];
    free(label);
    return other + (at != n);
}

/* The largest distance of a centre over its length. */
static double center_difference(const float *a, const float *b, int n)
{
    double most = 0;
    for (int i = 0; i < n; ++i) {
        double square = 0, length = 0;
        for (int j = i * D; j < (i + 1) * D; ++j) {
            square += pow((double)a[j] - (double)b[j], 2);
            length += (double)b[j] * (double)b[j];
        }
        most = fmax(most, sqrt(square / length));
    }
    return most;
}

static void check_side(const struct kmeans *km, const struct features *f,
                       int side, double *most)
{
    const char *group = side ? "context" : "object";
    int64_t n;
    int32_t *count =
        get(golden, H5T_NATIVE_INT32, &n, "kmeans/%s/count", group);
    int32_t *iterations =
        get(golden, H5T_NATIVE_INT32, &n, "kmeans/%s/iterations", group);
    int32_t *members =
        get(golden, H5T_NATIVE_INT32, &n, "kmeans/%s/members", group);
    float *centres =
        get(golden, H5T_NATIVE_FLOAT, &n, "kmeans/%s/centres", group);
    for (int c = 0; c < CLASSES; ++c) {
        const int p = 2 * c + side;
        assert_int_equal(km->n_rows[p], count[c]);
        assert_int_equal(km->n_zero[p], 0);
        assert_int_equal(km->iterations[p], iterations[c]);
        assert_int_equal(km->why[p], KMEANS_SHIFT);
        assert_int_equal(other_labels(km, f, p), 0);
        for (int j = 0; j < K; ++j)
            assert_int_equal(km->size[p * K + j], members[c * K + j]);
        *most = fmax(*most, center_difference(km->center + p * K * D,
                                              centres + c * K * D, K));
    }
    free(count);
    free(iterations);
    free(members);
    free(centres);
}

static void check_choice(const struct prototypes *p, double *most_z,
                         double *most_vector)
{
    int64_t n;
    for (int side = 0; side < 2; ++side) {
        const char *group = side ? "context" : "object";
        float *z = get(golden, H5T_NATIVE_FLOAT, &n, "kmeans/%s/z", group);
        uint8_t *selected =
            get(golden, H5T_NATIVE_UINT8, &n, "kmeans/%s/selected", group);
        for (int i = 0; i < CLASSES * K; ++i) {
            const int slot = (2 * (i / K) + side) * K + i % K;
            const double expected = (double)z[i];
            assert_int_equal(p->selected[slot], selected[i]);
            *most_z =
                fmax(*most_z, fabs((double)p->probability[slot] - expected) /
                                  fmax(expected, 1e-30));
        }
        free(z);
        free(selected);
    }
    float *vector = get(golden, H5T_NATIVE_FLOAT, &n, "prototypes/one_vector");
    assert_int_equal(n, CLASSES * D);
    for (int i = 0; i < n; ++i)
        *most_vector =
            fmax(*most_vector, fabs((double)p->vector[i] - (double)vector[i]));
    free(vector);
}

static void clusters_and_prototypes_are_those_of_the_authors(void **state)
{
    (void)state;
    struct features f = load(LP_F32);
    struct kmeans km = fit(&f);
    struct config config = {.prototypes = {.choice = CHOICE_THRESHOLD,
                                           .class_above = 0.9,
                                           .context_above = 9e-9,
                                           .context_below = 0.0015}};
    struct head head = {.n = CLASSES, .d = D};
    struct prototypes p;
    double center = 0, z = 0, vector = 0;
    int64_t n;

    check_side(&km, &f, 0, &center);
    check_side(&km, &f, 1, &center);
    head.weight = get(golden, H5T_NATIVE_FLOAT, &n, "w");
    assert_int_equal(prototypes_choose(&p, &km, &head, &config), LP_OK);
    check_choice(&p, &z, &vector);
    printf("largest differences: centre %.2g of its length, z %.2g of it, "
           "class vector %.2g\n",
           center, z, vector);
    assert_true(center < 1e-4);
    assert_true(z < 1e-4);
    assert_true(vector < 1e-6);
    free(head.weight);
    prototypes_release(&p);
    kmeans_release(&km);
    features_release(&f);
}

static void f16_rows_give_nearly_the_same_clusters(void **state)
{
    (void)state;
    struct features f = load(LP_F16);
    struct kmeans km = fit(&f);
    int64_t other = 0, n_rows = 0;
    for (int p = 0; p < 2 * CLASSES; ++p) {
        other += other_labels(&km, &f, p);
        n_rows += km.n_rows[p];
    }
    printf("f16 rows: %lld of %lld assignments differ\n", (long long)other,
           (long long)n_rows);
    kmeans_release(&km);
    features_release(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_and_prototypes_are_those_of_the_authors),
        cmocka_unit_test(f16_rows_give_nearly_the_same_clusters),
    };
    if (!test_have_shared())
        return 77;
    golden = H5Fopen(test_shared("golden/golden-msrc24.h5"), H5F_ACC_RDONLY,
                     H5P_DEFAULT);
    golden_features = H5Fopen(test_shared("golden/golden-msrc24-features.h5"),
                              H5F_ACC_RDONLY, H5P_DEFAULT);
    const bool open = golden >= 0 && golden_features >= 0;
    const int bad = test_mpi_main(argc, argv, tests);
    H5Fclose(golden);
    H5Fclose(golden_features);
    return !open || bad;
}
