/* SPDX-License-Identifier: MIT */
/* Every failure of every rank, in turn: each place where a rank may fail (the
 * lp_fault and LP_AGREE of the sources) is made to fail on each of three ranks
 * in a run of the whole path. The job must end on all ranks with exit code 1
 * and one line that says why, must not hang, and what it leaves behind must be
 * gone on with to the same bits. The jobs run in this process, one after the
 * other, which shows as well that a failure leaves no rank in another call. A
 * place of the sources that no run comes by fails the test: add a step. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/status.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "support.h"

enum { RANKS = 3, MOST_SITES = 400, NAME = 48, MOST_SETS = 24, LIMIT_S = 60 };

/* One job of the path, on what the steps before it left in the folder out. */
struct step {
    const char *name;
    enum lp_status (*job)(const struct job_args *args);
    const char *prepare; /* for a shell in the test's folder, before the step */
    bool middle;         /* fail in the middle of the job, too                */
    const char *set[8];
    const char *checked; /* of job_check, where not all outputs are          */
};

#define INPUTS "/usr/bin/python3 " TEST_SOURCE "/tests/fault/own_inputs.py "

/* So many clusters that some are empty; so little memory that features are read
 * ahead. */
static const struct step steps[] = {
    {.name = "plan", .job = job_plan},
    {.name = "fit",
     .job = job_fit,
     .set = {"fit.folds=2", "fit.lambda=10 100", "fit.crops=5", "fit.bias=yes",
             "fit.out=out/fitted.onnx"}},
    {.name = "fit each class by itself",
     .job = job_fit,
     .set = {"fit.folds=2", "fit.lambda=100", "fit.crops=5", "fit.solver=exact",
             "fit.out=out/exact.onnx"}},
    {.name = "extract", .job = job_extract, .middle = true},
    {.name = "cluster",
     .job = job_cluster,
     .prepare = "cp -r out extracted",
     .middle = true,
     .set = {"kmeans.k=64", "kmeans.starts=2", "run.memory=64K",
             "kmeans.reduce=node", "run.node_ranks=2", "run.checkpoint_s=0"}},
    {.name = "activate",
     .job = job_activate,
     .middle = true,
     .set = {"kmeans.k=64", "kmeans.starts=2"}},
    {.name = "score", .job = job_score, .middle = true},
    {.name = "export",
     .job = job_export,
     .middle = true,
     .set = {"export.formats=masks ir irn amn psa clip coco onnx",
             "export.tensor=numpy"}},
    {.name = "gallery",
     .job = job_export,
     .middle = true,
     .set = {"export.formats=gallery", "export.gallery_images=2"}},
    {.name = "check", .job = job_check},
    {.name = "check of a folder", .job = job_check, .checked = "out"},
    {.name = "export of maps from elsewhere",
     .job = job_export,
     .prepare = "rm -r out/export && " INPUTS "maker out maps.h5",
     .set = {"export.formats=ir gallery", "export.out=out/export"}},
    {.name = "cluster from rows",
     .job = job_cluster,
     .prepare = INPUTS "rows out rows.tsv && rm -r out && cp -r extracted out",
     .set = {"kmeans.k=2", "kmeans.start=rows", "kmeans.rows=rows.tsv",
             "kmeans.reduce=scatter"}},
    {.name = "cluster what is from elsewhere",
     .job = job_cluster,
     .prepare =
         "rm -r out && cp -r extracted out && " INPUTS "maker out features.h5",
     .set = {"kmeans.k=4", "kmeans.start=plusplus", "kmeans.sample=64"}},
    {.name = "run",
     .job = job_run,
     .prepare = "rm -r out && cp -r extracted out",
     .set = {"kmeans.k=2", "features.keep=no", "run.balance=dynamic"}},
    {.name = "extract components",
     .job = job_extract,
     .prepare = "rm -r out && mkdir out",
     .middle = true,
     .set = {"features.dims=8", "features.sample=256", "features.solver=all"}},
    {.name = "cluster components",
     .job = job_cluster,
     .set = {"features.dims=8", "kmeans.k=4"}},
    {.name = "check components", .job = job_check, .checked = "out/basis.h5"},
    {.name = "extract for one pass",
     .job = job_extract,
     .prepare = "rm -r out && cp -r extracted out",
     .set = {"run.passes=1"}},
    {.name = "cluster for one pass", .job = job_cluster, .set = {"kmeans.k=2"}},
    {.name = "activate in one pass",
     .job = job_activate,
     .middle = true,
     .set = {"run.passes=1", "kmeans.k=2"}},
    {.name = "check of views", .job = job_check, .checked = "out/views.h5"},
};
enum { N_STEPS = sizeof steps / sizeof *steps };

/* What a run of a step comes by, in the order of rank 0, then of the others. */
struct site {
    char name[NAME];
    int visits[RANKS];
};
static struct site seen[MOST_SITES];
static int n_seen;

/* What was tried so far, over all steps. */
static struct {
    char name[NAME];
    bool on[RANKS];
} tried[MOST_SITES];
static int n_tried, n_failures;

static int me, own_stderr;
static char now[128]; /* what is being tried                               */

static struct site *find_site(const char *name)
{
    for (int i = 0; i < n_seen; ++i)
        if (strcmp(seen[i].name, name) == 0)
            return &seen[i];
    if (n_seen == MOST_SITES || strlen(name) >= NAME)
        return NULL;
    strcpy(seen[n_seen].name, name);
    return &seen[n_seen++];
}

static void note_visit(const char *name)
{
    struct site *s = find_site(name);
    if (!s)
        abort();
    ++s->visits[me];
}

/* The lists of all ranks become one, the same on every rank. */
static void merge_seen(void)
{
    static struct site all[MOST_SITES], theirs[MOST_SITES];
    int n_all = 0;
    for (int r = 0; r < RANKS; ++r) {
        int n = n_seen;
        memcpy(theirs, seen, sizeof seen);
        MPI_Bcast(&n, 1, MPI_INT, r, MPI_COMM_WORLD);
        MPI_Bcast(theirs, (int)sizeof theirs, MPI_BYTE, r, MPI_COMM_WORLD);
        for (int i = 0; i < n; ++i) {
            int j = 0;
            while (j < n_all && strcmp(all[j].name, theirs[i].name) != 0)
                ++j;
            if (j == n_all)
                strcpy(all[n_all++].name, theirs[i].name);
            all[j].visits[r] = theirs[i].visits[r];
        }
    }
    memcpy(seen, all, sizeof all);
    n_seen = n_all;
    memset(all, 0, sizeof all);
}

/* Once more on this rank? */
static bool is_new(const char *name, int rank)
{
    int i = 0;
    while (i < n_tried && strcmp(tried[i].name, name) != 0)
        ++i;
    if (i == n_tried)
        strcpy(tried[n_tried++].name, name);
    const bool fresh = !tried[i].on[rank];
    tried[i].on[rank] = true;
    return fresh;
}

/* A shell command in the test's folder, by rank 0. */
static bool shell(const char *command)
{
    const bool good = me != 0 || system(command) == 0;
    return on_all(good);
}

static void tell_hang(int signal_number)
{
    (void)signal_number;
    static const char end[] = " hangs\n";
    if (write(own_stderr, now, strlen(now)) < 0 ||
        write(own_stderr, end, sizeof end - 1) < 0)
        _exit(2);
    _exit(1);
}

static void point(int fd, const char *path)
{
    const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    fflush(NULL);
    dup2(to, fd);
    close(to);
}

static const char *errors_path(void)
{
    static char path[32];
    snprintf(path, sizeof path, "errors.%d", me);
    return path;
}

/* One job; what it says goes to a file. */
static enum lp_status run(const struct step *step, const char *wish)
{
    static const char *const common[] = {"run.out=out",
                                         "data.root=" TEST_DATA "/scenes",
                                         "model.file=" TEST_DATA "/scenes.onnx",
                                         "model.classes=" TEST_DATA
                                         "/scenes.classes.txt",
                                         "cam.scales=1.0",
                                         "cam.flip=no"};
    static const char *const config[] = {TEST_SOURCE "/configs/scenes.ini"};
    static const char *const outputs[] = {
        config[0],      TEST_DATA "/scenes.onnx", "out/features.h5",
        "out/cams.h5",  "out/prototypes.h5",      "out/maps.h5",
        "out/pooled.h5"};
    const bool check = step->job == job_check;
    const char *set[MOST_SETS];
    char list[4200], test[4200];
    int n = 0;
    for (size_t i = 0; i < sizeof common / sizeof *common; ++i)
        set[n++] = common[i];
    for (int i = 0; i < 8 && step->set[i]; ++i)
        set[n++] = step->set[i];
    snprintf(list, sizeof list, "data.list=%s/list.txt", test_folder());
    set[n++] = list;
    snprintf(test, sizeof test, "fit.test=%s/test.txt", test_folder());
    set[n++] = test;
    const char *const *all = check ? outputs : config;
    const struct job_args args = {.file = step->checked ? &step->checked : all,
                                  .n_files = check && !step->checked ? 7 : 1,
                                  .set = set,
                                  .n_set = n,
                                  .comm = MPI_COMM_WORLD};
    const int out = dup(1);
    snprintf(now, sizeof now, "%s, failure %s", step->name, wish);
    if (*wish)
        setenv("LPCAM_FAULT", wish, 1);
    point(1, "/dev/null");
    point(2, errors_path());
    alarm(LIMIT_S);
    const enum lp_status status = step->job(&args);
    comm_barrier(MPI_COMM_WORLD);
    alarm(0);
    fflush(NULL);
    dup2(out, 1);
    dup2(own_stderr, 2);
    close(out);
    unsetenv("LPCAM_FAULT");
    return status;
}

/* Lines of this rank that say what failed. */
static int count_errors(void)
{
    char *text = NULL;
    size_t n;
    int lines = 0;
    if (text_read(errors_path(), &text, &n) != LP_OK)
        return -1;
    for (const char *at = text; (at = strstr(at, "error: ")); ++at)
        ++lines;
    free(text);
    return lines;
}

static void complain(const char *what)
{
    char *text = NULL;
    size_t n;
    ++n_failures;
    if (me == 0)
        fprintf(stderr, "%s: %s\n", now, what);
    if (text_read(errors_path(), &text, &n) == LP_OK && n > 0)
        fprintf(stderr, "rank %d said: %s", me, text);
    free(text);
}

static bool restore(void)
{
    return shell("rm -rf out && cp -rp before out");
}

/* Fail there; where an earlier failure has left the job past it, from the
 * beginning of the step. */
static void inject(const struct step *step, const char *site, int rank,
                   int visit)
{
    enum lp_status status = LP_OK;
    char wish[NAME + 32];
    snprintf(wish, sizeof wish, "%s@%d:%d", site, rank, visit);
    for (int attempt = 0; attempt < 2; ++attempt) {
        lp_fault_watch(NULL);
        status = run(step, wish);
        if (!on_all(status == LP_OK))
            break;
        restore();
    }
    const bool failed = status != LP_OK && status != LP_EPEER;
    const int code = comm_exit_code(MPI_COMM_WORLD, lp_exit_code(status));
    if (on_all(status == LP_OK))
        complain("the job does not come by there again, or goes on");
    else if (code != 1 || !on_all(failed == (me == rank)))
        complain("not the failing rank alone has a failure of its own");
    else if (!on_all(count_errors() == (me == rank)))
        complain("not one line on the failing rank alone");
}

/* Both folders hold the same files, to the last bit. */
static bool same(void)
{
    return shell(
        "for f in $(ls out after | grep -E 'h5|json|checkpoint|onnx'); do "
        "case $f in *.h5) /usr/bin/python3 " TEST_SOURCE
        "/tests/job/same_bits.py out/$f after/$f >same.txt ;; "
        "*) cmp out/$f after/$f ;; esac || exit 1; done; "
        "[ ! -e out/export ] || diff -r out/export after/export");
}

static void take_step(const struct step *step)
{
    n_seen = 0;
    memset(seen, 0, sizeof seen);
    assert_true(!step->prepare || shell(step->prepare));
    assert_true(shell("rm -rf before after && cp -rp out before"));
    lp_fault_watch(note_visit);
    const enum lp_status status = run(step, "");
    lp_fault_watch(NULL);
    if (!on_all(status == LP_OK))
        complain("fails undisturbed");
    merge_seen();
    assert_true(shell("cp -rp out after") && restore());
    for (int i = 0; i < n_seen; ++i)
        for (int r = 0; r < RANKS; ++r) {
            const int visits = seen[i].visits[r];
            if (visits > 0 && is_new(seen[i].name, r))
                inject(step, seen[i].name, r, 1);
            if (visits > 2 && step->middle && !strchr(seen[i].name, ':'))
                inject(step, seen[i].name, r, (visits + 1) / 2);
        }
    if (!on_all(run(step, "") == LP_OK))
        complain("does not go on after all failures");
    if (!same())
        complain("the files differ after all failures");
}

static void a_failure_of_any_rank_ends_the_job_and_loses_nothing(void **state)
{
    (void)state;
    assert_true(shell("for i in 1:list 2:test; do sed -n \"s/ .*//; "
                      "${i%:*}~5p\" " TEST_DATA
                      "/scenes/labels.txt >${i#*:}.txt; done && mkdir out"));
    for (int i = 0; i < N_STEPS; ++i)
        take_step(&steps[i]);
    assert_int_equal(n_failures, 0);
}

/* Was a site of these lines of a file tried? `from` to `to` are the lines of a
 * call. */
static bool was_tried(const char *file, int from, int to)
{
    char name[128];
    for (int line = from; line <= to; ++line) {
        snprintf(name, sizeof name, "%s:%d", strrchr(file, '/') + 1, line);
        for (int i = 0; i < n_tried; ++i)
            if (strcmp(tried[i].name, name) == 0)
                return true;
    }
    return false;
}

static int lines_in(const char *from, const char *to)
{
    int n = 0;
    for (; from < to; ++from)
        n += *from == '\n';
    return n;
}

/* The calls LP_AGREE(...), H5_AGREE(...) of a file that no run came by. */
static int untried_agreements(const char *path, const char *text)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, "_AGREE("));) {
        const int first = 1 + lines_in(text, at);
        const char *end = at += strlen("_AGREE(");
        for (int depth = 1; depth > 0 && *end; ++end)
            depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
        if (was_tried(path, first, 1 + lines_in(text, end)))
            continue;
        fprintf(stderr, "no run comes by %s:%d\n", path, first);
        ++n;
    }
    return n;
}

/* The names in lp_fault(...) of a file that no run came by. */
static int untried_faults(const char *path, const char *text)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, "lp_fault("));) {
        const char *end = strchr(at += strlen("lp_fault("), ')');
        while (at < end && (at = strchr(at, '"')) && at < end) {
            const char *close = strchr(++at, '"');
            int i = 0;
            while (i < n_tried &&
                   (strncmp(tried[i].name, at, (size_t)(close - at)) != 0 ||
                    tried[i].name[close - at]))
                ++i;
            if (i == n_tried) {
                fprintf(stderr, "no run comes by %.*s of %s\n",
                        (int)(close - at), at, path);
                ++n;
            }
            at = close + 1;
        }
        at = end;
    }
    return n;
}

static void no_place_of_the_sources_is_left_out(void **state)
{
    (void)state;
    glob_t files;
    int untried = 0;
    glob(TEST_SOURCE "/src/*/*.c", 0, NULL, &files);
    glob(TEST_SOURCE "/jobs/*.c", GLOB_APPEND, NULL, &files);
    for (size_t i = 0; i < files.gl_pathc && me == 0; ++i) {
        char *text = NULL;
        size_t n;
        if (text_read(files.gl_pathv[i], &text, &n) != LP_OK)
            ++untried;
        untried += text ? untried_agreements(files.gl_pathv[i], text) +
                              untried_faults(files.gl_pathv[i], text)
                        : 0;
        free(text);
    }
    if (me == 0)
        printf("%d sites failed on %d ranks\n", n_tried, RANKS);
    globfree(&files);
    assert_true(on_all(untried == 0 && n_tried > 100));
}

static int set_up(void **state)
{
    (void)state;
    me = comm_rank(MPI_COMM_WORLD);
    own_stderr = dup(2);
    signal(SIGALRM, tell_hang);
    return comm_size(MPI_COMM_WORLD) != RANKS || chdir(test_folder()) != 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_failure_of_any_rank_ends_the_job_and_loses_nothing, set_up),
        cmocka_unit_test(no_place_of_the_sources_is_left_out),
    };
    if (system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0)
        return 77;
    return test_mpi_main(argc, argv, tests);
}
