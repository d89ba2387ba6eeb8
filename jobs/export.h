/* SPDX-License-Identifier: MIT */
/* export.h: what every format of lpcam export is: one row of the table in
 * export.c, functions in a file of its own, and a folder of its own, in which
 * settings.txt says what its files were made with.
 *
 * export.c shares the images in blocks of neighbours, reads their maps, enlarges
 * them, and hands each to the formats that do not have it yet: an export that
 * was stopped or killed goes on where it was, on any number of ranks, because a
 * file is there whole or not at all (output/out_folder.h). */
#ifndef LPCAM_EXPORT_H
#define LPCAM_EXPORT_H

#include "lpcam/output/file_name.h"
#include "lpcam/output/out_batch.h"
#include "map_source.h"
#include "session.h"

/* What an image's maps are needed as, of export_format.wants. */
enum export_wants {
    WANT_MAP = 1, /* enlarged to the photograph's size                     */
    WANT_SEED = 2 /* the largest class of every pixel and its value        */
};

/* The maps of one image; all belongs to the job. */
struct export_image {
    int64_t image;    /* in the data set                                      */
    const char *stem; /* of its files: a safe name without an ending   */
    int n;            /* classes present, may be 0                     */
    const int32_t *label; /* [n] class indices, each once                  */
    int h, w, sh, sw;     /* pixels; cells of the stored maps              */
    const float *strided; /* [n][sh][sw] as stored, maximum 1 (or a zero map) */
    const float *map;     /* [n][h][w] with WANT_MAP: strided as score
                             enlarges it                                   */
    const uint8_t *best_class; /* [h][w] with WANT_SEED: class index + 1, 0
                                  where all maps are 0                     */
    const float *value;        /* [h][w] of that map, as score compares it */
};

/* What the formats share. */
struct export_job {
    struct session *session;
    struct map_source maps; /* of export.maps; open where a format has
                               `image`                                     */
    char *folder;           /* export.out, or export in run.out            */
    int64_t n_images;       /* of the data set                             */
    int64_t block_images;   /* of a block, the last one may have fewer     */
    int64_t n_blocks;
    struct out_batch *batch; /* of the files of images                     */
};

/* One format at work. */
struct export_part {
    const struct export_job *job;
    const struct export_format *format;
    struct out_folder folder; /* FOLDER/NAME                               */
    struct out_folder files;  /* format->files in it                       */
    void *state;              /* the format's own, of `open`               */
};

/* Functions that a format does not need are NULL. */
struct export_format {
    const char *name;   /* its word and its folder                           */
    int what;           /* enum export_what                                  */
    int wants;          /* enum export_wants, or-ed                          */
    const char *files;  /* folder in its own of what images give, "": its own */
    const char *ending; /* of an image's file there, its name being the stem:
                           done last; NULL: is_done says all that is done     */
    int64_t most_id;    /* largest number of a class that its files hold, the
                           smallest being 1; 0: export.ids changes nothing    */

    /* Lines "key = value" that its files depend on besides those of all: the
     * maps, export.stem and export.ids. The caller frees; NULL without memory.
     * Local. */
    char *(*settings)(const struct export_job *job);

    /* Before the images: folders, tables. Collective over the session's comm;
     * `release` is called whatever comes of it. */
    enum lp_status (*open)(struct export_part *p);

    /* Besides its file, what this image gives is there from an earlier start.
     * Alone. */
    bool (*is_done)(const struct export_part *p, int64_t image,
                    const char *stem);

    /* One image that is not done, after others of its block. Alone. */
    enum lp_status (*image)(struct export_part *p,
                            const struct export_image *im);

    /* All images of the block, of which one at least was not done, are done
     * now; not called for a block that a stop has cut. Alone. */
    enum lp_status (*block)(struct export_part *p, int64_t block);

    /* All images of all ranks are done: what is made of them together.
     * Collective. */
    enum lp_status (*close)(struct export_part *p);

    /* Memory and files; safe after a failed `open`. Collective in that every
     * rank calls it. */
    void (*release)(struct export_part *p);
};

extern const struct export_format export_masks, export_ir, export_irn,
    export_amn, export_psa, export_clip, export_coco, export_onnx,
    export_gallery;

/* The part's folders, and in the first the settings of its files: written, or
 * compared where they are there (LP_EARG names what differs, also where the
 * folder holds something else). maps: those of the file of maps, or NULL. Called
 * by export.c. Collective over the session's comm. */
enum lp_status export_own_folder(struct export_part *p, const char *maps);

/* A lock on export.out, too, where that is set and not the folder that run.out's
 * lock is on; for run_unlock. Collective. */
enum lp_status export_lock(const struct session *s, int *lock);

/* A folder in that of the part, made where it is missing. Collective over the
 * session's comm. */
enum lp_status export_folder(const struct export_part *p, const char *name,
                             struct out_folder *folder);

/* The name of an image's files, without an ending; LP_EARG where export.stem
 * wants a number and the ID has none. Local. */
enum lp_status export_stem(const struct export_job *job, int64_t image,
                           char stem[FILE_NAME_BYTES]);

/* STEM and an ending such as ".png" into name, which is returned. Local. */
enum { EXPORT_NAME_BYTES = FILE_NAME_BYTES + 8 };
const char *export_name(char name[EXPORT_NAME_BYTES], const char *stem,
                        const char *ending);

/* The number of a class in masks and arrays (from 1; 0 is the background), by
 * export.ids. Local. */
int64_t export_class_id(const struct export_job *job, int class_index);

/* Can the format's files hold the numbers of all classes? LP_EARG names one that
 * they cannot. Collective over the session's comm. */
enum lp_status export_check_ids(const struct export_part *p);

/* export.threshold, or score.threshold where it is empty: one number, or two.
 * Local. */
struct number_list export_threshold(const struct export_job *job);

/* Is there an image with maps in the block? Local. */
bool export_block_has_maps(const struct export_job *job, int64_t block);

/* path from the root, links and all; the caller frees; NULL without memory.
 * Local. */
char *export_absolute(const char *path);

/* All of export.formats; nothing where it is empty. Needs NEED_DATA. Collective
 * over the session's comm. */
enum lp_status stage_export(struct session *s);

#endif
