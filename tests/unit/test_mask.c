/* SPDX-License-Identifier: MIT */
#include "lpcam/data/mask.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pnm.h"

static const char *pillow(const char *name, const char *ending)
{
    static char path[256];
    snprintf(path, sizeof path, "pillow/%s%s", name, ending);
    return path;
}

static void values_are_those_stored(void **state)
{
    (void)state;
    static const char *const name[] = {"mask-p8", "mask-p4", "mask-p2",
                                       "mask-p1", "mask-g8", "mask-g4"};
    struct mask m = {0};
    char why[256];
    for (int i = 0; i < 6; ++i) {
        struct pnm expected = pnm_read(pillow(name[i], ".pgm"));
        print_message("%s\n", name[i]);
        assert_int_equal(mask_read(test_data(pillow(name[i], ".png")), &m, why),
                         LP_OK);
        assert_true(pnm_equals(&expected, m.h, m.w, m.value));
        free(expected.bytes);
    }
    mask_release(&m);
}

static void what_cannot_be_a_mask_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
    } bad[] = {{"rgb8", "palette or gray"},  {"rgba", "palette or gray"},
               {"gray16", "at most 8 bits"}, {"gray-alpha", "palette or gray"},
               {"bad-mask", "too early"},    {"missing", "No such file"}};
    struct mask m = {0};
    char why[256];
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(
            mask_read(test_data(pillow(bad[i].name, ".png")), &m, why),
            LP_EDATA);
        assert_non_null(strstr(why, bad[i].why));
        assert_int_equal(m.h, 0);
    }
    assert_int_equal(mask_read(test_data("pillow/gray.jpg"), &m, why),
                     LP_EDATA);
    assert_non_null(strstr(why, "PNG"));
    mask_release(&m);
}

/* To read it would wait for a writer. */
static void a_pipe_is_no_mask(void **state)
{
    (void)state;
    struct mask m = {0};
    char path[4096], why[256];
    snprintf(path, sizeof path, "%s/pipe.png", test_folder());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(mask_read(path, &m, why), LP_EDATA);
    assert_string_equal(why, "it is not a file");
    unlink(path);
    rmdir(test_folder());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_stored),
        cmocka_unit_test(what_cannot_be_a_mask_is_refused),
        cmocka_unit_test(a_pipe_is_no_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
