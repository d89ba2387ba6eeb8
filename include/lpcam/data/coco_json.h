/* SPDX-License-Identifier: MIT */
/* coco_json.h: a file such as COCO's instances_train2014.json, streamed: one
 * element after the other, in constant memory. Local. */
#ifndef LPCAM_COCO_JSON_H
#define LPCAM_COCO_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

#define COCO_BLOCK_BYTES ((int64_t)1 << 20) /* a good size of reads */

enum coco_kind { COCO_IMAGE, COCO_ANNOTATION, COCO_CATEGORY };

/* An element of "images", "annotations" or "categories". What its kind does not
 * have, or need not have, is zero. */
struct coco_element {
    enum coco_kind kind;
    int64_t id;                    /* images and categories have one       */
    int64_t image_id, category_id; /* of an annotation                     */
    int64_t height, width;         /* of an image, pixels                  */
    bool crowd;                    /* iscrowd of an annotation             */
    double area;                   /* of an annotation, -1: it has none    */
    const char *name;              /* file_name of an image, name of a category;
                                      valid during the call                */
    int64_t at, bytes; /* where "segmentation" of an annotation lies in
                            the file; bytes 0: it has none        */
    int64_t end;       /* byte of the file behind the element           */
};

/* What becomes of an element; anything but LP_OK, reported, ends reading. */
typedef enum lp_status coco_take(void *user, const struct coco_element *e);

/* Hand every element to take, in the order of the file; all three lists must
 * be there. Other keys are passed over, whatever they hold; so are the numbers
 * of a segmentation, which nobody has looked at before it is painted.
 *   block_bytes  read at once
 * Fails with LP_EIO; LP_EFORMAT, the sentence names the file, the byte and what
 * is wrong there: no JSON, cut off, nested deeper than 64, an element without a
 * key it needs or with a value of another type; LP_ENOMEM; and as take does. */
enum lp_status coco_json_read(const char *path, int64_t block_bytes,
                              coco_take *take, void *user);

#endif
