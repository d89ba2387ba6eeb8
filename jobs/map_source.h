/* SPDX-License-Identifier: MIT */
/* map_source.h: the maps of a data set's images out of cams.h5 or maps.h5, as
 * stored and as seeds: what score counts and export writes. */
#ifndef LPCAM_MAP_SOURCE_H
#define LPCAM_MAP_SOURCE_H

#include "lpcam/data/dataset.h"
#include "lpcam/store/map_file.h"

/* Starts zeroed; map_source_close accepts that. */
struct map_source {
    struct map_file file;
    struct dataset maps; /* what the file says                           */
    uint8_t *state;      /* [file images] enum image_state               */
    int64_t *file_image; /* [images of the data set] where in the file   */
    int32_t *class_of;   /* [file classes] class index of the data set   */
    const char *missing; /* the first image or class that the file and the
                             data set do not both have, or NULL: then nothing
                             below may be used. The same on every rank    */
    /* of the image that was read last */
    int n, h, w, sh, sw; /* maps, pixels, cells                          */
    int32_t *label;      /* [n] class indices, in the order of the file  */
    float *strided;      /* [n][sh][sw]                                  */
    float *map;          /* [n][h][w] see map_source_enlarge             */
    uint8_t *best_class; /* [h][w] see map_source_seed                   */
    float *value;        /* [h][w] of a file without full-size seeds     */
    uint8_t *q;          /* [h][w] of a file with them                   */
};

/* Open a whole file for the images of d, and make room for the largest one.
 * Collective over comm: fails on all ranks or none. */
enum lp_status map_source_open(struct map_source *m, const char *path,
                               const struct dataset *d, MPI_Comm comm);
void map_source_close(struct map_source *m); /* Collective */

/* Local, of an image of the data set: has it maps (its photograph may have been
 * broken), its pixels, how many maps. */
bool map_source_has(const struct map_source *m, int64_t image);
int64_t map_source_pixels(const struct map_source *m, int64_t image);
int map_source_labels(const struct map_source *m, int64_t image);

/* Read an image that has maps: n, sizes, label and strided. Local in effect.
 * LP_EFORMAT where its maps are not what check would call good. */
enum lp_status map_source_read(struct map_source *m, int64_t image);

/* map from strided. Local. */
void map_source_enlarge(struct map_source *m);

/* best_class [h][w] = class index + 1 of the largest map, 0 where all are 0:
 * with its value from the enlarged maps; or from a file with full-size seeds
 * with their q. Local in effect. */
enum lp_status map_source_seed(struct map_source *m, int64_t image);

#endif
