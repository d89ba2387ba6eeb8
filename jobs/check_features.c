/* SPDX-License-Identifier: MIT */
/* check_features.c: what clustering does not look at itself, or only later. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lpcam/base/log.h"
#include "lpcam/method/split.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"
#include "lpcam/store/feature_file.h"

/* Memory for the rows at hand while features are looked at. */
#define CHECK_MEMORY ((int64_t)256 << 20)

/* A features.h5 as it was loaded, and counts over all ranks in the end. */
struct look {
    struct feature_file ff;
    struct features f;
    struct dataset d;
    struct head head;
    struct basis basis;
    struct shard shard;
    int64_t zero_vectors, bad_vectors, bad_norms, object, context;
    int64_t last_bad; /* the image of one of them, -1                      */
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No two of n names may be equal. Alone. */
static enum lp_status check_names(const char *path, const char *set,
                                  const char **name, int64_t n)
{
    qsort(name, (size_t)n, sizeof *name, compare_names);
    for (int64_t i = 1; i < n; ++i)
        if (strcmp(name[i - 1], name[i]) == 0)
            return lp_fail(LP_EFORMAT, "%s of %s holds \"%s\" twice", set, path,
                           name[i]);
    return LP_OK;
}

static enum lp_status check_ids(const char *path, const struct dataset *d)
{
    enum lp_status status = LP_OK;
    const int64_t most =
        d->n_images > d->n_classes ? d->n_images : d->n_classes;
    const char **name = malloc((size_t)(most + 1) * sizeof *name);
    if (!name)
        return lp_fail(LP_ENOMEM, "no memory for %lld names", (long long)most);
    for (int64_t i = 0; i < d->n_images; ++i)
        name[i] = dataset_id(d, i);
    LP_TRY(check_names(path, "/image/id", name, d->n_images));
    for (int i = 0; i < d->n_classes; ++i)
        name[i] = dataset_class(d, i);
    LP_TRY(check_names(path, "/class/name", name, d->n_classes));
done:
    free(name);
    return status;
}

/* Is every one of n numbers finite; *zero: all are 0. */
static bool all_finite(const float *x, int64_t n, bool *zero)
{
    bool finite = true;
    *zero = true;
    for (int64_t i = 0; i < n; ++i) {
        finite = finite && isfinite(x[i]);
        *zero = *zero && x[i] == 0;
    }
    return finite;
}

/* The vectors of one image. */
static void count_image(struct look *l, int64_t image, const char *rows,
                        float *x)
{
    const struct features *f = &l->f;
    for (int64_t c = f->offset[image]; c < f->offset[image + 1]; ++c) {
        bool zero;
        value_to_f32(f->type, rows, f->d, x);
        if (!all_finite(x, f->d, &zero)) {
            ++l->bad_vectors;
            l->last_bad = f->first_image + image;
        }
        l->zero_vectors += zero;
        l->bad_norms += f->norm && !(isfinite(f->norm[c]) &&
                                     f->norm[c] >= (zero ? 0 : FLT_MIN));
        rows += f->d * value_bytes(f->type);
    }
}

/* Every vector and side of this rank's share. Alone. */
static enum lp_status count_share(struct look *l, struct progress *progress)
{
    enum lp_status status = LP_OK;
    struct features *f = &l->f;
    const int64_t n_sides = f->side_offset[f->pair_offset[f->n_images]];
    const int64_t bytes = (int64_t)f->d * value_bytes(f->type);
    const void *rows;
    float *x = malloc((size_t)f->d * sizeof *x);
    if (!x)
        return lp_fail(LP_ENOMEM, "no memory for a vector of %d", f->d);
    bool go_on = true;
    for (int64_t i = 0, end; i < f->n_images && go_on; i = end) {
        LP_TRY(features_block(f, i, &end, &rows));
        for (int64_t j = i; j < end && go_on; ++j) {
            count_image(
                l, j,
                (const char *)rows + (f->offset[j] - f->offset[i]) * bytes, x);
            go_on = progress_step(progress);
        }
    }
    for (int64_t i = 0; i < n_sides; ++i) {
        l->object += f->side[i] == SPLIT_OBJECT;
        l->context += f->side[i] == SPLIT_CONTEXT;
    }
done:
    free(x);
    return status;
}

static enum lp_status check_vectors(const char *path, struct look *l,
                                    MPI_Comm comm)
{
    enum lp_status status;
    struct progress progress;
    l->last_bad = -1;
    progress_begin(&progress, "check", l->f.n_images, CHECK_PROGRESS_S, comm);
    status = count_share(l, &progress);
    status = progress_end(&progress, status);
    LP_AGREE(comm);
    l->zero_vectors = comm_total(comm, l->zero_vectors);
    l->bad_vectors = comm_total(comm, l->bad_vectors);
    l->bad_norms = comm_total(comm, l->bad_norms);
    l->object = comm_total(comm, l->object);
    l->context = comm_total(comm, l->context);
    comm_max_i64(comm, &l->last_bad, 1);
    if (l->bad_vectors > 0)
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "%lld vectors of /feature/vector of %s have "
                           "infinite values or values that are no numbers, "
                           "the last in image %s",
                           (long long)l->bad_vectors, path,
                           dataset_id(&l->d, l->last_bad)));
    if (l->bad_norms > 0)
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "%lld values of /feature/norm of %s are no lengths "
                           "of their vectors",
                           (long long)l->bad_norms, path));
done:
    return status;
}

enum lp_status check_features(const struct job_args *args, const char *path)
{
    enum lp_status status;
    struct look l = {0};
    uint8_t *state = NULL;

    LP_TRY(feature_file_load(&l.ff, path, NULL, CHECK_MEMORY, &l.f, &l.d,
                             &l.head, &l.basis, &l.shard, args->comm));
    LP_TRY(check_states(l.ff.file.h5, path, l.d.n_images, &state, args->comm));
    if (comm_rank(args->comm) == 0) {
        status = check_ids(path, &l.d);
        if (status == LP_OK)
            status = check_basis(path, &l.basis);
    }
    LP_AGREE(args->comm);
    LP_TRY(check_vectors(path, &l, args->comm));
    lp_log("%s: good: %lld images, %d classes, %lld vectors of %d %s (%lld "
           "are zero), %lld object and %lld context cells",
           path, (long long)l.d.n_images, l.d.n_classes,
           (long long)l.ff.offset[l.d.n_images], l.ff.d, value_name(l.ff.type),
           (long long)l.zero_vectors, (long long)l.object,
           (long long)l.context);
done:
    features_release(&l.f);
    feature_file_close(&l.ff, false, NULL);
    dataset_release(&l.d);
    head_release(&l.head);
    basis_release(&l.basis);
    free(state);
    return status;
}
