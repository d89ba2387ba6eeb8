/* SPDX-License-Identifier: MIT */
#include "map_source.h"

#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/run/comm.h"

/* Where the data set's images and classes are in the file. The same on every
 * rank. */
static enum lp_status match(struct map_source *m, const struct dataset *d)
{
    struct dataset_index index = {0};
    enum lp_status status = dataset_index_init(&index, &m->maps);

    for (int64_t i = 0; i < d->n_images && status == LP_OK && !m->missing;
         ++i) {
        m->file_image[i] = dataset_index_find(&index, dataset_id(d, i));
        if (m->file_image[i] < 0)
            m->missing = dataset_id(d, i);
    }
    for (int k = 0; k < m->maps.n_classes && !m->missing; ++k) {
        m->class_of[k] = dataset_find_class(d, dataset_class(&m->maps, k));
        if (m->class_of[k] < 0)
            m->missing = dataset_class(&m->maps, k);
    }
    dataset_index_release(&index);
    return status;
}

/* Buffers for the largest image and the one with the most maps. Alone. */
static enum lp_status reserve(struct map_source *m)
{
    int64_t strided = 0, maps = 0, pixels = 0, labels = 0;
    const struct map_file *f = &m->file;
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t first = f->pair_offset[i], end = f->pair_offset[i + 1];
        const int64_t cells = f->map_offset[end] - f->map_offset[first];
        const int64_t area = f->size[2 * i] * f->size[2 * i + 1];
        strided = cells > strided ? cells : strided;
        pixels = area > pixels ? area : pixels;
        labels = end - first > labels ? end - first : labels;
        maps = area * (end - first) > maps ? area * (end - first) : maps;
    }
    m->strided = malloc((size_t)(strided + 1) * sizeof *m->strided);
    m->map = malloc((size_t)(maps + 1) * sizeof *m->map);
    m->value = malloc((size_t)(pixels + 1) * sizeof *m->value);
    m->best_class = malloc((size_t)pixels + 1);
    m->q = malloc((size_t)pixels + 1);
    m->label = malloc((size_t)(labels + 1) * sizeof *m->label);
    if (!m->strided || !m->map || !m->value || !m->best_class || !m->q ||
        !m->label)
        return lp_fail(LP_ENOMEM,
                       "no memory for the maps of one image of "
                       "%lld pixels",
                       (long long)pixels);
    return LP_OK;
}

/* All but the file itself. Alone. */
static enum lp_status prepare(struct map_source *m, const struct dataset *d)
{
    enum lp_status status = LP_OK;
    const struct map_file *f = &m->file;
    m->state = calloc((size_t)f->n_images + 1, 1);
    m->file_image = calloc((size_t)d->n_images + 1, sizeof *m->file_image);
    m->class_of = calloc((size_t)m->maps.n_classes + 1, sizeof *m->class_of);
    if (!m->state || !m->file_image || !m->class_of || lp_fault("map_source"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the %lld images of %s",
                       (long long)f->n_images, h5_path(f->file.h5)));
    LP_TRY(match(m, d));
    LP_TRY(reserve(m));
    LP_TRY(image_group_states(f->file.h5, 0, f->n_images, m->state));
done:
    return status;
}

enum lp_status map_source_open(struct map_source *m, const char *path,
                               const struct dataset *d, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    *m = (struct map_source){0};
    LP_TRY(map_file_load(&m->file, path, NULL, &m->maps, comm));
    status = prepare(m, d);
    LP_AGREE(comm);
done:
    return status;
}

void map_source_close(struct map_source *m)
{
    map_file_close(&m->file, false, NULL);
    dataset_release(&m->maps);
    free(m->state);
    free(m->file_image);
    free(m->class_of);
    free(m->label);
    free(m->strided);
    free(m->map);
    free(m->best_class);
    free(m->value);
    free(m->q);
    *m = (struct map_source){0};
}

bool map_source_has(const struct map_source *m, int64_t image)
{
    return m->state[m->file_image[image]] == IMAGE_DONE;
}

int64_t map_source_pixels(const struct map_source *m, int64_t image)
{
    const int64_t *size = m->file.size + 2 * m->file_image[image];
    return size[0] * size[1];
}

int map_source_labels(const struct map_source *m, int64_t image)
{
    const int64_t *pair = m->file.pair_offset + m->file_image[image];
    return (int)(pair[1] - pair[0]);
}

/* Any program may have written them; roundings may take them beyond 1. */
static bool all_shares(const float *map, int64_t n)
{
    bool good = true;
    for (int64_t i = 0; i < n; ++i)
        good = good && map[i] >= 0 && map[i] <= 1.001f;
    return good;
}

enum lp_status map_source_read(struct map_source *m, int64_t image)
{
    enum lp_status status;
    const int64_t at = m->file_image[image];
    const int32_t *label = m->file.label + m->file.pair_offset[at];
    m->h = (int)m->file.size[2 * at];
    m->w = (int)m->file.size[2 * at + 1];
    m->sh = class_maps_strided(m->h);
    m->sw = class_maps_strided(m->w);
    m->n = map_source_labels(m, image);
    for (int k = 0; k < m->n; ++k)
        m->label[k] = m->class_of[label[k]];
    LP_TRY(map_file_read(&m->file, at, m->strided));
    if (!all_shares(m->strided, (int64_t)m->n * m->sh * m->sw))
        status = lp_fail(LP_EFORMAT,
                         "/map/value of %s holds values outside 0..1 or no "
                         "numbers for image %s",
                         h5_path(m->file.file.h5), dataset_id(&m->maps, at));
done:
    return status;
}

void map_source_enlarge(struct map_source *m)
{
    for (int k = 0; k < m->n; ++k)
        class_maps_enlarge(m->strided + (int64_t)k * m->sh * m->sw, m->sh,
                           m->sw, m->map + (int64_t)k * m->h * m->w, m->h,
                           m->w);
}

enum lp_status map_source_seed(struct map_source *m, int64_t image)
{
    enum lp_status status = LP_OK;
    const int64_t n = (int64_t)m->h * m->w;
    if (!m->file.seed) {
        seed_best(m->map, m->label, m->n, n, m->best_class, m->value);
        goto done;
    }
    LP_TRY(map_file_read_seed(&m->file, m->file_image[image], m->best_class,
                              m->q));
    for (int64_t i = 0; i < n; ++i)
        if (m->best_class[i] > 0)
            m->best_class[i] = (uint8_t)(m->class_of[m->best_class[i] - 1] + 1);
done:
    return status;
}
