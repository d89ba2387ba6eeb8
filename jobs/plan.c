/* SPDX-License-Identifier: MIT */
/* plan.c: memory of a rank and disk of the outputs, before any work. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "lpcam/base/log.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/feature_file.h"
#include "session.h"

/* Bytes, of the whole job (disk) or of one rank (memory). */
struct plan {
    int64_t features, maps, seeds, prototypes; /* disk                     */
    int64_t rank_features, sums, network, photograph; /* memory            */
};

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

/* Of the model's file; weights beside it are not counted. */
static int64_t model_bytes(const struct session *s)
{
    struct stat info;
    return stat(s->config.model.file, &info) == 0 ? (int64_t)info.st_size : 0;
}

static struct plan make_plan(const struct session *s)
{
    struct plan p = {0};
    const struct config *c = &s->config;
    const int64_t n = s->net.head.n, d = s->net.head.d;
    const int64_t feature = value_bytes((enum lp_value)c->features.value);
    const double scale = largest_scale(c);
    int64_t pair_cells = 0;

    for (int64_t i = 0; i < s->data.n_images; ++i) {
        const int32_t *label;
        const int k = dataset_labels(&s->data, i, &label);
        const int64_t h = s->size[2 * i], w = s->size[2 * i + 1];
        const int64_t cells = s->grid[2 * i] * s->grid[2 * i + 1];
        if (h == 0)
            continue;
        const int64_t strided =
            (int64_t)class_maps_strided((int)h) * class_maps_strided((int)w);
        p.features += cells * (d * feature + k);
        pair_cells += cells * k;
        p.maps += k * strided * value_bytes((enum lp_value)c->maps.value);
        p.seeds += c->maps.seed ? 2 * h * w : 0;
        const double one = 4 * (view_floats(s, i, scale) +
                                (double)k * (double)(h * w + strided));
        p.photograph =
            (int64_t)one > p.photograph ? (int64_t)one : p.photograph;
    }
    p.prototypes = c->kmeans.starts * 2 * n * c->kmeans.k * (d + 64) * 4;
    p.sums = 2 * n * c->kmeans.k * d * (8 + 8 + 4 + 4 * c->kmeans.starts) +
             pair_cells * (2 + c->kmeans.starts) / comm_size(s->comm);
    p.rank_features = p.features / comm_size(s->comm);
    if (p.rank_features > c->run.memory)
        p.rank_features = FEATURE_BLOCK_BYTES;
    p.network = 4 * model_bytes(s);
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

void plan_print(const struct session *s)
{
    char t[8][32];
    int64_t there;
    if (comm_rank(s->comm) != 0)
        return;
    const struct plan p = make_plan(s);
    const int64_t disk = p.features + 2 * (p.maps + p.seeds) + p.prototypes;
    const int64_t working = p.network + p.photograph;
    const int64_t clustering = p.rank_features + p.sums;
    lp_log("plan, memory a rank: network and largest photograph %s, "
           "clustering %s (features %s, sums %s)",
           text_size(working, t[0]), text_size(clustering, t[1]),
           text_size(p.rank_features, t[2]), text_size(p.sums, t[3]));
    lp_log("plan, disk: features.h5 %s, cams.h5 and maps.h5 %s each, "
           "prototypes.h5 %s",
           text_size(p.features, t[4]), text_size(p.maps + p.seeds, t[5]),
           text_size(p.prototypes, t[6]));
    if (free_disk(s->config.run.out, &there) && there < disk)
        lp_warn("%s has %s free; the outputs need %s", s->config.run.out,
                text_size(there, t[0]), text_size(disk, t[1]));
}
