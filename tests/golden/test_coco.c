/* SPDX-License-Identifier: MIT */
/* 208 photographs of COCO 2017 with COCO's own annotations: every mask and the
 * ground truth of every photograph as pycocotools draws them
 * (tests/data/make_rle.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/data/coco_json.h"
#include "lpcam/data/truth.h"
#include "support.h"

#define FOLDER "data/coco412-train"

enum { MOST_ID = 600000 };

static char *expected, *cursor; /* coco412_shapes.txt, and where we are */

static int open_expected(void **state)
{
    size_t n;
    (void)state;
    if (text_read(test_data("coco412_shapes.txt"), &expected, &n) != LP_OK)
        return 1;
    cursor = expected;
    return 0;
}

static int close_expected(void **state)
{
    (void)state;
    free(expected);
    return 0;
}

struct seen {
    FILE *file;
    int32_t (*size)[2]; /* [image id] h, w                                 */
    struct coco_shape shape;
    int n_objects, n_crowds;
};

/* The lists of this file stand in the order images, annotations. */
static enum lp_status compare_mask(void *user, const struct coco_element *e)
{
    struct seen *s = user;
    char hash[65], want[17], why[256];
    int64_t n_pixels = 0;
    int pixels, used;
    if (e->kind == COCO_IMAGE) {
        assert_true(e->id < MOST_ID);
        s->size[e->id][0] = (int32_t)e->height;
        s->size[e->id][1] = (int32_t)e->width;
    }
    if (e->kind != COCO_ANNOTATION)
        return LP_OK;
    const int h = s->size[e->image_id][0], w = s->size[e->image_id][1];
    const size_t n = (size_t)h * (size_t)w;
    uint8_t *columns = calloc(n, 1);
    char *json = malloc((size_t)e->bytes);
    assert_true(n > 0 && columns && json);
    assert_int_equal(fseek(s->file, (long)e->at, SEEK_SET), 0);
    assert_int_equal(fread(json, 1, (size_t)e->bytes, s->file), e->bytes);
    assert_int_equal(coco_shape_paint(&s->shape, json, (size_t)e->bytes, h, w,
                                      1, columns, why),
                     LP_OK);
    for (size_t i = 0; i < n; ++i)
        n_pixels += columns[i];
    hash_sha256(columns, n, hash);
    assert_int_equal(sscanf(cursor, "%d %16s%n", &pixels, want, &used), 2);
    cursor += used;
    if (n_pixels != pixels || strncmp(hash, want, 16) != 0)
        fail_msg("annotation %d: %d pixels instead of %d", s->n_objects,
                 (int)n_pixels, pixels);
    ++s->n_objects;
    s->n_crowds += e->crowd;
    free(columns);
    free(json);
    return LP_OK;
}

static void every_mask_is_that_of_pycocotools(void **state)
{
    (void)state;
    const char *path = test_shared(FOLDER "/instances.json");
    struct seen seen = {.file = fopen(path, "rb"),
                        .size = calloc(MOST_ID, sizeof *seen.size)};
    assert_true(seen.file && seen.size);
    assert_int_equal(coco_json_read(path, 1 << 16, compare_mask, &seen), LP_OK);
    assert_int_equal(seen.n_objects, 1899);
    assert_int_equal(seen.n_crowds, 18);
    coco_shape_release(&seen.shape);
    fclose(seen.file);
    free(seen.size);
}

static void load(struct dataset *d, bool small)
{
    static char root[512];
    struct config config;
    char set_root[600];
    const char *set[] = {
        "run.out=none", "data.layout=coco", "data.annotations=instances.json",
        set_root, small ? "data.overlap=small" : "data.overlap=annotation"};
    snprintf(root, sizeof root, "%s", test_shared(FOLDER));
    snprintf(set_root, sizeof set_root, "data.root=%s", root);
    assert_int_equal(config_load(&config, NULL, set, 5, MPI_COMM_WORLD), LP_OK);
    assert_int_equal(dataset_load(d, &config, -1, MPI_COMM_WORLD), LP_OK);
    config_release(&config);
}

/* The columns of the mask, as the fixture has them. */
static void hash_columns(const struct mask *m, char hash[65])
{
    const size_t n = (size_t)m->h * (size_t)m->w;
    uint8_t *columns = malloc(n);
    assert_non_null(columns);
    for (int x = 0; x < m->w; ++x)
        for (int y = 0; y < m->h; ++y)
            columns[(size_t)x * (size_t)m->h + (size_t)y] =
                m->value[(size_t)y * (size_t)m->w + (size_t)x];
    hash_sha256(columns, n, hash);
    free(columns);
}

static void ground_truth_follows_either_custom(void **state)
{
    (void)state;
    struct dataset d[2];
    struct truth truth = {0};
    load(&d[0], false);
    load(&d[1], true);
    assert_int_equal(d[0].n_images, 208);
    assert_int_equal(d[0].n_classes, 80);
    for (int64_t i = 0; i < d[0].n_images; ++i) {
        char want[2][17], id[16];
        int number, used;
        assert_int_equal(
            sscanf(cursor, "%d %16s %16s%n", &number, want[0], want[1], &used),
            3);
        cursor += used;
        snprintf(id, sizeof id, "%012d", number);
        for (int k = 0; k < 2; ++k) {
            char hash[65];
            assert_string_equal(dataset_id(&d[k], i), id);
            assert_true(truth_has(&d[k], i));
            assert_int_equal(truth_read(&truth, &d[k], i,
                                        d[k].shape_size[2 * i],
                                        d[k].shape_size[2 * i + 1]),
                             LP_OK);
            hash_columns(&truth.mask, hash);
            if (strncmp(hash, want[k], 16) != 0)
                fail_msg("%s with overlap %d differs", id, k);
        }
    }
    truth_release(&truth);
    dataset_release(&d[0]);
    dataset_release(&d[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mask_is_that_of_pycocotools),
        cmocka_unit_test(ground_truth_follows_either_custom),
    };
    if (!test_have_shared())
        return 77;
    MPI_Init(&argc, &argv);
    const int failed =
        cmocka_run_group_tests(tests, open_expected, close_expected);
    MPI_Finalize();
    return failed;
}
