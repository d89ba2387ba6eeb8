/* SPDX-License-Identifier: MIT */
/* The rules of the house that a compiler does not see. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "lpcam/run/config.h"

#define MOST_FILES 256

/* From the ground up; a file includes its own floor and lower ones only. */
static const char *const floors[] = {"base",   "run",   "data",  "net",
                                     "method", "dense", "store", "output"};
enum { N_FLOORS = sizeof floors / sizeof floors[0] };

static struct {
    int n;
    char *path[MOST_FILES], *text[MOST_FILES];
} house;

static int keep_file(const char *path, const struct stat *info, int flag,
                     struct FTW *ftw)
{
    const char *end = strrchr(path, '.');
    size_t n;
    (void)info, (void)ftw;
    if (flag != FTW_F || !end ||
        (strspn(end, ".ch") != strlen(end) && strcmp(end, ".sh") != 0))
        return 0;
    if (house.n == MOST_FILES ||
        text_read(path, &house.text[house.n], &n) != LP_OK)
        return 1;
    house.path[house.n++] = text_format("%s", path + strlen(TEST_SOURCE) + 1);
    return 0;
}

static int read_house(void **state)
{
    (void)state;
    return nftw(TEST_SOURCE "/src", keep_file, 16, FTW_PHYS) ||
           nftw(TEST_SOURCE "/include", keep_file, 16, FTW_PHYS) ||
           house.n < 20;
}

static void house_release(void)
{
    for (int i = 0; i < house.n; ++i) {
        free(house.path[i]);
        free(house.text[i]);
    }
    house.n = 0;
}

static int leave_house(void **state)
{
    (void)state;
    house_release();
    return 0;
}

/* The floor a path goes through behind prefix, -1 for none. */
static int floor_of(const char *path, const char *prefix)
{
    if (strncmp(path, prefix, strlen(prefix)) != 0)
        return -1;
    path += strlen(prefix);
    for (int f = 0; f < N_FLOORS; ++f)
        if (strncmp(path, floors[f], strlen(floors[f])) == 0 &&
            path[strlen(floors[f])] == '/')
            return f;
    return -1;
}

static void no_file_includes_a_floor_above_its_own(void **state)
{
    (void)state;
    static const char word[] = "#include \"";
    int n_seen = 0;
    for (int i = 0; i < house.n; ++i) {
        const char *path = house.path[i], *at = house.text[i];
        int own = floor_of(path, "src/");
        own = own < 0 ? floor_of(path, "include/lpcam/") : own;
        if (own < 0)
            fail_msg("%s lies on no floor", path);
        while ((at = strstr(at, word))) {
            at += strlen(word);
            const int f = floor_of(at, "lpcam/");
            if (strncmp(at, "lpcam/", 6) == 0 && (f < 0 || f > own))
                fail_msg("%s is on floor %s and includes %.40s", path,
                         floors[own], at);
            if (strncmp(at, "lpcam/", 6) != 0 &&
                strcspn(at, "/") < strcspn(at, "\""))
                fail_msg("%s reaches out of its folder: %.40s", path, at);
            ++n_seen;
        }
    }
    assert_true(n_seen > 40);
}

/* Does text call a function whose name is prefix, a letter of that kind and
 * more? */
static bool calls(const char *text, const char *prefix, int (*kind)(int))
{
    for (const char *at = text; (at = strstr(at, prefix));) {
        const bool begins =
            at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
        const char *end = at += strlen(prefix);
        while (isalnum((unsigned char)*end) || *end == '_')
            ++end;
        if (begins && end > at && kind((unsigned char)*at) && *end == '(')
            return true;
    }
    return false;
}

static bool calls_scalapack(const char *text)
{
    return calls(text, "pd", islower) || calls(text, "Cblacs_", islower);
}

static void only_comm_h5_and_dense_call_the_libraries(void **state)
{
    (void)state;
    int n_mpi = 0, n_dense = 0;
    for (int i = 0; i < house.n; ++i) {
        const char *path = house.path[i];
        const bool is_h5 = strncmp(path, "src/store/h5", 12) == 0;
        const bool is_comm = strncmp(path, "src/run/comm", 12) == 0;
        const bool is_dense = strncmp(path, "src/dense/", 10) == 0;
        if (calls(house.text[i], "H5", isupper) && !is_h5)
            fail_msg("%s calls HDF5; only src/store/h5 may", path);
        if (calls(house.text[i], "MPI_", isupper) && !is_h5 && !is_comm)
            fail_msg("%s calls MPI; only src/run/comm and "
                     "src/store/h5 may",
                     path);
        if (calls_scalapack(house.text[i]) && !is_dense)
            fail_msg("%s calls ScaLAPACK; only src/dense may", path);
        n_mpi += calls(house.text[i], "MPI_", isupper);
        n_dense += calls_scalapack(house.text[i]);
    }
    assert_true(n_mpi > 0 && n_dense > 0);
}

static bool mentions(const char *text, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text ||
             (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
            !isalnum((unsigned char)at[n]) && at[n] != '_')
            return true;
    return false;
}

/* There what users' files hold is made harmless. */
static void only_the_log_writes_on_the_terminal(void **state)
{
    (void)state;
    static const char *const word[] = {"printf",  "vprintf", "puts",
                                       "putchar", "perror",  "stdout",
                                       "stderr",  "dprintf"};
    for (int i = 0; i < house.n; ++i)
        for (size_t w = 0; w < sizeof word / sizeof *word; ++w)
            if (strncmp(house.path[i], "src/", 4) == 0 &&
                strcmp(house.path[i], "src/base/log.c") != 0 &&
                mentions(house.text[i], word[w]))
                fail_msg("%s has %s; only src/base/log.c may", house.path[i],
                         word[w]);
}

static void every_file_names_its_licence(void **state)
{
    (void)state;
    static const char line[] = "/* SPDX-License-Identifier: MIT */\n";
    for (int i = 0; i < house.n; ++i)
        if (strncmp(house.text[i], line, strlen(line)) != 0)
            fail_msg("%s does not begin with %s", house.path[i], line);
}

/* With -e the shell goes on after a ! that fails, and after all of a && b but its
 * last word. */
static bool goes_unseen(const char *line)
{
    static const char *const first[] = {"! ", "[ ", "grep ", "cmp "};
    const size_t n = strlen(line);
    line += strspn(line, " ");
    if (strstr(line, "||") ||
        (n > 2 && strcmp(line + strlen(line) - 2, "&&") == 0))
        return false;
    for (size_t i = 0; i < sizeof first / sizeof *first; ++i)
        if (strncmp(line, first[i], strlen(first[i])) == 0)
            return i == 0 || strstr(line, " && ");
    return false;
}

static void no_condition_of_a_script_goes_unseen(void **state)
{
    (void)state;
    int n_lines = 0;
    house_release();
    assert_int_equal(nftw(TEST_SOURCE "/tests", keep_file, 16, FTW_PHYS), 0);
    for (int i = 0; i < house.n; ++i) {
        if (!strstr(house.path[i], ".sh"))
            continue;
        for (char *line = strtok(house.text[i], "\n"); line;
             line = strtok(NULL, "\n"), ++n_lines)
            if (goes_unseen(line))
                fail_msg("%s: nobody looks at %s", house.path[i], line);
    }
    assert_true(n_lines > 1000);
}

/* "section.key" of every key of an INI text, sorted, a line each. */
static char *keys_of(const char *ini, bool need_comment)
{
    char *copy = text_format("%s", ini), *section = "", *next;
    struct text_buffer b = {0};
    for (char *line = copy; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (*line == '[') {
            section = line + 1;
            *strchr(line, ']') = 0;
        } else if (*line != '#' && strchr(line, '=')) {
            const size_t n = strcspn(line, " =");
            const char *comment = strstr(line, " # ");
            if (need_comment && (!comment || strlen(comment) < 8))
                fail_msg("%s is not explained", line);
            text_add(&b, "%s.%.*s\n", section, (int)n, line);
        }
    }
    free(copy);
    return b.s;
}

/* config_text prints the table of keys, config_reference is the file. Equal
 * lists in equal order: each key once in both. */
static void the_reference_explains_every_key_once(void **state)
{
    (void)state;
    struct config zero;
    char *text, *known, *explained;
    const char *set[] = {"run.out=x"};
    assert_int_equal(config_load(&zero, NULL, set, 1, MPI_COMM_SELF), LP_OK);
    text = config_text(&zero);
    known = keys_of(text, false);
    explained = keys_of(config_reference, true);
    assert_string_equal(known, explained);
    assert_non_null(strstr(known, "\nscore.unknown\n"));
    free(explained);
    free(known);
    free(text);
    config_release(&zero);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_includes_a_floor_above_its_own),
        cmocka_unit_test(only_comm_h5_and_dense_call_the_libraries),
        cmocka_unit_test(only_the_log_writes_on_the_terminal),
        cmocka_unit_test(every_file_names_its_licence),
        cmocka_unit_test(the_reference_explains_every_key_once),
        cmocka_unit_test(no_condition_of_a_script_goes_unseen),
    };
    MPI_Init(&argc, &argv);
    const int bad = cmocka_run_group_tests(tests, read_house, leave_house);
    MPI_Finalize();
    return bad;
}
