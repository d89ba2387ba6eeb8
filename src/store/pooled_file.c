/* SPDX-License-Identifier: MIT */
#include "lpcam/store/pooled_file.h"

#include <limits.h>

#include "lpcam/run/comm.h"

/* What the structure is made from. */
struct plan {
    const struct pooled_file *pf;
    const struct dataset *d;
    const int64_t *size;
};

static enum lp_status define(void *arg, struct h5 *h5)
{
    enum lp_status status;
    const struct plan *plan = arg;
    const struct pooled_file *pf = plan->pf;
    const int64_t vector[3] = {plan->d->n_images, pf->views, pf->d};
    LP_TRY(image_group_define(h5, plan->d));
    LP_TRY(h5_define(h5, "/pooled/vector", H5_F32, 3, vector,
                     "means of the unpooled features over windows: of the "
                     "photograph, then of its mirror image",
                     "feature units", NULL));
    LP_TRY(image_group_write(h5, plan->d, plan->size));
done:
    return status;
}

enum lp_status pooled_file_open(struct pooled_file *pf, const char *path,
                                const struct run_about *about,
                                const struct dataset *d, const int64_t *size,
                                int views, int channels, MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    struct plan plan = {pf, d, size};
    int64_t shape[3] = {d->n_images, views, channels};

    *pf = (struct pooled_file){.views = views, .d = channels};
    LP_TRY(run_file_open(&pf->file, path, about, define, &plan, comm));
    if (pf->file.found != FILE_ABSENT)
        LP_TRY(image_group_check(pf->file.h5, d, size, comm));
    LP_TRY(h5_expect(pf->file.h5, "/pooled/vector", 3, shape, &type));
done:
    if (status != LP_OK)
        pooled_file_close(pf, false, NULL);
    return status;
}

enum lp_status pooled_file_write(struct pooled_file *pf, int64_t image,
                                 const float *vectors)
{
    return h5_write(pf->file.h5, "/pooled/vector", H5_F32, image, 1, vectors);
}

enum lp_status pooled_file_read(struct pooled_file *pf, int64_t first,
                                int64_t n, float *vectors)
{
    return h5_read(pf->file.h5, "/pooled/vector", H5_F32, first, n, vectors);
}

enum lp_status pooled_file_close(struct pooled_file *pf, bool finish,
                                 const char *report)
{
    enum lp_status status = LP_OK;
    if (finish)
        status = run_file_finish(&pf->file, report);
    run_file_close(&pf->file);
    *pf = (struct pooled_file){0};
    return status;
}

enum lp_status pooled_file_load(struct pooled_file *pf, const char *path,
                                struct dataset *d, MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    int64_t shape[3] = {-1, -1, -1};

    *pf = (struct pooled_file){0};
    *d = (struct dataset){0};
    LP_TRY(run_file_read(&pf->file, path, NULL, "fit", comm));
    LP_TRY(image_group_read(pf->file.h5, d, comm));
    shape[0] = d->n_images;
    LP_TRY(h5_expect(pf->file.h5, "/pooled/vector", 3, shape, &type));
    if (shape[1] < 1 || shape[2] < 1 || shape[1] > INT_MAX ||
        shape[2] > INT_MAX)
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "/pooled/vector of %s has %lld views of %lld "
                           "channels",
                           path, (long long)shape[1], (long long)shape[2]));
    pf->views = (int)shape[1];
    pf->d = (int)shape[2];
done:
    if (status != LP_OK)
        pooled_file_close(pf, false, NULL);
    return status;
}
