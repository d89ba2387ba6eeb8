/* SPDX-License-Identifier: MIT */
/* fit_bench.c: the parts of lpcam fit that are dense algebra, timed on the ranks
 * it is started on. A line a figure, and seconds are those of the slowest rank.
 *   fit_bench fit FOLDER N D CLASSES LAMBDA exact|bound
 *     FOLDER/x.f32 [N][D], y.u8 [N][CLASSES]; writes FOLDER/ours.f64 [CLASSES][D]
 *   fit_bench gram N D      X'X by pdsyrk, and by dsyrk with a reduction
 *   fit_bench factor D      pdpotrf: grids and blocks
 *   fit_bench eigen D       pdsyevd: grids */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lpcam/base/log.h"
#include "lpcam/dense/logistic.h"
#include "lpcam/dense/matrix.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/shard.h"
#include "probe.h"

enum { ROUNDS = 5, ROWS = 256 };

static int me, n_ranks;

static void die(const char *what)
{
    fprintf(stderr, "fit_bench: %s\n", what);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Seconds since `begin`, of the slowest rank; and all begin together. */
static double begin_s(void)
{
    comm_barrier(MPI_COMM_WORLD);
    return log_elapsed_s();
}

static double since(double begin)
{
    double s = log_elapsed_s() - begin;
    comm_max_f64(MPI_COMM_WORLD, &s, 1);
    return s;
}

/* Double-precision multiply-adds of all ranks together, each on a core: half of
 * single precision's, GFLOP/s. */
static double peak(void)
{
    double best = 0;
    for (int i = 0; i < 40; ++i) {
        comm_barrier(MPI_COMM_WORLD);
        double now = probe_fma_gflops(1, 0.005) / 2;
        comm_sum_f64(MPI_COMM_WORLD, &now, 1);
        best = fmax(best, now);
    }
    comm_bcast(MPI_COMM_WORLD, &best, sizeof best);
    return best;
}

/* This rank's rows of a file of [n][width] bytes. */
static void *read_rows(const char *folder, const char *name, int64_t width,
                       const struct shard *part)
{
    char path[4096];
    const size_t bytes = (size_t)(part->n_local * width);
    void *rows = malloc(bytes + 1);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f || !rows || fseek(f, (long)(part->first * width), SEEK_SET) != 0 ||
        fread(rows, 1, bytes, f) != bytes)
        die(path);
    fclose(f);
    return rows;
}

static void write_weights(const char *folder, const struct logistic *l)
{
    char path[4096];
    const size_t n = (size_t)l->n_classes * (size_t)l->d;
    snprintf(path, sizeof path, "%s/ours.f64", folder);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(l->weight, sizeof *l->weight, n, f) != n || fclose(f) != 0)
        die(path);
}

/* The most memory that a rank has had, MB. */
static double memory_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double mb = 1e-3 * (double)usage.ru_maxrss * 1.024;
    comm_max_f64(MPI_COMM_WORLD, &mb, 1);
    return mb;
}

static void bench_fit(char **argv)
{
    const struct shard part = shard_by_count(atoll(argv[1]), me, n_ranks);
    const int d = atoi(argv[2]), n_classes = atoi(argv[3]);
    const struct logistic_options o = {.lambda = atof(argv[4]),
                                       .tol = 1e-10,
                                       .max_iter = 100,
                                       .solver = strcmp(argv[5], "exact") == 0
                                                     ? LOGISTIC_EXACT
                                                     : LOGISTIC_BOUND};
    const struct samples s = {
        .n = part.n_local,
        .d = d,
        .n_classes = n_classes,
        .x = read_rows(argv[0], "x.f32", 4 * (int64_t)d, &part),
        .y = read_rows(argv[0], "y.u8", n_classes, &part)};
    struct logistic l;
    struct grid g;
    int n_converged = 0, most = 0;

    const double loaded_mb = memory_mb(), begin = begin_s();
    if (grid_init(&g, 0, 0, MPI_COMM_WORLD) != LP_OK ||
        logistic_fit(&l, &s, &o, &g) != LP_OK)
        die("the fit failed");
    const double s_all = since(begin), most_mb = memory_mb();
    for (int c = 0; c < n_classes; ++c) {
        n_converged += l.state[c] == LOGISTIC_CONVERGED;
        most = l.iterations[c] > most ? l.iterations[c] : most;
    }
    if (me == 0) {
        printf("fit %s ranks %d d %d seconds %.3f passes %lld steps %d "
               "converged %d of %d\n"
               "memory of a rank: %.0f MB with its share of the features (%.0f "
               "MB), %.0f MB at most\n",
               argv[5], n_ranks, d, s_all, (long long)l.n_passes, most,
               n_converged, n_classes, loaded_mb,
               4e-6 * (double)part.n_local * d, most_mb);
        write_weights(argv[0], &l);
    }
    logistic_release(&l);
    grid_release(&g);
}

static void fill(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        x[i] = sin(1.0 + (double)i * 0.618);
}

/* X'X of n / n_ranks images a rank, ROWS at a time. */
static double by_pdsyrk(int64_t n, struct matrix *a, struct matrix *c)
{
    const double begin = begin_s();
    for (int64_t i = 0; i < n / n_ranks; i += ROWS)
        matrix_syrk(1, a, i > 0, c);
    return since(begin);
}

static double by_dsyrk(int64_t n, int d, const double *a, double *c)
{
    const double begin = begin_s();
    for (int64_t i = 0; i < n / n_ranks; i += ROWS)
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, d, ROWS, 1, a, d,
                    i > 0, c, d);
    comm_sum_f64(MPI_COMM_WORLD, c, (int64_t)d * d);
    return since(begin);
}

static void bench_gram(int64_t n, int d)
{
    struct grid line;
    struct matrix a, c;
    double *sum = calloc((size_t)d * (size_t)d, sizeof *sum);
    double best[2] = {HUGE_VAL, HUGE_VAL};
    if (!sum || grid_init(&line, 1, n_ranks, MPI_COMM_WORLD) != LP_OK ||
        matrix_init(&a, &line, d, (int64_t)n_ranks * ROWS, d, ROWS) != LP_OK ||
        matrix_init(&c, &line, d, d, MATRIX_BLOCK, MATRIX_BLOCK) != LP_OK)
        die("no memory");
    fill(a.value, (int64_t)a.lead * a.local_columns);
    for (int i = 0; i < 3; ++i) {
        best[0] = fmin(best[0], by_pdsyrk(n, &a, &c));
        best[1] = fmin(best[1], by_dsyrk(n, d, a.value, sum));
    }
    if (me == 0)
        printf("gram ranks %d d %d pdsyrk %.3f s, dsyrk and a reduction %.3f "
               "s\n",
               n_ranks, d, best[0], best[1]);
    free(sum);
    matrix_release(&a);
    matrix_release(&c);
    grid_release(&line);
}

/* Symmetric and well conditioned, its lower triangle at least. */
static void fill_matrix(struct matrix *m)
{
    for (int j = 0; j < m->local_columns; ++j)
        for (int i = 0; i < m->local_rows; ++i) {
            const int row = matrix_row(m, i), column = matrix_column(m, j);
            m->value[(int64_t)j * m->lead + i] =
                (row == column ? m->n_rows : 0) + 1.0 / (1 + abs(row - column));
        }
}

static double factor_s(const struct grid *g, int d, int block)
{
    struct matrix a;
    double best = HUGE_VAL;
    if (matrix_init(&a, g, d, d, block, block) != LP_OK)
        die("no memory");
    for (int i = 0; i < ROUNDS; ++i) {
        fill_matrix(&a);
        const double begin = begin_s();
        if (matrix_factor(&a) != 0)
            die("not positive definite");
        best = fmin(best, since(begin));
    }
    matrix_release(&a);
    return best;
}

static double eigen_s(const struct grid *g, int d)
{
    struct matrix a, z;
    double *value = malloc((size_t)d * sizeof *value);
    if (!value ||
        matrix_init(&a, g, d, d, MATRIX_BLOCK, MATRIX_BLOCK) != LP_OK ||
        matrix_init(&z, g, d, d, MATRIX_BLOCK, MATRIX_BLOCK) != LP_OK)
        die("no memory");
    fill_matrix(&a);
    const double begin = begin_s();
    if (matrix_eigen(&a, value, &z) != LP_OK)
        die("no eigenvectors");
    const double s = since(begin);
    matrix_release(&a);
    matrix_release(&z);
    free(value);
    return s;
}

static void factor_line(const struct grid *g, int d, int block,
                        double peak_gflops)
{
    const double s = factor_s(g, d, block);
    const double gflops = 1e-9 * d / 3.0 * d * d / s;
    if (me == 0)
        printf("factor ranks %d grid %dx%d block %3d d %d seconds %.4f "
               "gflops %.1f peak %.1f share %.3f\n",
               n_ranks, g->n_rows, g->n_columns, block, d, s, gflops,
               peak_gflops, gflops / peak_gflops);
}

/* All grids of all ranks. */
static void bench_grids(int d, bool eigen)
{
    const double peak_gflops = eigen ? 0 : peak();
    for (int rows = 1; rows <= n_ranks; ++rows) {
        struct grid g;
        if (n_ranks % rows != 0)
            continue;
        if (grid_init(&g, rows, n_ranks / rows, MPI_COMM_WORLD) != LP_OK)
            die("no grid");
        if (eigen) {
            const double s = eigen_s(&g, d);
            if (me == 0)
                printf("eigen ranks %d grid %dx%d d %d seconds %.3f\n", n_ranks,
                       g.n_rows, g.n_columns, d, s);
        }
        for (int block = 32; !eigen && block <= 256; block *= 2)
            factor_line(&g, d, block, peak_gflops);
        grid_release(&g);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    me = comm_rank(MPI_COMM_WORLD);
    n_ranks = comm_size(MPI_COMM_WORLD);
    log_init(me, n_ranks, false);
    if (argc == 8 && strcmp(argv[1], "fit") == 0)
        bench_fit(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "gram") == 0)
        bench_gram(atoll(argv[2]), atoi(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "factor") == 0)
        bench_grids(atoi(argv[2]), false);
    else if (argc == 3 && strcmp(argv[1], "eigen") == 0)
        bench_grids(atoi(argv[2]), true);
    else
        die("see the top of fit_bench.c");
    MPI_Finalize();
    return 0;
}
