/* SPDX-License-Identifier: MIT */
/* Cross-validation against fits of copied folds and precision by its words. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logistic_data.h"
#include "lpcam/base/fault.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"
#include "tiny_store.h"

enum { N = 150, D = 9, CLASSES = 4, FOLDS = 3, POINTS = 4 };

static const struct logistic_options options = {
    .tol = 1e-10, .max_iter = 60, .bias = true};

/* The last class is in no image of fold 0, whose labels have no say then. */
static struct samples folded(void)
{
    struct samples s = samples_made(N, D, CLASSES, 21);
    uint8_t *fold = malloc(N), *y = (uint8_t *)(uintptr_t)s.y;
    for (int i = 0; i < N; ++i) {
        fold[i] = (uint8_t)(made_up(5, (uint64_t)i, 0) * FOLDS);
        if (fold[i] == 0)
            y[i * CLASSES + CLASSES - 1] = 0;
    }
    s.fold = fold;
    return s;
}

/* The images of a fold, or of the others. */
static struct samples part(const struct samples *all, int fold, bool in)
{
    float *x = calloc(N * D, sizeof *x);
    uint8_t *y = calloc(N * CLASSES, 1);
    int64_t n = 0;
    for (int i = 0; i < N; ++i) {
        if ((all->fold[i] == fold) != in)
            continue;
        memcpy(x + n * D, all->x + i * D, D * sizeof *x);
        memcpy(y + n * CLASSES, all->y + i * CLASSES, CLASSES);
        ++n;
    }
    return (struct samples){
        .n = n, .d = D, .n_classes = CLASSES, .x = x, .y = y};
}

/* For each image with the class, the share of those with it among all of at
 * least its score. */
static double precision_of(const struct samples *s, const struct logistic *l,
                           int c)
{
    double score[N], sum = 0;
    int n_pos = 0;
    for (int64_t i = 0; i < s->n; ++i) {
        score[i] = l->bias[c];
        for (int j = 0; j < D; ++j)
            score[i] += l->weight[c * D + j] * (double)s->x[i * D + j];
    }
    for (int64_t i = 0; i < s->n; ++i) {
        int n_above = 0, n_good = 0;
        if (!s->y[i * CLASSES + c])
            continue;
        ++n_pos;
        for (int64_t k = 0; k < s->n; ++k)
            if (score[k] >= score[i]) {
                ++n_above;
                n_good += s->y[k * CLASSES + c];
            }
        sum += (double)n_good / n_above;
    }
    return n_pos > 0 ? sum / n_pos : -1;
}

/* Each class's mean over the folds, for one lambda. */
static void brute_force(const struct samples *all, double lambda, double *ap)
{
    int n_judged[CLASSES] = {0};
    struct grid g;
    struct logistic_options o = options;
    o.lambda = lambda;
    memset(ap, 0, CLASSES * sizeof *ap);
    grid_init(&g, 1, 1, MPI_COMM_SELF);
    for (int fold = 0; fold < FOLDS; ++fold) {
        struct samples learn = part(all, fold, false);
        struct samples held = part(all, fold, true);
        struct logistic l;
        if (logistic_fit(&l, &learn, &o, &g) != LP_OK)
            abort();
        for (int c = 0; c < CLASSES; ++c) {
            const double one = precision_of(&held, &l, c);
            ap[c] += one < 0 ? 0 : one;
            n_judged[c] += one >= 0;
        }
        logistic_release(&l);
        samples_release(&learn);
        samples_release(&held);
    }
    for (int c = 0; c < CLASSES; ++c)
        ap[c] = n_judged[c] > 0 ? ap[c] / n_judged[c] : -1;
    grid_release(&g);
}

static void it_picks_what_brute_force_picks(void **state)
{
    (void)state;
    static const double lambda[POINTS] = {1, 100, 0.01, 1};
    struct samples all = folded();
    double expected[POINTS][CLASSES], mean[POINTS] = {0};
    int expected_best = 1;
    for (int i = 0; i < POINTS; ++i) {
        brute_force(&all, lambda[i], expected[i]);
        for (int c = 0; c < CLASSES; ++c)
            mean[i] += expected[i][c] / CLASSES;
    }
    for (int i = 0; i < POINTS; ++i) /* larger lambdas of equals */
        if (mean[i] > mean[expected_best])
            expected_best = i;
    for (int mode = 0; mode < SHARES; ++mode) {
        struct share mine = share_of(&all, mode);
        struct logistic_point point[POINTS];
        double ap[POINTS][CLASSES], worst = 0;
        struct grid g;
        int best, n_open = 0;
        for (int i = 0; i < POINTS; ++i)
            point[i] = (struct logistic_point){.lambda = lambda[i]};
        grid_init(&g, 0, 0, MPI_COMM_WORLD);
        assert_true(
            on_all(logistic_path(point, POINTS, FOLDS, &best, ap[0], &mine.s,
                                 &options, NULL, &g) == LP_OK));
        for (int i = 0; i < POINTS; ++i) {
            worst = fmax(worst, fabs(point[i].mean_ap - mean[i]));
            n_open += point[i].n_open;
            for (int c = 0; c < CLASSES; ++c)
                worst = fmax(worst, fabs(ap[i][c] - expected[i][c]));
        }
        assert_true(on_all(worst < 1e-12 && n_open == 0));
        assert_true(on_all(best == expected_best));
        grid_release(&g);
        share_release(&mine);
    }
    samples_release(&all);
}

static void a_class_without_images_is_left_out_of_the_mean(void **state)
{
    (void)state;
    struct samples all = folded();
    uint8_t *y = (uint8_t *)(uintptr_t)all.y;
    for (int i = 0; i < N; ++i)
        y[i * CLASSES + 1] = 0;
    struct share mine = share_of(&all, 0);
    struct logistic_point point = {.lambda = 1};
    double ap[CLASSES];
    struct grid g;
    int best;
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    assert_true(on_all(logistic_path(&point, 1, FOLDS, &best, ap, &mine.s,
                                     &options, NULL, &g) == LP_OK));
    assert_true(on_all(ap[1] == -1 && ap[0] > 0 && best == 0));
    assert_true(
        on_all(fabs(point.mean_ap - (ap[0] + ap[2] + ap[3]) / 3) < 1e-15));
    grid_release(&g);
    share_release(&mine);
    samples_release(&all);
}

static void fits_that_do_not_converge_are_counted(void **state)
{
    (void)state;
    struct samples all = folded();
    struct share mine = share_of(&all, 2);
    struct logistic_point point = {.lambda = 1};
    struct logistic_options o = options;
    struct grid g;
    int best;
    o.max_iter = 0;
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    assert_true(on_all(logistic_path(&point, 1, FOLDS, &best, NULL, &mine.s, &o,
                                     NULL, &g) == LP_OK));
    assert_true(on_all(point.n_open == FOLDS * CLASSES));
    grid_release(&g);
    share_release(&mine);
    samples_release(&all);
}

static void folds_without_images_are_refused(void **state)
{
    (void)state;
    struct samples all = folded();
    struct share mine = share_of(&all, 0);
    static const int wrong[] = {0, 1, FOLDS - 1, FOLDS + 1};
    for (int i = 0; i < 4; ++i) {
        struct logistic_point point = {.lambda = 1};
        struct grid g;
        int best;
        grid_init(&g, 0, 0, MPI_COMM_WORLD);
        const enum lp_status status = logistic_path(
            &point, 1, wrong[i], &best, NULL, &mine.s, &options, NULL, &g);
        assert_true(on_all(status == LP_EARG || status == LP_EPEER));
        grid_release(&g);
    }
    share_release(&mine);
    samples_release(&all);
}

static void without_memory_all_fail(void **state)
{
    (void)state;
    static const char *const sites[] = {"logistic_path", "newton",
                                        "average_precisions", "exchange_rows"};
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    const bool mine = comm_rank(MPI_COMM_WORLD) == last;
    struct samples all = folded();
    struct share part_of_all = share_of(&all, 0);
    for (int i = 0; i < 4; ++i) {
        struct logistic_point point = {.lambda = 1};
        char wish[32];
        struct grid g;
        int best;
        grid_init(&g, 0, 0, MPI_COMM_WORLD);
        snprintf(wish, sizeof wish, "%s@%d", sites[i], last);
        setenv("LPCAM_FAULT", wish, 1);
        const enum lp_status status = logistic_path(
            &point, 1, FOLDS, &best, NULL, &part_of_all.s, &options, NULL, &g);
        unsetenv("LPCAM_FAULT");
        assert_true(on_all(status == (mine ? LP_ENOMEM : LP_EPEER)));
        grid_release(&g);
    }
    share_release(&part_of_all);
    samples_release(&all);
}

enum { FITS = 2 * FOLDS };

/* What rank 0 was given to save after each number of fits. */
struct saver {
    double *number[FITS + 1];
    int64_t n;
    int n_saves, fails; /* fails: the saves to fail from now on             */
};

static enum lp_status take(void *arg, const struct logistic_past *past)
{
    struct saver *saver = arg;
    ++saver->n_saves;
    if (saver->fails-- > 0)
        return lp_fail(LP_EIO, "no room");
    free(saver->number[past->n_done]);
    saver->number[past->n_done] = malloc((size_t)past->n * sizeof(double));
    memcpy(saver->number[past->n_done], past->number,
           (size_t)past->n * sizeof(double));
    saver->n = past->n;
    return LP_OK;
}

static void saver_release(struct saver *saver)
{
    for (int i = 0; i <= FITS; ++i)
        free(saver->number[i]);
}

struct result {
    struct logistic_point point[2];
    double ap[2][CLASSES];
    int best;
};

/* The path of a share; its answer is the same on every rank. */
static enum lp_status run_path(const struct logistic_options *o,
                               const struct logistic_keep *keep,
                               struct result *r)
{
    struct samples all = folded();
    struct share mine = share_of(&all, 0);
    struct grid g;
    *r = (struct result){.point = {{.lambda = 1}, {.lambda = 2}}};
    grid_init(&g, 0, 0, MPI_COMM_WORLD);
    const enum lp_status status = logistic_path(r->point, 2, FOLDS, &r->best,
                                                r->ap[0], &mine.s, o, keep, &g);
    grid_release(&g);
    share_release(&mine);
    samples_release(&all);
    return status;
}

/* All have what rank 0 saved. */
static void share_saves(struct saver *saver)
{
    comm_bcast(MPI_COMM_WORLD, &saver->n, sizeof saver->n);
    const int64_t bytes = saver->n * (int64_t)sizeof(double);
    for (int i = 1; i <= FITS; ++i) {
        if (comm_rank(MPI_COMM_WORLD) > 0)
            saver->number[i] = malloc((size_t)bytes);
        comm_bcast(MPI_COMM_WORLD, saver->number[i], bytes);
    }
}

static void it_goes_on_from_any_fit_to_the_same_bits(void **state)
{
    (void)state;
    const bool root = comm_rank(MPI_COMM_WORLD) == 0;
    struct saver saver = {0};
    struct logistic_keep keep = {.save = take, .arg = &saver};
    struct result whole, plain;
    assert_true(on_all(run_path(&options, NULL, &plain) == LP_OK));
    assert_true(on_all(run_path(&options, &keep, &whole) == LP_OK));
    assert_true(on_all(memcmp(&plain, &whole, sizeof whole) == 0));
    assert_true(on_all(saver.n_saves == (root ? FITS : 0)));
    share_saves(&saver);
    for (int from = 1; from <= FITS; ++from) {
        struct saver rest = {0};
        struct result r;
        keep.arg = &rest;
        keep.past = (struct logistic_past){from, saver.n, saver.number[from]};
        assert_true(on_all(run_path(&options, &keep, &r) == LP_OK));
        assert_true(on_all(memcmp(&r, &whole, sizeof r) == 0));
        assert_true(on_all(rest.n_saves == (root ? FITS - from : 0)));
        for (int i = from + 1; root && i <= FITS; ++i)
            assert_memory_equal(rest.number[i], saver.number[i],
                                (size_t)saver.n * sizeof(double));
        saver_release(&rest);
    }
    saver_release(&saver);
}

static void what_was_kept_of_another_path_is_refused(void **state)
{
    (void)state;
    static const double some[8];
    const struct logistic_past wrong[] = {{1, 8, some}, {FITS + 1, 8, some}};
    for (int i = 0; i < 2; ++i) {
        const struct logistic_keep keep = {.save = take, .past = wrong[i]};
        struct result r;
        tiny_listen();
        const enum lp_status status = run_path(&options, &keep, &r);
        assert_true(on_all(status == LP_EARG || status == LP_EPEER));
        assert_true(on_all(comm_rank(MPI_COMM_WORLD) > 0 ||
                           strstr(tiny_heard(), "remove its file")));
    }
}

static void a_save_that_fails_stops_nothing(void **state)
{
    (void)state;
    struct saver saver = {.fails = 2};
    const struct logistic_keep keep = {.save = take, .arg = &saver};
    struct result r;
    assert_true(on_all(run_path(&options, &keep, &r) == LP_OK));
    assert_true(on_all(comm_rank(MPI_COMM_WORLD) > 0 ||
                       (!saver.number[2] && saver.number[3])));
    saver_release(&saver);
}

/* The path as above; what rank 0 says goes to `said`. */
static enum lp_status path_said(const struct logistic_options *o,
                                const struct logistic_keep *keep, FILE *said)
{
    struct result r;
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    dup2(fileno(said), STDOUT_FILENO);
    const enum lp_status status = run_path(o, keep, &r);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(said);
    return status;
}

/* Also of the last fit, and in order. */
static void it_says_which_fit_it_is_at(void **state)
{
    (void)state;
    struct logistic_options o = options;
    char line[256];
    int n, of, last = 0;
    bool good = true;
    FILE *said = tmpfile();
    o.progress_s = 1e-9;
    assert_true(on_all(path_said(&o, NULL, said) == LP_OK));
    while (fgets(line, sizeof line, said)) {
        const char *at = strstr(line, "] fit ");
        good = good && at && sscanf(at, "] fit %d of %d: lambda", &n, &of) == 2;
        good = good && of == 2 * FOLDS && (n == last || n == last + 1);
        last = n;
    }
    assert_true(on_all(good));
    assert_true(on_all(comm_rank(MPI_COMM_WORLD) > 0 || last == 2 * FOLDS));
    fclose(said);
}

/* A signal to this rank in the middle of the fifth fit: after its first step. */
static void stop_in_fifth(const char *site)
{
    static int fits, pauses;
    fits += strcmp(site, "newton") == 0;
    if (fits == 5 && strncmp(site, "logistic_problem.c:", 19) == 0 &&
        ++pauses == 8)
        raise(SIGUSR1);
}

static int n_newtons;

static void count_newtons(const char *site)
{
    n_newtons += strcmp(site, "newton") == 0;
}

/* Kept is what was there before that fit. Stays so: the last test. */
static void a_signal_to_one_rank_stops_all(void **state)
{
    (void)state;
    struct samples all = folded();
    struct logistic l;
    struct logistic_options o = options;
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    char line[256], said_last[256] = "";
    FILE *said = tmpfile();
    struct saver every = {0}, saver = {0};
    struct logistic_keep keep = {.save = take, .arg = &every};
    struct result r;
    assert_true(on_all(run_path(&options, &keep, &r) == LP_OK));
    keep = (struct logistic_keep){.save = take, .arg = &saver, .every_s = 1e9};
    o.lambda = 1;
    o.progress_s = 1e-9;
    stop_install();
    if (comm_rank(MPI_COMM_WORLD) == last)
        lp_fault_watch(stop_in_fifth);
    assert_true(on_all(path_said(&o, &keep, said) == LP_STOP));
    lp_fault_watch(NULL);
    while (fgets(line, sizeof line, said))
        strcpy(said_last, line);
    assert_true(on_all(comm_rank(MPI_COMM_WORLD) > 0 ||
                       (strstr(said_last, "fit 5 of 6") && saver.n_saves == 1 &&
                        saver.number[4] &&
                        memcmp(saver.number[4], every.number[4],
                               (size_t)every.n * sizeof(double)) == 0)));
    saver_release(&every);
    saver_release(&saver);
    lp_fault_watch(count_newtons);
    assert_true(on_all(fit(&l, &all, &o, 1, 1, MPI_COMM_SELF) ==
                       (comm_rank(MPI_COMM_WORLD) == last ? LP_STOP : LP_OK)));
    lp_fault_watch(NULL);
    assert_true(on_all(n_newtons == (comm_rank(MPI_COMM_WORLD) != last)));
    logistic_release(&l);
    fclose(said);
    samples_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_picks_what_brute_force_picks),
        cmocka_unit_test(a_class_without_images_is_left_out_of_the_mean),
        cmocka_unit_test(fits_that_do_not_converge_are_counted),
        cmocka_unit_test(folds_without_images_are_refused),
        cmocka_unit_test(without_memory_all_fail),
        cmocka_unit_test(it_goes_on_from_any_fit_to_the_same_bits),
        cmocka_unit_test(what_was_kept_of_another_path_is_refused),
        cmocka_unit_test(a_save_that_fails_stops_nothing),
        cmocka_unit_test(it_says_which_fit_it_is_at),
        cmocka_unit_test(a_signal_to_one_rank_stops_all),
    };
    return test_mpi_main(argc, argv, tests);
}
