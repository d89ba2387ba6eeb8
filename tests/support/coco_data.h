/* SPDX-License-Identifier: MIT */
/* coco_data.h: a small COCO data set for tests, written by rank 0 into the
 * test's folder, and what loading it gives. */
#ifndef LPCAM_TEST_COCO_DATA_H
#define LPCAM_TEST_COCO_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/data/dataset.h"
#include "lpcam/run/comm.h"
#include "tiny_store.h"
#include "support.h"

#define WORLD MPI_COMM_WORLD

/* --- a small data set, written by rank 0 into the test's folder */

static inline const char *in_folder(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    return path[turn];
}

static inline void put_bytes(const char *name, const void *bytes, size_t n)
{
    if (comm_rank(WORLD) == 0) {
        FILE *file = fopen(in_folder(name), "wb");
        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
            MPI_Abort(WORLD, 1);
    }
    comm_barrier(WORLD);
}

static inline void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static inline void make_folder(const char *name)
{
    if (comm_rank(WORLD) == 0)
        mkdir(in_folder(name), 0777);
    comm_barrier(WORLD);
}

/* Five images of 4 x 6 pixels, ids in no order, image 20 without annotations;
 * category ids with gaps. The second object of image 9 overlaps the first, a
 * crowd lies below both; rectangles of whole pixels. */
#define BOX(l, t, r, b)                                                        \
    "[[" #l "," #t "," #r "," #t "," #r "," #b "," #l "," #b "]]"
#define OBJECT(image, category, crowd, area, shape)                            \
    "{\"image_id\": " #image ", \"category_id\": " #category                   \
    ", \"iscrowd\": " #crowd ", \"area\": " #area ", \"segmentation\": " shape \
    "}"
#define IMAGE(id, name)                                                        \
    "{\"id\": " #id ", \"file_name\": \"" name                                 \
    ".jpg\", \"height\": 4, \"width\": 6}"
#define ALL "{\"size\": [4, 6], \"counts\": [0, 24]}"

/* clang-format off */
#define IMAGES                                                                 \
    IMAGE(31, "COCO_train2014_000000000031") ", "                              \
    IMAGE(9, "COCO_train2014_000000000009") ", "                               \
    IMAGE(20, "COCO_train2014_000000000020") ", "                              \
    IMAGE(5, "sub/COCO_train2014_000000000005") ", "                           \
    IMAGE(7, "odd")
#define OBJECTS                                                                \
    OBJECT(9, 90, 0, 8, BOX(0, 0, 4, 2)) ", "                                  \
    OBJECT(31, 2, 0, 2, BOX(0, 0, 1, 2)) ", "                                  \
    OBJECT(9, 2, 0, 12, BOX(1, 0, 4, 4)) ", "                                  \
    OBJECT(9, 44, 1, 24, ALL) ", "                                             \
    OBJECT(5, 90, 0, 1, "null") ", "                                           \
    OBJECT(7, 44, 0, 1, BOX(5, 3, 6, 4))
#define CATEGORIES                                                             \
    "{\"id\": 90, \"name\": \"toothbrush\"}, "                                 \
    "{\"id\": 2, \"name\": \"bicycle\"}, {\"id\": 44, \"name\": \"bottle\"}"
/* clang-format on */
#define FILE_OF(images, objects, categories)                                   \
    "{\"images\": [" images "], \"annotations\": [" objects                    \
    "], \"categories\": [" categories "]}"

static const char *const photograph[] = {
    "COCO_train2014_000000000005", "odd", "COCO_train2014_000000000009",
    "COCO_train2014_000000000020", "COCO_train2014_000000000031"};

static inline void put_coco(const char *json)
{
    make_folder("annotations");
    make_folder("tiny");
    put("annotations/instances_tiny.json", json);
    for (int i = 0; i < 5; ++i) {
        char name[80];
        snprintf(name, sizeof name, "tiny/%s.jpg", photograph[i]);
        put(name, "");
    }
}

/* The configuration, with these texts more ("" for none). */
static inline struct config configured(const char *a, const char *b)
{
    struct config config;
    char root[600];
    const char *set[] = {"run.out=none",
                         "data.layout=coco",
                         root,
                         "data.annotations=annotations/instances_tiny.json",
                         a,
                         b};
    snprintf(root, sizeof root, "data.root=%s", test_folder());
    const int n = 4 + (*a != 0) + (*b != 0);
    if (config_load(&config, NULL, set, n, WORLD) != LP_OK)
        MPI_Abort(WORLD, 1);
    return config;
}

static inline enum lp_status load(struct dataset *d, const char *a,
                                  const char *b)
{
    struct config config = configured(a, b);
    const enum lp_status status = dataset_load(d, &config, -1, WORLD);
    config_release(&config);
    return status;
}

/* "2 | 1 | 0 1 2 | | 0" */
static inline bool labels_are(const struct dataset *d, const char *want)
{
    char text[256] = "";
    for (int64_t i = 0; i < d->n_images; ++i) {
        const int32_t *label;
        const int n = dataset_labels(d, i, &label);
        for (int k = 0; k < n; ++k)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d ",
                     label[k]);
        strcat(text, i + 1 < d->n_images ? "| " : "");
    }
    if (strcmp(text, want) != 0)
        print_error("labels are %s\n", text);
    return strcmp(text, want) == 0;
}

/* Loading fails on all ranks, on rank 0 with this status and these words. */
static inline bool fails(const char *a, const char *b, enum lp_status want,
                         const char *words)
{
    struct dataset d;
    const bool root = comm_rank(WORLD) == 0;
    tiny_listen();
    const enum lp_status status = load(&d, a, b);
    const char *said = tiny_heard();
    const bool ok = status == (root ? want : LP_EPEER) &&
                    (!root || strstr(said, words)) && !d.text && !d.shape;
    if (!ok)
        print_error("status %d instead of %d, no \"%s\" in: %s\n", status, want,
                    words, said);
    dataset_release(&d);
    return on_all(ok);
}

#endif
