/* SPDX-License-Identifier: MIT */
#include "readers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/split.h"
#include "lpcam/store/feature_file.h"
#include "job.h"
#include "lpcam/store/map_file.h"
#include "lpcam/store/pooled_file.h"
#include "lpcam/store/prototype_file.h"
#include "lpcam/store/view_file.h"

static const char settings[] = "model.file = m\n";
enum { MEMORY = 1 << 20, MOST_CELLS = 1 << 20 };

/* Every row that clustering would see. */
static void visit_features(struct features *f)
{
    const int64_t n_cells = f->offset[f->n_images];
    float *x = malloc((size_t)f->d * sizeof *x);
    const void *rows;
    fuzz_require(f->d > 0 && x);
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        if (features_block(f, i, &end, &rows) != LP_OK)
            break;
        fuzz_require(end > i);
        for (int64_t j = i; j < end; ++j)
            fuzz_require(features_rows(f, j) || n_cells == 0);
    }
    for (int64_t c = 0; c < n_cells && c < 64; ++c)
        (void)features_row(f, c, x);
    for (int64_t p = 0; p < f->pair_offset[f->n_images]; ++p) {
        fuzz_require(f->pair_class[p] >= 0 && f->pair_class[p] < f->n_classes);
        for (int64_t s = f->side_offset[p]; s < f->side_offset[p + 1]; ++s)
            fuzz_require(f->side[s] <= SPLIT_CONTEXT);
    }
    free(x);
}

static void read_features(const char *path, int64_t memory)
{
    struct feature_file ff;
    struct features f;
    struct dataset d;
    struct head head;
    struct basis basis;
    struct shard shard;
    if (feature_file_load(&ff, path, settings, memory, &f, &d, &head, &basis,
                          &shard, MPI_COMM_SELF) == LP_OK)
        visit_features(&f);
    features_release(&f);
    dataset_release(&d);
    head_release(&head);
    basis_release(&basis);
    feature_file_close(&ff, false, NULL);
}

/* Of two classes x and y, and 3 channels. */
static void read_prototypes(const char *path)
{
    int64_t name_at[] = {0, 2};
    struct dataset d = {.n_classes = 2, .name_at = name_at};
    char text[] = "x\0y";
    float *vector = NULL;
    d.text = text;
    if (prototype_file_read(path, settings, &d, 3, &vector, MPI_COMM_SELF) ==
        LP_OK)
        for (int i = 0; i < 6; ++i)
            fuzz_require(isfinite((double)vector[i]));
    free(vector);
}

static void visit_maps(struct map_file *mf, int n_classes, int64_t image)
{
    const int64_t pair = mf->pair_offset[image],
                  end = mf->pair_offset[image + 1];
    const int64_t h = mf->size[2 * image], w = mf->size[2 * image + 1];
    const int64_t n = mf->map_offset[end] - mf->map_offset[pair];
    fuzz_require(h >= 0 && w >= 0 && h * w * (end - pair + 1) >= 0);
    if (n > MOST_CELLS || h * w > MOST_CELLS)
        return;
    float *map = malloc((size_t)(n + 1) * sizeof *map);
    uint8_t *class = malloc((size_t)(h * w) + 1);
    uint8_t *q = malloc((size_t)(h * w) + 1);
    fuzz_require(map && class && q);
    (void)map_file_read(mf, image, map);
    if (mf->seed && map_file_read_seed(mf, image, class, q) == LP_OK)
        for (int64_t i = 0; i < h * w; ++i)
            fuzz_require(class[i] <= n_classes);
    free(map);
    free(class);
    free(q);
}

static void read_maps(const char *path)
{
    struct map_file mf;
    struct dataset d;
    if (map_file_load(&mf, path, settings, &d, MPI_COMM_SELF) == LP_OK)
        for (int64_t i = 0; i < mf.n_images && i < 64; ++i)
            visit_maps(&mf, d.n_classes, i);
    map_file_close(&mf, false, NULL);
    dataset_release(&d);
}

/* Every row that activate would see. */
static void visit_views(struct view_file *vf)
{
    struct features rows = {0};
    const void *from;
    for (int64_t i = 0; i < vf->n_images; ++i)
        fuzz_require(vf->size[2 * i] >= 0 && vf->size[2 * i + 1] >= 0);
    if (view_file_rows(vf, MEMORY, &rows) == LP_OK)
        for (int64_t i = 0, end; i < rows.n_images; i = end) {
            if (features_block(&rows, i, &end, &from) != LP_OK)
                break;
            fuzz_require(end > i && view_file_cells(vf, i) >= 0);
        }
    features_release(&rows);
}

static void read_views(const char *path)
{
    struct view_file vf;
    if (view_file_load(&vf, path, settings, MPI_COMM_SELF) == LP_OK)
        visit_views(&vf);
    view_file_close(&vf, false, NULL);
}

static void read_pooled(const char *path)
{
    struct pooled_file pf;
    struct dataset d;
    if (pooled_file_load(&pf, path, &d, MPI_COMM_SELF) == LP_OK) {
        const int64_t n = (int64_t)pf.views * pf.d;
        float *x = n < MOST_CELLS ? malloc((size_t)n * sizeof *x) : NULL;
        for (int64_t i = 0; x && i < d.n_images && i < 64; ++i)
            (void)pooled_file_read(&pf, i, 1, x);
        free(x);
    }
    pooled_file_close(&pf, false, NULL);
    dataset_release(&d);
}

static void read_basis(const char *path)
{
    const float x[] = {1, 2, 3};
    float y[2];
    struct basis b = {0};
    if (basis_file_read(path, 2, 3, &b, MPI_COMM_SELF) == LP_OK) {
        basis_reduce(&b, x, 1, y);
        for (int i = 0; i < 6; ++i)
            fuzz_require(isfinite(b.vector[i]) && isfinite(b.value[i % 3]));
    }
    basis_release(&b);
}

/* As a job does that would go on with the file. */
static void probe(const char *path)
{
    const struct run_about about = {"lpcam fuzz 1", settings, "[run]"};
    enum run_file_found found;
    (void)run_file_probe(path, &about, &found, MPI_COMM_SELF);
}

static void load_store(enum fuzz_kind kind, const char *path)
{
    probe(path);
    switch (kind) {
    case FUZZ_FEATURES:
    case FUZZ_REDUCED:
        read_features(path, MEMORY);
        read_features(path, 0);
        break;
    case FUZZ_PROTOTYPES:
    case FUZZ_CENTERS:
        read_prototypes(path);
        break;
    case FUZZ_VIEWS:
        read_views(path);
        break;
    case FUZZ_POOLED:
        read_pooled(path);
        break;
    case FUZZ_BASIS:
        read_basis(path);
        break;
    default:
        read_maps(path);
    }
}

enum fuzz_kind fuzz_kind_of(uint8_t first)
{
    return (enum fuzz_kind)(first % N_FUZZ_KINDS);
}

enum fuzz_way fuzz_way_of(uint8_t first)
{
    return (enum fuzz_way)(first / N_FUZZ_KINDS % N_FUZZ_WAYS);
}

void read_store(enum fuzz_kind kind, enum fuzz_way way, const char *path)
{
    const struct job_args args = {
        .file = &path, .n_files = 1, .comm = MPI_COMM_SELF};
    if (way == FUZZ_CHECK)
        (void)job_check(&args);
    else if (way == FUZZ_USE)
        use_store(kind, path);
    else if (way == FUZZ_RESUME)
        resume_store(kind, path);
    else
        load_store(kind, path);
}
