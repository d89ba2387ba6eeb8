/* SPDX-License-Identifier: MIT */
/* gallery.h: what the parts of the gallery share (format `gallery` of lpcam
 * export): a folder with a page to look at, which needs no network and no
 * server.
 *
 *   index.html, style.css, page.js, view.js   the page itself, always the same
 *   made.txt                                  what the pictures are of
 *   bar.png, curve.svg, convergence.svg       colours of the maps, charts
 *   data/run.js, data/class_CCCC.js           what it shows, as scripts
 *   photo/IIIIII.jpg                          photographs, made smaller
 *   map/IIIIII_CCCC_KIND.png                  cam, lpcam, truth, to lay over
 *   map/figure_CCCC_J.png                     CAMs of the class and of others
 *   near/CCCC_SIDE_KKK.jpg                    patches nearest to a centre
 *
 * IIIIII is the image's number in the list, CCCC the class's, SIDE 0 object, 1
 * context; so no file is named by an ID. Each file is made by one rank alone. A
 * later start keeps the pictures that are there, where they are of the same maps
 * and settings; scripts and charts are small and made each time; index.html comes
 * last. */
#ifndef LPCAM_GALLERY_H
#define LPCAM_GALLERY_H

#include "export.h"
#include "lpcam/data/image.h"
#include "lpcam/data/resize.h"
#include "lpcam/data/truth.h"
#include "lpcam/run/phase.h"
#include "lpcam/run/shard.h"
#include "score.h"

enum gallery_kind { KIND_CAM, KIND_LPCAM, N_KINDS };

enum {
    GALLERY_NEAR = 6,    /* patches of a centre                           */
    GALLERY_OTHERS = 3,  /* absent classes beside the class in its figure */
    GALLERY_PHOTO = 480, /* longer side of a photograph, pixels           */
    GALLERY_MAP = 160,   /* longer side of a map, pixels                  */
    GALLERY_PATCH = 96   /* side of a patch, pixels                       */
};

/* One class of one image. */
struct gallery_shot {
    int64_t image;
    int class_index;
    double order; /* share of the kind that decides                          */
    double share[N_KINDS]; /* IoU of the class's seed at the threshold at which
                              all classes do best; without ground truth the
                              share of the image it covers; -1: none        */
};

/* One centre. */
struct gallery_center {
    int64_t size;
    double probability, weight;
    int n_near;
    struct {
        int64_t image; /* in the data set                                  */
        int64_t row, column;
        double cosine;
    } near[GALLERY_NEAR];
};

/* The figure of a class: its CAM in one photograph beside those of absent
 * classes. */
struct gallery_figure {
    int64_t image; /* -1: there is none                                    */
    int n_maps;
    int class_index[1 + GALLERY_OTHERS]; /* itself first                   */
    double logit[1 + GALLERY_OTHERS];
};

/* Features, for the figures and the places of cells; zeros where there are
 * none. */
struct gallery_features {
    struct run_file file;
    int64_t *at;     /* [images of the data set] in the file, -1: not there */
    int64_t *offset; /* [file images + 1] cells before each                */
    int64_t *grid;   /* [file images][2] h, w in cells                     */
    int n_classes, d;
    int *class_of; /* [n_classes] class of the data set, -1: none          */
    float *weight; /* [n_classes][d]; NULL where the features have fewer
                      dimensions than the classifier                      */
    float *bias;   /* [n_classes]                                          */
};

struct gallery {
    const struct session *session;
    const struct out_folder *root;
    struct out_folder data, photo, map, near;
    struct scored kind[N_KINDS];     /* counted where `truth`           */
    struct map_source maps[N_KINDS]; /* where kind[].there             */
    bool truth;                      /* is there ground truth          */
    char truth_sha[65];              /* of it where the main maps are  */
    int main;                        /* enum gallery_kind: ordered by  */
    double threshold[N_KINDS];       /* at which shares are measured   */
    struct gallery_shot *shot;       /* [n_shots] by class, then share */
    int64_t n_shots;
    int64_t *class_shot;   /* [classes + 1] first shot of each             */
    int64_t *class_images; /* [classes] with this label                    */
    int64_t *by_image;     /* [n_shots] shots in the order of their images */
    int n_centers;         /* of each class and side, 0: no prototypes     */
    struct gallery_center *center; /* [classes][2][n_centers]              */
    int stride; /* pixels of a cell where no features say its grid         */
    struct gallery_features features;
    struct gallery_figure *figure; /* [classes]                            */
    bool convergence; /* a picture of the clustering is there               */
    char *made;       /* settings that the maps were made with, or NULL     */
    struct text_buffer made_of; /* of all that is read                      */
    struct out_batch *batch;    /* of the folders                           */

    /* of one unit of work */
    struct truth mask;
    struct image photograph, small;
    struct resize resize;
};

/* The units 0 .. n-1, each by one rank, with progress; the time counts as of
 * that phase. Files get their names between units. Collective over the session's
 * comm. */
enum lp_status
gallery_each(struct gallery *g, const char *what, enum phase phase, int64_t n,
             enum lp_status (*one)(struct gallery *g, void *arg, int64_t unit),
             void *arg);

/* The file is among what the gallery is made of. Collective. */
enum lp_status gallery_note(struct gallery *g, const struct run_file *file);

/* Measure every class of every image and choose the images to show. Collective.
 */
enum lp_status gallery_choose(struct gallery *g);

/* All is noted and measured: pictures of an earlier start are kept where they
 * were made of the same, and removed where not. Collective. */
enum lp_status gallery_keep(struct gallery *g);

/* Photographs, maps and ground truth of the shots. Collective. */
enum lp_status gallery_draw(struct gallery *g);

/* The photograph of an image into g->photograph; LP_EDATA is told as a failure,
 * for its maps are there. Alone. */
enum lp_status gallery_photograph(struct gallery *g, int64_t image);

/* map [h][w] into the folder of maps, not larger than GALLERY_MAP. Alone. */
enum lp_status gallery_write_map(struct gallery *g, const char *name,
                                 const float *map, int h, int w);

/* Read prototypes.h5 and features.h5, as far as they are there. Collective. */
enum lp_status gallery_read_centers(struct gallery *g);
enum lp_status gallery_read_features(struct gallery *g);
void gallery_release_features(struct gallery_features *f);

/* The patches of all centres; the figure of every class, and its file of data.
 * Collective. */
enum lp_status gallery_draw_centers(struct gallery *g);
enum lp_status gallery_tell_classes(struct gallery *g);

/* data/class_CCCC.js. Alone. */
enum lp_status gallery_write_class(struct gallery *g, int class_index);

/* The page, its charts and data/run.js. Rank 0. */
enum lp_status gallery_write_page(struct gallery *g);

/* Which images and classes of the data set the n of a file are, -1: none. The
 * caller frees. Collective. */
enum lp_status gallery_match_images(const struct dataset *d, struct h5 *h5,
                                    int64_t **image_of, int64_t *n,
                                    MPI_Comm comm);
enum lp_status gallery_match_classes(const struct dataset *d, struct h5 *h5,
                                     int **class_of, int *n, MPI_Comm comm);

#endif
