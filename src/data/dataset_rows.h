/* SPDX-License-Identifier: MIT */
/* dataset_rows.h: the data set's classes against the classifier's rows. On
 * rank 0 only. */
#ifndef LPCAM_DATASET_ROWS_H
#define LPCAM_DATASET_ROWS_H

#include "dataset_source.h"

/* Starts zeroed. */
struct rows {
    int n;
    const char **name; /* [n], in the texts of the source                  */
    int *of_class;     /* [n_classes] row of each class, -1: none          */
};

/* Name the rows (model.classes, else the data set's classes), and find each
 * class among them; says in a line which have no counterpart on either side.
 * n_rows is what the model has, -1: any. Fails with LP_EFORMAT, LP_EIO,
 * LP_ENOMEM, reported. Local. */
enum lp_status rows_match(struct rows *rows, struct source *s, int n_rows);
void rows_release(struct rows *rows);

#endif
