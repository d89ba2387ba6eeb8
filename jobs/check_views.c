/* SPDX-License-Identifier: MIT */
/* check_views.c: are all vectors of views.h5 of length 1 or 0, or shorter where
 * a basis has taken a part of them. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "lpcam/base/log.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/shard.h"
#include "lpcam/store/feature_file.h"
#include "lpcam/store/view_file.h"

/* A length may be off so much: an f16 has 11 bits, and floats were summed. */
#define LENGTH_MARGIN 2e-3

/* Counts of this rank's vectors; of all ranks' in the end. */
enum { ROWS, ZERO, WRONG, N_COUNTS };

static void count_row(const struct view_file *vf, const float *x,
                      int64_t count[N_COUNTS])
{
    double length = 0;
    for (int k = 0; k < vf->r; ++k)
        length += (double)x[k] * (double)x[k];
    length = sqrt(length);
    const bool full = vf->basis.vector == NULL && length > 0;
    ++count[ROWS];
    count[ZERO] += !(length > 0);
    count[WRONG] +=
        !(length <= 1 + LENGTH_MARGIN) || (full && length < 1 - LENGTH_MARGIN);
}

/* The vectors of this rank's images that are done. Alone. */
static enum lp_status count_share(struct view_file *vf, const uint8_t *state,
                                  const struct shard *shard,
                                  struct progress *progress,
                                  int64_t count[N_COUNTS])
{
    enum lp_status status = LP_OK;
    struct features rows = {0};
    const void *from;
    int64_t end;
    float *x = malloc((size_t)vf->r * sizeof *x);
    bool *wanted = calloc((size_t)vf->n_images + 1, sizeof *wanted);

    if (!x || !wanted)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a vector of %d", vf->r));
    LP_TRY(view_file_rows(vf, FEATURE_BLOCK_BYTES, &rows));
    rows.wanted = wanted;
    for (int64_t i = shard->first; i < shard->first + shard->n_local; ++i)
        wanted[i] = state[i] == IMAGE_DONE && view_file_cells(vf, i) > 0;
    for (int64_t i = shard->first; i < shard->first + shard->n_local; ++i) {
        if (!progress_step(progress))
            break;
        if (!wanted[i])
            continue;
        LP_TRY(features_block(&rows, i, &end, &from));
        for (int64_t c = 0; c < view_file_cells(vf, i); ++c) {
            value_to_f32(LP_F16, (const uint16_t *)from + c * vf->r, vf->r, x);
            count_row(vf, x, count);
        }
        wanted[i] = false;
    }
done:
    features_release(&rows);
    free(wanted);
    free(x);
    return status;
}

enum lp_status check_views(const struct job_args *args, const char *path)
{
    enum lp_status status;
    struct view_file vf;
    struct progress progress;
    int64_t count[N_COUNTS] = {0};
    uint8_t *state = NULL;

    LP_TRY(view_file_load(&vf, path, NULL, args->comm));
    LP_TRY(check_states(vf.file.h5, path, vf.n_images, &state, args->comm));
    const struct shard shard = shard_by_count(
        vf.n_images, comm_rank(args->comm), comm_size(args->comm));
    progress_begin(&progress, "check", shard.n_local, CHECK_PROGRESS_S,
                   args->comm);
    status = count_share(&vf, state, &shard, &progress, count);
    status = progress_end(&progress, status);
    if (status == LP_OK && comm_rank(args->comm) == 0)
        status = check_basis(path, &vf.basis);
    LP_AGREE(args->comm);
    comm_sum_i64(args->comm, count, N_COUNTS);
    if (count[WRONG] > 0)
        LP_TRY(lp_fail_all(args->comm, LP_EFORMAT,
                           "%s: %lld rows of /view/vector have no length that "
                           "they can have",
                           path, (long long)count[WRONG]));
    lp_log("%s: good: %lld images at %d scales, %lld vectors of %d f16 (%lld "
           "are zero)",
           path, (long long)vf.n_images, vf.n_scales, (long long)count[ROWS],
           vf.r, (long long)count[ZERO]);
done:
    view_file_close(&vf, false, NULL);
    free(state);
    return status;
}
