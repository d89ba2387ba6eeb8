/* SPDX-License-Identifier: MIT */
/* features.h5, as far as the gallery needs it, and whose images and classes a
 * file is about. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/log.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/run/comm.h"

enum lp_status gallery_match_images(const struct dataset *d, struct h5 *h5,
                                    int64_t **image_of, int64_t *n,
                                    MPI_Comm comm)
{
    enum lp_status status;
    struct dataset_index index = {0};
    char *text = NULL, *id = NULL;
    int length = 0;

    LP_TRY(h5_read_text_shared(h5, "/image/id", n, &length, &text));
    status = dataset_index_init(&index, d);
    *image_of = malloc((size_t)(*n + 1) * sizeof **image_of);
    id = malloc((size_t)length + 1);
    if (status == LP_OK && (!*image_of || !id || lp_fault("gallery_match")))
        status = lp_fail(LP_ENOMEM, "no memory for %lld images", (long long)*n);
    LP_AGREE(comm);
    for (int64_t i = 0; i < *n; ++i) {
        snprintf(id, (size_t)length + 1, "%.*s", length, text + i * length);
        (*image_of)[i] = dataset_index_find(&index, id);
    }
done:
    dataset_index_release(&index);
    free(text);
    free(id);
    return status;
}

enum lp_status gallery_match_classes(const struct dataset *d, struct h5 *h5,
                                     int **class_of, int *n, MPI_Comm comm)
{
    enum lp_status status;
    char *text = NULL, *name = NULL;
    int64_t n_names = 0;
    int length = 0;

    LP_TRY(h5_read_text_shared(h5, "/class/name", &n_names, &length, &text));
    if (n_names > INT_MAX)
        LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                           "/class/name of %s claims %lld classes", h5_path(h5),
                           (long long)n_names));
    *class_of = malloc((size_t)(n_names + 1) * sizeof **class_of);
    name = malloc((size_t)length + 1);
    if (!*class_of || !name)
        status = lp_fail(LP_ENOMEM, "no memory for %lld classes",
                         (long long)n_names);
    LP_AGREE(comm);
    *n = (int)n_names;
    for (int64_t i = 0; i < n_names; ++i) {
        snprintf(name, (size_t)length + 1, "%.*s", length, text + i * length);
        (*class_of)[i] = dataset_find_class(d, name);
    }
done:
    free(text);
    free(name);
    return status;
}

/* The number of channels, and where each of n images lies among the rows: what
 * any program may have written. */
static enum lp_status read_rows_table(struct gallery_features *f, int64_t n,
                                      MPI_Comm comm)
{
    enum lp_status status;
    enum h5_type type;
    struct h5 *h5 = f->file.h5;
    int64_t vector[2] = {-1, -1}, offsets = n + 1;
    void *rows = NULL;

    LP_TRY(h5_expect(h5, "/feature/vector", 2, vector, &type));
    f->d = vector[1] > INT_MAX ? 0 : (int)vector[1];
    LP_TRY(h5_read_shared(h5, "/feature/offset", H5_I64, 1, &offsets, &rows));
    f->offset = rows;
    for (int64_t i = 0; i <= n; ++i)
        if (f->offset[i] < (i > 0 ? f->offset[i - 1] : 0) ||
            f->offset[i] > vector[0])
            LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                               "/feature/offset[%lld] of %s is %lld: offsets "
                               "ascend from 0 to %lld",
                               (long long)i, h5_path(h5),
                               (long long)f->offset[i], (long long)vector[0]));
done:
    return status;
}

/* Tables of features.h5, and where the data set's images are in it. */
static enum lp_status read_tables(struct gallery *g, int64_t **image_of)
{
    enum lp_status status;
    struct gallery_features *f = &g->features;
    const struct session *s = g->session;
    struct h5 *h5 = f->file.h5;
    int64_t n = 0, dims[2];
    void *rows = NULL;

    LP_TRY(gallery_match_images(&s->data, h5, image_of, &n, s->comm));
    LP_TRY(gallery_match_classes(&s->data, h5, &f->class_of, &f->n_classes,
                                 s->comm));
    LP_TRY(read_rows_table(f, n, s->comm));
    dims[0] = n, dims[1] = 2;
    LP_TRY(h5_read_shared(h5, "/feature/grid", H5_I64, 2, dims, &rows));
    f->grid = rows;
    dims[0] = f->n_classes, dims[1] = -1;
    LP_TRY(h5_read_shared(h5, "/classifier/weight", H5_F32, 2, dims, &rows));
    f->weight = rows;
    LP_TRY(h5_read_shared(h5, "/classifier/bias", H5_F32, 1, dims, &rows));
    f->bias = rows;
    if (dims[1] != f->d) {
        lp_log("gallery: no figures, as features of %d dimensions are not what "
               "the classifier of %lld sees",
               f->d, (long long)dims[1]);
        free(f->weight);
        f->weight = NULL;
    }
    f->at = malloc((size_t)(s->data.n_images + 1) * sizeof *f->at);
    if (!f->at || lp_fault("gallery_features"))
        status = lp_fail(LP_ENOMEM, "no memory for %lld images", (long long)n);
    LP_AGREE(s->comm);
    for (int64_t i = 0; i < s->data.n_images; ++i)
        f->at[i] = -1;
    for (int64_t i = 0; i < n; ++i)
        if ((*image_of)[i] >= 0)
            f->at[(*image_of)[i]] = i;
done:
    return status;
}

enum lp_status gallery_read_features(struct gallery *g)
{
    enum lp_status status = LP_OK;
    const struct session *s = g->session;
    int64_t *image_of = NULL;
    g->figure = calloc((size_t)s->data.n_classes + 1, sizeof *g->figure);
    if (!g->figure)
        status = lp_fail(LP_ENOMEM, "no memory for the figures");
    LP_AGREE(s->comm);
    for (int c = 0; c < s->data.n_classes; ++c)
        g->figure[c].image = -1;
    if (!session_has(s, OUT_FEATURES))
        goto done;
    LP_TRY(run_file_read(&g->features.file, s->out[OUT_FEATURES], NULL,
                         "extract", s->comm));
    LP_TRY(gallery_note(g, &g->features.file));
    LP_TRY(read_tables(g, &image_of));
done:
    free(image_of);
    return status;
}

void gallery_release_features(struct gallery_features *f)
{
    run_file_close(&f->file);
    free(f->at);
    free(f->offset);
    free(f->grid);
    free(f->class_of);
    free(f->weight);
    free(f->bias);
}
