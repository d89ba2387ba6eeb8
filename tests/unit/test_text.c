/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/base/text.h"

/* A file of the test's folder; a static buffer. */
static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static void lines_come_without_ends_spaces_and_comments(void **state)
{
    (void)state;
    static const char *const want[] = {"one two", "dos",      "",  "",
                                       "",        "c#1 12#x", "a", "last"};
    char text[] = "one two\n  dos \t\r\n\n# all of it\n  #indented\n"
                  "c#1 12#x\na\t# note # more\nlast";
    char *cursor = text, *line;
    int number = 0;
    for (int i = 0; i < 8; ++i) {
        line = text_line(&cursor, &number);
        assert_non_null(line);
        assert_string_equal(line, want[i]);
        assert_int_equal(number, i + 1);
    }
    assert_null(text_line(&cursor, &number));
    assert_int_equal(number, 8);
}

static void an_end_of_line_at_the_end_adds_no_line(void **state)
{
    (void)state;
    char text[] = "a\r\n", nothing[] = "";
    char *cursor = text;
    int number = 0;
    assert_string_equal(text_line(&cursor, &number), "a");
    assert_null(text_line(&cursor, &number));
    cursor = nothing;
    assert_null(text_line(&cursor, &number));
}

static void words_are_parted_by_spaces_and_tabs(void **state)
{
    (void)state;
    char text[] = " 1_2_s\t7   12 ";
    char *cursor = text;
    assert_string_equal(text_word(&cursor), "1_2_s");
    assert_string_equal(text_word(&cursor), "7");
    assert_string_equal(text_word(&cursor), "12");
    assert_null(text_word(&cursor));
    assert_null(text_word(&cursor));
}

static void numbers_are_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    int64_t i = 5;
    double x = 5;
    assert_true(text_int64("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(text_int64("007", &i) && i == 7);
    assert_false(text_int64("9223372036854775808", &i));
    assert_false(text_int64("", &i) || text_int64("1.5", &i));
    assert_false(text_int64("12x", &i) || text_int64("x", &i));
    assert_int_equal(i, 7);
    assert_true(text_double("-1.5e-3", &x) && x == -1.5e-3);
    assert_false(text_double("", &x) || text_double("1,5", &x));
    assert_false(text_double("1e999", &x) || text_double("0.5 0.6", &x));
    assert_true(x == -1.5e-3);
}

static void bytes_have_binary_multiples(void **state)
{
    (void)state;
    int64_t n = 0;
    assert_true(text_bytes("1000", &n) && n == 1000);
    assert_true(text_bytes("4G", &n) && n == (int64_t)4 << 30);
    assert_true(text_bytes("512 MiB", &n) && n == (int64_t)512 << 20);
    assert_true(text_bytes("1.5g", &n) && n == (int64_t)3 << 29);
    assert_true(text_bytes("2kB", &n) && n == 2048);
    assert_true(text_bytes("1T", &n) && n == (int64_t)1 << 40);
    assert_false(text_bytes("", &n) || text_bytes("G", &n));
    assert_false(text_bytes("-1", &n) || text_bytes("4Q", &n));
    assert_false(text_bytes("4Gx", &n) || text_bytes("nan", &n));
    assert_false(text_bytes("1e30", &n) || text_bytes("9000000000G", &n));
    assert_int_equal(n, (int64_t)1 << 40);
}

static void sizes_are_printed_for_people(void **state)
{
    (void)state;
    char b[32];
    assert_string_equal(text_size(0, b), "0 B");
    assert_string_equal(text_size(1023, b), "1023 B");
    assert_string_equal(text_size(1536, b), "1.5 KiB");
    assert_string_equal(text_size((int64_t)367 << 30, b), "367.0 GiB");
    assert_string_equal(text_size(INT64_MAX, b), "8388608.0 TiB");
}

static void the_nearest_name_needs_the_fewest_edits(void **state)
{
    (void)state;
    static const char *const names[] = {"kmeans.k", "kmeans.stop",
                                        "kmeans.start", "kmeans.starts"};
    assert_string_equal(text_nearest("kmeans.kk", names, 4), "kmeans.k");
    assert_string_equal(text_nearest("kmeans.sart", names, 4), "kmeans.start");
    assert_string_equal(text_nearest("kmean.strats", names, 4),
                        "kmeans.starts");
    assert_string_equal(text_nearest("", names, 4), "kmeans.k");
    assert_null(text_nearest("k", names, 0));
}

static void paths_join_unless_they_are_absolute(void **state)
{
    (void)state;
    static const char *const part[][3] = {{"a", "b", "a/b"},
                                          {"a/", "b", "a/b"},
                                          {"a", "/b", "/b"},
                                          {"", "b", "b"},
                                          {NULL, "b", "b"}};
    for (int i = 0; i < 5; ++i) {
        char *path = text_path(part[i][0], part[i][1]);
        assert_string_equal(path, part[i][2]);
        free(path);
    }
}

static void a_string_grows_and_stays_ended(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    for (int i = 0; i < 1000; ++i)
        assert_true(text_add(&b, "%03d", i));
    assert_int_equal(b.n, 3000);
    assert_int_equal(strlen(b.s), 3000);
    assert_int_equal(memcmp(b.s + 2997, "999", 3), 0);
    free(b.s);
}

/* The format asks for a character that the C locale does not have. */
static void a_string_that_failed_stays_failed(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    assert_true(text_add(&b, "before"));
    assert_false(text_add(&b, "%lc", (wint_t)0x20ac));
    assert_false(text_add(&b, "after"));
    assert_string_equal(b.s, "before");
    free(b.s);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    assert_true(text_add_json(&b, "a\"b\\c\n\x01 \xc3\xa9/"));
    assert_string_equal(b.s, "\"a\\\"b\\\\c\\u000a\\u0001 \xc3\xa9/\"");
    free(b.s);
}

static void json_strings_hold_any_bytes(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    assert_true(text_add_json(&b,
                              "\xff\xc3 \xf0\x9f\x90\x84\xed\xa0\x80\xc0\xaf"
                              "\x1f\x7f\xe2\x82"));
    assert_string_equal(b.s, "\"\\udcff\\udcc3 \xf0\x9f\x90\x84\\udced\\udca0"
                             "\\udc80\\udcc0\\udcaf\\u001f\x7f\\udce2\\udc82"
                             "\"");
    free(b.s);
}

static void what_is_not_visible_is_shown_in_digits(void **state)
{
    (void)state;
    static const char *const given[][2] = {
        {"", ""},
        {"caf\xc3\xa9 \\x1b \xf0\x9f\x90\x84", NULL},
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"a\r\nb\tc\x7f\x01", "a\\x0d\\x0ab\\x09c\\x7f\\x01"},
        {"\xc2\x9b"
         "2J\xc2\x80\xc2\x9f\xc2\xa0",
         "\\xc2\\x9b"
         "2J\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
        {"\x9b\xff\xc3(\xe2\x82", "\\x9b\\xff\\xc3(\\xe2\\x82"},
        {"\xed\xa0\x80\xc0\x8a", "\\xed\\xa0\\x80\\xc0\\x8a"}};
    for (size_t i = 0; i < sizeof given / sizeof *given; ++i) {
        struct text_buffer b = {0};
        assert_true(text_add_shown(&b, given[i][0], 0));
        assert_string_equal(b.s, given[i][given[i][1] ? 1 : 0]);
        free(b.s);
    }
    for (int c = 1; c < 256; ++c) {
        const char s[] = {(char)c, 0};
        assert_int_equal(text_visible(s), c >= 0x20 && c < 0x7f);
    }
}

static void columns_are_as_wide_as_they_look(void **state)
{
    (void)state;
    struct text_buffer b = {0};
    assert_true(text_add_shown(&b, "caf\xc3\xa9", 6));
    assert_true(text_add_shown(&b, "\x1b\n", 9));
    assert_true(text_add_shown(&b, "longer", 3));
    assert_string_equal(b.s, "caf\xc3\xa9  \\x1b\\x0a longer");
    free(b.s);
}

static void a_file_comes_back_as_written(void **state)
{
    (void)state;
    static const char bytes[] = "two\nlines and a \0 zero";
    const char *path = in_folder("a.txt");
    char *back = NULL;
    size_t n = 0;
    assert_int_equal(text_write(path, "longer, and soon replaced", 25), LP_OK);
    assert_int_equal(text_write(path, bytes, sizeof bytes - 1), LP_OK);
    assert_int_equal(text_read(path, &back, &n), LP_OK);
    assert_int_equal(n, sizeof bytes - 1);
    assert_memory_equal(back, bytes, sizeof bytes);
    free(back);
    back = NULL;
    assert_int_equal(text_write(path, "", 0), LP_OK);
    assert_int_equal(text_read(path, &back, &n), LP_OK);
    assert_int_equal(n, 0);
    assert_string_equal(back, "");
    free(back);
    assert_int_not_equal(access(in_folder("a.txt.partial"), F_OK), 0);
    unlink(in_folder("a.txt"));
}

static void files_that_cannot_be_are_refused(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(text_read(in_folder("missing"), &bytes, &n), LP_EIO);
    assert_int_equal(text_read(test_folder(), &bytes, &n), LP_EIO);
    assert_int_equal(text_write(in_folder("no/such/folder"), "a", 1), LP_EIO);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(text_read(in_folder("pipe"), &bytes, &n), LP_EIO);
    assert_null(bytes);
    unlink(in_folder("pipe"));
    rmdir(test_folder());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_ends_spaces_and_comments),
        cmocka_unit_test(an_end_of_line_at_the_end_adds_no_line),
        cmocka_unit_test(words_are_parted_by_spaces_and_tabs),
        cmocka_unit_test(numbers_are_taken_whole_or_not_at_all),
        cmocka_unit_test(bytes_have_binary_multiples),
        cmocka_unit_test(sizes_are_printed_for_people),
        cmocka_unit_test(the_nearest_name_needs_the_fewest_edits),
        cmocka_unit_test(paths_join_unless_they_are_absolute),
        cmocka_unit_test(a_string_grows_and_stays_ended),
        cmocka_unit_test(a_string_that_failed_stays_failed),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(json_strings_hold_any_bytes),
        cmocka_unit_test(what_is_not_visible_is_shown_in_digits),
        cmocka_unit_test(columns_are_as_wide_as_they_look),
        cmocka_unit_test(a_file_comes_back_as_written),
        cmocka_unit_test(files_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
