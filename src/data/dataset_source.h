/* SPDX-License-Identifier: MIT */
/* dataset_source.h: what the reader of a layout finds, in the data set's own
 * ids, and the parts that readers share. On rank 0 only, all Local.
 *
 * A layout is one function that fills a struct source, and one line in the
 * table of readers in dataset_build.c. */
#ifndef LPCAM_DATASET_SOURCE_H
#define LPCAM_DATASET_SOURCE_H

#include "lpcam/data/dataset.h"

/* Classes are compared with each other, so a file of very many takes hours. */
#define SOURCE_MOST_CLASSES (1 << 15)

enum class_kind { CLASS_USED, CLASS_BACKGROUND, CLASS_IGNORED };

struct source_class {
    int64_t id;       /* in the data set's files and masks                 */
    const char *name; /* in text[] or constant                             */
    enum class_kind kind;
    int64_t category; /* COCO: its id in the annotations; else 0           */
};

struct source_image {
    const char *id; /* in text[]                                           */
    int line;       /* of the file names; 0: it has no lines               */
    int64_t first, n_labels; /* its part of label[]                        */
    int64_t number;          /* in its annotations, or -1                  */
    int64_t first_shape, n_shapes; /* its part of shape[]                  */
    int32_t h, w;                  /* pixels, where there are shapes       */
};

/* An annotated object of an image. */
struct source_shape {
    int64_t at;    /* its segmentation in the file of annotations          */
    int32_t bytes; /* of it                                                */
    int32_t class; /* position in class[], -1: a crowd, to be ignored      */
};

struct source {
    const struct config *config; /* borrowed                               */
    struct source_class *class;
    int n_classes;
    struct source_image *image;
    int64_t n_images;
    int *label; /* positions in class[], all CLASS_USED, may repeat        */
    int64_t n_labels;
    struct source_shape *shape; /* [] in the order of drawing, or NULL    */
    char *images, *masks; /* folders; masks NULL: drawn from shape[]       */
    char *annotations;    /* the file that shape[] is about, or NULL       */
    char *names;          /* the file that image[] comes from              */
    char *text[8];        /* what the strings above lie in                 */
    int n_texts;
};

/* The readers. */
enum lp_status dataset_read_list(struct source *s);
enum lp_status dataset_read_voc(struct source *s);
enum lp_status dataset_read_coco(struct source *s);

/* Read a text file and keep it in s; *cursor is its first line. */
enum lp_status source_text(struct source *s, const char *path, char **cursor);

/* class[] from a file, a line a class: id name. */
enum lp_status source_read_classes(struct source *s, const char *path);

/* What id means to the configuration. */
enum class_kind source_class_kind(const struct source *s, int64_t id);

/* Position in class[] of an id or, where it is no number, a name; or -1. */
int source_find_class(const struct source *s, const char *word);

/* image[] from a file, a line an image: its ID, or a path of which the stem is
 * the ID; where there are labels, the classes present behind it. */
enum lp_status source_read_images(struct source *s, const char *path,
                                  bool labels);

/* The same with labels from any file of labels: text as above, or a NumPy array
 * with the IDs of its rows in data.label_ids. */
enum lp_status source_read_labelled(struct source *s, const char *path);

/* The images that are there take the labels of such a file, whatever they had,
 * each by its ID; an array without data.label_ids has their order. How many
 * the file does not name is said. */
enum lp_status source_relabel(struct source *s, const char *path);

/* label[] of the images that are there from a NumPy array, a row each. */
enum lp_status source_read_array(struct source *s, const char *path);

/* image[] becomes those that the file lists, with the labels they had. */
enum lp_status source_select(struct source *s, const char *path);

/* No two images may have the same ID. */
enum lp_status source_refuse_twins(const struct source *s);

/* ID of a file: "a/b/ID.jpg" and "ID" both mean ID. Ends word in place. */
char *source_stem(char *word);

void source_release(struct source *s);

#endif
