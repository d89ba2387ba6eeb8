/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "lpcam/store/settings.h"
#include "tiny_store.h"

/* The sentence of two runs that differ in this one line. */
static const char *said_of(const char *theirs, const char *ours)
{
    tiny_listen();
    const enum lp_status status =
        settings_compare("maps.h5", theirs, ours, true, SETTINGS_ADVICE);
    const char *said = tiny_heard();
    assert_int_equal(status, LP_EARG);
    return said;
}

static void what_is_no_key_is_told_in_words(void **state)
{
    (void)state;
    static const char *const line[][2] = {
        {"data.fingerprint", "other photographs, labels or classes"},
        {"model.sha256", "another model.file"},
        {"kmeans.rows.sha256", "another file kmeans.rows"},
        {"basis.sha256", "another basis.h5"}};
    char theirs[64], ours[64], sentence[200];
    for (int i = 0; i < 4; ++i) {
        snprintf(theirs, sizeof theirs, "%s = 03d7\n", line[i][0]);
        snprintf(ours, sizeof ours, "%s = d83e\n", line[i][0]);
        snprintf(sentence, sizeof sentence,
                 "maps.h5 was made with %s = 03d7, this run has d83e (%s): "
                 "choose another run.out",
                 line[i][0], line[i][1]);
        assert_non_null(strstr(said_of(theirs, ours), sentence));
    }
}

static void a_key_needs_no_words(void **state)
{
    (void)state;
    assert_non_null(strstr(said_of("kmeans.k = 12\n", "kmeans.k = 3\n"),
                           "kmeans.k = 12, this run has 3: choose"));
    assert_non_null(strstr(said_of("model.sha = 1\n", "model.sha = 2\n"),
                           "model.sha = 1, this run has 2: choose"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_key_is_told_in_words),
        cmocka_unit_test(a_key_needs_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
