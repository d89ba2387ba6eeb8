/* SPDX-License-Identifier: MIT */
/* Layout coco: images, classes, labels and ground truth. */
#include "coco_data.h"
#include "lpcam/data/truth.h"

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

static void numbers_of_the_file_are_kept_beside_those_of_masks(void **state)
{
    (void)state;
    struct dataset d;
    static const int64_t number[] = {5, 7, 9, 20, 31};
    static const int64_t category[] = {2, 44, 90};
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    assert_true(on_all(load(&d, "", "") == LP_OK));
    for (int i = 0; i < 5; ++i)
        assert_true(on_all(d.number[i] == number[i]));
    for (int c = 0; c < 3; ++c)
        assert_true(
            on_all(d.class_id[c] == c + 1 && d.category[c] == category[c]));
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

static void ground_truth_stays_with_its_image(void **state)
{
    (void)state;
    struct dataset d;
    put_coco(FILE_OF(IMAGES, OBJECTS, CATEGORIES));
    put("list.txt", "31\n20\n9\n");
    put("train.txt", "20 3\n31\n");
    assert_true(on_all(
        load(&d, "data.list=list.txt", "data.labels=train.txt") == LP_OK));
    assert_true(on_all(labels_are(&d, "| 2 | ")));
    assert_true(on_all(truth_is(&d, 0, "100000100000000000000000")));
    assert_true(on_all(truth_is(&d, 1, "000000000000000000000000")));
    assert_true(on_all(truth_is(&d, 2, "311100311100011100011100")));
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
        cmocka_unit_test(numbers_of_the_file_are_kept_beside_those_of_masks),
        cmocka_unit_test(ground_truth_is_drawn_in_the_order_of_the_file),
        cmocka_unit_test(ground_truth_stays_with_its_image),
        cmocka_unit_test(or_small_on_top_of_large_on_top_of_crowds),
        cmocka_unit_test(classes_without_a_row_are_ignored_or_background),
        cmocka_unit_test(masks_of_a_folder_are_found_by_any_form_of_the_name),
        cmocka_unit_test(a_file_at_odds_with_itself_is_refused),
        cmocka_unit_test(a_shape_that_cannot_be_drawn_is_told_when_it_is),
    };
    return test_mpi_main(argc, argv, tests);
}
