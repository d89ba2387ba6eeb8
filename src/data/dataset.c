/* SPDX-License-Identifier: MIT */
#include "lpcam/data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "dataset_build.h"
#include "lpcam/base/hash.h"
#include "lpcam/data/image.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/progress.h"
#include "lpcam/run/shard.h"

/* A block of rank 0 to all, once *status is well; it stays agreed. */
static void *share_block(void *block, int64_t n_bytes, MPI_Comm comm,
                         enum lp_status *status)
{
    if (*status == LP_OK)
        *status = comm_bcast_block(comm, &block, &n_bytes);
    return block;
}

static enum lp_status share_shapes(struct dataset *d, int64_t n_shapes,
                                   MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n = d->n_images;
    d->shape_offset =
        share_block(d->shape_offset, (n + 1) * (int64_t)sizeof *d->shape_offset,
                    comm, &status);
    d->shape = share_block(d->shape, n_shapes * (int64_t)sizeof *d->shape, comm,
                           &status);
    d->shape_size = share_block(
        d->shape_size, 2 * n * (int64_t)sizeof *d->shape_size, comm, &status);
    return status;
}

static enum lp_status share(struct dataset *d, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    int64_t count[7] = {d->n_images,
                        d->n_classes,
                        d->background,
                        d->text_bytes,
                        d->label_offset ? d->label_offset[d->n_images] : 0,
                        d->shape_offset ? d->shape_offset[d->n_images] : -1,
                        d->shape_file};
    comm_bcast(comm, count, sizeof count);
    comm_bcast(comm, d->mask_class, sizeof d->mask_class);
    d->n_images = count[0];
    d->n_classes = (int)count[1];
    d->background = count[2] != 0;
    d->text_bytes = count[3];
    d->shape_file = count[6];

    const int64_t n = d->n_images * (int64_t)sizeof(int64_t);
    d->text = share_block(d->text, d->text_bytes, comm, &status);
    d->id_at = share_block(d->id_at, n, comm, &status);
    d->path_at = share_block(d->path_at, n, comm, &status);
    d->mask_at = share_block(d->mask_at, n, comm, &status);
    d->name_at = share_block(
        d->name_at, d->n_classes * (int64_t)sizeof *d->name_at, comm, &status);
    d->number = share_block(d->number, n, comm, &status);
    d->class_id =
        share_block(d->class_id, d->n_classes * (int64_t)sizeof *d->class_id,
                    comm, &status);
    d->category =
        share_block(d->category, d->n_classes * (int64_t)sizeof *d->category,
                    comm, &status);
    d->label_offset = share_block(
        d->label_offset, n + (int64_t)sizeof *d->label_offset, comm, &status);
    d->label = share_block(d->label, count[4] * (int64_t)sizeof *d->label, comm,
                           &status);
    return count[5] < 0 || status != LP_OK ? status
                                           : share_shapes(d, count[5], comm);
}

enum lp_status dataset_load(struct dataset *d, const struct config *config,
                            int n_rows, MPI_Comm comm)
{
    enum lp_status status = LP_OK;

    *d = (struct dataset){.shape_file = -1};
    if (comm_rank(comm) == 0)
        status = dataset_build(d, config, n_rows);
    LP_AGREE(comm);

    LP_TRY(share(d, comm));
done:
    if (status != LP_OK)
        dataset_release(d);
    return status;
}

void dataset_release(struct dataset *d)
{
    free(d->label_offset);
    free(d->label);
    free(d->number);
    free(d->class_id);
    free(d->category);
    free(d->text);
    free(d->id_at);
    free(d->path_at);
    free(d->mask_at);
    free(d->name_at);
    free(d->shape_offset);
    free(d->shape);
    free(d->shape_size);
    *d = (struct dataset){0};
}

const char *dataset_id(const struct dataset *d, int64_t image)
{
    return d->text + d->id_at[image];
}

const char *dataset_path(const struct dataset *d, int64_t image)
{
    return d->text + d->path_at[image];
}

const char *dataset_mask(const struct dataset *d, int64_t image)
{
    return d->mask_at[image] < 0 ? NULL : d->text + d->mask_at[image];
}

const char *dataset_annotations(const struct dataset *d)
{
    return d->shape_offset ? d->text + d->shape_file : NULL;
}

const char *dataset_class(const struct dataset *d, int class_index)
{
    return d->text + d->name_at[class_index];
}

int dataset_labels(const struct dataset *d, int64_t image,
                   const int32_t **label)
{
    *label = d->label + d->label_offset[image];
    return (int)(d->label_offset[image + 1] - d->label_offset[image]);
}

/* A digest of three arrays. */
static void hash_parts(const void *const at[3], const size_t n[3], char hex[65])
{
    char part[65], all[3 * 64];
    for (int i = 0; i < 3; ++i) {
        hash_sha256(at[i], n[i], part);
        memcpy(all + 64 * i, part, 64);
    }
    hash_sha256(all, sizeof all, hex);
}

/* IDs and names stand in front of the first path, each with its zero; the
 * offsets and labels tell which is which. */
void dataset_fingerprint(const struct dataset *d, char hex[65])
{
    const int64_t n = d->n_images;
    hash_parts((const void *const[]){d->text, d->label_offset, d->label},
               (const size_t[]){(size_t)d->path_at[0],
                                (size_t)(n + 1) * sizeof *d->label_offset,
                                (size_t)d->label_offset[n] * sizeof *d->label},
               hex);
}

void dataset_numbers_fingerprint(const struct dataset *d, char hex[65])
{
    const size_t classes = (size_t)d->n_classes * sizeof *d->class_id;
    hash_parts((const void *const[]){d->number, d->class_id, d->category},
               (const size_t[]){(size_t)d->n_images * sizeof *d->number,
                                classes, classes},
               hex);
}

enum lp_status dataset_scan_sizes(const struct dataset *d, int64_t *size,
                                  double progress_s, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const struct shard mine =
        shard_by_count(d->n_images, comm_rank(comm), comm_size(comm));
    struct progress progress;
    char why[256];
    bool go_on = true;

    progress_begin(&progress, "sizes", mine.n_local, progress_s, comm);
    progress.brief = true;
    for (int64_t i = mine.first; i < mine.first + mine.n_local && go_on; ++i) {
        int h = 0, w = 0;
        (void)image_read_size(dataset_path(d, i), &h, &w, why);
        size[2 * i] = h;
        size[2 * i + 1] = w;
        go_on = progress_step(&progress);
    }
    status = progress_end(&progress, LP_OK);
    LP_AGREE(comm);
    LP_TRY(comm_share_rows_i64(comm, size, mine.first, mine.n_local, 2));
done:
    return status;
}
