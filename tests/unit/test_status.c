/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/base/status.h"
#include "lpcam/base/text.h"

static void exit_codes_are_those_the_shell_is_promised(void **state)
{
    (void)state;
    assert_int_equal(lp_exit_code(LP_OK), 0);
    assert_int_equal(lp_exit_code(LP_EPEER), 0);
    assert_int_equal(lp_exit_code(LP_STOP), 75);
    assert_int_equal(lp_exit_code(LP_EUSAGE), 2);
    for (int s = LP_EDATA; s < LP_EUSAGE; ++s)
        assert_int_equal(lp_exit_code((enum lp_status)s), 1);
}

static void every_status_has_its_own_word(void **state)
{
    (void)state;
    for (int a = LP_OK; a <= LP_EUSAGE; ++a)
        for (int b = LP_OK; b < a; ++b)
            assert_string_not_equal(lp_status_name((enum lp_status)a),
                                    lp_status_name((enum lp_status)b));
}

static void a_fault_strikes_its_site_and_rank_only(void **state)
{
    (void)state;
    log_init(2, 4, 0);
    unsetenv("LPCAM_FAULT");
    assert_false(lp_fault("write"));
    setenv("LPCAM_FAULT", "write@2", 1);
    assert_true(lp_fault("write"));
    assert_true(lp_fault("write"));
    assert_false(lp_fault("writ"));
    assert_false(lp_fault("write_all"));
    setenv("LPCAM_FAULT", "write@1", 1);
    assert_false(lp_fault("write"));
    setenv("LPCAM_FAULT", "write@22", 1);
    assert_false(lp_fault("write"));
    unsetenv("LPCAM_FAULT");
    log_init(0, 1, 0);
}

static void a_fault_with_a_number_strikes_once(void **state)
{
    (void)state;
    int struck = 0;
    setenv("LPCAM_FAULT", "read@0:5", 1); /* two visits were counted above */
    for (int i = 0; i < 6; ++i)
        struck = struck * 2 + lp_fault("read");
    assert_int_equal(struck, 8); /* the third of six */
    unsetenv("LPCAM_FAULT");
}

/* What the function prints on a stream, in a static buffer. */
static const char *printed(FILE *stream, void (*speak)(void))
{
    static char text[8192];
    FILE *file = tmpfile();
    fflush(stream);
    const int keep = dup(fileno(stream));
    assert_true(file && keep >= 0);
    dup2(fileno(file), fileno(stream));
    speak();
    fflush(stream);
    dup2(keep, fileno(stream));
    close(keep);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void report_a_failure(void)
{
    assert_int_equal(lp_fail(LP_EIO, "cannot read %s", "a.h5"), LP_EIO);
}

static void report_a_long_failure(void)
{
    char name[6000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    lp_report("f.c", 1, LP_EIO, "%s", name);
}

static void say_something(void)
{
    lp_log("%d images", 12);
    lp_status_line("half");
}

static void an_error_names_its_rank_when_there_are_several(void **state)
{
    (void)state;
    log_init(0, 1, 0);
    assert_string_equal(printed(stderr, report_a_failure),
                        "error: cannot read a.h5\n");
    log_init(17, 40, LOG_VERBOSE);
    const char *text = printed(stderr, report_a_failure);
    const char *head = "[rank 0017] error: cannot read a.h5 (test_status.c:";
    assert_int_equal(strncmp(text, head, strlen(head)), 0);
    text = printed(stderr, report_a_long_failure);
    assert_int_equal(text[strlen(text) - 1], '\n');
    log_init(0, 1, 0);
}

static void assert_has(const char *line, const char *member)
{
    if (!strstr(line, member))
        fail_msg("no %s in %s", member, line);
}

static void json_gives_an_object_a_line(void **state)
{
    (void)state;
    log_init(0, 2, LOG_JSON);
    char *text = (char *)(uintptr_t)printed(stdout, say_something);
    char *second = strchr(text, '\n') + 1;
    assert_int_equal(strncmp(text, "{\"time\": \"20", 12), 0);
    assert_has(text, "Z\", \"elapsed_s\": ");
    assert_has(text, ", \"rank\": 0, \"level\": \"info\", \"message\": "
                     "\"12 images\"}\n");
    assert_has(second, "\"level\": \"progress\", \"message\": \"half\"}\n");
    assert_string_equal(strchr(second, '\n'), "\n");
    log_init(17, 40, LOG_JSON | LOG_VERBOSE);
    assert_string_equal(printed(stdout, say_something), "");
    const char *error = printed(stderr, report_a_failure);
    assert_has(error, "\"rank\": 17, \"level\": \"error\", \"message\": "
                      "\"cannot read a.h5\", \"source\": \"test_status.c:");
    assert_int_equal(error[strlen(error) - 1], '\n');
    log_init(0, 1, 0);
}

/* A colour, a cleared screen, two lines, and a letter that may stay. */
#define HOSTILE                                                                \
    "\x1b[31m\xc2\x9b"                                                         \
    "2J\ra\nerror: b\x7f\xff\xc3\xa9"
#define HARMLESS                                                               \
    "\\x1b[31m\\xc2\\x9b"                                                      \
    "2J\\x0da\\x0aerror: b\\x7f\\xff\xc3\xa9"

static void report_a_hostile_name(void)
{
    lp_report("f.c", 1, LP_EIO, "class %s is twice", HOSTILE);
    lp_warn("image %s", HOSTILE);
    lp_misused("no job %s", HOSTILE);
}

static void log_a_hostile_name(void)
{
    lp_log("class %s", HOSTILE);
    lp_status_line("class %s", HOSTILE);
    lp_log_table("of " HOSTILE, "one\ntwo \x1b[2J\n");
}

/* Is nothing in it that moves a cursor but ends of lines? */
static void assert_harmless(const char *text)
{
    for (; *text; text += *text == '\n' ? 1 : text_visible(text))
        assert_true(*text == '\n' || text_visible(text) > 0);
}

static void names_of_any_bytes_stay_in_their_line(void **state)
{
    (void)state;
    log_init(0, 1, 0);
    assert_string_equal(printed(stderr, report_a_hostile_name),
                        "error: class " HARMLESS " is twice\n"
                        "warning: image " HARMLESS "\n"
                        "lpcam: no job " HARMLESS "\n");
    const char *text = printed(stdout, log_a_hostile_name);
    assert_harmless(text);
    assert_has(text, " s] class " HARMLESS "\n[");
    assert_has(text, " s] of " HARMLESS "\none\ntwo \\x1b[2J\n\n");
}

static void names_of_any_bytes_stay_in_their_object(void **state)
{
    (void)state;
    static const char slashed[] =
        "\\\\x1b[31m\\\\xc2\\\\x9b"
        "2J\\\\x0da\\\\x0aerror: b\\\\x7f\\\\xff\xc3\xa9";
    char member[200];
    log_init(0, 1, LOG_JSON);
    const char *text = printed(stdout, log_a_hostile_name);
    assert_harmless(text);
    snprintf(member, sizeof member, "\"message\": \"class %s\"}\n{", slashed);
    assert_has(text, member);
    snprintf(member, sizeof member,
             "\"of %s\\u000aone\\u000atwo \\\\x1b[2J\\u000a\"}\n", slashed);
    assert_has(text, member);
    text = printed(stderr, report_a_hostile_name);
    assert_harmless(text);
    snprintf(member, sizeof member, "\"class %s is twice\"}\n{", slashed);
    assert_has(text, member);
    log_init(0, 1, 0);
}

static void quiet_leaves_errors_and_warnings(void **state)
{
    (void)state;
    log_init(0, 2, LOG_QUIET);
    assert_string_equal(printed(stdout, say_something), "");
    assert_string_equal(printed(stderr, report_a_failure),
                        "[rank 0000] error: cannot read a.h5\n");
    log_init(0, 2, LOG_QUIET | LOG_JSON);
    assert_string_equal(printed(stdout, say_something), "");
    assert_has(printed(stderr, report_a_failure), "\"level\": \"error\"");
    log_init(0, 1, 0);
}

static void only_rank_0_speaks_on_stdout(void **state)
{
    (void)state;
    log_init(0, 2, 0);
    const char *text = printed(stdout, say_something);
    assert_non_null(strstr(text, " s] 12 images\n"));
    assert_non_null(strstr(text, " s] half\n")); /* a file, no terminal */
    log_init(1, 2, 0);
    assert_string_equal(printed(stdout, say_something), "");
    log_init(0, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_those_the_shell_is_promised),
        cmocka_unit_test(every_status_has_its_own_word),
        cmocka_unit_test(a_fault_strikes_its_site_and_rank_only),
        cmocka_unit_test(a_fault_with_a_number_strikes_once),
        cmocka_unit_test(an_error_names_its_rank_when_there_are_several),
        cmocka_unit_test(json_gives_an_object_a_line),
        cmocka_unit_test(names_of_any_bytes_stay_in_their_line),
        cmocka_unit_test(names_of_any_bytes_stay_in_their_object),
        cmocka_unit_test(quiet_leaves_errors_and_warnings),
        cmocka_unit_test(only_rank_0_speaks_on_stdout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
