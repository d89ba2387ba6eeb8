/* SPDX-License-Identifier: MIT */
#include "lpcam/store/checkpoint_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/base/size.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/settings.h"

static const char format[24] = "lpcam checkpoint 1";

struct head {
    char format[24];
    char sha256[72]; /* of all that follows it                             */
    int64_t settings_bytes, n_problems, k, d, n_steps;
};

/* The arrays behind the head: where each begins, then the end of the file. */
enum { SETTINGS, CENTER, STEP, ITERATIONS, WHY, END, N_PLACES };

/* False where the sizes of the head are impossible. */
static bool lay_out(const struct head *h, int64_t place[N_PLACES])
{
    const int64_t item[END] = {1, sizeof(float), sizeof(struct kmeans_step),
                               sizeof(int), 1};
    int64_t n[END] = {h->settings_bytes, h->n_problems, h->n_problems,
                      h->n_problems, h->n_problems};
    bool good = size_multiply(&n[CENTER], h->k) &&
                size_multiply(&n[CENTER], h->d) &&
                size_multiply(&n[STEP], h->n_steps);
    place[SETTINGS] = sizeof *h;
    for (int i = 0; good && i < END; ++i) {
        place[i + 1] = place[i];
        good = size_multiply(&n[i], item[i]) && size_add(&n[i], 7) &&
               size_add(&place[i + 1], n[i] / 8 * 8);
    }
    return good;
}

static void fingerprint(const char *bytes, int64_t n, char hex[65])
{
    const size_t from = offsetof(struct head, settings_bytes);
    hash_sha256(bytes + from, (size_t)n - from, hex);
}

enum lp_status checkpoint_write(const char *path, const char *settings,
                                const struct kmeans_past *past)
{
    enum lp_status status = LP_OK;
    struct head h = {.settings_bytes = (int64_t)strlen(settings) + 1,
                     .n_problems = past->n_problems,
                     .k = past->k,
                     .d = past->d,
                     .n_steps = past->n_steps};
    int64_t place[N_PLACES];
    const size_t n = (size_t)h.n_problems;
    char *bytes = lay_out(&h, place) ? calloc((size_t)place[END], 1) : NULL;

    if (!bytes)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to write %s", path));
    memcpy(bytes + place[SETTINGS], settings, (size_t)h.settings_bytes);
    memcpy(bytes + place[CENTER], past->center,
           n * (size_t)(h.k * h.d) * sizeof *past->center);
    memcpy(bytes + place[STEP], past->step,
           n * (size_t)h.n_steps * sizeof *past->step);
    memcpy(bytes + place[ITERATIONS], past->iterations,
           n * sizeof *past->iterations);
    memcpy(bytes + place[WHY], past->why, n);
    memcpy(h.format, format, sizeof h.format);
    memcpy(bytes, &h, sizeof h);
    fingerprint(bytes, place[END], h.sha256);
    memcpy(bytes, &h, sizeof h);
    LP_TRY(text_write(path, bytes, (size_t)place[END]));
done:
    free(bytes);
    return status;
}

/* Is it a file of ours, and as it was written? */
static bool is_whole(const char *bytes, int64_t n, struct head *h,
                     int64_t place[N_PLACES])
{
    char hex[65];
    if (n < (int64_t)sizeof *h)
        return false;
    memcpy(h, bytes, sizeof *h);
    if (memcmp(h->format, format, sizeof format) != 0 || !lay_out(h, place) ||
        place[END] != n || h->settings_bytes < 1 || h->n_steps < 1)
        return false;
    fingerprint(bytes, n, hex);
    return memcmp(hex, h->sha256, sizeof hex) == 0;
}

/* The bytes of a file that fits; *n = 0 where there is none. Rank 0. */
static enum lp_status read_bytes(const char *path, const char *settings,
                                 const struct kmeans *km, char **bytes,
                                 int64_t *n)
{
    enum lp_status status = LP_OK;
    struct head h;
    int64_t place[N_PLACES];
    size_t length = 0;

    if (access(path, F_OK) != 0)
        return LP_OK;
    LP_TRY(text_read(path, bytes, &length));
    if (!is_whole(*bytes, (int64_t)length, &h, place)) {
        lp_warn("%s is damaged and is not used: clustering begins anew", path);
        goto done;
    }
    LP_TRY(settings_compare(path, *bytes + place[SETTINGS], settings, true,
                            SETTINGS_ADVICE));
    if (h.n_problems != km->n_problems || h.k != km->k || h.d != km->d)
        LP_TRY(lp_fail(LP_EARG,
                       "%s is of %lld x %lld centres of %lld channels, where "
                       "%d x %d of %d are due: choose another run.out or "
                       "remove the file",
                       path, (long long)h.n_problems, (long long)h.k,
                       (long long)h.d, km->n_problems, km->k, km->d));
    *n = (int64_t)length;
done:
    return status;
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
static enum lp_status unpack(const char *bytes, struct kmeans_past *past)
{
    struct head h;
    int64_t place[N_PLACES];
    memcpy(&h, bytes, sizeof h);
    lay_out(&h, place);
    past->n_problems = (int)h.n_problems;
    past->k = (int)h.k;
    past->d = (int)h.d;
    past->n_steps = (int)h.n_steps;
    if (!copy(&past->center, bytes, place + CENTER) ||
        !copy(&past->step, bytes, place + STEP) ||
        !copy(&past->iterations, bytes, place + ITERATIONS) ||
        !copy(&past->why, bytes, place + WHY))
        return lp_fail(LP_ENOMEM, "no memory for the checkpoint");
    return LP_OK;
}

enum lp_status checkpoint_read(const char *path, const char *settings,
                               const struct kmeans *km,
                               struct kmeans_past *past, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    char *bytes = NULL;
    void *block = NULL;
    int64_t n = 0;

    if (comm_rank(comm) == 0) {
        status = read_bytes(path, settings, km, &bytes, &n);
        block = bytes;
    }
    LP_AGREE(comm);
    LP_TRY(comm_bcast_block(comm, &block, &n));
    if (n > 0)
        status = unpack(block, past);
    LP_AGREE(comm);
done:
    free(block);
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

void checkpoint_remove(const char *path)
{
    char *partial = text_format("%s.partial", path);
    unlink(path);
    if (partial)
        unlink(partial);
    free(partial);
}
