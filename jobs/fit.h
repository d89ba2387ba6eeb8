/* SPDX-License-Identifier: MIT */
/* fit.h: what the parts of the job fit share. */
#ifndef LPCAM_FIT_H
#define LPCAM_FIT_H

#include "lpcam/dense/logistic.h"
#include "session.h"

/* What a linear layer is learned from, or judged on: this rank's share of the
 * photographs that have labels and could be read. */
struct fit_rows {
    int views, d;
    int64_t n;               /* photographs of this rank                   */
    int64_t *image;          /* [n] their number in the data set, ascending */
    float *x;                /* [n][views][d] pooled features              */
    uint8_t *y;              /* [n][views][N] 1 where it has the class     */
    int64_t n_global;        /* photographs of all ranks                   */
    int64_t unlabelled, bad; /* those left out, of all ranks               */
    int64_t *positives;      /* [N] photographs of all ranks with a class  */
};

/* One fit, from photographs to a classifier. */
struct fit {
    struct session session, test; /* test: of fit.test, else zeros         */
    struct fit_rows rows, held_out;
    struct grid grid;
    struct logistic_point point[CONFIG_MAX_LIST]; /* one a lambda          */
    int best;                                     /* of them               */
    double *path_ap; /* [points][N] cross-validated                        */
    double *test_ap; /* [N] on held_out; NULL without                      */
    struct logistic layer;
    struct head head; /* the same as numbers of the classifier's file      */
    char *path;       /* of the new classifier                             */
    char sha256[65];
    bool made; /* the classifier and fit.json are of this configuration    */
};

/* Views of a photograph: windows, and those of its mirror image. Local. */
int fit_views(const struct config *config);

/* Make or go on with pooled.h5 (which: OUT_POOLED, or OUT_POOLED_TEST) of the
 * session's data set, then take this rank's share of it. fit_rows_release
 * accepts what is left. Collective over the session's comm. */
enum lp_status fit_pool(struct session *s, enum output which,
                        struct fit_rows *rows);
void fit_rows_release(struct fit_rows *rows);

/* How to learn, but for lambda. Local. */
struct logistic_options fit_options(const struct config *c);

/* f->layer, best, point and path_ap from f->rows. Fits that are done are kept in
 * fit.checkpoint, from where a later start goes on; LP_EARG where it was made
 * with other settings. Collective over the session's comm. */
enum lp_status fit_learn(struct fit *f);

/* The classifier is there: what was kept is of no more use. Collective. */
void fit_drop_checkpoint(const struct fit *f);

/* Average precision of each class, ap [N], -1 where no photograph has it: of
 * head on each photograph, rows being of one view. Collective over comm. */
enum lp_status fit_judge(const struct fit_rows *rows, const struct head *head,
                         double *ap, MPI_Comm comm);

/* The mean of those that are not -1; -1 where there are none. Local. */
double fit_mean(const double *ap, int n);

/* f->made, from what fit.json says of what it was made of; tells where another
 * classifier will be replaced. Collective. */
enum lp_status fit_find_made(struct fit *f);

/* What came out, as a table on stdout and as fit.json in run.out. Local, rank
 * 0. */
enum lp_status fit_report(const struct fit *f);

#endif
