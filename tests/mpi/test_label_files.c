/* SPDX-License-Identifier: MIT */
/* The label files and lists of the field, for layout coco and others. */
#include "coco_data.h"

static void lists_name_images_in_any_form(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("list.txt", "000000000031\nodd.jpg\n20\nCOCO_train2014_000000000009\n");
    assert_true(on_all(load(&d, "data.list=list.txt", "") == LP_OK));
    assert_true(on_all(labels_are(&d, "0 | 1 | | 0 1 2 ")));
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
    put_bytes("labels.npy", "\x93NUMPY\x01\x00\x0a\x00'descr': '", 20);
    assert_true(
        fails("data.labels=labels.npy", "", LP_EFORMAT, "little-endian"));
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
    assert_true(on_all(labels_are(&d, "1 2 | 0 ")));
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_name_images_in_any_form),
        cmocka_unit_test(label_files_are_read_by_image),
        cmocka_unit_test(arrays_of_all_types_have_their_ids_beside_them),
        cmocka_unit_test(an_array_without_ids_is_in_ascending_order),
        cmocka_unit_test(arrays_that_cannot_be_labels_are_refused),
        cmocka_unit_test(other_layouts_read_the_same_label_files),
        cmocka_unit_test(
            numbers_find_images_of_other_layouts_unless_two_have_them),
    };
    return test_mpi_main(argc, argv, tests);
}
