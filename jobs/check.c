/* SPDX-License-Identifier: MIT */
/* check.c: is a configuration, a model or an output complete and sane, and if
 * not, what is wrong, in words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/net/onnx_cut.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/shard.h"
#include "lpcam/store/basis_file.h"
#include "lpcam/store/map_file.h"
#include "lpcam/store/pooled_file.h"
#include "check.h"
#include "session.h"

enum lp_status check_config(const struct job_args *args, const char *path)
{
    enum lp_status status = LP_OK;
    struct session s;
    struct job_args one = *args;
    one.file = &path;
    one.n_files = 1;
    one.dry_run = true;
    LP_TRY(session_open(&s, &one, NEED_DATA | NEED_MODEL));
    lp_log("%s: good", path);
done:
    session_close(&s);
    return status;
}

enum lp_status check_model(const struct job_args *args, const char *path)
{
    static const char *const order[] = {
        [HEAD_POOL_LINEAR] = "pooling, then a linear layer",
        [HEAD_LINEAR_POOL] = "a linear layer, then pooling",
        [HEAD_LINEAR_RELU_POOL] = "a linear layer, ReLU, then pooling"};
    enum lp_status status = LP_OK;
    struct onnx_cut cut = {0};
    struct backbone *backbone = NULL;
    if (comm_rank(args->comm) == 0) {
        status = onnx_cut_read(&cut, path, &(struct onnx_names){0});
        if (status == LP_OK)
            status = backbone_open(&backbone, cut.cut, cut.n_cut, LP_F32, 1);
    }
    LP_AGREE(args->comm);
    lp_log("%s: good: %d classes, %d channels at tensor %s, %s", path,
           cut.head.n, cut.head.d, cut.feature, order[cut.head.order]);
done:
    backbone_close(backbone);
    onnx_cut_release(&cut);
    return status;
}

enum lp_status check_states(struct h5 *h5, const char *path, int64_t n,
                            uint8_t **state, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    int64_t count[3] = {0};
    *state = calloc((size_t)n + 1, 1);
    if (*state)
        status = image_group_states(h5, 0, n, *state);
    else
        status = lp_fail(LP_ENOMEM, "no memory for the images' states");
    LP_AGREE(comm);
    for (int64_t i = 0; i < n; ++i) {
        if ((*state)[i] > IMAGE_BAD)
            LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                               "/image/state[%lld] of %s is %d: 0, 1 or 2 is "
                               "due",
                               (long long)i, path, (*state)[i]));
        ++count[(*state)[i]];
    }
    lp_log("%s: %lld images done, %lld broken, %lld to do", path,
           (long long)count[IMAGE_DONE], (long long)count[IMAGE_BAD],
           (long long)count[IMAGE_TO_DO]);
    if (count[IMAGE_TO_DO])
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "%s is not complete: the job that writes it goes "
                           "on when started again",
                           path));
done:
    return status;
}

/* Every map of this rank's share of done images. Alone. */
static enum lp_status tally_maps(struct map_file *mf, const uint8_t *state,
                                 const struct shard *shard,
                                 struct progress *progress, int64_t count[2])
{
    enum lp_status status = LP_OK;
    float *map = NULL;
    for (int64_t i = shard->first; i < shard->first + shard->n_local; ++i) {
        const int64_t n = mf->map_offset[mf->pair_offset[i + 1]] -
                          mf->map_offset[mf->pair_offset[i]];
        if (!progress_step(progress))
            break;
        if (state[i] != IMAGE_DONE)
            continue;
        free(map);
        map = malloc((size_t)(n + 1) * sizeof *map);
        if (!map)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the maps of an image"));
        LP_TRY(map_file_read(mf, i, map));
        for (int64_t j = 0; j < n; ++j)
            count[1] += !(map[j] >= 0 && map[j] <= 1.001f);
        count[0] += n;
    }
done:
    free(map);
    return status;
}

static enum lp_status check_maps(const struct job_args *args, const char *path)
{
    enum lp_status status = LP_OK;
    struct map_file mf = {0};
    struct dataset d = {0};
    struct progress progress;
    int64_t count[2] = {0}; /* values, wrong ones */
    uint8_t *state = NULL;

    LP_TRY(map_file_load(&mf, path, NULL, &d, args->comm));
    const struct shard shard = shard_by_count(
        mf.n_images, comm_rank(args->comm), comm_size(args->comm));
    LP_TRY(check_states(mf.file.h5, path, mf.n_images, &state, args->comm));
    progress_begin(&progress, "check", shard.n_local, CHECK_PROGRESS_S,
                   args->comm);
    status = tally_maps(&mf, state, &shard, &progress, count);
    status = progress_end(&progress, status);
    LP_AGREE(args->comm);
    comm_sum_i64(args->comm, count, 2);
    if (count[1] > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld values of /map/value are outside 0..1 or "
                           "no numbers",
                           path, (long long)count[1]));
    lp_log("%s: good: %d classes, %lld maps, %lld values in 0..1", path,
           d.n_classes, (long long)mf.pair_offset[mf.n_images],
           (long long)count[0]);
done:
    map_file_close(&mf, false, NULL);
    dataset_release(&d);
    free(state);
    return status;
}

static enum lp_status check_prototypes(const struct job_args *args,
                                       struct h5 *h5, const char *path)
{
    enum lp_status status = LP_OK;
    int64_t dims[4] = {-1, -1}, wrong = 0, empty = 0;
    enum h5_type type;
    void *rows = NULL;

    LP_TRY(h5_expect(h5, "/method/vector", 2, dims, &type));
    LP_TRY(h5_read_shared(h5, "/method/vector", H5_F32, 2, dims, &rows));
    const float *vector = rows;
    for (int64_t c = 0; c < dims[0]; ++c) {
        bool zero = true;
        for (int64_t j = 0; j < dims[1]; ++j) {
            wrong += !isfinite(vector[c * dims[1] + j]);
            zero = zero && vector[c * dims[1] + j] == 0;
        }
        empty += zero;
    }
    if (wrong > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld values of /method/vector are "
                           "infinite or no numbers",
                           path, (long long)wrong));
    lp_log("%s: good: one vector of %lld for each of %lld classes, %lld of "
           "them zero",
           path, (long long)dims[1], (long long)dims[0], (long long)empty);
done:
    free(rows);
    (void)args;
    return status;
}

enum lp_status check_basis(const char *path, const struct basis *b)
{
    for (int64_t j = 0; b->vector && j < b->r; ++j)
        for (int64_t k = 0; k <= j; ++k) {
            double dot = 0;
            for (int64_t i = 0; i < b->d; ++i)
                dot += (double)b->vector[j * b->d + i] *
                       (double)b->vector[k * b->d + i];
            if (!(fabs(dot - (j == k)) < 1e-4))
                return lp_fail(LP_EFORMAT,
                               "rows %lld and %lld of /basis/vector of %s are "
                               "not orthonormal: their product is %g",
                               (long long)k, (long long)j, path, dot);
        }
    return LP_OK;
}

static enum lp_status check_components(const struct job_args *args,
                                       const char *path)
{
    enum lp_status status;
    struct basis b = {0};
    LP_TRY(basis_file_read(path, 0, 0, &b, args->comm));
    if (comm_rank(args->comm) == 0)
        status = check_basis(path, &b);
    LP_AGREE(args->comm);
    lp_log("%s: good: %d of %d components, %.1f %% of the energy of %lld "
           "vectors",
           path, b.r, b.d, 100 * b.loss.energy, (long long)b.loss.n_rows);
done:
    basis_release(&b);
    return status;
}

/* The vectors of this rank's share of done images. Alone. */
static enum lp_status tally_pooled(struct pooled_file *pf, const uint8_t *state,
                                   const struct shard *shard,
                                   struct progress *progress, int64_t *wrong)
{
    enum lp_status status = LP_OK;
    const int64_t n = (int64_t)pf->views * pf->d;
    float *x = malloc((size_t)n * sizeof *x);
    if (!x)
        return lp_fail(LP_ENOMEM, "no memory for the vectors of an image");
    for (int64_t i = shard->first; i < shard->first + shard->n_local; ++i) {
        if (!progress_step(progress))
            break;
        if (state[i] != IMAGE_DONE)
            continue;
        LP_TRY(pooled_file_read(pf, i, 1, x));
        for (int64_t j = 0; j < n; ++j)
            *wrong += !isfinite(x[j]);
    }
done:
    free(x);
    return status;
}

static enum lp_status check_pooled(const struct job_args *args,
                                   const char *path)
{
    enum lp_status status = LP_OK;
    struct pooled_file pf = {0};
    struct dataset d = {0};
    struct progress progress;
    uint8_t *state = NULL;
    int64_t wrong = 0;

    LP_TRY(pooled_file_load(&pf, path, &d, args->comm));
    LP_TRY(check_states(pf.file.h5, path, d.n_images, &state, args->comm));
    const struct shard shard = shard_by_count(d.n_images, comm_rank(args->comm),
                                              comm_size(args->comm));
    progress_begin(&progress, "check", shard.n_local, CHECK_PROGRESS_S,
                   args->comm);
    status = tally_pooled(&pf, state, &shard, &progress, &wrong);
    status = progress_end(&progress, status);
    LP_AGREE(args->comm);
    wrong = comm_total(args->comm, wrong);
    if (wrong > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld values of /pooled/vector are infinite or "
                           "no numbers",
                           path, (long long)wrong));
    lp_log("%s: good: %d classes, %lld images, %d views of %d channels each",
           path, d.n_classes, (long long)d.n_images, pf.views, pf.d);
done:
    pooled_file_close(&pf, false, NULL);
    dataset_release(&d);
    free(state);
    return status;
}

enum lp_status check_output(const struct job_args *args, const char *path)
{
    enum lp_status status = LP_OK;
    struct h5 *h5 = NULL;
    LP_TRY(h5_open(&h5, path, false, args->comm));
    if (h5_has(h5, "/method/vector")) {
        status = check_prototypes(args, h5, path);
        goto done;
    }
    const bool features = h5_has(h5, "/feature/vector") ||
                          h5_has(h5, "/feature/offset") ||
                          h5_has(h5, "/split/side");
    const bool maps = h5_has(h5, "/map/value");
    const bool basis = h5_has(h5, "/basis/vector");
    const bool views = h5_has(h5, "/view/vector");
    const bool pooled = h5_has(h5, "/pooled/vector");
    LP_TRY(h5_close(&h5));
    if (features)
        status = check_features(args, path);
    else if (maps)
        status = check_maps(args, path);
    else if (views)
        status = check_views(args, path);
    else if (basis)
        status = check_components(args, path);
    else if (pooled)
        status = check_pooled(args, path);
    else
        status = lp_fail_all(args->comm, LP_EFORMAT,
                             "%s is no output of lpcam: it has none "
                             "of /feature/vector, /method/vector, "
                             "/map/value, /view/vector, /basis/vector, "
                             "/pooled/vector",
                             path);
done:
    h5_close(&h5);
    return status;
}
