/* SPDX-License-Identifier: MIT */
/* feature_load.c: features.h5 as clustering wants it. What any program may
 * have written is checked before it is used. */
#include "lpcam/store/feature_file.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/pages.h"
#include "lpcam/method/split.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/cost.h"

/* The tables of the whole file, on every rank, as they are. */
static enum lp_status read_tables(struct feature_file *ff,
                                  const struct dataset *d, int64_t *n_rows,
                                  int64_t *n_sides)
{
    enum lp_status status;
    enum h5_type type, side_type;
    struct h5 *h5 = ff->file.h5;
    const int64_t n = d->n_images, n_pairs = d->label_offset[n];
    int64_t vector[2] = {-1, -1}, offsets = n + 1, sides = n_pairs + 1;
    int64_t grid[2] = {n, 2};
    void *table = NULL;

    LP_TRY(h5_expect(h5, "/feature/vector", 2, vector, &type));
    LP_TRY(h5_read_shared(h5, "/feature/offset", H5_I64, 1, &offsets, &table));
    ff->offset = table;
    LP_TRY(h5_read_shared(h5, "/feature/grid", H5_I64, 2, grid, &table));
    ff->grid = table;
    *n_sides = -1;
    LP_TRY(h5_expect(h5, "/split/side", 1, n_sides, &side_type));
    LP_TRY(h5_read_shared(h5, "/split/offset", H5_I64, 1, &sides, &table));
    ff->side_offset = table;
    LP_TRY(
        h5_read_shared(h5, "/image/label_offset", H5_I64, 1, &offsets, &table));
    ff->pair_offset = table;
    ff->type = type == H5_F16 ? LP_F16 : type == H5_BF16 ? LP_BF16 : LP_F32;
    ff->d = vector[1] > INT_MAX ? 0 : (int)vector[1];
    ff->n_images = n;
    ff->norms = h5_has(h5, "/feature/norm");
    if (ff->norms)
        LP_TRY(h5_expect(h5, "/feature/norm", 1, vector, &type));
    *n_rows = vector[0];
done:
    return status;
}

/* Does offset [n + 1] ascend from 0 to `end`? Local. */
static enum lp_status check_offset(const char *path, const char *name,
                                   const int64_t *offset, int64_t n,
                                   int64_t end)
{
    for (int64_t i = 0; i <= n; ++i) {
        const int64_t least = i == n ? end : i > 0 ? offset[i - 1] : 0;
        const int64_t most = i == 0 ? 0 : end;
        if (offset[i] < least || offset[i] > most)
            return lp_fail(LP_EFORMAT,
                           "%s[%lld] of %s is %lld: offsets ascend from 0 to "
                           "%lld",
                           name, (long long)i, path, (long long)offset[i],
                           (long long)end);
    }
    return LP_OK;
}

/* Do grids and offsets tell the same numbers of cells? Local. */
static enum lp_status check_tables(const struct feature_file *ff,
                                   const struct dataset *d, int64_t n_rows,
                                   int64_t n_sides)
{
    enum lp_status status;
    const char *path = h5_path(ff->file.h5);
    const int64_t n = ff->n_images, *pair = ff->pair_offset;

    if (ff->d < 1)
        LP_TRY(
            lp_fail(LP_EFORMAT, "/feature/vector of %s has no channels", path));
    LP_TRY(check_offset(path, "/feature/offset", ff->offset, n, n_rows));
    LP_TRY(
        check_offset(path, "/split/offset", ff->side_offset, pair[n], n_sides));
    for (int64_t i = 0; i < n; ++i) {
        const int64_t cells = ff->offset[i + 1] - ff->offset[i];
        const int64_t h = ff->grid[2 * i], w = ff->grid[2 * i + 1];
        if (h < 0 || w < 0 || h > INT_MAX || w > INT_MAX || h * w != cells)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "/feature/grid[%lld] of %s is %lld x %lld, but "
                           "/feature/offset gives image %s %lld cells",
                           (long long)i, path, (long long)h, (long long)w,
                           dataset_id(d, i), (long long)cells));
        if (cells > INT_MAX)
            LP_TRY(lp_fail(LP_EFORMAT,
                           "/feature/grid[%lld] of %s is %lld x %lld: image %s "
                           "must have less than 2^31 cells",
                           (long long)i, path, (long long)h, (long long)w,
                           dataset_id(d, i)));
        for (int64_t p = pair[i]; p < pair[i + 1]; ++p)
            if (ff->side_offset[p + 1] - ff->side_offset[p] != cells)
                LP_TRY(lp_fail(LP_EFORMAT,
                               "/split/offset[%lld] of %s must be %lld more "
                               "than the one before: image %s has %lld cells",
                               (long long)p + 1, path, (long long)cells,
                               dataset_id(d, i), (long long)cells));
    }
done:
    return status;
}

/* Local. */
static enum lp_status check_head(const char *path, const struct head *head,
                                 const struct dataset *d)
{
    for (int i = 0; i < head->n; ++i) {
        bool finite = isfinite(head->bias[i]);
        for (int64_t j = 0; j < head->d; ++j)
            finite = finite && isfinite(head->weight[(int64_t)i * head->d + j]);
        if (!finite)
            return lp_fail(LP_EFORMAT,
                           "/classifier of %s has infinite values or values "
                           "that are no numbers for class %s",
                           path, dataset_class(d, i));
    }
    return LP_OK;
}

/* The classifier, and the basis that its dimensions are reduced by. */
static enum lp_status read_head(struct feature_file *ff,
                                const struct dataset *d, struct head *head,
                                struct basis *basis)
{
    const int n_classes = d->n_classes;
    enum lp_status status;
    struct h5 *h5 = ff->file.h5;
    void *table = NULL;
    LP_TRY(basis_group_read(h5, ff->d, 0, basis, ff->file.comm));
    int64_t shape[2] = {n_classes, basis->d};
    *head = (struct head){.n = n_classes, .d = basis->d};
    LP_TRY(h5_read_shared(h5, "/classifier/weight", H5_F32, 2, shape, &table));
    head->weight = table;
    LP_TRY(h5_read_shared(h5, "/classifier/bias", H5_F32, 1, shape, &table));
    head->bias = table;
    if (comm_rank(ff->file.comm) == 0)
        status = check_head(h5_path(h5), head, d);
    LP_AGREE(ff->file.comm);
done:
    return status;
}

/* Equal shares of the work of clustering. state [n_images] is the caller's to
 * free. */
static enum lp_status share_images(struct feature_file *ff, uint8_t **state,
                                   struct shard *shard)
{
    enum lp_status status = LP_OK;
    const int64_t n = ff->n_images;
    const MPI_Comm comm = ff->file.comm;
    int64_t *cost = malloc((size_t)(n + 1) * sizeof *cost);
    *state = malloc((size_t)n + 1);

    if (!cost || !*state)
        status =
            lp_fail(LP_ENOMEM, "no memory to share %lld images", (long long)n);
    else if (comm_rank(comm) == 0)
        status = image_group_states(ff->file.h5, 0, n, *state);
    LP_AGREE(comm);
    comm_bcast(comm, *state, n);
    for (int64_t i = 0; i < n; ++i)
        cost[i] = (*state)[i] != IMAGE_DONE
                      ? 0
                      : cost_cells(ff->offset[i + 1] - ff->offset[i],
                                   ff->pair_offset[i + 1] - ff->pair_offset[i]);
    *shard = shard_by_cost(cost, n, comm_rank(comm), comm_size(comm));
done:
    free(cost);
    return status;
}

/* The tables of this rank's images. Local. */
static enum lp_status take_tables(const struct feature_file *ff,
                                  const struct dataset *d,
                                  const struct shard *shard, struct features *f)
{
    const int64_t n = shard->n_local, first = shard->first;
    const int64_t first_pair = ff->pair_offset[first];
    const int64_t n_pairs = ff->pair_offset[first + n] - first_pair;
    const int64_t first_side = ff->side_offset[first_pair];
    f->offset = calloc((size_t)n + 1, sizeof *f->offset);
    f->grid_w = calloc((size_t)n + 1, sizeof *f->grid_w);
    f->id_hash = calloc((size_t)n + 1, sizeof *f->id_hash);
    f->pair_offset = calloc((size_t)n + 1, sizeof *f->pair_offset);
    f->pair_class = calloc((size_t)n_pairs + 1, sizeof *f->pair_class);
    f->side_offset = calloc((size_t)n_pairs + 1, sizeof *f->side_offset);
    if (!f->offset || !f->grid_w || !f->id_hash || !f->pair_offset ||
        !f->pair_class || !f->side_offset)
        return lp_fail(LP_ENOMEM, "no memory for the tables of %lld images",
                       (long long)n);
    for (int64_t i = 0; i < n; ++i) {
        f->offset[i + 1] = ff->offset[first + i + 1] - ff->offset[first];
        f->grid_w[i] = (int32_t)ff->grid[2 * (first + i) + 1];
        f->id_hash[i] = hash_text(dataset_id(d, first + i));
        f->pair_offset[i + 1] = ff->pair_offset[first + i + 1] - first_pair;
    }
    for (int64_t p = 0; p < n_pairs; ++p) {
        f->pair_class[p] = d->label[first_pair + p];
        f->side_offset[p + 1] =
            ff->side_offset[first_pair + p + 1] - first_side;
    }
    return LP_OK;
}

/* The sides of this rank's pairs; neither for images that are not done. Local
 * in effect. */
static enum lp_status read_sides(struct feature_file *ff, const uint8_t *state,
                                 struct features *f)
{
    enum lp_status status;
    const int64_t first = ff->side_offset[ff->pair_offset[f->first_image]];
    const int64_t n = f->side_offset[f->pair_offset[f->n_images]];
    f->side = malloc((size_t)n + 1);
    if (!f->side)
        return lp_fail(LP_ENOMEM, "no memory for %lld sides of cells",
                       (long long)n);
    LP_TRY(h5_read(ff->file.h5, "/split/side", H5_U8, first, n, f->side));
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t begin = f->side_offset[f->pair_offset[i]];
        const int64_t end = f->side_offset[f->pair_offset[i + 1]];
        if (state[f->first_image + i] != IMAGE_DONE)
            memset(f->side + begin, SPLIT_NEITHER, (size_t)(end - begin));
    }
    for (int64_t c = 0; c < n; ++c)
        if (f->side[c] > SPLIT_CONTEXT)
            LP_TRY(lp_fail(
                LP_EFORMAT, "/split/side[%lld] of %s is %d: 0, 1 or 2 is due",
                (long long)(first + c), h5_path(ff->file.h5), f->side[c]));
done:
    return status;
}

/* The lengths of this rank's cells. Local in effect. */
static enum lp_status read_norms(struct feature_file *ff, struct features *f)
{
    const int64_t n = f->offset[f->n_images];
    if (!ff->norms)
        return LP_OK;
    f->norm = malloc((size_t)(n + 1) * sizeof *f->norm);
    if (!f->norm)
        return lp_fail(LP_ENOMEM, "no memory for the lengths of %lld vectors",
                       (long long)n);
    return h5_read(ff->file.h5, "/feature/norm", H5_F32, ff->first_cell, n,
                   f->norm);
}

/* features.read: rows of this rank's share. */
static enum lp_status read_rows(void *file, int64_t first, int64_t n,
                                void *rows)
{
    struct feature_file *ff = file;
    return h5_read(ff->file.h5, "/feature/vector", h5_type_of(ff->type),
                   ff->first_cell + first, n, rows);
}

/* Blocks from the file itself, where its rows lie as they would in memory;
 * else through HDF5, which other threads may not call. */
static void stream_values(struct features *f, int64_t memory_bytes)
{
    const struct feature_file *ff = f->file;
    const int64_t at =
        h5_offset(ff->file.h5, "/feature/vector", h5_type_of(f->type));
    f->block_bytes = memory_bytes / 2 < FEATURE_BLOCK_BYTES
                         ? memory_bytes / 2
                         : FEATURE_BLOCK_BYTES;
    if (at < 0 || at % value_bytes(f->type) != 0)
        return;
    f->path = h5_path(ff->file.h5);
    f->at = at + ff->first_cell * f->d * value_bytes(f->type);
}

static enum lp_status read_values(struct features *f, int64_t memory_bytes)
{
    const int64_t n = f->offset[f->n_images];
    const int64_t bytes = n * f->d * value_bytes(f->type);
    if (bytes > memory_bytes) {
        stream_values(f, memory_bytes);
        return LP_OK;
    }
    f->value = pages_new(bytes);
    if (!f->value)
        return lp_fail(LP_ENOMEM,
                       "no memory for %lld bytes of features: lower run.memory",
                       (long long)bytes);
    return f->read(f->file, 0, n, f->value);
}

enum lp_status feature_file_load(struct feature_file *ff, const char *path,
                                 const char *settings, int64_t memory_bytes,
                                 struct features *f, struct dataset *d,
                                 struct head *head, struct basis *basis,
                                 struct shard *shard, MPI_Comm comm)
{
    enum lp_status status;
    int64_t n_rows, n_sides;
    uint8_t *state = NULL;

    *ff = (struct feature_file){0};
    *f = (struct features){0};
    *d = (struct dataset){0};
    *head = (struct head){0};
    *basis = (struct basis){0};
    LP_TRY(run_file_read(&ff->file, path, settings, "extract", comm));
    LP_TRY(image_group_read(ff->file.h5, d, comm));
    LP_TRY(read_tables(ff, d, &n_rows, &n_sides));
    if (comm_rank(comm) == 0)
        status = check_tables(ff, d, n_rows, n_sides);
    LP_AGREE(comm);
    LP_TRY(read_head(ff, d, head, basis));
    LP_TRY(share_images(ff, &state, shard));

    f->d = ff->d;
    f->type = ff->type;
    f->n_classes = d->n_classes;
    f->n_images = shard->n_local;
    f->first_image = shard->first;
    f->read = read_rows;
    f->file = ff;
    ff->first_cell = ff->offset[shard->first];
    status = take_tables(ff, d, shard, f);
    if (status == LP_OK)
        status = read_sides(ff, state, f);
    if (status == LP_OK)
        status = read_norms(ff, f);
    if (status == LP_OK)
        status = read_values(f, memory_bytes);
    LP_AGREE(comm);
done:
    free(state);
    return status;
}
