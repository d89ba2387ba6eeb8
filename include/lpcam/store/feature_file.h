/* SPDX-License-Identifier: MIT */
/* feature_file.h: features.h5 (design.md section 4): unpooled features at
 * scale 1 and the object/context split.
 *
 *   /feature/vector  [cells][d] f16, bf16 (a float of 8 exponent bits) or f32
 *   /feature/offset  [n + 1] i64   cells before each image
 *   /feature/grid    [n][2] i64    h, w in cells
 *   /split/side      [pair cells] u8  0 neither, 1 object, 2 context
 *   /split/offset    [pairs + 1] i64  pair cells before each (image, class)
 *   /classifier/weight [N][D] f32, /classifier/bias [N] f32, D = d unless
 *   /basis/vector [d][D] f32  the components that the vectors are given in: with
 *       /feature/norm [cells] f32, their lengths in D dimensions, see basis_file.h
 *   and /image, /class, /run as in image_group.h and run_file.h
 *
 * Anyone may write such a file: clustering needs /feature, /split, /classifier,
 * /image/{id,label_offset,label} and /class/name only, and without components
 * no /feature/norm. */
#ifndef LPCAM_FEATURE_FILE_H
#define LPCAM_FEATURE_FILE_H

#include "lpcam/method/features.h"
#include "lpcam/net/head.h"
#include "lpcam/run/shard.h"
#include "lpcam/store/basis_file.h"
#include "lpcam/store/image_group.h"
#include "lpcam/store/run_file.h"

/* Rows that are read at once where a rank's share does not fit its memory. Two
 * such blocks are held: one in use, one being read. Disks need a hundredth of
 * it to be busy; threads share the images of a block. */
#define FEATURE_BLOCK_BYTES ((int64_t)64 << 20)

struct feature_file {
    struct run_file file;
    int d;      /* of the stored vectors                             */
    bool norms; /* has /feature/norm                                 */
    enum lp_value type;
    int64_t n_images;
    int64_t *offset;      /* [n_images + 1]                                */
    int64_t *grid;        /* [n_images][2]                                 */
    int64_t *pair_offset; /* [n_images + 1] pairs before each image        */
    int64_t *side_offset; /* [pairs + 1] pair cells before each pair       */
    int64_t first_cell;   /* of this rank's share, after feature_file_load   */
};

/* Create, or open to go on. grid [n][2] of all images, 0 0 for unreadable
 * ones, which have no cells. basis: NULL, or the components that the vectors
 * will be given in. Collective. */
enum lp_status feature_file_open(struct feature_file *ff, const char *path,
                                 const struct run_about *about,
                                 const struct dataset *d, const int64_t *size,
                                 const int64_t *grid, const struct head *head,
                                 const struct basis *basis, enum lp_value type,
                                 MPI_Comm comm);

/* One image: vectors [cells][d] of ff->type, norm [cells] where ff->norms,
 * side [pairs of it][cells]. Local in effect. */
enum lp_status feature_file_write(struct feature_file *ff, int64_t image,
                                  const void *vectors, const float *norm,
                                  const uint8_t *side);

/* Close it and free the tables; safe on a zeroed struct. finish: flush and
 * rename, with report. Collective. */
enum lp_status feature_file_close(struct feature_file *ff, bool finish,
                                  const char *report);

/* What clustering needs from a finished file, this rank's share of equal rows:
 * *f has its tables filled, and the rows in memory when they fit memory_bytes,
 * else they are read from ff, which must stay open. *d gets ids, labels and
 * class names only; head weight and bias in D dimensions; *basis those of the
 * vectors, which changes nothing where the file has none. All cells of an image that is not done
 * are on neither side. A file from elsewhere is checked: shapes, offsets that
 * ascend, sides in 0..2; finite values are left to `check`. What is left is
 * released by the caller, also after a failure. Collective; memory_bytes may
 * differ by rank. LP_EFORMAT names the data set and the index. */
enum lp_status feature_file_load(struct feature_file *ff, const char *path,
                                 const char *settings, int64_t memory_bytes,
                                 struct features *f, struct dataset *d,
                                 struct head *head, struct basis *basis,
                                 struct shard *shard, MPI_Comm comm);

#endif
