/* SPDX-License-Identifier: MIT */
/* Names of files from IDs, and files that are whole or not there. */
#define _XOPEN_SOURCE 700
#include "lpcam/output/out_batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/base/text.h"
#include "lpcam/output/file_name.h"
#include "onnx_writer.h"
#include "support.h"

static void ordinary_ids_are_names_as_they_are(void **state)
{
    (void)state;
    static const char *const id[] = {"2007_000032",
                                     "COCO_train2014_000000000009",
                                     "9",
                                     "a.b-c_D",
                                     "gr\xc3\xbcn",
                                     "\xe7\x89\x9b",
                                     "\xf0\x9f\x90\x84"};
    char name[FILE_NAME_BYTES];
    for (size_t i = 0; i < sizeof id / sizeof *id; ++i)
        assert_string_equal(file_name(id[i], name), id[i]);
}

static void hostile_ids_cannot_leave_the_folder(void **state)
{
    (void)state;
    static const char *const id[][2] = {
        {"..", "%2E."},
        {".", "%2E"},
        {"", "%"},
        {"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
        {"/etc", "%2Fetc"},
        {"-rf", "%2Drf"},
        {".hidden", "%2Ehidden"},
        {"a b\t\n\r\x01\x7f", "a%20b%09%0A%0D%01%7F"},
        {"a\"b'c\\d", "a%22b%27c%5Cd"},
        {"<x>&;*?|$`", "%3Cx%3E%26%3B%2A%3F%7C%24%60"},
        {"100%", "100%25"},
        {"%2F", "%252F"},
        {"\xff\xc3", "%FF%C3"},
        {"\xc2\x85", "%C2%85"},
        {"\xc0\xaf", "%C0%AF"}};
    char name[FILE_NAME_BYTES];
    for (size_t i = 0; i < sizeof id / sizeof *id; ++i)
        assert_string_equal(file_name(id[i][0], name), id[i][1]);
}

static void every_byte_has_a_name_of_its_own(void **state)
{
    (void)state;
    char name[65536 / 64][FILE_NAME_BYTES], id[3] = "";
    for (int c = 1; c < 256; ++c) {
        id[0] = (char)c;
        file_name(id, name[c]);
        assert_null(strpbrk(name[c], "/ \\\"'<>\n"));
        for (int b = 1; b < c; ++b)
            assert_string_not_equal(name[b], name[c]);
    }
}

static void long_ids_are_cut_and_stay_apart(void **state)
{
    (void)state;
    char id[401], name[FILE_NAME_BYTES], other[FILE_NAME_BYTES];
    memset(id, 'x', sizeof id);
    for (int n = 190; n <= 400; n += 5) {
        id[n] = 0;
        file_name(id, name);
        assert_int_equal(strlen(name), n <= FILE_NAME_MOST ? n : 200);
        id[n - 1] = 'y';
        assert_string_not_equal(file_name(id, other), name);
        id[n] = id[n - 1] = 'x';
    }
    /* no character is cut in two, no escape either */
    for (int n = 0; n < 120; ++n) {
        strcpy(id + n, "");
        memset(id, 'x', (size_t)n % 7);
        id[n % 7] = 0;
        for (int i = 0; i < 100; ++i)
            strcat(id, n % 2 ? "\xc3\xbc" : " ");
        file_name(id, name);
        assert_true(strlen(name) <= FILE_NAME_MOST);
        for (const char *at = name; *at; at += text_utf8(at))
            assert_true(text_utf8(at) > 0);
    }
}

static struct out_folder folder_of(const char *name)
{
    struct out_folder f;
    assert_int_equal(out_folder_open(&f, test_folder(), name, true), LP_OK);
    return f;
}

static const char *content(const struct out_folder *f, const char *name)
{
    static char text[64];
    char *path = text_format("%s/%s", f->path, name), *bytes = NULL;
    size_t n = 0;
    text[0] = 0;
    if (text_read(path, &bytes, &n) == LP_OK)
        snprintf(text, sizeof text, "%s", bytes);
    free(bytes);
    free(path);
    return text;
}

static void files_are_whole_or_as_they_were(void **state)
{
    (void)state;
    struct out_folder f = folder_of("deep/er");
    const struct out_piece piece[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    struct out_file file = OUT_FILE_NONE;
    bool empty;
    assert_int_equal(out_folder_is_empty(&f, &empty), LP_OK);
    assert_true(empty && !out_folder_has(&f, "x"));
    assert_int_equal(out_folder_write(&f, "x", piece, 3), LP_OK);
    assert_true(out_folder_has(&f, "x"));
    assert_string_equal(content(&f, "x"), "abcde");

    assert_int_equal(out_file_begin(&file, &f, "x"), LP_OK);
    assert_int_equal(out_file_write(&file, "new", 3), LP_OK);
    assert_string_equal(content(&f, "x"), "abcde");
    out_file_drop(&file);
    assert_false(out_folder_has(&f, "x.partial"));
    assert_int_equal(out_file_begin(&file, &f, "x"), LP_OK);
    assert_int_equal(out_file_write(&file, "new", 3), LP_OK);
    assert_int_equal(out_file_end(&file), LP_OK);
    out_file_drop(&file);
    assert_string_equal(content(&f, "x"), "new");

    assert_int_equal(out_folder_write(&f, "none", NULL, 0), LP_OK);
    assert_false(out_folder_has(&f, "none")); /* no byte: a power cut's */
    assert_int_equal(out_folder_is_empty(&f, &empty), LP_OK);
    assert_false(empty);
    out_folder_close(&f);
}

static void links_are_replaced_and_never_written_through(void **state)
{
    (void)state;
    struct out_folder f = folder_of("links"), outside = folder_of("outside");
    const struct out_piece old = {"old", 3}, new = {"new", 3};
    assert_int_equal(out_folder_write(&outside, "file", &old, 1), LP_OK);
    assert_int_equal(out_folder_link(&f, "a", "../outside/file"), LP_OK);
    assert_int_equal(out_folder_link(&f, "b.partial", "../outside/file"),
                     LP_OK);
    assert_false(out_folder_has(&f, "a"));
    assert_int_equal(out_folder_write(&f, "a", &new, 1), LP_OK);
    assert_string_equal(content(&f, "a"), "new");
    said_begin();
    assert_int_equal(out_folder_write(&f, "b", &new, 1), LP_EIO);
    char *said = said_end();
    assert_non_null(strstr(said, "links/b: "));
    free(said);
    assert_string_equal(content(&outside, "file"), "old");

    assert_int_equal(out_folder_link(&f, "c", "nowhere"), LP_OK);
    assert_true(out_folder_links(&f, "c", "nowhere"));
    assert_false(out_folder_links(&f, "c", "nowher"));
    assert_false(out_folder_links(&f, "c", "nowhere/"));
    assert_false(out_folder_links(&f, "a", "a"));
    assert_false(out_folder_links(&f, "d", ""));
    assert_int_equal(out_folder_link(&f, "c", "a"), LP_OK);
    assert_true(out_folder_links(&f, "c", "a"));
    assert_string_equal(content(&f, "c"), "new");
    out_folder_close(&f);
    out_folder_close(&outside);
}

static bool there(const struct out_folder *f, const char *name)
{
    struct stat info;
    return fstatat(f->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The first step knows no cost yet and waits for nothing. */
static void files_of_a_batch_get_their_names_after_a_sync(void **state)
{
    (void)state;
    struct out_folder f = folder_of("batch"), other = folder_of("batch2");
    struct out_batch batch = {0};
    const struct out_piece old = {"old", 3}, new = {"new", 3};
    char name[16];
    f.batch = other.batch = &batch;
    assert_int_equal(out_folder_write(&f, "a", &old, 1), LP_OK);
    assert_string_equal(content(&f, "a"), "old"); /* none is open */

    out_batch_begin(&batch);
    assert_int_equal(out_folder_write(&f, "a", &new, 1), LP_OK);
    assert_int_equal(out_folder_write(&other, "b", &new, 1), LP_OK);
    assert_string_equal(content(&f, "a"), "old");
    assert_false(there(&other, "b"));
    assert_int_equal(out_batch_step(&batch), LP_OK);
    assert_string_equal(content(&f, "a"), "new");
    assert_string_equal(content(&other, "b"), "new");

    batch.cost_s = 1e9;
    for (int i = 0; i < 200; ++i) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(out_folder_write(i % 2 ? &f : &other, name, &new, 1),
                         LP_OK);
        assert_int_equal(out_batch_step(&batch), LP_OK);
        assert_false(there(i % 2 ? &f : &other, name));
    }
    assert_int_equal(out_batch_end(&batch, LP_EDATA), LP_EDATA);
    for (int i = 0; i < 200; ++i) {
        snprintf(name, sizeof name, "%d", i);
        assert_string_equal(content(i % 2 ? &f : &other, name), "new");
    }
    assert_true(!batch.open && !batch.held);
    assert_int_equal(out_folder_write(&f, "c", &new, 1), LP_OK);
    assert_string_equal(content(&f, "c"), "new");
    out_folder_close(&f);
    out_folder_close(&other);
}

static void what_the_disk_does_not_take_has_no_name(void **state)
{
    (void)state;
    struct out_folder f = folder_of("refused");
    struct out_batch batch = {0};
    const struct out_piece piece = {"x", 1};
    bool empty;
    f.batch = &batch;
    out_batch_begin(&batch);
    assert_int_equal(out_folder_write(&f, "a", &piece, 1), LP_OK);
    setenv("LPCAM_FAULT", "out_batch_sync@0", 1);
    said_begin();
    assert_int_equal(out_batch_step(&batch), LP_EIO);
    assert_int_equal(out_folder_write(&f, "b", &piece, 1), LP_OK);
    assert_int_equal(out_batch_end(&batch, LP_OK), LP_EIO);
    unsetenv("LPCAM_FAULT");
    char *said = said_end();
    assert_non_null(strstr(said, "refused to the disk"));
    free(said);
    assert_int_equal(out_folder_is_empty(&f, &empty), LP_OK);
    assert_true(empty);
    out_folder_close(&f);
}

static void a_cleared_folder_keeps_what_is_not_ours(void **state)
{
    (void)state;
    struct out_folder f = folder_of("cleared");
    const struct out_piece piece = {"x", 1};
    static const char *const gone[] = {"1.jpg", "2.jpg", "3.jpg.partial"};
    static const char *const kept[] = {"4.png", "jpg", "5.jpg.old", "6.partial",
                                       "7.jpg"};
    for (int i = 0; i < 3; ++i)
        assert_int_equal(out_folder_write(&f, gone[i], &piece, 1), LP_OK);
    for (int i = 0; i < 4; ++i)
        assert_int_equal(out_folder_write(&f, kept[i], &piece, 1), LP_OK);
    assert_int_equal(out_folder_link(&f, kept[4], "4.png"), LP_OK);
    assert_int_equal(mkdirat(f.fd, "8.jpg", 0777), 0);
    assert_int_equal(out_folder_clear(&f, ".jpg"), LP_OK);
    for (int i = 0; i < 3; ++i)
        assert_false(there(&f, gone[i]));
    for (int i = 0; i < 5; ++i)
        assert_true(there(&f, kept[i]));
    assert_true(there(&f, "8.jpg"));
    out_folder_close(&f);
}

static void what_cannot_be_is_a_sentence(void **state)
{
    (void)state;
    struct out_folder f = folder_of("s"), bad;
    const struct out_piece piece = {"x", 1};
    char *path = text_format("%s/s/pipe.partial", test_folder());
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(out_folder_write(&f, "file", &piece, 1), LP_OK);
    assert_int_equal(mkfifo(path, 0600), 0);
    said_begin();
    assert_int_equal(out_folder_open(&bad, f.path, "file", true), LP_EIO);
    out_folder_close(&bad);
    assert_int_equal(out_folder_open(&bad, f.path, "file/sub", true), LP_EIO);
    out_folder_close(&bad);
    assert_int_equal(out_folder_open(&bad, f.path, "none", false), LP_EIO);
    out_folder_close(&bad);
    assert_int_equal(out_folder_write(&f, name, &piece, 1), LP_EIO);
    assert_int_equal(out_folder_write(&f, "pipe", &piece, 1), LP_EIO);
    assert_int_equal(out_folder_write(&f, "sub/x", &piece, 1), LP_EIO);
    char *said = said_end();
    int lines = 0;
    for (const char *at = said; (at = strchr(at, '\n')); ++at)
        ++lines;
    assert_int_equal(lines, 6);
    free(said);
    free(path);
    out_folder_close(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_ids_are_names_as_they_are),
        cmocka_unit_test(hostile_ids_cannot_leave_the_folder),
        cmocka_unit_test(every_byte_has_a_name_of_its_own),
        cmocka_unit_test(long_ids_are_cut_and_stay_apart),
        cmocka_unit_test(files_are_whole_or_as_they_were),
        cmocka_unit_test(links_are_replaced_and_never_written_through),
        cmocka_unit_test(files_of_a_batch_get_their_names_after_a_sync),
        cmocka_unit_test(what_the_disk_does_not_take_has_no_name),
        cmocka_unit_test(a_cleared_folder_keeps_what_is_not_ours),
        cmocka_unit_test(what_cannot_be_is_a_sentence),
    };
    return test_mpi_main(argc, argv, tests);
}
