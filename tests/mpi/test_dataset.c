/* SPDX-License-Identifier: MIT */
#include "lpcam/data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/run/comm.h"
#include "support.h"

#define WORLD MPI_COMM_WORLD

/* --- small data sets, written by rank 0 into the test's folder */

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    if (comm_rank(WORLD) == 0) {
        FILE *file = fopen(in_folder(name), "wb");
        if (!file || fputs(text, file) < 0 || fclose(file) != 0)
            MPI_Abort(WORLD, 1);
    }
    comm_barrier(WORLD);
}

static void make_folder(const char *name)
{
    if (comm_rank(WORLD) == 0)
        mkdir(in_folder(name), 0777);
    comm_barrier(WORLD);
}

static void copy(const char *from, const char *name)
{
    if (comm_rank(WORLD) == 0) {
        char *bytes;
        size_t n;
        if (text_read(test_data(from), &bytes, &n) != LP_OK ||
            text_write(in_folder(name), bytes, n) != LP_OK)
            MPI_Abort(WORLD, 1);
        free(bytes);
    }
    comm_barrier(WORLD);
}

/* Configuration with the defaults of reference.ini. */
static struct config defaults(void)
{
    static char root[512], empty[] = "", images[] = "images",
                           labels[] = "labels.txt", classes[] = "classes.txt",
                           masks[] = "masks";
    struct config c = {0};
    snprintf(root, sizeof root, "%s", test_folder());
    c.data.layout = LAYOUT_LIST;
    c.data.root = root;
    c.data.images = images;
    c.data.labels = labels;
    c.data.classes = classes;
    c.data.list = empty;
    c.data.masks = masks;
    c.data.ignore = (struct number_list){1, {255}};
    c.data.background = true;
    c.model.classes = empty;
    c.score.unknown_ignore = true;
    return c;
}

static void put_animals(void)
{
    make_folder("images");
    make_folder("masks");
    copy("pillow/baseline.jpg", "images/a.jpg");
    copy("pillow/rgb8.png", "images/b.png");
    copy("pillow/bad-header.jpg", "images/c.jpeg");
    copy("pillow/gray.jpg", "images/d.jpg");
    copy("pillow/mask-p8.png", "masks/b.png");
    put("classes.txt",
        "0 background\r\n# farm\n3 polar bear\n\n7 cow\n9 cat\n");
    put("labels.txt", "\xef\xbb\xbf"
                      "a 7 3 7\nb 9\nc\n  d\tcow 9 # all\n");
}

static void remove_masks(void)
{
    if (comm_rank(WORLD) == 0 && (remove(in_folder("masks/b.png")) != 0 ||
                                  rmdir(in_folder("masks")) != 0))
        MPI_Abort(WORLD, 1);
    comm_barrier(WORLD);
}

/* --- what ranks see */

static bool labels_are(const struct dataset *d, int64_t image,
                       const char *expected)
{
    char text[128] = "";
    const int32_t *label;
    const int n = dataset_labels(d, image, &label);
    for (int i = 0; i < n; ++i)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d ",
                 label[i]);
    return strcmp(text, expected) == 0;
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* What a stream prints from here on, until capture_end. */
struct capture {
    int stream, saved; /* file descriptors                                */
    FILE *file;
    char said[4096];
};

static void capture_begin(struct capture *c, int stream)
{
    memset(c, 0, sizeof *c);
    fflush(NULL);
    c->stream = stream;
    c->saved = dup(stream);
    c->file = tmpfile();
    if (!c->file || dup2(fileno(c->file), stream) < 0)
        MPI_Abort(WORLD, 1);
}

static void capture_end(struct capture *c)
{
    fflush(NULL);
    dup2(c->saved, c->stream);
    close(c->saved);
    rewind(c->file);
    (void)!fread(c->said, 1, sizeof c->said - 1, c->file);
    fclose(c->file);
}

/* All ranks must fail, rank 0 with this status and a sentence that has these
 * words. */
static bool fails(const struct config *config, int n_rows,
                  enum lp_status expected, const char *words)
{
    struct dataset d;
    struct capture err;
    const bool root = comm_rank(WORLD) == 0;
    capture_begin(&err, STDERR_FILENO);
    enum lp_status status = dataset_load(&d, config, n_rows, WORLD);
    capture_end(&err);
    const bool ok = status == (root ? expected : LP_EPEER) &&
                    (!root || strstr(err.said, words)) && d.text == NULL;
    if (!ok)
        print_error("status %d instead of %d, no \"%s\" in: %s\n", status,
                    expected, words, err.said);
    dataset_release(&d);
    return on_all(ok);
}

static bool list_fails(const char *name, const char *text,
                       enum lp_status expected, const char *words)
{
    struct config config = defaults();
    static char list[] = "list.txt";
    put_animals();
    put(name, text);
    if (strcmp(name, list) == 0)
        config.data.list = list;
    return fails(&config, -1, expected, words);
}

/* --- the tests */

static void every_rank_sees_images_labels_and_masks(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    put_animals();
    assert_true(on_all(dataset_load(&d, &config, 3, WORLD) == LP_OK));
    assert_true(on_all(d.n_images == 4 && d.n_classes == 3 && d.background));
    assert_true(on_all(strcmp(dataset_class(&d, 0), "polar bear") == 0 &&
                       strcmp(dataset_class(&d, 1), "cow") == 0 &&
                       strcmp(dataset_class(&d, 2), "cat") == 0));
    assert_true(on_all(strcmp(dataset_id(&d, 0), "a") == 0 &&
                       strcmp(dataset_id(&d, 3), "d") == 0));
    assert_true(on_all(ends_with(dataset_path(&d, 0), "/images/a.jpg") &&
                       ends_with(dataset_path(&d, 1), "/images/b.png") &&
                       ends_with(dataset_path(&d, 2), "/images/c.jpeg")));
    assert_true(on_all(labels_are(&d, 0, "0 1 ") && labels_are(&d, 1, "2 ") &&
                       labels_are(&d, 2, "") && labels_are(&d, 3, "1 2 ")));
    assert_true(on_all(dataset_mask(&d, 0) == NULL &&
                       ends_with(dataset_mask(&d, 1), "/masks/b.png")));
    assert_true(on_all(d.mask_class[0] == 0 && d.mask_class[3] == 1 &&
                       d.mask_class[7] == 2 && d.mask_class[9] == 3));
    assert_true(on_all(d.mask_class[1] == DATASET_IGNORE &&
                       d.mask_class[255] == DATASET_IGNORE));
    dataset_release(&d);
}

static void one_photograph_is_no_photographs(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    struct capture out;
    put_animals();
    put("classes.txt", "3 polar bear\n");
    put("labels.txt", "b 3\n");
    capture_begin(&out, STDOUT_FILENO);
    enum lp_status status = dataset_load(&d, &config, 1, WORLD);
    capture_end(&out);
    assert_true(on_all(status == LP_OK));
    assert_true(on_all(comm_rank(WORLD) > 0 ||
                       strstr(out.said, "1 photograph with 1 label of 1 class, "
                                        "1 mask\n")));
    dataset_release(&d);
}

/* Of names that differ in case alone the lower one is taken. */
static void endings_of_cameras_are_found_too(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    char pictures[] = "pictures", truths[] = "truths";
    put_animals();
    make_folder("pictures");
    make_folder("truths");
    copy("pillow/baseline.jpg", "pictures/a.JPG");
    copy("pillow/rgb8.png", "pictures/b.PNG");
    copy("pillow/gray.jpg", "pictures/c.JPEG");
    copy("pillow/gray.jpg", "pictures/d.JPG");
    copy("pillow/gray.jpg", "pictures/d.jpeg");
    copy("pillow/mask-p8.png", "truths/b.PNG");
    config.data.images = pictures;
    config.data.masks = truths;
    assert_true(on_all(dataset_load(&d, &config, 3, WORLD) == LP_OK));
    assert_true(on_all(ends_with(dataset_path(&d, 0), "/pictures/a.JPG") &&
                       ends_with(dataset_path(&d, 1), "/pictures/b.PNG") &&
                       ends_with(dataset_path(&d, 2), "/pictures/c.JPEG") &&
                       ends_with(dataset_path(&d, 3), "/pictures/d.jpeg")));
    assert_true(on_all(dataset_mask(&d, 0) == NULL &&
                       ends_with(dataset_mask(&d, 1), "/truths/b.PNG")));
    dataset_release(&d);
}

static void a_list_chooses_and_orders_the_images(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    char list[] = "list.txt";
    config.data.list = list;
    put_animals();
    put("list.txt", "d\n\n/images/a.jpg /masks/a.png\n");
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    assert_true(on_all(d.n_images == 2 && labels_are(&d, 0, "1 2 ") &&
                       labels_are(&d, 1, "0 1 ")));
    assert_true(on_all(strcmp(dataset_id(&d, 1), "a") == 0));
    dataset_release(&d);
}

static void classes_are_matched_with_the_models_by_name(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    char names[512];
    snprintf(names, sizeof names, "%s", in_folder("model.txt"));
    config.model.classes = names;
    put_animals();
    put("model.txt", "cat\nunicorn\npolar bear\n");
    for (int i = 0; i < 2; ++i) {
        config.score.unknown_ignore = i == 0;
        assert_true(on_all(dataset_load(&d, &config, 3, WORLD) == LP_OK));
        assert_true(on_all(d.n_classes == 3 && labels_are(&d, 0, "2 ") &&
                           labels_are(&d, 1, "0 ") && labels_are(&d, 3, "0 ")));
        assert_true(on_all(d.mask_class[3] == 3 && d.mask_class[9] == 1));
        assert_true(on_all(d.mask_class[7] == (i ? 0 : DATASET_IGNORE)));
        assert_true(on_all(d.mask_class[1] == DATASET_IGNORE));
        dataset_release(&d);
    }
}

static void classes_without_a_counterpart_are_named_in_one_line(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    struct capture out, err;
    char names[512];
    const bool root = comm_rank(WORLD) == 0;
    snprintf(names, sizeof names, "%s", in_folder("model.txt"));
    config.model.classes = names;
    put_animals();
    put("model.txt", "cat\nunicorn\nyeti\n");
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    enum lp_status status = dataset_load(&d, &config, 3, WORLD);
    capture_end(&err);
    capture_end(&out);
    assert_true(on_all(status == LP_OK));
    assert_true(on_all(!root || strstr(err.said, "warning: classes of the")));
    assert_true(on_all(!root || strstr(err.said, "row in the model: polar "
                                                 "bear, cow; 4 labels")));
    assert_true(on_all(!root || strstr(out.said, "lacks: unicorn, yeti\n")));
    dataset_release(&d);
}

static void void_and_zero_based_classes_follow_the_configuration(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    put_animals();
    config.data.background = false;
    put("classes.txt", "0 void\n3 polar bear\n7 cow\n9 cat\n");
    put("labels.txt", "a 0 3\nb 255 9\n");
    config.data.ignore = (struct number_list){2, {0, 255}};
    assert_true(on_all(dataset_load(&d, &config, 3, WORLD) == LP_OK));
    assert_true(on_all(!d.background && d.n_classes == 3 &&
                       labels_are(&d, 0, "0 ") && labels_are(&d, 1, "2 ") &&
                       d.mask_class[0] == DATASET_IGNORE));
    dataset_release(&d);

    put("classes.txt", "0 dog\n1 cow\n");
    put("labels.txt", "a 0 1\nb 0\n");
    config.data.ignore.n = 0;
    assert_true(on_all(dataset_load(&d, &config, 2, WORLD) == LP_OK));
    assert_true(on_all(!d.background && labels_are(&d, 0, "0 1 ") &&
                       d.mask_class[0] == 1 && d.mask_class[1] == 2));
    dataset_release(&d);
}

static void wrong_lists_stop_all_ranks_with_file_and_line(void **state)
{
    (void)state;
    assert_true(list_fails("labels.txt", "a 7\nb 9\na 3\n", LP_EFORMAT,
                           "labels.txt:3: image a is already in line 1"));
    assert_true(list_fails("labels.txt", "a 7\n\nb dog\n", LP_EFORMAT,
                           "labels.txt:3: label dog names no class"));
    assert_true(list_fails("labels.txt", "a 7\nb 8\n", LP_EFORMAT,
                           "labels.txt:2: label 8 names no class"));
    assert_true(list_fails("labels.txt", "a 0 7\n", LP_EFORMAT,
                           "labels.txt:1: label 0 is the background"));
    assert_true(list_fails("labels.txt", "# none\n\n", LP_EFORMAT,
                           "labels.txt names no image"));
    assert_true(list_fails(
        "labels.txt", "a 7\nx 3\ny 3\nz 3\n", LP_EIO,
        "images/x.jpg, .jpeg or .png; 2 more photographs are missing"));
    assert_true(list_fails("labels.txt", "a 7\nx 3\ny 3\n", LP_EIO,
                           "1 more photograph is missing"));
    assert_true(list_fails("labels.txt", "a 7\nx 3\n", LP_EIO,
                           "labels.txt:2: there is no"));
    assert_true(list_fails("list.txt", "a\nq\n", LP_EFORMAT,
                           "list.txt:2: image q has no line in"));
    assert_true(list_fails("list.txt", "a\nb\na.jpg\n", LP_EFORMAT,
                           "list.txt:3: image a is already in line 1"));
    assert_true(list_fails("classes.txt", "0 background\n3\n", LP_EFORMAT,
                           "classes.txt:2: a class is a number and a name"));
    assert_true(list_fails("classes.txt", "3 a\n4 b\n3 c\n", LP_EFORMAT,
                           "classes.txt:3: class 3 c is already there"));
    assert_true(list_fails("classes.txt", "0 dog\n1 cow\n", LP_EFORMAT,
                           "classes.txt:1: class 0 is the background, not"));
    assert_true(list_fails("classes.txt", "0 background\n", LP_EFORMAT,
                           "classes.txt names no class"));
}

static void missing_files_stop_all_ranks(void **state)
{
    (void)state;
    struct config config = defaults();
    char nowhere[] = "nowhere";
    put_animals();
    config.data.labels = nowhere;
    assert_true(fails(&config, -1, LP_EIO, "/nowhere: No such file"));
    config = defaults();
    config.data.images = nowhere;
    assert_true(fails(&config, -1, LP_EIO, "/nowhere: No such file"));
    config = defaults();
    config.model.classes = nowhere;
    assert_true(fails(&config, -1, LP_EIO, "nowhere: No such file"));
}

static void masks_may_be_missing_unless_they_are_asked_for(void **state)
{
    (void)state;
    struct config config = defaults();
    struct dataset d;
    char nowhere[] = "nowhere", file[] = "labels.txt", empty[] = "";
    put_animals();
    config.data.masks = nowhere;
    assert_true(fails(&config, -1, LP_EARG,
                      "data.masks = nowhere: there is no folder "));
    config.data.masks = file;
    assert_true(fails(&config, -1, LP_EIO, "/labels.txt: Not a directory"));
    config.data.masks = empty;
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    assert_true(on_all(dataset_mask(&d, 1) == NULL));
    dataset_release(&d);
    remove_masks();
    config = defaults();
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    assert_true(on_all(dataset_mask(&d, 1) == NULL));
    dataset_release(&d);
}

static void names_must_fit_the_rows_of_the_model(void **state)
{
    (void)state;
    struct config config = defaults();
    char names[512];
    put_animals();
    put("model.txt", "cow\ncat\n");
    put("twice.txt", "cow\ncat\ncow\n");
    put("other.txt", "Cow\nCat\n");
    assert_true(fails(&config, 1000, LP_EFORMAT, "set model.classes"));
    assert_true(fails(&config, 1000, LP_EFORMAT, "or let lpcam fit make"));
    config.model.classes = names;
    snprintf(names, sizeof names, "%s", in_folder("model.txt"));
    assert_true(fails(&config, 3, LP_EFORMAT, "has 2 names, but the model"));
    snprintf(names, sizeof names, "%s", in_folder("twice.txt"));
    assert_true(fails(&config, 3, LP_EFORMAT, "twice.txt:3: cow is already"));
    snprintf(names, sizeof names, "%s", in_folder("other.txt"));
    assert_true(fails(&config, 2, LP_EFORMAT, "no class of the data set"));
}

static void the_fingerprint_covers_ids_labels_and_names_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool same;
    } change[] = {
        {"labels.txt", "a 3 7\nb 9\nc\nd 9 7\n", true},
        {"labels.txt", "a 3 7\nb 9\nd 9 7\nc\n", false},
        {"labels.txt", "a 7\nb 9\nc\nd 9 7\n", false},
        {"classes.txt", "3 polar bear\n7 cow\n9 dog\n", false},
    };
    struct config config = defaults();
    struct dataset d;
    char first[65], hex[65];
    put_animals();
    put("labels.txt", "a 7 3\nb 9\nc\nd 7 9\n");
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    dataset_fingerprint(&d, first);
    dataset_release(&d);
    assert_true(on_all(strlen(first) == 64));
    for (int i = 0; i < 4; ++i) {
        put(change[i].name, change[i].text);
        assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
        dataset_fingerprint(&d, hex);
        dataset_release(&d);
        assert_true(on_all((strcmp(hex, first) == 0) == change[i].same));
        put("labels.txt", "a 7 3\nb 9\nc\nd 7 9\n");
    }
}

static void ranks_share_the_scan_of_the_headers(void **state)
{
    (void)state;
    static const int64_t expected[8] = {29, 37, 19, 23, 0, 0, 29, 37};
    struct config config = defaults();
    struct dataset d;
    int64_t size[8];
    put_animals();
    assert_true(on_all(dataset_load(&d, &config, -1, WORLD) == LP_OK));
    memset(size, -1, sizeof size);
    assert_true(on_all(dataset_scan_sizes(&d, size, 30, WORLD) == LP_OK));
    assert_true(on_all(memcmp(size, expected, sizeof size) == 0));
    dataset_release(&d);
}

/* --- layout voc */

static const char annotation[] =
    "<annotation>\n<filename>x.jpg</filename>\n"
    "<source><name>train</name></source>\n"
    "<object><name>person</name><part><name>head</name></part></object>\n"
    "<object>\n<name>\n cat </name><difficult>1</difficult></object>\n"
    "<object><name>person</name></object></annotation>\n";

static void put_voc(void)
{
    make_folder("voc");
    make_folder("voc/JPEGImages");
    make_folder("voc/SegmentationClass");
    make_folder("voc/Annotations");
    make_folder("voc/ImageSets");
    make_folder("voc/ImageSets/Segmentation");
    copy("pillow/baseline.jpg", "voc/JPEGImages/2007_000001.jpg");
    copy("pillow/gray.jpg", "voc/JPEGImages/2007_000002.jpg");
    copy("pillow/mask-p8.png", "voc/SegmentationClass/2007_000002.png");
    put("voc/Annotations/2007_000001.xml", annotation);
    put("voc/Annotations/2007_000002.xml",
        "<annotation><object><name>aeroplane</name></object></annotation>");
    put("voc/ImageSets/Segmentation/train.txt", "2007_000001\n2007_000002\n");
    put("voc/pairs.txt", "/JPEGImages/2007_000002.jpg "
                         "/SegmentationClassAug/2007_000002.png\n");
}

static struct config voc(const char *list)
{
    static char root[512], set[64];
    struct config config = defaults();
    snprintf(root, sizeof root, "%s", in_folder("voc"));
    snprintf(set, sizeof set, "%s", list);
    config.data.layout = LAYOUT_VOC;
    config.data.root = root;
    config.data.list = set;
    return config;
}

static void voc_annotations_give_objects_but_not_their_parts(void **state)
{
    (void)state;
    struct config config = voc("train");
    struct dataset d;
    put_voc();
    assert_true(on_all(dataset_load(&d, &config, 20, WORLD) == LP_OK));
    assert_true(on_all(d.n_images == 2 && d.n_classes == 20 && d.background));
    assert_true(on_all(strcmp(dataset_class(&d, 14), "person") == 0));
    assert_true(on_all(labels_are(&d, 0, "7 14 ") && labels_are(&d, 1, "0 ")));
    assert_true(on_all(d.mask_class[0] == 0 && d.mask_class[1] == 1 &&
                       d.mask_class[20] == 20 &&
                       d.mask_class[21] == DATASET_IGNORE));
    assert_true(on_all(
        dataset_mask(&d, 0) == NULL &&
        ends_with(dataset_mask(&d, 1),
                  "/voc/SegmentationClass/2007_000002.png") &&
        ends_with(dataset_path(&d, 1), "/voc/JPEGImages/2007_000002.jpg")));
    dataset_release(&d);
}

static void voc_takes_lists_of_pairs_and_a_file_of_labels(void **state)
{
    (void)state;
    struct config config = voc("pairs.txt");
    struct dataset d;
    char labels[] = "cls.txt";
    put_voc();
    assert_true(on_all(dataset_load(&d, &config, 20, WORLD) == LP_OK));
    assert_true(on_all(d.n_images == 1 && labels_are(&d, 0, "0 ") &&
                       strcmp(dataset_id(&d, 0), "2007_000002") == 0));
    dataset_release(&d);

    put("voc/cls.txt", "2007_000001 1\n2007_000002 20 dog\n");
    config.data.labels = labels;
    assert_true(on_all(dataset_load(&d, &config, 20, WORLD) == LP_OK));
    assert_true(on_all(d.n_images == 1 && labels_are(&d, 0, "11 19 ")));
    dataset_release(&d);
}

static void voc_takes_classes_of_its_own(void **state)
{
    (void)state;
    struct config config = voc("train");
    struct dataset d;
    char classes[] = "own.txt";
    put_voc();
    put("voc/own.txt", "4 person\n2 aeroplane\n8 polar bear\n6 cat\n");
    put("voc/Annotations/2007_000002.xml",
        "<annotation><object><name> polar bear\n</name></object>"
        "</annotation>");
    config.data.classes = classes;
    assert_true(on_all(dataset_load(&d, &config, 4, WORLD) == LP_OK));
    assert_true(on_all(labels_are(&d, 0, "0 3 ") && labels_are(&d, 1, "2 ") &&
                       d.mask_class[8] == 3 &&
                       d.mask_class[1] == DATASET_IGNORE));
    dataset_release(&d);
}

static void wrong_annotations_stop_all_ranks_with_file_and_line(void **state)
{
    (void)state;
    struct config config = voc("train");
    put_voc();
    put("voc/Annotations/2007_000002.xml",
        "<annotation>\n<object><name>yeti</name></object></annotation>");
    assert_true(fails(&config, 20, LP_EFORMAT,
                      "2007_000002.xml:2: object yeti names no class"));
    put("voc/Annotations/2007_000002.xml", "<annotation>\n<object>\n");
    assert_true(
        fails(&config, 20, LP_EFORMAT, "2007_000002.xml:3: not an annotation"));
    config = voc("trainval");
    assert_true(fails(&config, 20, LP_EIO, "data.list = trainval is neither"));
    config = voc("");
    assert_true(fails(&config, 20, LP_EUSAGE, "data.list is empty"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rank_sees_images_labels_and_masks),
        cmocka_unit_test(one_photograph_is_no_photographs),
        cmocka_unit_test(endings_of_cameras_are_found_too),
        cmocka_unit_test(a_list_chooses_and_orders_the_images),
        cmocka_unit_test(classes_are_matched_with_the_models_by_name),
        cmocka_unit_test(classes_without_a_counterpart_are_named_in_one_line),
        cmocka_unit_test(void_and_zero_based_classes_follow_the_configuration),
        cmocka_unit_test(wrong_lists_stop_all_ranks_with_file_and_line),
        cmocka_unit_test(missing_files_stop_all_ranks),
        cmocka_unit_test(masks_may_be_missing_unless_they_are_asked_for),
        cmocka_unit_test(names_must_fit_the_rows_of_the_model),
        cmocka_unit_test(the_fingerprint_covers_ids_labels_and_names_alone),
        cmocka_unit_test(ranks_share_the_scan_of_the_headers),
        cmocka_unit_test(voc_annotations_give_objects_but_not_their_parts),
        cmocka_unit_test(voc_takes_lists_of_pairs_and_a_file_of_labels),
        cmocka_unit_test(voc_takes_classes_of_its_own),
        cmocka_unit_test(wrong_annotations_stop_all_ranks_with_file_and_line),
    };
    return test_mpi_main(argc, argv, tests);
}
