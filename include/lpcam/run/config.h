/* SPDX-License-Identifier: MIT */
/* config.h: every setting of a run. configs/reference.ini, which the program
 * carries inside, lists all keys with their defaults and meanings; a user's
 * file and --set override it. Paths under [data] are relative to data.root,
 * all others to the folder the command is run in. */
#ifndef LPCAM_CONFIG_H
#define LPCAM_CONFIG_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/half.h"
#include "lpcam/base/status.h"
#include "lpcam/base/text.h"

#define CONFIG_MAX_LIST 64

/* Times kmeans.k: the least kmeans.sample. How many rows come is drawn, too:
 * where so many are due, less than one in 10^9 draws is of fewer than k (k from
 * 4 on). */
#define KMEANS_LEAST_SAMPLE 8

struct number_list {
    int n;
    double v[CONFIG_MAX_LIST];
};

enum balance_rule { BALANCE_STATIC, BALANCE_DYNAMIC };
enum data_layout { LAYOUT_LIST, LAYOUT_VOC, LAYOUT_COCO };
enum start_rule { START_HASH, START_PLUSPLUS, START_ROWS };
enum stop_rule { STOP_MOVED, STOP_REFERENCE };
enum reduce_rule { REDUCE_AUTO, REDUCE_FLAT, REDUCE_SCATTER, REDUCE_NODE };
enum solver_rule { SOLVER_ONE, SOLVER_ALL };
enum choice_rule { CHOICE_THRESHOLD, CHOICE_WEIGHTED };
enum stem_rule { STEM_ID, STEM_NUMBER12, STEM_NUMBER };

/* What export writes, of export.formats. */
enum export_what {
    EXPORT_MASKS = 1,
    EXPORT_IR = 2,
    EXPORT_IRN = 4,
    EXPORT_AMN = 8,
    EXPORT_PSA = 16,
    EXPORT_CLIP = 32,
    EXPORT_COCO = 64,
    EXPORT_ONNX = 128,
    EXPORT_GALLERY = 256
};

struct config {
    struct {
        char *out;           /* folder of all outputs                       */
        int64_t memory;      /* bytes a rank may use for features           */
        int passes;          /* of the network over each photograph: 1 or 2 */
        int64_t seed;        /* of everything that is drawn                 */
        double progress_s;   /* seconds between progress lines in a log     */
        double checkpoint_s; /* of work that a kill may cost              */
        int node_ranks;      /* ranks of a node; 0: those that share memory */
        int balance;         /* enum balance_rule                           */
    } run;
    struct {
        int layout; /* enum data_layout                            */
        char *root, *images, *labels, *classes, *list, *masks;
        char *annotations;    /* of layout coco                             */
        char *label_ids;      /* the image of each row of an array          */
        bool label_positions; /* data.label_numbers = positions            */
        bool small_on_top;    /* data.overlap = small                      */
        struct number_list ignore; /* mask values that are not scored      */
        bool background; /* does the data set have a background class   */
        double max_bad;  /* share of photographs that may be broken     */
    } data;
    struct {
        char *file, *classes; /* ONNX; names of its rows, one a line       */
        int precision;        /* LP_F32 or LP_BF16                           */
        int threads;          /* of each rank: network and clustering         */
        struct number_list mean, std; /* per channel, of values in [0, 1]  */
        bool bgr; /* channel order of the input                  */
        char *feature, *weight, *bias; /* tensors, "" = found in the file  */
    } model;
    struct {
        struct number_list scales;
        bool flip;
    } cam;
    struct {
        double threshold; /* tau of method.md step 4                     */
    } split;
    struct {
        int value;    /* enum lp_value: f16, bf16, f32               */
        int64_t dims; /* 0: all                                      */
        int sample;   /* vectors to learn components from            */
        int solver;   /* enum solver_rule                            */
        bool keep;    /* leave features.h5 and views.h5 behind       */
    } features;
    struct {
        int k, starts, start, max_iter, stop; /* start, stop: enums above  */
        int sample, swaps; /* of start = plusplus                        */
        double tol;        /* of stop = reference, feature units squared  */
        char *rows;        /* file of start rows                          */
        int64_t seed;      /* of the start, besides run.seed              */
        int reduce;        /* enum reduce_rule                            */
        char *kernel;      /* instructions: auto, avx512, avx2, plain     */
    } kmeans;
    struct {
        int choice; /* enum choice_rule                            */
        double power;
        bool balance;
        double class_above, context_above, context_below;
    } prototypes;
    struct {
        int value; /* enum lp_value: f16, f32, u8                 */
        bool seed; /* maps.full = seed                            */
    } maps;
    struct {
        struct number_list thresholds;
        double threshold;
        bool unknown_ignore; /* score.unknown = ignore                     */
    } score;
    struct {
        char *out;                 /* "": classifier.onnx in run.out        */
        char *classes;             /* names of its rows, as model.classes   */
        char *test;                /* IDs held out, as data.list            */
        struct number_list lambda; /* of which one is chosen                */
        int folds, max_iter;
        double tol;
        int crops;     /* windows of each map, 1 or 5               */
        bool exact;    /* solver = exact                            */
        bool balanced; /* weights = balanced                        */
        bool bias, flip;
    } fit;
    struct {
        int formats; /* enum export_what, or-ed                          */
        bool cam;    /* export.maps = cam                                */
        char *out;   /* folder, "": export in run.out                    */
        int stem;    /* enum stem_rule                                   */
        bool rows;   /* export.ids = rows                                */
        bool numpy;  /* export.tensor = numpy                            */
        struct number_list threshold, ir; /* of masks; of IR labels        */
        int64_t gallery_images; /* of a class, half the worst              */
    } export;
    struct {
        int64_t images; /* 0: those of the data set                   */
        int ranks;      /* a node; 0: its processors                  */
        double memory_gbs, network_gbs, latency_us; /* of a node             */
    } plan;
};

/* Read the defaults, then the file (NULL: none), then n_set texts
 * "section.key=value", each over the last. Rank 0 reads its own path and set,
 * all ranks get the same values. A file with a key twice is refused.
 * Collective over comm. Fails on all ranks: rank 0 with LP_EUSAGE (the sentence
 * names file and line, and for an unknown key the nearest known one), LP_EIO or
 * LP_ENOMEM, the others with LP_EPEER. config_release accepts what is left. */
enum lp_status config_load(struct config *config, const char *path,
                           const char *const *set, int n_set, MPI_Comm comm);
void config_release(struct config *config);

/* All values in use as an INI text that config_load reads back to the same.
 * Local; the caller frees; NULL without memory. */
char *config_text(const struct config *config);

/* The value of one key, "section.key", as config_text writes it; the caller
 * frees; NULL without memory or for an unknown key. Local. */
char *config_value(const struct config *config, const char *key);

/* The text of configs/reference.ini. */
extern const char config_reference[];

#endif
