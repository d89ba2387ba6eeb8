/* SPDX-License-Identifier: MIT */
#include "lpcam/store/checkpoint_file.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/base/size.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/sealed_file.h"
#include "lpcam/store/settings.h"

static const char form[] = "lpcam checkpoint 1";

/* Its arrays: where each begins, then the end of the last. */
enum { CENTER, STEP, ITERATIONS, WHY, END, N_PLACES };

/* False where the sizes are impossible. */
static bool lay_out(const int64_t size[SEALED_SIZES], int64_t place[N_PLACES])
{
    const int64_t item[END] = {sizeof(float), sizeof(struct kmeans_step),
                               sizeof(int), 1};
    const int64_t n_problems = size[0], k = size[1], d = size[2],
                  n_steps = size[3];
    int64_t n[END] = {n_problems, n_problems, n_problems, n_problems};
    bool good = size_multiply(&n[CENTER], k) && size_multiply(&n[CENTER], d) &&
                size_multiply(&n[STEP], n_steps);
    place[0] = 0;
    for (int i = 0; good && i < END; ++i) {
        place[i + 1] = place[i];
        good = size_multiply(&n[i], item[i]) && size_add(&n[i], 7) &&
               size_add(&place[i + 1], n[i] / 8 * 8);
    }
    return good;
}

enum lp_status checkpoint_write(const char *path, const char *settings,
                                const struct kmeans_past *past)
{
    const int64_t n = past->n_problems, k = past->k, d = past->d,
                  n_steps = past->n_steps;
    const struct sealed_array array[END] = {
        [CENTER] = {past->center, n * k * d * (int64_t)sizeof *past->center},
        [STEP] = {past->step, n * n_steps * (int64_t)sizeof *past->step},
        [ITERATIONS] = {past->iterations, n * (int64_t)sizeof(int)},
        [WHY] = {past->why, n}};
    return sealed_write(path, form, settings,
                        (const int64_t[SEALED_SIZES]){n, k, d, n_steps}, array,
                        END);
}

static bool copy(void *to, const char *bytes, const int64_t *place)
{
    void **array = to;
    const size_t n = (size_t)(place[1] - place[0]);
    *array = malloc(n + 1);
    if (*array)
        memcpy(*array, bytes + place[0], n);
    return *array != NULL;
}

/* Alone. */
static enum lp_status unpack(const struct sealed *s, const int64_t *place,
                             struct kmeans_past *past)
{
    past->n_problems = (int)s->size[0];
    past->k = (int)s->size[1];
    past->d = (int)s->size[2];
    past->n_steps = (int)s->size[3];
    if (!copy(&past->center, s->bytes, place + CENTER) ||
        !copy(&past->step, s->bytes, place + STEP) ||
        !copy(&past->iterations, s->bytes, place + ITERATIONS) ||
        !copy(&past->why, s->bytes, place + WHY))
        return lp_fail(LP_ENOMEM, "no memory for the checkpoint");
    return LP_OK;
}

/* What there is, on each rank; rank 0 tells what is wrong with it. Alone. */
static enum lp_status take(const char *path, const struct sealed *s,
                           const struct kmeans *km, struct kmeans_past *past,
                           bool root)
{
    int64_t place[N_PLACES];
    if (!lay_out(s->size, place) || place[END] != s->n_bytes ||
        s->size[3] < 1) {
        if (root)
            sealed_damaged(path);
        return LP_OK;
    }
    if (s->size[0] == km->n_problems && s->size[1] == km->k &&
        s->size[2] == km->d)
        return unpack(s, place, past);
    return root ? lp_fail(LP_EARG,
                          "%s is of %lld x %lld centres of %lld channels, "
                          "where %d x %d of %d are due: " SETTINGS_ADVICE,
                          path, (long long)s->size[0], (long long)s->size[1],
                          (long long)s->size[2], km->n_problems, km->k, km->d)
                : LP_OK;
}

enum lp_status checkpoint_read(const char *path, const char *settings,
                               const struct kmeans *km,
                               struct kmeans_past *past, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct sealed sealed;
    LP_TRY(sealed_read(path, form, settings, &sealed, comm));
    if (sealed.bytes)
        status = take(path, &sealed, km, past, comm_rank(comm) == 0);
    LP_AGREE(comm);
done:
    sealed_release(&sealed);
    if (status != LP_OK)
        kmeans_past_release(past);
    return status;
}

static enum lp_status save(void *arg, const struct kmeans_past *past)
{
    const struct checkpoint *c = arg;
    return checkpoint_write(c->path, c->settings, past);
}

enum lp_status checkpoint_open(struct checkpoint *c, char *path,
                               const char *settings,
                               const struct kmeans_keep *how, struct kmeans *km,
                               bool *found, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    *c = (struct checkpoint){path, settings, *how};
    c->keep.save = save;
    c->keep.arg = c;
    if (!path)
        status = lp_fail(LP_ENOMEM, "no memory for the name of a checkpoint");
    LP_AGREE(comm);
    LP_TRY(checkpoint_read(path, settings, km, &c->keep.past, comm));
    *found = c->keep.past.n_steps > 0;
    if (*found)
        lp_log("clustering goes on after iteration %d, from %s",
               c->keep.past.n_steps, path);
    LP_TRY(kmeans_keep_open(&c->keep, km, comm));
done:
    return status;
}

void checkpoint_close(struct checkpoint *c)
{
    kmeans_keep_release(&c->keep);
    free(c->path);
    *c = (struct checkpoint){0};
}
