/* SPDX-License-Identifier: MIT */
/* readers_resume.c: files that a job has begun and goes on with: it writes all
 * images, from buffers that hold no byte more than what is due. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "lpcam/base/text.h"
#include "lpcam/store/feature_file.h"
#include "lpcam/store/map_file.h"
#include "lpcam/store/pooled_file.h"
#include "lpcam/store/view_file.h"
#include "readers.h"

enum { N_IMAGES = 2, R = 2, D = 3, VIEWS = 2 };

static const struct run_about about = {"lpcam fuzz 1", "model.file = m\n",
                                       "[run]"};
static const int64_t pixels[] = {5, 6, 3, 2};
static float vector[R * D] = {1, 0, 0, 0, 1, 0}, weight[2 * D], bias[2];
static double value[D] = {3, 2, 1};
static const struct basis basis = {
    .d = D, .r = R, .vector = vector, .value = value};

const struct dataset *fuzz_dataset(void)
{
    static char text[] = "a\0b\0x\0y\0";
    static int64_t offset[] = {0, 1, 3}, id[] = {0, 2}, name[] = {4, 6};
    static int64_t path[] = {8, 8}, mask[] = {-1, -1};
    static int32_t label[] = {0, 0, 1};
    static const struct dataset d = {.n_images = N_IMAGES,
                                     .n_classes = 2,
                                     .label_offset = offset,
                                     .label = label,
                                     .text = text,
                                     .text_bytes = sizeof text,
                                     .id_at = id,
                                     .path_at = path,
                                     .mask_at = mask,
                                     .name_at = name};
    return &d;
}

static void *zeros(int64_t n)
{
    void *memory = calloc((size_t)n, 1);
    fuzz_require(memory);
    return memory;
}

static void mark(struct h5 *h5, int64_t image, enum lp_status status)
{
    const uint8_t state = IMAGE_DONE;
    if (status == LP_OK)
        (void)image_group_mark(h5, image, 1, &state);
}

/* Both images have 2 cells; a shows one class, b two. */
static void resume_features(const char *path, bool reduced)
{
    const int64_t grid[] = {1, 2, 2, 1};
    const struct head head = {.n = 2, .d = D, .weight = weight, .bias = bias};
    const int d = reduced ? R : D;
    struct feature_file ff;
    if (feature_file_open(&ff, path, &about, fuzz_dataset(), pixels, grid,
                          &head, reduced ? &basis : NULL, LP_F16,
                          MPI_COMM_SELF) == LP_OK)
        for (int i = 0; i < N_IMAGES; ++i) {
            void *x = zeros(2 * d * 2);
            float *norm = zeros(2 * (int64_t)sizeof *norm);
            uint8_t *side = zeros(2 * (1 + i));
            mark(ff.file.h5, i, feature_file_write(&ff, i, x, norm, side));
            free(x);
            free(norm);
            free(side);
        }
    (void)feature_file_close(&ff, ff.file.h5 != NULL, "report");
}

static void resume_maps(const char *path)
{
    struct map_file mf;
    struct class_maps maps = {0};
    if (map_file_open(&mf, path, &about, fuzz_dataset(), pixels, LP_F16, true,
                      MPI_COMM_SELF) == LP_OK)
        for (int i = 0; i < N_IMAGES; ++i) {
            const int64_t h = pixels[2 * i], w = pixels[2 * i + 1];
            uint8_t *class = zeros(h * w), *q = zeros(h * w);
            fuzz_require(class_maps_begin(&maps, 1 + i, (int)h, (int)w, true) ==
                         LP_OK);
            class_maps_finish(&maps, 0);
            mark(mf.file.h5, i, map_file_write(&mf, i, &maps, class, q));
            free(class);
            free(q);
        }
    class_maps_release(&maps);
    (void)map_file_close(&mf, mf.file.h5 != NULL, "report");
}

static void resume_views(const char *path)
{
    const int64_t grid[] = {1, 2, 1, 1, 2, 1, 1, 1};
    const struct number_list scales = {2, {1, 0.5}};
    struct view_file vf;
    if (view_file_open(&vf, path, &about, fuzz_dataset(), pixels, grid, &scales,
                       &basis, MPI_COMM_SELF) == LP_OK)
        for (int i = 0; i < N_IMAGES; ++i) {
            void *rows = zeros(view_file_cells(&vf, i) * R * 2);
            mark(vf.file.h5, i, view_file_write(&vf, i, rows));
            free(rows);
        }
    (void)view_file_close(&vf, vf.file.h5 != NULL, "report");
}

static void resume_pooled(const char *path)
{
    struct pooled_file pf;
    if (pooled_file_open(&pf, path, &about, fuzz_dataset(), pixels, VIEWS, D,
                         MPI_COMM_SELF) == LP_OK)
        for (int i = 0; i < N_IMAGES; ++i) {
            float *x = zeros(VIEWS * D * (int64_t)sizeof *x);
            mark(pf.file.h5, i, pooled_file_write(&pf, i, x));
            free(x);
        }
    (void)pooled_file_close(&pf, pf.file.h5 != NULL, "report");
}

void resume_store(enum fuzz_kind kind, const char *path)
{
    char *partial = text_format("%s.partial", path);
    fuzz_require(partial && rename(path, partial) == 0);
    switch (kind) {
    case FUZZ_MAPS:
        resume_maps(path);
        break;
    case FUZZ_VIEWS:
        resume_views(path);
        break;
    case FUZZ_POOLED:
        resume_pooled(path);
        break;
    case FUZZ_FEATURES:
    case FUZZ_REDUCED:
        resume_features(path, kind == FUZZ_REDUCED);
        break;
    default:; /* prototypes.h5 and basis.h5 are written whole */
    }
    remove(partial);
    free(partial);
}
