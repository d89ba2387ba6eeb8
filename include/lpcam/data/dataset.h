/* SPDX-License-Identifier: MIT */
/* dataset.h: which photographs, which classes are in each, where the masks
 * are. The same on every rank (< 50 MB for COCO). */
#ifndef LPCAM_DATASET_H
#define LPCAM_DATASET_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/run/config.h"

#define DATASET_IGNORE 255

/* Where the outline of an annotated object lies in the file of annotations. */
struct dataset_shape {
    int64_t at;
    int32_t bytes;
    int32_t value; /* class index + 1, 0 background or DATASET_IGNORE      */
};

struct dataset {
    int64_t n_images;        /* in the order of the list                     */
    int n_classes;           /* rows of the classifier; class index 0 .. n-1 */
    bool background;         /* has the data set a background class          */
    int64_t *label_offset;   /* [n_images + 1] into label                    */
    int32_t *label;          /* class indices present, ascending per image   */
    uint8_t mask_class[256]; /* mask value -> class index + 1, 0 for the
                                background, DATASET_IGNORE                  */
    /* the data set's own numbers; NULL where they were not read from it */
    int64_t *number;   /* [n_images] in its annotations or ID, -1: none     */
    int64_t *class_id; /* [n_classes] in its files and masks, -1: it has no
                          such class                                        */
    int64_t *category; /* [n_classes] in its annotations: COCO's 1 .. 90;
                          else as class_id                                  */
    /* ground truth that is drawn (layout coco); else NULL and -1 */
    int64_t *shape_offset;       /* [n_images + 1] into shape              */
    struct dataset_shape *shape; /* of each image, in the order of drawing */
    int32_t *shape_size;         /* [n_images][2] h, w of the images, px   */
    int64_t shape_file;          /* path into text                         */
    /* texts, read through the functions below */
    char *text; /* all strings                                  */
    int64_t text_bytes;
    int64_t *id_at, *path_at; /* [n_images] into text                      */
    int64_t *mask_at;         /* [n_images] into text, -1: no mask            */
    int64_t *name_at;         /* [n_classes] into text                        */
};

/* Read lists, labels and classes, and check that every photograph exists.
 *
 * Collective over comm: rank 0 reads, all ranks get the result.
 *   n_rows   rows of the classifier, -1 where no model is read (score, check:
 *            then the names file or the data set's own classes count)
 * The rows' names come from model.classes, else the data set's classes in
 * their order, if there are n_rows of them. Data set classes are matched by
 * name; those without a row are dropped and reported in one line; their mask
 * values become score.unknown (ignored, or background).
 * Layouts: list (one file for all labels), voc (VOCdevkit, XML annotations or
 * a label list), coco (an instances_*.json, streamed: 40 bytes an annotation
 * on rank 0 while it is read, 16 on every rank; images in ascending order,
 * those without labels too). A [data] key left at its default means VOC's or
 * COCO's own file or folder. Lists and files of labels name images by ID or by
 * its number: 9 is COCO_train2014_000000000009. Errors name file, line and what
 * to do: duplicate ID, missing photograph, label that names no class, empty
 * list, image without labels entry, annotation without image. Fails on all
 * ranks or none: LP_EIO, LP_EFORMAT, LP_ENOMEM, and
 * LP_EUSAGE for layout voc without a list. */
enum lp_status dataset_load(struct dataset *d, const struct config *config,
                            int n_rows, MPI_Comm comm);
void dataset_release(struct dataset *d);

/* Local. Strings belong to the data set. dataset_annotations: the file that
 * ground truth is drawn from, NULL where it is not. */
const char *dataset_id(const struct dataset *d, int64_t image);
const char *dataset_path(const struct dataset *d, int64_t image);
const char *dataset_mask(const struct dataset *d, int64_t image); /* or NULL */
const char *dataset_annotations(const struct dataset *d);
const char *dataset_class(const struct dataset *d, int class_index);

/* How many classes image has, and which (class indices). Local. */
int dataset_labels(const struct dataset *d, int64_t image,
                   const int32_t **label);

/* SHA-256 over IDs, labels and class names: what a resume compares. Local. */
void dataset_fingerprint(const struct dataset *d, char hex[65]);

/* The same over its own numbers of images and classes. Local. */
void dataset_numbers_fingerprint(const struct dataset *d, char hex[65]);

/* Height and width of every photograph from the headers alone,
 * size [n_images][2], 0 0 where the header cannot be read. The ranks share the
 * files. progress_s: between lines of how far it is. Collective over comm. Fails
 * on all ranks or none with LP_ENOMEM or, asked by signal, LP_STOP. */
enum lp_status dataset_scan_sizes(const struct dataset *d, int64_t *size,
                                  double progress_s, MPI_Comm comm);

#endif
