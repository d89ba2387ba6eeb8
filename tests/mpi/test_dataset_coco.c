/* SPDX-License-Identifier: MIT */
/* Layout coco, and the label files of the field. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/data/truth.h"
#include "lpcam/run/comm.h"
#include "tiny_store.h"
#include "support.h"

#define WORLD MPI_COMM_WORLD

/* --- a small data set, written by rank 0 into the test's folder */

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

static void put_bytes(const char *name, const void *bytes, size_t n)
{
    if (comm_rank(WORLD) == 0) {
        FILE *file = fopen(in_folder(name), "wb");
        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
            MPI_Abort(WORLD, 1);
    }
    comm_barrier(WORLD);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void make_folder(const char *name)
{
    if (comm_rank(WORLD) == 0)
        mkdir(in_folder(name), 0777);
    comm_barrier(WORLD);
}

/* Five images of 4 x 6 pixels, ids in no order, image 20 without annotations;
 * category ids with gaps. The second object of image 9 overlaps the first, a
 * crowd lies below both; rectangles of whole pixels. */
#define BOX(l, t, r, b)                                                        \
    "[[" #l "," #t "," #r "," #t "," #r "," #b "," #l "," #b "]]"
#define OBJECT(image, category, crowd, area, shape)                            \
    "{\"image_id\": " #image ", \"category_id\": " #category                   \
    ", \"iscrowd\": " #crowd ", \"area\": " #area ", \"segmentation\": " shape \
    "}"
#define IMAGE(id, name)                                                        \
    "{\"id\": " #id ", \"file_name\": \"" name                                 \
    ".jpg\", \"height\": 4, \"width\": 6}"
#define IMAGES                                                                 \
    IMAGE(31, "COCO_train2014_000000000031")                                   \
    "," IMAGE(9, "COCO_train2014_000000000009") "," IMAGE(                     \
        20,                                                                    \
        "COCO_train2014_000000000020") "," IMAGE(5,                            \
                                                 "sub/COCO_train2014_"         \
                                                 "000000000005") "," IMAGE(7,  \
                                                                           "o" \
                                                                           "d" \
                                                                           "d")
#define OBJECTS                                                                                   \
    OBJECT(9, 90, 0, 8, BOX(0, 0, 4, 2))                                                          \
    "," OBJECT(31, 2, 0, 2, BOX(0, 0, 1, 2)) "," OBJECT(9, 2, 0, 12, BOX(1, 0, 4, 4)) "," OBJECT( \
        9, 44, 1, 24,                                                                             \
        "{\"size\": [4, 6], "                                                                     \
        "\"counts\": [0, 24]}") "," OBJECT(5, 90, 0, 1,                                           \
                                           "null") "," OBJECT(7, 44, 0, 1,                        \
                                                              BOX(5, 3, 6, 4))
#define CATEGORIES                                                             \
    "{\"id\": 90, \"name\": \"toothbrush\"}, "                                 \
    "{\"id\": 2, \"name\": \"bicycle\"}, {\"id\": 44, \"name\": \"bottle\"}"
#define FILE_OF(images, objects, categories)                                   \
    "{\"images\": [" images "], \"annotations\": [" objects                    \
    "], \"categories\": [" categories "]}"

static const char *const photograph[] = {
    "COCO_train2014_000000000005", "odd", "COCO_train2014_000000000009",
    "COCO_train2014_000000000020", "COCO_train2014_000000000031"};

static void put_coco(const char *json)
{
    make_folder("annotations");
    make_folder("tiny");
    put("annotations/instances_tiny.json", json);
    for (int i = 0; i < 5; ++i) {
        char name[80];
        snprintf(name, sizeof name, "tiny/%s.jpg", photograph[i]);
        put(name, "");
    }
}

/* The configuration, with these texts more ("" for none). */
static struct config configured(const char *a, const char *b)
{
    struct config config;
    char root[600];
    const char *set[] = {"run.out=none",
                         "data.layout=coco",
                         root,
                         "data.annotations=annotations/instances_tiny.json",
                         a,
                         b};
    snprintf(root, sizeof root, "data.root=%s", test_folder());
    const int n = 4 + (*a != 0) + (*b != 0);
    if (config_load(&config, NULL, set, n, WORLD) != LP_OK)
        MPI_Abort(WORLD, 1);
    return config;
}

static enum lp_status load(struct dataset *d, const char *a, const char *b)
{
    struct config config = configured(a, b);
    const enum lp_status status = dataset_load(d, &config, -1, WORLD);
    config_release(&config);
    return status;
}

/* "2 | 1 | 0 1 2 | | 0" */
static bool labels_are(const struct dataset *d, const char *want)
{
    char text[256] = "";
    for (int64_t i = 0; i < d->n_images; ++i) {
        const int32_t *label;
        const int n = dataset_labels(d, i, &label);
        for (int k = 0; k < n; ++k)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d ",
                     label[k]);
        strcat(text, i + 1 < d->n_images ? "| " : "");
    }
    if (strcmp(text, want) != 0)
        print_error("labels are %s\n", text);
    return strcmp(text, want) == 0;
}

/* Loading fails on all ranks, on rank 0 with this status and these words. */
static bool fails(const char *a, const char *b, enum lp_status want,
                  const char *words)
{
    struct dataset d;
    const bool root = comm_rank(WORLD) == 0;
    tiny_listen();
    const enum lp_status status = load(&d, a, b);
    const char *said = tiny_heard();
    const bool ok = status == (root ? want : LP_EPEER) &&
                    (!root || strstr(said, words)) && !d.text && !d.shape;
    if (!ok)
        print_error("status %d instead of %d, no \"%s\" in: %s\n", status, want,
                    words, said);
    dataset_release(&d);
    return on_all(ok);
}

/* Pixels of the ground truth of an image, row by row, '.' for 255. */
static bool truth_is(const struct dataset *d, int64_t image, const char *want)
{
    struct truth t = {0};
    char text[25] = "";
    if (truth_has(d, image) && truth_read(&t, d, image, 4, 6) == LP_OK)
        for (int i = 0; i < 24; ++i)
            text[i] = t.mask.value[i] == DATASET_IGNORE
                          ? '.'
                          : (char)('0' + t.mask.value[i]);
    truth_release(&t);
    if (strcmp(text, want) != 0)
        print_error("image %d: %s\n", (int)image, text);
    return strcmp(text, want) == 0;
}

/* --- the tests */

static void images_come_by_number_and_classes_by_category(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    assert_true(on_all(load(&d, "", "") == LP_OK));
    assert_true(on_all(d.n_images == 5 && d.n_classes == 3));
    for (int i = 0; i < 5; ++i)
        assert_true(on_all(strcmp(dataset_id(&d, i), photograph[i]) == 0));
    assert_true(
        on_all(strstr(dataset_path(&d, 0), "/tiny/COCO_train2014_") != NULL));
    assert_true(on_all(strcmp(dataset_class(&d, 0), "bicycle") == 0 &&
                       strcmp(dataset_class(&d, 1), "bottle") == 0 &&
                       strcmp(dataset_class(&d, 2), "toothbrush") == 0));
    assert_true(on_all(labels_are(&d, "2 | 1 | 0 1 2 | | 0 ")));
    dataset_release(&d);
}

static void ground_truth_is_drawn_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    assert_true(on_all(load(&d, "data.overlap=annotation", "") == LP_OK));
    assert_true(on_all(truth_is(&d, 0, "000000000000000000000000")));
    assert_true(on_all(truth_is(&d, 1, "000000000000000000000002")));
    assert_true(on_all(truth_is(&d, 2, "311100311100011100011100")));
    assert_true(on_all(truth_is(&d, 3, "000000000000000000000000")));
    assert_true(on_all(truth_is(&d, 4, "100000100000000000000000")));
    dataset_release(&d);
}

static void or_small_on_top_of_large_on_top_of_crowds(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    assert_true(on_all(load(&d, "data.overlap=small", "") == LP_OK));
    assert_true(on_all(truth_is(&d, 2, "3333..3333...111...111..")));
    assert_true(on_all(truth_is(&d, 3, "000000000000000000000000")));
    dataset_release(&d);
}

static void classes_without_a_row_are_ignored_or_background(void **state)
{
    (void)state;
    struct dataset d;
    char names[600];
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("names.txt", "toothbrush\nbottle\n");
    snprintf(names, sizeof names, "model.classes=%s", in_folder("names.txt"));
    assert_true(on_all(load(&d, names, "") == LP_OK));
    assert_true(on_all(labels_are(&d, "0 | 1 | 0 1 | | ")));
    assert_true(on_all(truth_is(&d, 2, "1...001...000...000...00")));
    dataset_release(&d);
    assert_true(on_all(load(&d, names, "score.unknown=background") == LP_OK));
    assert_true(on_all(truth_is(&d, 2, "100000100000000000000000")));
    dataset_release(&d);
}

static void lists_name_images_in_any_form(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("list.txt", "000000000031\nodd.jpg\n20\nCOCO_train2014_000000000009\n");
    assert_true(on_all(load(&d, "data.list=list.txt", "") == LP_OK));
    assert_true(on_all(labels_are(&d, "0 | 1 | | 0 1 2 ")));
    assert_true(on_all(truth_is(&d, 3, "311100311100011100011100")));
    assert_true(on_all(strcmp(dataset_id(&d, 0), photograph[4]) == 0));
    dataset_release(&d);
    put("list.txt", "31\nCOCO_train2014_000000000031.jpg\n");
    assert_true(fails("data.list=list.txt", "", LP_EFORMAT,
                      "list.txt:2: image COCO_train2014_000000000031 is "
                      "already in line 1"));
    put("list.txt", "31\n8\n");
    assert_true(
        fails("data.list=list.txt", "", LP_EFORMAT, "list.txt:2: image 8"));
}

static void label_files_are_read_by_image(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("train.txt", "COCO_train2014_000000000031.jpg 3 1\n9 2\n"
                     "000000000020 1\nodd bottle\n");
    assert_true(on_all(load(&d, "data.labels=train.txt", "") == LP_OK));
    assert_true(on_all(labels_are(&d, "| 1 | 1 | 0 | 0 2 ")));
    assert_true(on_all(truth_is(&d, 2, "311100311100011100011100")));
    dataset_release(&d);
    put("train.txt", "31 2 0\n9 1\n");
    assert_true(fails("data.labels=train.txt", "", LP_EFORMAT,
                      "data.label_numbers = positions"));
    assert_true(on_all(load(&d, "data.labels=train.txt",
                            "data.label_numbers=positions") == LP_OK));
    assert_true(on_all(labels_are(&d, "| | 1 | | 0 2 ")));
    dataset_release(&d);
    put("train.txt", "31 2\n8 1\n");
    assert_true(fails("data.labels=train.txt", "", LP_EFORMAT,
                      "train.txt:2: image 8 is not in"));
    put("train.txt", "31 2\n9 1\n031 1\n");
    assert_true(fails("data.labels=train.txt", "", LP_EFORMAT,
                      "train.txt:3: image 031 is already in line 1"));
}

/* A NumPy file of version 1 with this header and these bytes. */
static void put_array(const char *name, const char *descr, bool fortran,
                      const char *shape, const void *bytes, size_t n)
{
    char file[1024] = "\x93NUMPY\x01";
    const int length = snprintf(file + 10, 118,
                                "{'descr': '%s', 'fortran_order': %s, "
                                "'shape': %s, }",
                                descr, fortran ? "True" : "False", shape);
    memset(file + 10 + length, ' ', (size_t)(118 - length));
    file[127] = '\n';
    file[8] = 118;
    memcpy(file + 128, bytes, n);
    put_bytes(name, file, 128 + n);
}

static void arrays_of_all_types_have_their_ids_beside_them(void **state)
{
    (void)state;
    static const uint8_t u1[2][3] = {{0, 1, 1}, {1, 0, 0}};
    static const struct {
        const char *descr;
        size_t size;
    } type[] = {{"|b1", 1}, {"|u1", 1}, {"|i1", 1}, {"<i2", 2}, {"<u4", 4},
                {"<i8", 8}, {"<u8", 8}, {"<f4", 4}, {"<f8", 8}};
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("ids.txt", "31\nCOCO_train2014_000000000009\n");
    for (size_t t = 0; t < sizeof type / sizeof type[0]; ++t) {
        struct dataset d;
        char bytes[6 * 8] = {0};
        for (size_t i = 0; i < 6; ++i) {
            const uint8_t v = ((const uint8_t *)u1)[i];
            const float f4 = v;
            const double f8 = v;
            const void *from = type[t].descr[1] != 'f' ? (const void *)&v
                               : type[t].size == 4     ? (const void *)&f4
                                                       : (const void *)&f8;
            memcpy(bytes + i * type[t].size, from,
                   type[t].descr[1] == 'f' ? type[t].size : 1);
        }
        put_array("labels.npy", type[t].descr, false, "(2, 3)", bytes,
                  6 * type[t].size);
        assert_true(on_all(load(&d, "data.labels=labels.npy",
                                "data.label_ids=ids.txt") == LP_OK));
        assert_true(on_all(labels_are(&d, "| | 0 | | 1 2 ")));
        dataset_release(&d);
    }
}

static void an_array_without_ids_is_in_ascending_order(void **state)
{
    (void)state;
    static const uint8_t v[15] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0};
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put_array("labels.npy", "|u1", false, "(5, 3)", v, 15);
    assert_true(on_all(load(&d, "data.labels=labels.npy", "") == LP_OK));
    assert_true(on_all(labels_are(&d, "0 | 1 | 2 | 0 1 | ")));
    dataset_release(&d);
    put_array("labels.npy", "|u1", false, "(4, 3)", v, 12);
    assert_true(
        fails("data.labels=labels.npy", "", LP_EFORMAT, "4 rows where"));
}

static void arrays_that_cannot_be_labels_are_refused(void **state)
{
    (void)state;
    static const double nan_[15] = {0.0 / 0.0}, minus[15] = {-1};
    static const uint8_t v[16] = {0};
    const struct {
        const char *descr, *shape;
        bool fortran;
        const void *bytes;
        size_t n;
        const char *words;
    } bad[] = {{"|O", "()", false, v, 4, "np.save(\"labels.npy\""},
               {">f4", "(5, 3)", false, v, 15, "little-endian"},
               {"<f2", "(5, 3)", false, v, 15, "type that is not read"},
               {"<U3", "(5, 3)", false, v, 15, "little-endian"},
               {"|u1", "(5, 3)", true, v, 15, "stored by columns"},
               {"|u1", "(15,)", false, v, 15, "images times classes"},
               {"|u1", "(5, 3, 1)", false, v, 15, "images times classes"},
               {"|u1", "(5, -3)", false, v, 15, "images times classes"},
               {"|u1", "(5, 4)", false, v, 15, "4 columns where"},
               {"|u1", "(5, 3)", false, v, 14, "ends in row 4 of 5"},
               {"|u1", "(5, 3)", false, v, 16, "goes on behind"},
               {"<f8", "(5, 3)", false, nan_, sizeof nan_, "row 0, column 0"},
               {"<f8", "(5, 3)", false, minus, sizeof minus, "has -1 for"}};
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        put_array("labels.npy", bad[i].descr, bad[i].fortran, bad[i].shape,
                  bad[i].bytes, bad[i].n);
        assert_true(
            fails("data.labels=labels.npy", "", LP_EFORMAT, bad[i].words));
    }
    put_bytes("labels.npy", "\x93NUMPY\x01\x00\x76\x00{'descr'", 18);
    assert_true(
        fails("data.labels=labels.npy", "", LP_EFORMAT, "ends in its header"));
    put_bytes("labels.npy", "\x93NUMPY", 6);
    assert_true(
        fails("data.labels=labels.npy", "", LP_EFORMAT, "ends in its header"));
}

static void other_layouts_read_the_same_label_files(void **state)
{
    (void)state;
    static const uint8_t v[6] = {0, 1, 1, 1, 0, 0};
    struct dataset d;
    struct config config;
    char root[600];
    const char *set[] = {"run.out=none", root, "data.images=tiny",
                         "data.labels=labels.npy", "data.label_ids=ids.txt"};
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("classes.txt", "2 bicycle\n5 bottle\n7 toothbrush\n");
    put("ids.txt", "odd\nCOCO_train2014_000000000009\n");
    put_array("labels.npy", "|u1", false, "(2, 3)", v, 6);
    snprintf(root, sizeof root, "data.root=%s", test_folder());
    assert_true(on_all(config_load(&config, NULL, set, 5, WORLD) == LP_OK));
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    assert_true(on_all(labels_are(&d, "1 2 | 0 ") && !truth_has(&d, 0)));
    dataset_release(&d);
    config_release(&config);
}

static void
numbers_find_images_of_other_layouts_unless_two_have_them(void **state)
{
    (void)state;
    struct dataset d;
    struct config config;
    char root[600];
    const char *set[] = {"run.out=none", root, "data.images=tiny",
                         "data.list=list.txt"};
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("tiny/2007_000032.jpg", "");
    put("tiny/7.jpg", "");
    put("tiny/007.jpg", "");
    put("classes.txt", "2 bicycle\n5 bottle\n");
    put("labels.txt", "odd 2\n2007_000032 5\n7 2\n007 5\n");
    put("list.txt", "2007000032\n7\n");
    snprintf(root, sizeof root, "data.root=%s", test_folder());
    assert_true(on_all(config_load(&config, NULL, set, 4, WORLD) == LP_OK));
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    assert_true(on_all(labels_are(&d, "1 | 0 ")));
    assert_true(on_all(strcmp(dataset_id(&d, 0), "2007_000032") == 0));
    dataset_release(&d);
    put("list.txt", "2007000032\n07\n");
    tiny_listen();
    const enum lp_status status = dataset_load(&d, &config, -1, WORLD);
    const bool said = strstr(tiny_heard(), "list.txt:2: image 07") != NULL;
    const bool root_rank = comm_rank(WORLD) == 0;
    assert_true(on_all(status == (root_rank ? LP_EFORMAT : LP_EPEER) &&
                       said == root_rank));
    config_release(&config);
}

static void masks_of_a_folder_are_found_by_any_form_of_the_name(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    make_folder("mask");
    put("mask/9.png", "");
    put("mask/000000000031.png", "");
    put("mask/odd.png", "");
    assert_true(on_all(load(&d, "data.masks=mask", "") == LP_OK));
    assert_true(on_all(!truth_has(&d, 0) && truth_has(&d, 1) &&
                       truth_has(&d, 2) && !truth_has(&d, 3) &&
                       truth_has(&d, 4) && !d.shape));
    assert_true(on_all(d.mask_class[1] == 1 && d.mask_class[3] == 3 &&
                       d.mask_class[90] == DATASET_IGNORE));
    dataset_release(&d);
    put("classes.txt", "2 bicycle\n44 bottle\n90 toothbrush\n");
    put("sparse.txt", "2 bicycle\n44 bottle\n90 toothbrush\n");
    assert_true(on_all(load(&d, "data.masks=mask", "data.classes=sparse.txt") ==
                       LP_OK));
    assert_true(on_all(d.mask_class[2] == 1 && d.mask_class[44] == 2 &&
                       d.mask_class[90] == 3 && d.mask_class[3] == 255));
    dataset_release(&d);
    put("sparse.txt", "2 bicycle\n44 bottle\n");
    assert_true(fails("data.classes=sparse.txt", "", LP_EFORMAT,
                      "category toothbrush"));
}

static void a_file_at_odds_with_itself_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {FILE_OF("", OBJECTS, CATEGORIES), "names no image"},
        {FILE_OF(IMAGES, "", ""), "has 0 categories"},
        {FILE_OF(IMAGES "," IMAGE(9, "x"), OBJECTS, CATEGORIES),
         "image 9 is there twice, as "},
        {FILE_OF(IMAGES "," IMAGE(77, "a/odd"), OBJECTS, CATEGORIES),
         "images 7 and 77 have the same file name"},
        {FILE_OF(IMAGES, OBJECT(8, 2, 0, 1, "[]"), CATEGORIES),
         "of image 8, which is not in the file"},
        {FILE_OF(IMAGES, OBJECT(9, 3, 0, 1, "[]"), CATEGORIES),
         "of category 3, which is not in the file"},
        {FILE_OF(IMAGES, OBJECTS, CATEGORIES ", {\"id\": 2, \"name\": \"x\"}"),
         "two categories have the id 2"},
        {FILE_OF(IMAGES, OBJECTS,
                 CATEGORIES ", {\"id\": 5, \"name\": \"bottle\"}"),
         "two categories are called bottle"},
        {FILE_OF("{\"id\": 1, \"file_name\": \"a\", \"height\": 0, "
                 "\"width\": 5}",
                 "", CATEGORIES),
         "image 1 of 5 x 0 pixels"},
        {FILE_OF(IMAGE(1, "nowhere"), "", CATEGORIES), "tiny/nowhere.jpg"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        put_coco(bad[i][0]);
        assert_true(fails("", "",
                          strstr(bad[i][1], "nowhere") ? LP_EIO : LP_EFORMAT,
                          bad[i][1]));
    }
    put_coco(FILE_OF(IMAGES,
                     "{\"image_id\": 9, \"category_id\": 2, "
                     "\"segmentation\": []}",
                     CATEGORIES));
    assert_true(fails("data.overlap=small", "", LP_EFORMAT, "has no area"));
}

static void a_shape_that_cannot_be_drawn_is_told_when_it_is(void **state)
{
    (void)state;
    struct dataset d;
    struct truth t = {0};
    put_coco(FILE_OF(IMAGES, OBJECT(9, 2, 0, 1, "[[1, 2, 3]]"), CATEGORIES));
    assert_true(on_all(load(&d, "", "") == LP_OK));
    tiny_listen();
    enum lp_status status = truth_read(&t, &d, 2, 4, 6);
    const char *said = tiny_heard();
    assert_true(on_all(status == LP_EFORMAT && strstr(said, "byte ") &&
                       strstr(said, "image COCO_train2014_000000000009") &&
                       strstr(said, "odd number")));
    tiny_listen();
    status = truth_read(&t, &d, 0, 6, 4);
    said = tiny_heard();
    assert_true(on_all(status == LP_EFORMAT &&
                       strstr(said, "6 x 4 pixels where the photograph has "
                                    "4 x 6")));
    truth_release(&t);
    dataset_release(&d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_come_by_number_and_classes_by_category),
        cmocka_unit_test(ground_truth_is_drawn_in_the_order_of_the_file),
        cmocka_unit_test(or_small_on_top_of_large_on_top_of_crowds),
        cmocka_unit_test(classes_without_a_row_are_ignored_or_background),
        cmocka_unit_test(lists_name_images_in_any_form),
        cmocka_unit_test(label_files_are_read_by_image),
        cmocka_unit_test(arrays_of_all_types_have_their_ids_beside_them),
        cmocka_unit_test(an_array_without_ids_is_in_ascending_order),
        cmocka_unit_test(arrays_that_cannot_be_labels_are_refused),
        cmocka_unit_test(other_layouts_read_the_same_label_files),
        cmocka_unit_test(
            numbers_find_images_of_other_layouts_unless_two_have_them),
        cmocka_unit_test(masks_of_a_folder_are_found_by_any_form_of_the_name),
        cmocka_unit_test(a_file_at_odds_with_itself_is_refused),
        cmocka_unit_test(a_shape_that_cannot_be_drawn_is_told_when_it_is),
    };
    return test_mpi_main(argc, argv, tests);
}
