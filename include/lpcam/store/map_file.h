/* SPDX-License-Identifier: MIT */
/* map_file.h: maps.h5 and cams.h5 (design.md section 4): a stride-4 map for
 * every present class of every image, and on request full-size seeds.
 *
 *   /map/value  [all cells] f16 (f32, u8 by choice), pair after pair
 *   /map/offset [pairs + 1] i64, /map/grid [n][2] i64 (size of an image's maps)
 *   /map/maximum [pairs] f32: what each map was divided by, 0: a zero map
 *   /seed/class [pixels] u8 (class index + 1, 0 none), /seed/score [pixels] u8
 *       (q: the value exceeds j/200 exactly when q > j), /seed/offset [n + 1]
 *   /preview as in map_preview.h
 *   and /image, /class, /run as in image_group.h and run_file.h */
#ifndef LPCAM_MAP_FILE_H
#define LPCAM_MAP_FILE_H

#include "lpcam/base/half.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/store/image_group.h"
#include "lpcam/store/map_preview.h"
#include "lpcam/store/run_file.h"

struct map_file {
    struct run_file file;
    enum lp_value type;
    bool seed; /* has full-size seeds                           */
    int64_t n_images;
    int n_classes;
    int64_t *size;        /* [n_images][2] pixels h, w                     */
    int64_t *pair_offset; /* [n_images + 1] pairs before each image        */
    int32_t *label;       /* [pairs]                                       */
    int64_t *map_offset;  /* [pairs + 1] map cells before each pair        */
    int64_t *seed_offset; /* [n_images + 1] pixels before each image       */
    void *cells;          /* one image's maps as stored                    */
    int64_t cells_room;
    struct map_preview preview;
};

/* Create, or open to go on. size [n][2] pixels, 0 0 for unreadable images.
 * Collective. */
enum lp_status map_file_open(struct map_file *mf, const char *path,
                             const struct run_about *about,
                             const struct dataset *d, const int64_t *size,
                             enum lp_value type, bool seed, MPI_Comm comm);

/* Open a whole file to read: tables filled; *d as in feature_file_load (ids,
 * labels, class names; NULL: not wanted). Collective. */
enum lp_status map_file_load(struct map_file *mf, const char *path,
                             const char *settings, struct dataset *d,
                             MPI_Comm comm);

/* One image: finished maps m; best_class, q [h][w] where mf->seed, else NULL.
 * Local in effect. */
enum lp_status map_file_write(struct map_file *mf, int64_t image,
                              const struct class_maps *m,
                              const uint8_t *best_class, const uint8_t *q);

/* One image's maps as f32: strided [pairs][sh][sw]. Local in effect. */
enum lp_status map_file_read(struct map_file *mf, int64_t image,
                             float *strided);
/* Its full-size seed. Local in effect. LP_EFORMAT where it shows a class that
 * there is not. */
enum lp_status map_file_read_seed(struct map_file *mf, int64_t image,
                                  uint8_t *best_class, uint8_t *q);

/* Close it and free the tables; safe on a zeroed struct. finish: flush and
 * rename, with report. Collective. */
enum lp_status map_file_close(struct map_file *mf, bool finish,
                              const char *report);

#endif
