/* SPDX-License-Identifier: MIT */
/* session.h: what the jobs share: the configuration, the data set, the model,
 * and the settings that outputs are compared by. */
#ifndef LPCAM_SESSION_H
#define LPCAM_SESSION_H

#include "job.h"
#include "lpcam/data/dataset.h"
#include "lpcam/method/basis.h"
#include "lpcam/net/network.h"
#include "lpcam/run/config.h"
#include "lpcam/store/run_file.h"

/* What a job needs. */
enum session_needs {
    NEED_DATA = 1,  /* lists, labels, classes                              */
    NEED_MODEL = 2, /* the network, proved; sizes and grids of photographs */
    NEED_BASIS = 4, /* with both: the components of features.dims          */
    NEED_VIEWS = 8, /* the network, but where run.passes = 1 keeps views.h5 */
    NEED_FIT = 16,  /* the classes are those of fit.classes or the data set,
                       whatever the model's are; no plan is printed          */
    NEED_RUN = 32   /* what is in run.out already goes with the configuration,
                       up to maps.h5; with NEED_BASIS up to views.h5        */
};

enum output {
    OUT_BASIS,
    OUT_FEATURES,
    OUT_CAMS,
    OUT_VIEWS, /* with run.passes = 1 */
    OUT_PROTOTYPES,
    OUT_MAPS,
    OUT_POOLED,
    OUT_POOLED_TEST,
    N_OUTPUTS
};

struct session {
    MPI_Comm comm;
    struct config config;
    struct dataset data;
    struct network net;
    struct basis basis;   /* of NEED_BASIS; changes nothing without dims      */
    int64_t *size;        /* [n_images][2] h, w in pixels; 0 0 unreadable     */
    int64_t *grid;        /* [n_images][2] h, w in cells                      */
    int64_t *view_grid;   /* [n_images][scales][2], with run.passes = 1 and a
                             model; 0 0 without labels                        */
    char rows_sha[65];    /* of the file of start rows, "none" without it */
    bool bf16_pairs;      /* of kmeans.kernel, on every rank's processor      */
    char *config_text;    /* every value in use                               */
    char *out[N_OUTPUTS]; /* paths, see below                               */
    int lock;
};

/* Load and check everything a job needs, print what was found and the plan of
 * memory and disk; then, unless dry_run, make run.out and lock it; a job that
 * only goes on with what is there makes none. Collective; fails on all ranks or
 * none. */
enum lp_status session_open(struct session *s, const struct job_args *args,
                            int needs);
void session_close(struct session *s);

/* Of session_open: learn the components of features.dims, unless basis.h5 has
 * them, and tell what they lose; keep: write basis.h5. Collective. */
enum lp_status session_basis(struct session *s, bool keep);

/* Of session_open: LP_EARG where a whole output was made with other settings, as
 * far as they are known before any work. Collective. */
enum lp_status session_check_outputs(const struct session *s, int needs);

/* The photographs of fit.test beside those of s, which holds all else: *test is
 * for what works on a session's data set, whole photographs only, and s must
 * stay. None may be in both
 * (LP_EARG). session_test_close accepts what is left. Collective; fails on all
 * ranks or none. */
enum lp_status session_test_open(struct session *test, const struct session *s);
void session_test_close(struct session *test);

/* Is an output there, whole. The same answer on every rank. Collective. */
bool session_has(const struct session *s, enum output out);

/* Write the values in use to run.out/used.ini: called by a stage whose output
 * agrees with them. Collective. */
enum lp_status session_keep_config(const struct session *s);

/* Print the memory a rank needs and the disk the outputs need; a warning where
 * the disk has less. For the ranks of s->comm, or where n_nodes > 0 for those of
 * so many nodes and plan.images photographs. Collective. */
void plan_print(const struct session *s, int n_nodes);

/* What an output depends on, lines "key = value" for struct run_about; each
 * stage adds to what is given. The caller frees; NULL without memory. */
char *settings_model(const struct session *s);    /* the model as it is used */
char *settings_extract(const struct session *s);  /* CAM, split, features    */
char *settings_cluster(const struct session *s);  /* k-means, prototypes     */
char *settings_maps(const struct session *s);     /* how maps are stored     */
char *settings_data(const struct session *s);     /* the data set            */
char *settings_basis(const struct session *s);    /* what components are of */
char *settings_components(const struct basis *b); /* which they are, if any */
char *settings_views(const struct session *s);    /* extract, data          */
char *settings_features(const struct session *s); /* all but cluster's, maps' */
char *settings_pooled(const struct session *s);   /* model, views, data   */
char *settings_fit(const struct session *s);      /* pooled, learning        */
char *settings_gallery(const struct session *s);  /* which images are shown  */

/* What a file was made with; where another program wrote it and left no
 * settings, its size and time, which tell one content from another, too.
 * The caller frees. Collective. */
enum lp_status settings_file(const struct run_file *file, char **lines);

char *settings_join(char *a, char *b); /* takes both; NULL when one is NULL */

/* Lines without that of a key, in place. */
void settings_drop(char *lines, const char *key);

#endif
