/* SPDX-License-Identifier: MIT */
/* kmeans_bench.c: the time of one iteration of kmeans_fit; for kmeans.py and
 * ranks.py.
 *
 *   kmeans_bench matrix ROWS.f32 N D CLASSES [options]  a raw matrix [N][D]
 *   kmeans_bench features FEATURES.h5 [options]
 *     -k K         centres of a problem; 12
 *     -t TYPE      the rows in memory: f32 (default), f16 or bf16
 *     -m MODE      full: all rows join their sums, as in a first iteration
 *                  (default); late: about one in twenty moves; floats: as
 *                  full, with sums in floating point
 *     -r REPS      timings; 5
 *     -g GFLOPS    what probe_fma_gflops gives when the machine is quiet; 0
 *     -s START.f32 start centres [K][D] of every problem; drawn by hash
 *     -o OUT.f32   the first problem's centres after one iteration
 *     -n RANKS     of a node: centres by way of the nodes' memory
 *     -p M,N,C     foretell: memory GB/s, network GB/s, cores of a node; a
 *                  line "model_ms COMPUTE MEMORY MESSAGES"
 *
 * OMP_NUM_THREADS says how many threads a rank uses. The ranks share the
 * images. Of a matrix every 512 rows are one
 * image with one class, all of its cells object. Each timing is a line
 * "rep_ms MS fma GFLOPS foreign SHARE": the lower of the probes before and
 * after, and the cores other processes used meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/method/kmeans.h"
#include "lpcam/method/kmeans_model.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/feature_file.h"
#include "bench_floats.h"
#include "bench_rows.h"
#include "probe.h"

#define HISTORY     12 /* iterations to find a late one in              */
#define LATE_SHARE  0.05
#define PROBE_S     0.003
#define QUIET_SHARE 0.85 /* of the quiet machine's probe                  */
#define PATIENCE    20   /* times 50 ms for it to become quiet            */

struct options {
    struct matrix matrix; /* n is 0: path is a features file             */
    const char *start, *out;
    int k, n_reps, node_ranks;
    bool late, floats;
    double memory_gbs, network_gbs, cores; /* 0: foretell nothing          */
    double quiet_gflops;
};

struct bench {
    struct options o;
    struct feature_file file;
    struct dataset data;
    struct head head;
    struct basis basis;
    struct shard shard;
    struct features f;
    struct kmeans km;
    float *start; /* [n_problems][k][d]                               */
    int n_threads;
};

static bool first_rank(void)
{
    return comm_rank(MPI_COMM_WORLD) == 0;
}

static enum lp_status load(struct bench *b)
{
    enum lp_status status;
    const struct options *o = &b->o;

    if (o->matrix.n > 0) {
        status = matrix_load(&o->matrix, &b->f);
    } else {
        LP_TRY(feature_file_load(&b->file, o->matrix.path, NULL, INT64_MAX,
                                 &b->f, &b->data, &b->head, &b->basis,
                                 &b->shard, MPI_COMM_WORLD));
        status = features_convert(&b->f, o->matrix.type);
    }
    LP_AGREE(MPI_COMM_WORLD);
done:
    return status;
}

/* --- the start */

/* The same centres for every problem. */
static enum lp_status start_given(struct bench *b)
{
    const size_t n = (size_t)(b->km.k * b->km.d);
    FILE *file = fopen(b->o.start, "rb");
    const size_t had = file ? fread(b->km.center, sizeof(float), n, file) : 0;

    if (file)
        fclose(file);
    if (had != n)
        return lp_fail(LP_EIO, "cannot read %zu numbers of %s", n, b->o.start);
    for (size_t p = 1; p < (size_t)b->km.n_problems; ++p)
        memcpy(b->km.center + p * n, b->km.center, n * sizeof *b->km.center);
    return LP_OK;
}

static enum lp_status start(struct bench *b)
{
    enum lp_status status = LP_OK;
    uint64_t *name_hash = calloc((size_t)b->f.n_classes, sizeof *name_hash);

    status = kmeans_init(&b->km, &b->f, b->o.k);
    if (status == LP_OK)
        status = kmeans_use(&b->km, "auto", b->n_threads);
    b->km.node_ranks = b->o.node_ranks;
    b->km.reduce = b->o.node_ranks > 0 ? REDUCE_NODE : REDUCE_AUTO;
    if (status == LP_OK && b->o.floats)
        status = kmeans_use_floats(&b->km);
    const size_t n = (size_t)b->km.n_problems * (size_t)(b->km.k * b->km.d);
    b->start = malloc(n * sizeof *b->start);
    if (status == LP_OK && (!b->start || !name_hash))
        status = lp_fail(LP_ENOMEM, "no memory for the start centres");
    if (status == LP_OK && b->o.start)
        status = start_given(b);
    LP_AGREE(MPI_COMM_WORLD);
    for (int c = 0; c < b->f.n_classes; ++c)
        name_hash[c] = (uint64_t)c;
    if (!b->o.start)
        LP_TRY(kmeans_start_hash(&b->km, &b->f, name_hash, 1, MPI_COMM_WORLD));
    memcpy(b->start, b->km.center, n * sizeof *b->start);
done:
    free(name_hash);
    return status;
}

/* --- the timings */

/* Some iterations from the start, however little moves. */
static enum lp_status fit(struct bench *b, int iterations, double *ms)
{
    enum lp_status status;
    struct kmeans *km = &b->km;
    const size_t n = (size_t)km->n_problems * (size_t)(km->k * km->d);

    memcpy(km->center, b->start, n * sizeof *b->start);
    comm_barrier(MPI_COMM_WORLD);
    const double begin_s = phase_now_s();
    status =
        kmeans_fit(km, &b->f, STOP_REFERENCE, 0, iterations, MPI_COMM_WORLD);
    comm_barrier(MPI_COMM_WORLD);
    *ms = 1e3 * (phase_now_s() - begin_s);
    return status;
}

/* The share of all rows that moved in iteration i. */
static double moved_share(const struct kmeans *km, int i)
{
    int64_t moved = 0, rows = 0;
    for (int p = 0; p < km->n_problems; ++p) {
        moved += km->step[i * km->n_problems + p].moved;
        rows += km->n_rows[p];
    }
    return (double)moved / (double)(rows > 0 ? rows : 1);
}

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

/* Move the start to where the second iteration moves about LATE_SHARE. */
static enum lp_status start_late(struct bench *b)
{
    enum lp_status status = LP_OK;
    const struct kmeans *km = &b->km;
    const size_t n = (size_t)km->n_problems * (size_t)(km->k * km->d);
    int best = 1;
    double ms;

    LP_TRY(fit(b, HISTORY, &ms));
    for (int i = 2; i < km->n_steps; ++i)
        if (distance(moved_share(km, i), LATE_SHARE) <
            distance(moved_share(km, best), LATE_SHARE))
            best = i;
    if (first_rank())
        printf("late iteration %d moves %.4f\n", best + 1,
               moved_share(km, best));
    if (best > 1)
        LP_TRY(fit(b, best - 1, &ms));
    if (best > 1)
        memcpy(b->start, km->center, n * sizeof *b->start);
done:
    return status;
}

/* The probe on all threads of all ranks together; the same on every rank. */
static double probe(const struct bench *b)
{
    comm_barrier(MPI_COMM_WORLD);
    double gflops = probe_fma_gflops(b->n_threads, PROBE_S);
    comm_sum_f64(MPI_COMM_WORLD, &gflops, 1);
    comm_bcast(MPI_COMM_WORLD, &gflops, sizeof gflops);
    return gflops;
}

static double probe_when_quiet(const struct bench *b)
{
    double gflops = probe(b);
    for (int i = 0; i < PATIENCE && gflops < QUIET_SHARE * b->o.quiet_gflops;
         ++i) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        gflops = probe(b);
    }
    return gflops;
}

/* CPU seconds of everything but these ranks since boot. */
static double foreign_s(void)
{
    struct rusage own;
    long t[8] = {0};
    FILE *file = fopen("/proc/stat", "r");
    if (file) {
        if (fscanf(file, "cpu %ld %ld %ld %ld %ld %ld %ld %ld", &t[0], &t[1],
                   &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
            memset(t, 0, sizeof t);
        fclose(file);
    }
    getrusage(RUSAGE_SELF, &own);
    double own_s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                   1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec);
    comm_sum_f64(MPI_COMM_WORLD, &own_s, 1);
    /* without idle and waiting for a disk */
    return (double)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) /
               (double)sysconf(_SC_CLK_TCK) -
           own_s;
}

static enum lp_status one_timing(struct bench *b, double *ms)
{
    enum lp_status status;
    double first_ms = 0;
    LP_TRY(fit(b, 1, ms));
    if (b->o.late) {
        first_ms = *ms;
        LP_TRY(fit(b, 2, ms));
    }
    *ms -= first_ms;
done:
    return status;
}

static enum lp_status run(struct bench *b)
{
    enum lp_status status = LP_OK;
    double ms;

    LP_TRY(fit(b, 1, &ms)); /* also measures the rows, once */
    if (b->o.late)
        LP_TRY(start_late(b));
    for (int r = 0; r < b->o.n_reps; ++r) {
        const double before = probe_when_quiet(b), foreign = foreign_s();
        const double begin_s = phase_now_s();
        LP_TRY(one_timing(b, &ms));
        const double share =
            (foreign_s() - foreign) / (phase_now_s() - begin_s);
        const double after = probe(b);
        if (first_rank())
            printf("rep_ms %.3f fma %.1f foreign %.3f\n", ms,
                   before < after ? before : after, share);
    }
done:
    return status;
}

/* What kmeans_model says of an iteration on these ranks. */
static enum lp_status foretell(const struct bench *b)
{
    enum lp_status status = LP_OK;
    const struct features *f = &b->f;
    const double n_local = b->o.node_ranks;
    const double n_nodes = comm_size(MPI_COMM_WORLD) / n_local;
    struct kmeans_work work = {
        .cells = (double)comm_total(MPI_COMM_WORLD, f->offset[f->n_images]),
        .images = (double)comm_total(MPI_COMM_WORLD, f->n_images),
        .n_problems = b->km.n_problems,
        .k = b->km.k,
        .d = b->km.d,
        .type = f->type,
    };
    struct kmeans_machine machine = {
        .memory_bytes_s = 1e9 * b->o.memory_gbs,
        .network_bytes_s = 1e9 * b->o.network_gbs,
        .ranks = b->o.cores,
    };

    for (int p = 0; p < b->km.n_problems; ++p)
        work.rows += (double)b->km.n_rows[p];
    if (!first_rank())
        return LP_OK;
    LP_TRY(kmeans_measure(&work, "auto", &machine));
    const struct kmeans_times t =
        kmeans_model(&work, &machine, n_nodes, n_local);
    printf("model_ms %.3f %.3f %.3f\n", 1e3 * t.compute, 1e3 * t.memory,
           1e3 * t.messages);
done:
    return status;
}

static enum lp_status write_centers(struct bench *b)
{
    enum lp_status status = LP_OK;
    double ms;
    const size_t n = (size_t)(b->km.k * b->km.d);
    FILE *file = NULL;

    LP_TRY(fit(b, 1, &ms));
    if (!first_rank())
        return LP_OK;
    file = fopen(b->o.out, "wb");
    if (!file || fwrite(b->km.center, sizeof(float), n, file) != n)
        LP_TRY(lp_fail(LP_EIO, "cannot write %s", b->o.out));
done:
    if (file && fclose(file) != 0)
        status = lp_fail(LP_EIO, "cannot write %s", b->o.out);
    return status;
}

/* --- the command line */

static bool set_type(struct options *o, const char *name)
{
    static const enum lp_value all[] = {LP_F32, LP_F16, LP_BF16};
    for (int i = 0; i < 3; ++i)
        if (strcmp(name, value_name(all[i])) == 0) {
            o->matrix.type = all[i];
            return true;
        }
    return false;
}

static bool set_option(struct options *o, int letter, const char *value)
{
    switch (letter) {
    case 'k':
        return (o->k = atoi(value)) > 0;
    case 't':
        return set_type(o, value);
    case 'm':
        o->late = strcmp(value, "late") == 0;
        o->floats = strcmp(value, "floats") == 0;
        return o->late || o->floats || strcmp(value, "full") == 0;
    case 'r':
        return (o->n_reps = atoi(value)) >= 0;
    case 'g':
        o->quiet_gflops = atof(value);
        return true;
    case 'n':
        return (o->node_ranks = atoi(value)) > 0;
    case 'p':
        return sscanf(value, "%lf,%lf,%lf", &o->memory_gbs, &o->network_gbs,
                      &o->cores) == 3;
    case 's':
        o->start = value;
        return true;
    case 'o':
        o->out = value;
        return true;
    default:
        return false;
    }
}

/* The first arguments: what to read. Sets optind to the one behind. */
static bool set_input(int argc, char **argv, struct matrix *m)
{
    if (argc < 3)
        return false;
    m->path = argv[2];
    optind = 3;
    if (strcmp(argv[1], "features") == 0)
        return true;
    if (strcmp(argv[1], "matrix") != 0 || argc < 6)
        return false;
    m->n = atoll(argv[3]);
    m->d = atoi(argv[4]);
    m->n_classes = atoi(argv[5]);
    optind = 6;
    return m->n > 0 && m->d > 0 && m->n_classes > 0;
}

static enum lp_status read_options(int argc, char **argv, struct options *o)
{
    int letter;
    bool fine;

    *o = (struct options){.k = 12, .n_reps = 5};
    fine = set_input(argc, argv, &o->matrix);
    while (fine && (letter = getopt(argc, argv, "k:t:m:r:g:s:o:n:p:")) != -1)
        fine = set_option(o, letter, optarg);
    if (!fine || optind != argc)
        return lp_fail(LP_EUSAGE, "usage: kmeans_bench matrix ROWS.f32 N D "
                                  "CLASSES | features FEATURES.h5, then -k -t "
                                  "-m -r -g -s -o -n -p as its source tells");
    return LP_OK;
}

int main(int argc, char **argv)
{
    enum lp_status status = LP_OK;
    struct bench b = {0};
    const char *threads = getenv("OMP_NUM_THREADS");

    MPI_Init(&argc, &argv);
    b.n_threads = threads && atoi(threads) > 0 ? atoi(threads) : 1;
    status = read_options(argc, argv, &b.o);
    LP_AGREE(MPI_COMM_WORLD);
    LP_TRY(load(&b));
    LP_TRY(start(&b));
    if (b.o.out)
        LP_TRY(write_centers(&b));
    LP_TRY(run(&b));
    if (b.o.cores > 0)
        LP_TRY(foretell(&b));
done:
    kmeans_release(&b.km);
    free(b.start);
    features_release(&b.f);
    feature_file_close(&b.file, false, NULL);
    dataset_release(&b.data);
    head_release(&b.head);
    basis_release(&b.basis);
    MPI_Finalize();
    return lp_exit_code(status);
}
