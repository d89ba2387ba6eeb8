/* SPDX-License-Identifier: MIT */
/* plan.c: memory of a rank, disk of the outputs and time of the clustering,
 * before any work. */
#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/unit_rows.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/feature_file.h"
#include "lpcam/store/map_preview.h"
#include "stages.h"

/* The table of times ends here. */
#define MOST_RANKS 16384

/* Floats of one photograph at a scale: input, features of both flips, and
 * what the network holds between (about 40 channels at half the size). */
static double view_floats(const struct session *s, int64_t image, double scale)
{
    const double pixels =
        (double)(s->size[2 * image] * s->size[2 * image + 1]) * scale * scale;
    const double cells =
        (double)(s->grid[2 * image] * s->grid[2 * image + 1]) * scale * scale;
    return 3 * pixels + 3 * cells * s->net.head.d + 40 * pixels;
}

static double largest_scale(const struct config *config)
{
    double most = 1;
    for (int i = 0; i < config->cam.scales.n; ++i)
        most = config->cam.scales.v[i] > most ? config->cam.scales.v[i] : most;
    return most;
}

int64_t plan_program_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

/* What clustering holds for a while: a start on a sample, which is gathered
 * and then sorted, and later two messages of 2^20 sums. */
static int64_t passing_bytes(const struct config *c, int64_t d)
{
    const int64_t sample = c->kmeans.start == START_PLUSPLUS
                               ? 2 * 4 * (int64_t)c->kmeans.sample * d
                               : 0;
    const int64_t messages = (int64_t)16 << 20;
    return sample > messages ? sample : messages;
}

static int64_t times(double x, int64_t n)
{
    return (int64_t)(x * (double)n);
}

int plan_channels(const struct session *s)
{
    const int64_t dims = s->config.features.dims;
    return dims > 0 ? (int)dims : s->net.head.d;
}

/* What learning the components takes: the sample, and the second moment, its
 * eigenvectors and the work space for them, as pca.h says. */
static int64_t basis_bytes(const struct session *s, double ranks)
{
    const struct config *c = &s->config;
    const int64_t d = s->net.head.d;
    if (c->features.dims == 0)
        return 0;
    const double solvers = c->features.solver == SOLVER_ONE ? 1 : ranks;
    return times(1 / ranks, 4 * (int64_t)c->features.sample * d) + 8 * d * 512 +
           8 * d * d + times(4 / solvers, 8 * d * d);
}

int64_t plan_view_cells(const struct session *s, int64_t image)
{
    const int n = s->view_grid ? s->config.cam.scales.n : 0;
    int64_t cells = 0;
    for (int64_t i = image * n; i < (image + 1) * n; ++i)
        cells += s->view_grid[2 * i] * s->view_grid[2 * i + 1];
    return cells;
}

/* What run.passes = 1 adds: the file, memory of a photograph in extract (its
 * rows, and the largest view before and behind the basis), and of activate. */
static void add_views(const struct session *s, int64_t image,
                      double *photograph, struct plan *p)
{
    const int64_t cells = plan_view_cells(s, image);
    const int64_t bytes = 2 * cells * plan_channels(s);
    const double scale = largest_scale(&s->config);
    const double most =
        (double)(s->grid[2 * image] * s->grid[2 * image + 1]) * scale * scale;
    p->views += bytes;
    p->rank_views = bytes > p->rank_views ? bytes : p->rank_views;
    if (cells > 0)
        *photograph +=
            (double)bytes + 4 * most * (s->net.head.d + plan_channels(s));
}

/* Of the sheet that viewers show, in each file of maps. */
static int64_t picture_bytes(const struct session *s)
{
    struct map_preview sheet;
    map_preview_plan(&sheet, &s->data, s->size);
    return map_preview_bytes(&sheet);
}

/* Each thread's sums and the totals of a share; centres, packed ones and those
 * of every start; the checkpoint of rank 0, which also packs it. */
static int64_t sums_bytes(const struct session *s, double ranks)
{
    const struct config *c = &s->config;
    const int64_t r = plan_channels(s);
    const int64_t numbers = 2 * s->net.head.n * c->kmeans.k * r;
    return numbers * (8 * c->model.threads + 4 + 4 + 4 * c->kmeans.starts + 8) +
           times(1 / ranks, numbers * 8) + passing_bytes(c, r);
}

struct plan plan_make(const struct session *s, double ranks, double copies)
{
    struct plan p = {.largest = -1};
    const struct config *c = &s->config;
    const int64_t n = s->net.head.n, d = s->net.head.d;
    const int64_t r = plan_channels(s);
    const int64_t norm = c->features.dims > 0 ? (int64_t)sizeof(float) : 0;
    const int64_t feature = value_bytes((enum lp_value)c->features.value);
    const double scale = largest_scale(c);
    int64_t pair_cells = 0, all_cells = 0;

    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const int32_t *label;
        const int k = dataset_labels(&s->data, i, &label);
        const int64_t h = s->size[2 * i], w = s->size[2 * i + 1];
        const int64_t cells = s->grid[2 * i] * s->grid[2 * i + 1];
        if (h == 0)
            continue;
        const int64_t strided =
            (int64_t)class_maps_strided((int)h) * class_maps_strided((int)w);
        p.features += cells * (r * feature + norm + k);
        pair_cells += cells * k;
        all_cells += cells;
        p.maps += k * strided * value_bytes((enum lp_value)c->maps.value);
        p.seeds += c->maps.seed ? 2 * h * w : 0;
        double one = 4 * (view_floats(s, i, scale) +
                          (double)k * (double)(h * w + strided)) +
                     (double)(cells * norm * (r + 1));
        add_views(s, i, &one, &p);
        if ((int64_t)one > p.photograph) {
            p.photograph = (int64_t)one;
            p.largest = i;
        }
    }
    p.prototypes = c->kmeans.starts * 2 * n * c->kmeans.k * (d + 64) * 4;
    p.features = times(copies, p.features) + norm * r * d;
    p.maps = times(copies, p.maps) + picture_bytes(s);
    p.seeds = times(copies, p.seeds);
    p.views = times(copies, p.views);
    if (p.rank_views < FEATURE_BLOCK_BYTES && p.views > 0)
        p.rank_views = FEATURE_BLOCK_BYTES;
    p.rank_views *= 2;
    /* Two assignments and every vector's length, also the whole one's. */
    p.sums = sums_bytes(s, ranks) +
             times(copies / ranks, 2 * pair_cells + (4 + norm) * all_cells);
    p.basis = basis_bytes(s, ranks);
    p.rank_features = times(1 / ranks, p.features);
    if (p.rank_features > c->run.memory)
        p.rank_features = c->run.memory < 2 * FEATURE_BLOCK_BYTES
                              ? c->run.memory
                              : 2 * FEATURE_BLOCK_BYTES;
    return p;
}

/* The folder that exists on the way to run.out. */
static bool free_disk(const char *out, int64_t *bytes)
{
    struct statvfs info;
    char *path = text_format("%s", out);
    bool ok = false;
    while (path && !(ok = statvfs(path, &info) == 0) && *path) {
        char *end = path;
        for (char *p = path; *p; ++p)
            end = *p == '/' && p > path ? p : end;
        if (end == path)
            break;
        *end = 0;
    }
    if (!ok)
        ok = statvfs(".", &info) == 0;
    free(path);
    *bytes = ok ? (int64_t)info.f_bavail * (int64_t)info.f_frsize : 0;
    return ok;
}

/* What a single pass costs and what is lost by it, before it is. */
static void print_views(const struct session *s, const struct plan *p)
{
    char t[2][32];
    const int r = plan_channels(s);
    lp_log("plan, one pass: views.h5 %s (%d channels as f16); activate needs "
           "no network, and %s a rank at the most; maps are off those of two "
           "passes by at most %.2g of their class vector's length, before "
           "they are divided by their maximum",
           text_size(p->views, t[0]), r, text_size(p->rank_views, t[1]),
           unit_rows_worst(s->net.head.d, r, s->config.cam.scales.n));
}

/* Cores of this machine: processors that come first among their core's. */
static int cores_here(void)
{
    const int n = (int)sysconf(_SC_NPROCESSORS_CONF);
    int cores = 0;
    for (int cpu = 0; cpu < n; ++cpu) {
        char *path = text_format("/sys/devices/system/cpu/cpu%d/topology/"
                                 "thread_siblings_list",
                                 cpu);
        FILE *file = path ? fopen(path, "r") : NULL;
        int first;
        if (file && fscanf(file, "%d", &first) == 1 && first == cpu)
            ++cores;
        if (file)
            fclose(file);
        free(path);
    }
    return cores > 0 ? cores : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Ranks of this machine each with so many bytes: is there room for them? */
static void warn_memory(const struct session *s, const struct plan *p,
                        int64_t bytes)
{
    char t[2][32];
    const int size = comm_size(s->comm), cores = cores_here();
    const int local = size < cores ? size : cores;
    const int64_t there =
        (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    if (p->largest >= 0 && local * bytes > there)
        lp_warn("%d rank%s on this machine may need %s of the %s it has, for "
                "photographs like %s, %lld x %lld: start fewer ranks with more "
                "model.threads, or make such photographs smaller",
                local, local > 1 ? "s" : "", text_size(local * bytes, t[0]),
                text_size(there, t[1]), dataset_id(&s->data, p->largest),
                (long long)s->size[2 * p->largest + 1],
                (long long)s->size[2 * p->largest]);
}

void plan_print(const struct session *s, int n_nodes)
{
    char t[8][32];
    int64_t there;
    if (comm_rank(s->comm) != 0)
        return;
    const double ranks = n_nodes > 0
                             ? (double)n_nodes * plan_node_ranks(&s->config)
                             : comm_size(s->comm);
    const struct plan p = plan_make(s, ranks, n_nodes > 0 ? plan_copies(s) : 1);
    /* checkpoints of clustering are as large as prototypes.h5 */
    const int64_t disk =
        p.features + p.views + 2 * (p.maps + p.seeds) + 2 * p.prototypes;
    const int64_t working = plan_program_bytes() + p.photograph;
    const int64_t clustering = p.rank_features + p.sums;
    lp_log("plan, memory a rank: program, network and largest photograph %s, "
           "clustering %s (features %s, sums %s)",
           text_size(working, t[0]), text_size(clustering, t[1]),
           text_size(p.rank_features, t[2]), text_size(p.sums, t[3]));
    if (p.basis > 0)
        lp_log("plan, memory a rank before: %s to learn %lld components of %d",
               text_size(p.basis, t[0]), (long long)s->config.features.dims,
               s->net.head.d);
    lp_log("plan, disk: features.h5 %s, cams.h5 and maps.h5 %s each, "
           "prototypes.h5 %s",
           text_size(p.features, t[4]), text_size(p.maps + p.seeds, t[5]),
           text_size(p.prototypes, t[6]));
    if (s->config.run.passes == 1)
        print_views(s, &p);
    if (n_nodes == 0)
        warn_memory(s, &p, working);
    if (free_disk(s->config.run.out, &there) && there < disk)
        lp_warn("%s has %s free; the outputs need %s", s->config.run.out,
                text_size(there, t[0]), text_size(disk, t[1]));
}

double plan_copies(const struct session *s)
{
    const int64_t images = s->config.plan.images;
    return images > 0 ? (double)images / (double)s->data.n_images : 1;
}

struct kmeans_work plan_work(const struct session *s)
{
    const struct config *c = &s->config;
    struct kmeans_work w = {
        .n_problems = 2 * s->net.head.n,
        .k = c->kmeans.k,
        .d = plan_channels(s),
        .type = (enum lp_value)c->features.value,
    };
    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const int32_t *label;
        const int k = dataset_labels(&s->data, i, &label);
        const double cells = (double)(s->grid[2 * i] * s->grid[2 * i + 1]);
        w.cells += cells;
        w.rows += cells * k;
    }
    w.images = plan_copies(s) * (double)s->data.n_images;
    w.cells *= plan_copies(s);
    w.rows *= plan_copies(s);
    return w;
}

int plan_node_ranks(const struct config *c)
{
    const int fit = cores_here() / c->model.threads;
    return c->plan.ranks > 0 ? c->plan.ranks : fit > 0 ? fit : 1;
}

/* A rank of several threads is that much faster than `one`, which was measured
 * with one thread; so many fewer ranks fit on a node. */
struct kmeans_machine plan_machine(const struct config *c,
                                   struct kmeans_machine one)
{
    return (struct kmeans_machine){
        .row_s = one.row_s / c->model.threads,
        .center_s = one.center_s / c->model.threads,
        .memory_bytes_s = 1e9 * c->plan.memory_gbs,
        .network_bytes_s = 1e9 * c->plan.network_gbs,
        .latency_s = 1e-6 * c->plan.latency_us,
        .ranks = plan_node_ranks(c),
    };
}

static void print_line(const struct kmeans_work *w,
                       const struct kmeans_machine *m, double n_nodes,
                       double n_local)
{
    const struct kmeans_times t = kmeans_model(w, m, n_nodes, n_local);
    const double ranks = n_nodes * n_local;
    const double all = t.compute + t.memory + t.messages;
    lp_log("%7.0f %7.0f %10.4f %10.4f %10.4f %10.4f %9.0f %%", n_nodes, ranks,
           t.compute, t.memory, t.messages, all,
           100 * w->rows * m->row_s / (ranks * all));
}

/* The time of an iteration on 1 rank to 16,384, or as many as fill nodes. */
static enum lp_status print_times(const struct session *s)
{
    enum lp_status status = LP_OK;
    const struct kmeans_work w = plan_work(s);
    struct kmeans_machine one = {0};

    LP_TRY(kmeans_measure(&w, s->config.kmeans.kernel, &one));
    const struct kmeans_machine m = plan_machine(&s->config, one);
    const int last = (int)ceil(MOST_RANKS / m.ranks);
    lp_log("plan, an iteration of the clustering: %.0f photographs, %.4g "
           "vectors, %.4g with a class, %.3g s a core by measurement; nodes of "
           "%g ranks, memory %g GB/s, network %g GB/s, %g us",
           w.images, w.cells, w.rows, w.rows * one.row_s, m.ranks,
           s->config.plan.memory_gbs, s->config.plan.network_gbs,
           s->config.plan.latency_us);
    lp_log("%7s %7s %10s %10s %10s %10s %11s", "nodes", "ranks", "compute s",
           "memory s", "messages s", "all s", "efficiency");
    for (int local = 1; local < m.ranks; local *= 4)
        print_line(&w, &m, 1, local);
    for (int nodes = 1; nodes < last; nodes *= 4)
        print_line(&w, &m, nodes, m.ranks);
    print_line(&w, &m, last, m.ranks);
done:
    return status;
}

enum lp_status job_plan(const struct job_args *args)
{
    enum lp_status status = LP_OK;
    struct session s;
    struct job_args dry = *args;

    dry.dry_run = true;
    LP_TRY(session_open(&s, &dry, NEED_DATA | NEED_MODEL | NEED_BASIS));
    if (comm_rank(s.comm) == 0)
        status = args->n_nodes > 0 ? plan_nodes(&s, args) : print_times(&s);
    LP_AGREE(s.comm);
done:
    session_close(&s);
    return status;
}
