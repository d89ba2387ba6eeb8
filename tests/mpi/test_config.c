/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/config.h"

#define WORLD MPI_COMM_WORLD

static char said[8192]; /* what the last try_load left on stderr */

/* Load, keeping this rank's stderr. The caller releases. */
static enum lp_status try_load(struct config *c, const char *path,
                               const char *const *set, int n_set)
{
    FILE *file = tmpfile();
    assert_true(on_all(file != NULL));
    fflush(stderr);
    const int keep = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    const enum lp_status status = config_load(c, path, set, n_set, WORLD);
    fflush(stderr);
    dup2(keep, STDERR_FILENO);
    close(keep);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = 0;
    fclose(file);
    return status;
}

/* The text as a file that only rank 0 can know of. */
static const char *file_of(const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/voc.ini", test_folder());
    bool good = true;
    if (comm_rank(WORLD) == 0)
        good = text_write(path, text, strlen(text)) == LP_OK;
    assert_true(on_all(good));
    return comm_rank(WORLD) == 0 ? path : "elsewhere.ini";
}

/* Is the one line said this sentence, with or without where in the source? */
static bool said_only(const char *sentence)
{
    const size_t n = strlen(sentence);
    const char *at = strstr(said, "voc.ini"), *end = strchr(said, '\n');
    const bool good = at && strncmp(at, sentence, n) == 0 &&
                      (at[n] == '\n' || strncmp(at + n, " (", 2) == 0) && end &&
                      end[1] == 0;
    if (!good)
        print_error("wanted: %s\nsaid:   %s\n", sentence, said);
    return good;
}

/* The file is refused with exactly one sentence, and rank 0 alone says it. */
static void refuse(const char *text, const char *sentence)
{
    struct config c;
    static const char *const set[] = {"run.out=x"};
    const bool root = comm_rank(WORLD) == 0;
    const enum lp_status got = try_load(&c, file_of(text), set, 1);
    config_release(&c);
    assert_true(on_all(got == (root ? LP_EUSAGE : LP_EPEER)));
    assert_true(on_all(root ? said_only(sentence) : said[0] == 0));
}

/* A wrong --set is refused with this sentence. */
static void refuse_set(const char *set, const char *sentence)
{
    struct config c;
    const char *const sets[] = {"run.out=x", set};
    const bool root = comm_rank(WORLD) == 0;
    const enum lp_status got = try_load(&c, NULL, sets, 2);
    config_release(&c);
    if (root && !strstr(said, sentence))
        print_error("wanted: %s\nsaid:   %s\n", sentence, said);
    assert_true(on_all(got == (root ? LP_EUSAGE : LP_EPEER)));
    assert_true(on_all(root ? strstr(said, sentence) != NULL : said[0] == 0));
}

static void the_defaults_are_those_of_the_reference(void **state)
{
    (void)state;
    struct config c;
    static const char *const set[] = {"run.out=o"};
    assert_true(on_all(try_load(&c, NULL, set, 1) == LP_OK));
    assert_true(on_all(strcmp(c.run.out, "o") == 0));
    assert_true(on_all(c.run.memory == (int64_t)4 << 30));
    assert_true(on_all(c.run.passes == 2 && c.run.progress_s == 30));
    assert_true(on_all(c.data.layout == LAYOUT_LIST && c.data.background));
    assert_true(on_all(c.data.ignore.n == 1 && c.data.ignore.v[0] == 255));
    assert_true(on_all(strcmp(c.data.root, "") == 0));
    assert_true(on_all(strcmp(c.data.labels, "labels.txt") == 0));
    assert_true(on_all(c.model.mean.n == 3 && c.model.mean.v[2] == 0.406));
    assert_true(on_all(c.model.precision == LP_F32 && !c.model.bgr));
    assert_true(on_all(c.cam.scales.n == 4 && c.cam.scales.v[1] == 0.5));
    assert_true(on_all(c.features.value == LP_F16 && c.features.dims == 0));
    assert_true(on_all(c.kmeans.k == 12 && c.kmeans.start == START_HASH));
    assert_true(on_all(c.kmeans.stop == STOP_MOVED && c.kmeans.tol == 5));
    assert_true(on_all(c.prototypes.choice == CHOICE_WEIGHTED));
    assert_true(on_all(c.prototypes.balance && c.prototypes.power == 4));
    assert_true(on_all(!c.maps.seed && c.maps.value == LP_F16));
    assert_true(on_all(c.score.thresholds.n == 12 && c.score.unknown_ignore));
    config_release(&c);
}

static void the_file_overrides_and_the_command_line_overrides_it(void **state)
{
    (void)state;
    struct config c;
    static const char *const set[] = {"kmeans.k=20", "run.seed=7", "run.seed=8",
                                      "data.list=a b"};
    const char *path = file_of("; a comment\n# another\n\n"
                               "[run]\r\nout = with space # and a comment\r\n"
                               "[kmeans]\n k=3\n\tstarts : 5\n"
                               "[data]\nroot=/a;b #c\nimages = jp#gs ;x\n"
                               "ignore =   0\t255 \nlabels=\n"
                               "[run]\nmemory = 512 MiB\n"
                               "[maps]\nfull = seed\nvalue = u8\n"
                               "[model]\norder = bgr\nprecision = bf16\n"
                               "[score]\nunknown = background");
    assert_true(on_all(try_load(&c, path, set, 4) == LP_OK));
    assert_true(on_all(strcmp(c.run.out, "with space") == 0));
    assert_true(on_all(c.kmeans.k == 20 && c.kmeans.starts == 5));
    assert_true(on_all(strcmp(c.data.root, "/a;b") == 0));
    assert_true(on_all(strcmp(c.data.images, "jp#gs ;x") == 0));
    assert_true(on_all(strcmp(c.data.list, "a b") == 0));
    assert_true(on_all(strcmp(c.data.labels, "") == 0));
    assert_true(on_all(c.data.ignore.n == 2 && c.data.ignore.v[1] == 255));
    assert_true(on_all(c.run.memory == (int64_t)512 << 20));
    assert_true(on_all(c.run.seed == 8));
    assert_true(on_all(c.maps.seed && c.maps.value == LP_U8));
    assert_true(on_all(c.model.bgr && c.model.precision == LP_BF16));
    assert_true(on_all(!c.score.unknown_ignore));
    config_release(&c);
}

static void errors_name_file_and_line(void **state)
{
    (void)state;
    refuse("[kmeans]\n\nkk = 3\n",
           "voc.ini:3: unknown key kmeans.kk (nearest: kmeans.k)");
    refuse("k = 3\n", "voc.ini:1: k stands before any [section]");
    refuse("[cam]\nflip = maybe # no\n",
           "voc.ini:2: cam.flip must be no or yes, not \"maybe\"");
    refuse("[kmeans]\nk = 3\nstop = moved\n[cam]\n[kmeans]\nk = 4\n",
           "voc.ini:6: kmeans.k is already set in line 2");
    refuse("[cam]\nflip\n", "voc.ini:2: this must be [section] or key = value");
    refuse("\n[cam\nflip = yes\n",
           "voc.ini:2: this must be [section] or key = value");
    refuse("[data]\nlayout = cocoa\n",
           "voc.ini:2: data.layout must be list or voc or coco, not \"cocoa\"");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    refuse("[kmeans]\nk = 255\n", "voc.ini:2: kmeans.k must be a whole number "
                                  "from 1 to 254, not \"255\"");
    refuse("[run]\npasses = 3\n", "voc.ini:2: run.passes must be a whole "
                                  "number from 1 to 2, not \"3\"");
    refuse("[kmeans]\nk = 12.5\n", "voc.ini:2: kmeans.k must be a whole number "
                                   "from 1 to 254, not \"12.5\"");
    refuse("[split]\nthreshold = nan\n",
           "voc.ini:2: split.threshold must be a number from 0 to 1, not "
           "\"nan\"");
    refuse("[run]\nmemory = much\n", "voc.ini:2: run.memory must be bytes such "
                                     "as 4G or 512M, not \"much\"");
    refuse("[cam]\nscales = 1 -1\n",
           "voc.ini:2: cam.scales must be at most 64 numbers from 0.01 to 16 "
           "with spaces between, not \"1 -1\"");
    refuse_set("kmeans.k=0", "--set: kmeans.k must be");
    refuse_set("kmeans.k=", "--set: kmeans.k must be");
    refuse_set("cam.scales=1,2", "--set: cam.scales must be");
    refuse_set("run.seed=4294967296", "from 0 to 4294967295");
}

static void values_that_cannot_work_together_are_refused(void **state)
{
    (void)state;
    refuse("[model]\nmean = 0.5\n", "voc.ini: model.mean and model.std must be "
                                    "three numbers each, one a channel");
    refuse("[cam]\nscales =\n",
           "voc.ini: cam.scales must name at least one scale");
    refuse("[data]\nignore = 0 25.5\n",
           "voc.ini: data.ignore must be whole numbers from 0 to 255");
    refuse("[kmeans]\nstart = rows\n",
           "voc.ini: kmeans.rows must name the file of start rows when "
           "kmeans.start = rows");
    refuse("[export]\nthreshold = 0.4 0.3\n",
           "voc.ini: export.threshold must be one number, or two, the lower "
           "first");
    refuse("[export]\nir = 0.3\n",
           "voc.ini: export.ir must be two numbers, the higher first");
    refuse("[prototypes]\ncontext_above = 0.9\n",
           "voc.ini: prototypes.context_above must be below "
           "prototypes.context_below");
    for (int i = 0; i < 4; ++i) {
        static const char *const list[] = {"0.2 0.2", "0 0.5", "0.5 1", ""};
        char text[64];
        snprintf(text, sizeof text, "[score]\nthresholds = %s\n", list[i]);
        refuse(text, "voc.ini: score.thresholds must ascend and lie between 0 "
                     "and 1");
    }
    refuse_set("features.sample=255", "features.sample must be a whole number");
}

static void some_words_of_a_set_are_taken_together(void **state)
{
    (void)state;
    struct config c;
    static const char *const none[] = {"run.out=x"};
    static const char *const some[] = {"run.out=x",
                                       "export.formats= irn\tmasks  irn"};
    assert_true(on_all(try_load(&c, NULL, none, 1) == LP_OK));
    char *text = config_value(&c, "export.formats");
    assert_true(on_all(c.export.formats == 0 && strcmp(text, "") == 0));
    free(text);
    config_release(&c);
    assert_true(on_all(try_load(&c, NULL, some, 2) == LP_OK));
    text = config_value(&c, "export.formats");
    assert_true(on_all(c.export.formats == (EXPORT_MASKS | EXPORT_IRN)));
    assert_true(on_all(strcmp(text, "masks irn") == 0));
    free(text);
    config_release(&c);
    refuse("[export]\nformats = masks pngs\n",
           "voc.ini:2: export.formats must be masks or ir or irn or amn or psa "
           "or clip or coco or onnx or gallery, not \"pngs\"");
}

static void wrong_arguments_of_set_are_refused(void **state)
{
    (void)state;
    refuse_set("kmeans.k", "--set kmeans.k: this must be section.key=value");
    refuse_set("kmaens.k=3", "--set: unknown key kmaens.k (nearest: kmeans.k)");
    refuse_set("run.out=", "run.out must be given");
    refuse_set("data.root=a\nb", "data.root must be one line");
    refuse_set("data.root= a", "data.root must be one line");
    refuse_set("data.root=#a", "data.root must be one line");
    refuse_set("data.root=a #b", "data.root must be one line");
}

static void files_that_cannot_be_read_are_refused(void **state)
{
    (void)state;
    struct config c;
    const bool root = comm_rank(WORLD) == 0;
    enum lp_status got = try_load(&c, "no/such.ini", NULL, 0);
    config_release(&c);
    assert_true(on_all(got == (root ? LP_EIO : LP_EPEER)));
    assert_true(on_all(!root || strstr(said, "no/such.ini")));

    const char *path = file_of("");
    bool good = !root || text_write(path, "[run]\0[", 7) == LP_OK;
    assert_true(on_all(good));
    got = try_load(&c, path, NULL, 0);
    config_release(&c);
    assert_true(on_all(got == (root ? LP_EUSAGE : LP_EPEER)));
    assert_true(on_all(!root || strstr(said, "not a text file")));
}

/* Long lines, numbers without a short decimal, empty lists and texts. */
static void the_printed_values_read_back_to_the_same(void **state)
{
    (void)state;
    struct config a, b;
    char list[2048] = "score.thresholds=", root[3000] = "data.root=/";
    for (int i = 1; i <= CONFIG_MAX_LIST; ++i)
        snprintf(list + strlen(list), 32, " %.17g", i / 65.0);
    memset(root + strlen(root), 'x', 2900);
    const char *const set[] = {"run.out=a;b c#d",
                               list,
                               root,
                               "data.ignore=",
                               "split.threshold=0.3333333333333333",
                               "run.memory=1536",
                               "kmeans.tol=1e-9",
                               "data.layout=voc",
                               "features.keep=no"};
    assert_true(on_all(try_load(&a, NULL, set, 9) == LP_OK));
    char *text = config_text(&a);
    assert_true(on_all(text != NULL));
    assert_true(on_all(try_load(&b, file_of(text), NULL, 0) == LP_OK));
    char *again = config_text(&b);
    assert_true(on_all(again && strcmp(text, again) == 0));
    assert_true(on_all(b.score.thresholds.n == CONFIG_MAX_LIST));
    assert_true(on_all(memcmp(&a.score.thresholds, &b.score.thresholds,
                              sizeof a.score.thresholds) == 0));
    assert_true(on_all(strlen(b.data.root) == 2901));
    assert_true(on_all(b.split.threshold == 0.3333333333333333));
    assert_true(on_all(b.data.ignore.n == 0 && b.run.memory == 1536));
    free(again);
    free(text);
    config_release(&a);
    config_release(&b);
}

static void one_value_is_printed_as_in_the_file(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"run.memory", "4G"},    {"cam.scales", "1 0.5 1.5 2"},
        {"cam.flip", "yes"},     {"score.unknown", "ignore"},
        {"kmeans.k", "12"},      {"model.order", "rgb"},
        {"data.masks", "masks"}, {"features.value", "f16"},
        {"kmeans.rows", ""},     {"split.threshold", "0.1"}};
    static const char *const set[] = {"run.out=x"};
    struct config c;
    assert_true(on_all(try_load(&c, NULL, set, 1) == LP_OK));
    for (int i = 0; i < 10; ++i) {
        char *value = config_value(&c, pair[i][0]);
        assert_true(on_all(value && strcmp(value, pair[i][1]) == 0));
        free(value);
    }
    assert_true(on_all(config_value(&c, "kmeans.kk") == NULL));
    config_release(&c);
}

/* Plain where a person would write it so, and the same number again. */
static void reals_are_printed_short_and_read_back(void **state)
{
    (void)state;
    static const char *const pair[][2] = {
        {"30", "30"},
        {"1e2", "100"},
        {"0.05", "0.05"},
        {"2500000", "2500000"},
        {"1200000.0", "1200000"},
        {"9999999", "9999999"},
        {"1e7", "1e+07"},
        {"12345678.5", "1.23456785e+07"},
        {"0.0001", "0.0001"},
        {"0.00012345678901234567", NULL},
        {"0.00001", "1e-05"},
        {"1e-9", "1e-09"},
        {"0", "0"},
        {"0.3333333333333333", "0.3333333333333333"},
        {"1048576.3333333333", NULL},
        {"123456.78901234567", NULL}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; ++i) {
        char text[64];
        struct config a, b;
        const char *set[] = {"run.out=x", text};
        snprintf(text, sizeof text, "kmeans.tol=%s", pair[i][0]);
        assert_true(on_all(try_load(&a, NULL, set, 2) == LP_OK));
        char *value = config_value(&a, "kmeans.tol");
        assert_true(
            on_all(value && (!pair[i][1] || strcmp(value, pair[i][1]) == 0)));
        assert_true(on_all(!strchr(value, 'e') ==
                           (a.kmeans.tol == 0 ||
                            (a.kmeans.tol >= 1e-4 && a.kmeans.tol < 1e7))));
        snprintf(text, sizeof text, "kmeans.tol=%s", value);
        assert_true(on_all(try_load(&b, NULL, set, 2) == LP_OK));
        assert_true(on_all(a.kmeans.tol == b.kmeans.tol));
        free(value);
        config_release(&a);
        config_release(&b);
    }
}

static void all_files_of_configs_load(void **state)
{
    (void)state;
    static const char *const set[] = {"run.out=x"};
    glob_t found;
    assert_true(
        on_all(glob(TEST_SOURCE "/configs/*.ini", 0, NULL, &found) == 0));
    assert_true(on_all(found.gl_pathc >= 4));
    for (size_t i = 0; i < found.gl_pathc; ++i) {
        struct config c;
        const enum lp_status got = try_load(&c, found.gl_pathv[i], set, 1);
        if (comm_rank(WORLD) == 0 && got != LP_OK)
            print_error("%s", said);
        assert_true(on_all(got == LP_OK));
        config_release(&c);
    }
    globfree(&found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_reference),
        cmocka_unit_test(the_file_overrides_and_the_command_line_overrides_it),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(values_that_cannot_work_together_are_refused),
        cmocka_unit_test(some_words_of_a_set_are_taken_together),
        cmocka_unit_test(wrong_arguments_of_set_are_refused),
        cmocka_unit_test(files_that_cannot_be_read_are_refused),
        cmocka_unit_test(the_printed_values_read_back_to_the_same),
        cmocka_unit_test(one_value_is_printed_as_in_the_file),
        cmocka_unit_test(reals_are_printed_short_and_read_back),
        cmocka_unit_test(all_files_of_configs_load),
    };
    return test_mpi_main(argc, argv, tests);
}
