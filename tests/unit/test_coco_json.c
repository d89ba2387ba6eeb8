/* SPDX-License-Identifier: MIT */
#include "lpcam/data/coco_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "onnx_writer.h"
#include "support.h"

#define IMAGE                                                                  \
    "{\"id\": 9, \"file_name\": \"a.jpg\", \"height\": 4, \"width\": 5}"
#define CATEGORY "{\"id\": 3, \"name\": \"cow\"}"
#define OBJECT   "{\"image_id\": 9, \"category_id\": 3, \"segmentation\": []}"
#define FILE_OF(images, objects, categories)                                   \
    "{\"images\": [" images "], \"annotations\": [" objects                    \
    "], \"categories\": [" categories "]}"

/* All elements as text, a line each. */
static enum lp_status note(void *user, const struct coco_element *e)
{
    static const char *const kind[] = {"image", "object", "class"};
    struct text_buffer *b = user;
    text_add(b, "%s ", kind[e->kind]);
    if (e->kind == COCO_ANNOTATION)
        text_add(b, "%lld %d %s%g %d..%d\n", (long long)e->image_id,
                 (int)e->category_id, e->crowd ? "crowd " : "", e->area,
                 (int)e->at, (int)e->bytes);
    else
        text_add(b, "%d %dx%d %s\n", (int)e->id, (int)e->width, (int)e->height,
                 e->name);
    return LP_OK;
}

static enum lp_status read_all(const char *json, size_t n, int64_t block_bytes,
                               struct text_buffer *b)
{
    const char *path = file_write("coco.json", json, n);
    b->n = 0;
    text_add(b, "%s", "");
    return coco_json_read(path, block_bytes, note, b);
}

static const char odd[] =
    "{\"info\": {\"images\": [1, {\"id\": 5}], \"x\": [[[\"[\"]]]},\n"
    " \"annotations\": [\n"
    "  {\"segmentation\": [[1.5, 2e0, -3],\t[4,5 ,6]], \"iscrowd\": 0,\n"
    "   \"bbox\": [1, 2, 3, 4], \"image_id\": 12345678901, \"area\": 7.25,"
    " \"category_id\": 90, \"id\": 1},\n"
    "  {\"category_id\": 1, \"image_id\": 2, \"iscrowd\": true, \"id\": "
    "\"x\",\n"
    "   \"segmentation\": {\"counts\": [3, 4, {\"segmentation\": [9]}],"
    " \"size\": [1, 2]}, \"note\": {\"image_id\": 77, \"deep\": [[{}]]}},\n"
    "  "
    "{\"category_id\":1,\"image_id\":2,\"segmentation\":{\"counts\":\"a[1]\"},"
    "\"area\":null},\n"
    "  {\"category_id\": 1, \"image_id\": 3, \"segmentation\": null},\n"
    "  {\"category_id\": 1, \"image_id\": 3, \"n\": 123456789012345678901234567"
    "890123456789012345678901234567890123456789012345678901234567890}],\n"
    " \"licenses\": [], \"images\": [{\"file_name\": "
    "\"d\\/\\u00e4\\\"[1].jpg\","
    " \"height\": 3, \"width\": 4, \"id\": 2, \"name\": [1, 2]}],\n"
    " \"categories\": [{\"supercategory\": \"[\", \"id\": 1, \"name\": \"hot "
    "dog\"}], \"n\": null}";

static void blocks_of_any_size_give_the_same_elements(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    char *whole;
    assert_int_equal(read_all(odd, strlen(odd), COCO_BLOCK_BYTES, &b), LP_OK);
    whole = text_format("%s", b.s);
    for (int64_t block = 1; block < 90; ++block) {
        assert_int_equal(read_all(odd, strlen(odd), block, &b), LP_OK);
        assert_string_equal(b.s, whole);
    }
    free(whole);
    free(b.s);
}

static void a_segmentation_is_where_the_element_says(void **state)
{
    (void)state;
    static const char *const value[] = {
        "[[1.5, 2e0, -3],\t[4,5 ,6]]",
        "{\"counts\": [3, 4, {\"segmentation\": [9]}], \"size\": [1, 2]}",
        "{\"counts\":\"a[1]\"}"};
    struct text_buffer b = {0}, want = {0};
    long at[3];
    for (int i = 0; i < 3; ++i)
        at[i] = (long)(strstr(odd, value[i]) - odd);
    assert_int_equal(read_all(odd, strlen(odd), 7, &b), LP_OK);
    text_add(&want,
             "object 12345678901 90 7.25 %ld..%zu\n"
             "object 2 1 crowd -1 %ld..%zu\n"
             "object 2 1 -1 %ld..%zu\n"
             "object 3 1 -1 0..0\n"
             "object 3 1 -1 0..0\n"
             "image 2 4x3 d/\xc3\xa4\"[1].jpg\n"
             "class 1 0x0 hot dog\n",
             at[0], strlen(value[0]), at[1], strlen(value[1]), at[2],
             strlen(value[2]));
    assert_string_equal(b.s, want.s);
    free(b.s);
    free(want.s);
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    static const char json[] = FILE_OF(IMAGE, OBJECT, CATEGORY);
    struct text_buffer b = {0};
    for (size_t n = 0; n < strlen(json); ++n) {
        said_begin();
        const enum lp_status status = read_all(json, n, 16, &b);
        char *said = said_end();
        if (status != LP_EFORMAT || !strstr(said, "cut off"))
            fail_msg("%d bytes: status %d, %s", (int)n, status, said);
        free(said);
    }
    assert_int_equal(read_all(json, strlen(json), 16, &b), LP_OK);
    free(b.s);
}

static void what_is_wrong_is_said_with_the_byte(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"[]", "has no list \"images\""},
        {"{\"images\": [], \"annotations\": []}", "has no list \"categories\""},
        {"{\"images\": 3}", "byte 12: an image must be an object in the list"},
        {"{\"images\": {}}", "byte 12: an image must be an object"},
        {"{\"images\": [3]}", "byte 13: an image must be an object"},
        {"{\"images\": [[]]}", "byte 13: an image must be an object"},
        {"{\"annotations\": [\"x\"]}", "an annotation must be an object"},
        {FILE_OF("{\"id\": 1}", "", ""), "byte 21: an image has no height"},
        {FILE_OF("", "{\"image_id\": 1}", ""),
         "an annotation has no category_id"},
        {FILE_OF("", "", "{\"id\": 1}"), "a category has no name"},
        {FILE_OF("{\"id\": \"1\"}", "", ""), "of the wrong type for id"},
        {FILE_OF("{\"id\": [1]}", "", ""), "of the wrong type for id"},
        {FILE_OF("{\"id\": {}}", "", ""), "of the wrong type for id"},
        {FILE_OF("{\"id\": true}", "", ""), "of the wrong type for id"},
        {FILE_OF("{\"id\": 1.5}", "", ""), "needs a whole number for id"},
        {FILE_OF("{\"id\": 1e3}", "", ""), "needs a whole number for id"},
        {FILE_OF("{\"id\": 99999999999999999999}", "", ""),
         "needs a whole number for id"},
        {FILE_OF("{\"id\": 1234567890123456789012345678901234567890123456789"
                 "0123456789012345678901234567890}",
                 "", ""),
         "too many digits for id"},
        {FILE_OF("", "{\"area\": \"7\"}", ""), "of the wrong type for area"},
        {FILE_OF("", "{\"area\": 1e999}", ""), "out of range for area"},
        {FILE_OF("", "{\"segmentation\": 7}", ""), "type for segmentation"},
        {FILE_OF("{\"file_name\": \"\"}", "", ""),
         "empty or endless file_name"},
        {FILE_OF("{\"file_name\": \"a\\u0000b\"}", "", ""),
         "empty or endless file_name"},
        {FILE_OF("{\"file_name\": 5}", "", ""), "wrong type for file_name"},
        {FILE_OF("", "", CATEGORY) "x", "byte 76: parse error"},
        {"{\"images\": [nan]}", "byte "},
        {"\xef\xbb\xbf{}", "byte "},
    };
    struct text_buffer b = {0};
    for (size_t i = 0; i < sizeof pair / sizeof pair[0]; ++i)
        for (int64_t block = 1; block < 200; block += 66) {
            said_begin();
            const enum lp_status status =
                read_all(pair[i][0], strlen(pair[i][0]), block, &b);
            char *said = said_end();
            if (status != LP_EFORMAT || !strstr(said, pair[i][1]))
                fail_msg("%s: status %d, no \"%s\" in: %s", pair[i][0], status,
                         pair[i][1], said);
            free(said);
        }
    free(b.s);
}

static void a_deep_file_takes_no_memory(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    struct text_buffer b = {0};
    char *json = malloc(DEEP);
    assert_non_null(json);
    memset(json, '[', DEEP);
    said_begin();
    assert_int_equal(read_all(json, DEEP, 4096, &b), LP_EFORMAT);
    char *said = said_end();
    assert_non_null(strstr(said, "byte 65: lists and objects lie more than"));
    free(said);
    free(json);
    free(b.s);
}

static enum lp_status refuse_image(void *user, const struct coco_element *e)
{
    int *n = user;
    ++*n;
    return e->kind == COCO_IMAGE ? LP_ENOMEM : LP_OK;
}

static void the_taker_ends_the_reading(void **state)
{
    (void)state;
    static const char json[] = FILE_OF(IMAGE ", " IMAGE, OBJECT, CATEGORY);
    int n = 0;
    const char *path = file_write("coco.json", json, strlen(json));
    assert_int_equal(coco_json_read(path, 10, refuse_image, &n), LP_ENOMEM);
    assert_int_equal(n, 1);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    int n = 0;
    said_begin();
    assert_int_equal(coco_json_read("/nowhere/x.json", 10, refuse_image, &n),
                     LP_EIO);
    char *said = said_end();
    assert_non_null(strstr(said, "/nowhere/x.json"));
    free(said);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_size_give_the_same_elements),
        cmocka_unit_test(a_segmentation_is_where_the_element_says),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(what_is_wrong_is_said_with_the_byte),
        cmocka_unit_test(a_deep_file_takes_no_memory),
        cmocka_unit_test(the_taker_ends_the_reading),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return test_mpi_main(argc, argv, tests);
}
