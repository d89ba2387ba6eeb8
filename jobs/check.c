/* SPDX-License-Identifier: MIT */
/* check.c: is a configuration, a model or an output complete and sane, and if
 * not, what is wrong, in words. Every file given is looked at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/method/split.h"
#include "lpcam/net/onnx_cut.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/shard.h"
#include "lpcam/store/feature_file.h"
#include "lpcam/store/map_file.h"
#include "session.h"

/* Memory for the rows at hand while features are looked at. */
#define CHECK_MEMORY ((int64_t)256 << 20)

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A configuration: everything a run would check, data set and model included. */
static enum lp_status check_config(const struct job_args *args,
                                   const char *path)
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

/* A model: can it be cut and compiled; rank 0. */
static enum lp_status check_model(const struct job_args *args, const char *path)
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

/* Counts of one kind of numbers, over all ranks in the end. */
struct tally {
    int64_t values, wrong, zero_vectors, object, context;
};

static void tally_sum(struct tally *t, MPI_Comm comm)
{
    comm_sum_i64(comm, (int64_t *)t, sizeof *t / sizeof(int64_t));
}

/* Every vector of this rank's share. Alone. */
static enum lp_status tally_features(struct features *f, struct tally *t)
{
    enum lp_status status = LP_OK;
    const void *rows;
    float *row = malloc((size_t)f->d * sizeof *row);
    if (!row)
        return lp_fail(LP_ENOMEM, "no memory for a vector of %d", f->d);
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        LP_TRY(features_block(f, i, &end, &rows));
        for (int64_t a = 0; a < f->offset[end] - f->offset[i]; ++a) {
            bool zero = true;
            value_to_f32(f->type,
                         (const char *)rows + a * f->d * value_bytes(f->type),
                         f->d, row);
            for (int c = 0; c < f->d; ++c) {
                t->wrong += !isfinite(row[c]);
                zero = zero && row[c] == 0;
            }
            t->values += f->d;
            t->zero_vectors += zero;
        }
    }
    for (int64_t i = 0; i < f->side_offset[f->pair_offset[f->n_images]]; ++i) {
        t->object += f->side[i] == SPLIT_OBJECT;
        t->context += f->side[i] == SPLIT_CONTEXT;
    }
done:
    free(row);
    return status;
}

/* How many images are in each state; refused while any is to do. The same on
 * every rank. */
static enum lp_status check_states(struct h5 *h5, const char *path, int64_t n,
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
    for (int64_t i = 0; i < n; ++i)
        ++count[(*state)[i] < 3 ? (*state)[i] : 0];
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

static enum lp_status check_features(const struct job_args *args,
                                     const char *path)
{
    enum lp_status status = LP_OK;
    struct feature_file ff = {0};
    struct features f = {0};
    struct dataset d = {0};
    struct head head = {0};
    struct shard shard;
    struct tally t = {0};
    uint8_t *state = NULL;

    LP_TRY(feature_file_load(&ff, path, NULL, CHECK_MEMORY, &f, &d, &head,
                             &shard, args->comm));
    LP_TRY(check_states(ff.file.h5, path, d.n_images, &state, args->comm));
    status = tally_features(&f, &t);
    LP_AGREE(args->comm);
    tally_sum(&t, args->comm);
    if (t.wrong > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld values of /feature/vector are "
                           "infinite or no numbers",
                           path, (long long)t.wrong));
    lp_log("%s: good: %lld images, %d classes, %lld vectors of %d %s (%lld "
           "are zero), %lld object and %lld context cells",
           path, (long long)d.n_images, d.n_classes,
           (long long)(t.values / ff.d), ff.d, value_name(ff.type),
           (long long)t.zero_vectors, (long long)t.object,
           (long long)t.context);
done:
    features_release(&f);
    feature_file_close(&ff, false, NULL);
    dataset_release(&d);
    head_release(&head);
    free(state);
    return status;
}

/* Every map of this rank's share of done images. Alone. */
static enum lp_status tally_maps(struct map_file *mf, const uint8_t *state,
                                 const struct shard *shard, struct tally *t)
{
    enum lp_status status = LP_OK;
    float *map = NULL;
    for (int64_t i = shard->first; i < shard->first + shard->n_local; ++i) {
        const int64_t n = mf->map_offset[mf->pair_offset[i + 1]] -
                          mf->map_offset[mf->pair_offset[i]];
        if (state[i] != IMAGE_DONE)
            continue;
        free(map);
        map = malloc((size_t)(n + 1) * sizeof *map);
        if (!map)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for the maps of an image"));
        LP_TRY(map_file_read(mf, i, map));
        for (int64_t j = 0; j < n; ++j)
            t->wrong += !(map[j] >= 0 && map[j] <= 1.001f);
        t->values += n;
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
    struct tally t = {0};
    uint8_t *state = NULL;

    LP_TRY(map_file_load(&mf, path, NULL, &d, args->comm));
    const struct shard shard = shard_by_count(
        mf.n_images, comm_rank(args->comm), comm_size(args->comm));
    LP_TRY(check_states(mf.file.h5, path, mf.n_images, &state, args->comm));
    status = tally_maps(&mf, state, &shard, &t);
    LP_AGREE(args->comm);
    tally_sum(&t, args->comm);
    if (t.wrong > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld values of /map/value are outside 0..1 or "
                           "no numbers",
                           path, (long long)t.wrong));
    lp_log("%s: good: %d classes, %lld maps, %lld values in 0..1", path,
           d.n_classes, (long long)mf.pair_offset[mf.n_images],
           (long long)t.values);
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

/* An output, told apart by what is in it. */
static enum lp_status check_output(const struct job_args *args,
                                   const char *path)
{
    enum lp_status status = LP_OK;
    struct h5 *h5 = NULL;
    LP_TRY(h5_open(&h5, path, false, args->comm));
    if (h5_has(h5, "/method/vector")) {
        status = check_prototypes(args, h5, path);
        goto done;
    }
    const bool features = h5_has(h5, "/feature/vector");
    const bool maps = h5_has(h5, "/map/value");
    LP_TRY(h5_close(&h5));
    if (features)
        status = check_features(args, path);
    else if (maps)
        status = check_maps(args, path);
    else
        status = lp_fail_all(args->comm, LP_EFORMAT,
                             "%s is no output of lpcam: it has none "
                             "of /feature/vector, /method/vector, "
                             "/map/value",
                             path);
done:
    h5_close(&h5);
    return status;
}

enum lp_status job_check(const struct job_args *args)
{
    enum lp_status worst = LP_OK;
    for (int i = 0; i < args->n_files; ++i) {
        enum lp_status status;
        const char *path = args->file[i];
        if (ends_with(path, ".ini"))
            status = check_config(args, path);
        else if (ends_with(path, ".onnx"))
            status = check_model(args, path);
        else
            status = check_output(args, path);
        worst = worst == LP_OK ? status : worst;
    }
    return worst;
}
