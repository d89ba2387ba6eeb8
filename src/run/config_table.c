/* SPDX-License-Identifier: MIT */
#include "config_table.h"

#include <stddef.h>
#include <string.h>

#define MOST_BYTES 0x1p62
#define MOST_SEED  4294967295.0

static const struct key_word no_yes[] = {{"no", 0}, {"yes", 1}, {0}};
static const struct key_word balance[] = {
    {"static", BALANCE_STATIC}, {"dynamic", BALANCE_DYNAMIC}, {0}};
static const struct key_word layout[] = {
    {"list", LAYOUT_LIST}, {"voc", LAYOUT_VOC}, {"coco", LAYOUT_COCO}, {0}};
static const struct key_word ids_positions[] = {
    {"ids", 0}, {"positions", 1}, {0}};
static const struct key_word annotation_small[] = {
    {"annotation", 0}, {"small", 1}, {0}};
static const struct key_word precision[] = {
    {"f32", LP_F32}, {"bf16", LP_BF16}, {0}};
static const struct key_word rgb_bgr[] = {{"rgb", 0}, {"bgr", 1}, {0}};
static const struct key_word feature_value[] = {
    {"f16", LP_F16}, {"bf16", LP_BF16}, {"f32", LP_F32}, {0}};
static const struct key_word start[] = {{"hash", START_HASH},
                                        {"plusplus", START_PLUSPLUS},
                                        {"rows", START_ROWS},
                                        {0}};
static const struct key_word stop[] = {
    {"moved", STOP_MOVED}, {"reference", STOP_REFERENCE}, {0}};
static const struct key_word reduce[] = {{"auto", REDUCE_AUTO},
                                         {"flat", REDUCE_FLAT},
                                         {"scatter", REDUCE_SCATTER},
                                         {"node", REDUCE_NODE},
                                         {0}};
static const struct key_word kernel[] = {
    {"auto", 0}, {"avx512", 0}, {"avx2", 0}, {"plain", 0}, {0}};
static const struct key_word solver[] = {
    {"one", SOLVER_ONE}, {"all", SOLVER_ALL}, {0}};
static const struct key_word choice[] = {
    {"threshold", CHOICE_THRESHOLD}, {"weighted", CHOICE_WEIGHTED}, {0}};
static const struct key_word map_value[] = {
    {"f16", LP_F16}, {"f32", LP_F32}, {"u8", LP_U8}, {0}};
static const struct key_word none_seed[] = {{"none", 0}, {"seed", 1}, {0}};
static const struct key_word background_ignore[] = {
    {"background", 0}, {"ignore", 1}, {0}};
static const struct key_word bound_exact[] = {{"bound", 0}, {"exact", 1}, {0}};
static const struct key_word none_balanced[] = {
    {"none", 0}, {"balanced", 1}, {0}};
static const struct key_word one_five[] = {{"1", 1}, {"5", 5}, {0}};

static const struct key_word formats[] = {
    {"masks", EXPORT_MASKS},     {"ir", EXPORT_IR},
    {"irn", EXPORT_IRN},         {"amn", EXPORT_AMN},
    {"psa", EXPORT_PSA},         {"clip", EXPORT_CLIP},
    {"coco", EXPORT_COCO},       {"onnx", EXPORT_ONNX},
    {"gallery", EXPORT_GALLERY}, {0}};
static const struct key_word lpcam_cam[] = {{"lpcam", 0}, {"cam", 1}, {0}};
static const struct key_word stem[] = {
    {"id", STEM_ID}, {"number12", STEM_NUMBER12}, {"number", STEM_NUMBER}, {0}};
static const struct key_word data_rows[] = {{"data", 0}, {"rows", 1}, {0}};
static const struct key_word torch_numpy[] = {{"torch", 0}, {"numpy", 1}, {0}};

/* The kind follows from the member's type, so the two cannot differ. */
#define KIND(m)                                                                \
    _Generic(((struct config *)0)->m,                                          \
        bool: KEY_FLAG,                                                        \
        int: KEY_INT,                                                          \
        int64_t: KEY_INT64,                                                    \
        double: KEY_REAL,                                                      \
        struct number_list: KEY_LIST,                                          \
        char *: KEY_TEXT)
#define NUMBER(m, low, high)                                                   \
    {                                                                          \
#m, KIND(m), offsetof(struct config, m), low, high, NULL               \
    }
#define TEXT(m) NUMBER(m, 0, 0)
#define WORD(m, words)                                                         \
    {                                                                          \
#m, KIND(m) == KEY_INT ? KEY_WORD : KIND(m),                           \
            offsetof(struct config, m), 0, 0, words                            \
    }
#define SET(m, words)                                                          \
    {                                                                          \
#m, KIND(m) == KEY_INT ? KEY_SET : KIND(m),                            \
            offsetof(struct config, m), 0, 0, words                            \
    }
#define FLAG(name, m, words)                                                   \
    {                                                                          \
        name, KIND(m), offsetof(struct config, m), 0, 0, words                 \
    }

/* In the order of configs/reference.ini. */
const struct config_key config_key[] = {
    TEXT(run.out),
    {"run.memory", KEY_BYTES, offsetof(struct config, run.memory), 0,
     MOST_BYTES, NULL},
    NUMBER(run.passes, 1, 2),
    NUMBER(run.seed, 0, MOST_SEED),
    NUMBER(run.progress_s, 0.1, 86400),
    NUMBER(run.node_ranks, 0, 1 << 20),
    WORD(run.balance, balance),

    NUMBER(run.checkpoint_s, 0, 1e9),
    WORD(data.layout, layout),
    TEXT(data.root),
    TEXT(data.images),
    TEXT(data.labels),
    TEXT(data.classes),
    TEXT(data.list),
    TEXT(data.masks),
    TEXT(data.annotations),
    FLAG("data.overlap", data.small_on_top, annotation_small),
    TEXT(data.label_ids),
    FLAG("data.label_numbers", data.label_positions, ids_positions),
    NUMBER(data.ignore, 0, 255),
    FLAG("data.background", data.background, no_yes),
    NUMBER(data.max_bad, 0, 1),
    TEXT(model.file),
    TEXT(model.classes),
    WORD(model.precision, precision),
    NUMBER(model.threads, 1, 1024),
    NUMBER(model.mean, -1000, 1000),
    NUMBER(model.std, 1e-6, 1000),
    FLAG("model.order", model.bgr, rgb_bgr),
    TEXT(model.feature),
    TEXT(model.weight),
    TEXT(model.bias),
    NUMBER(cam.scales, 0.01, 16),
    FLAG("cam.flip", cam.flip, no_yes),
    NUMBER(split.threshold, 0, 1),
    WORD(features.value, feature_value),
    NUMBER(features.dims, 0, 1 << 20),
    NUMBER(features.sample, 256, 1 << 24),
    WORD(features.solver, solver),
    FLAG("features.keep", features.keep, no_yes),
    NUMBER(kmeans.k, 1, 254),
    NUMBER(kmeans.starts, 1, 1000),
    WORD(kmeans.start, start),
    NUMBER(kmeans.sample, 1, 1 << 20),
    NUMBER(kmeans.swaps, 0, 100000),
    TEXT(kmeans.rows),
    NUMBER(kmeans.max_iter, 1, 1000000),
    WORD(kmeans.stop, stop),
    NUMBER(kmeans.tol, 0, 1e12),
    NUMBER(kmeans.seed, 0, MOST_SEED),
    WORD(kmeans.reduce, reduce),
    WORD(kmeans.kernel, kernel),
    WORD(prototypes.choice, choice),
    NUMBER(prototypes.power, 0, 1000),
    FLAG("prototypes.balance", prototypes.balance, no_yes),
    NUMBER(prototypes.class_above, 0, 1),
    NUMBER(prototypes.context_above, 0, 1),
    NUMBER(prototypes.context_below, 0, 1),
    WORD(maps.value, map_value),
    FLAG("maps.full", maps.seed, none_seed),
    NUMBER(score.thresholds, 0, 1),
    NUMBER(score.threshold, 0, 1),
    FLAG("score.unknown", score.unknown_ignore, background_ignore),
    TEXT(fit.out),
    TEXT(fit.classes),
    TEXT(fit.test),
    NUMBER(fit.lambda, 1e-12, 1e12),
    NUMBER(fit.folds, 2, 255),
    FLAG("fit.solver", fit.exact, bound_exact),
    FLAG("fit.weights", fit.balanced, none_balanced),
    FLAG("fit.bias", fit.bias, no_yes),
    FLAG("fit.flip", fit.flip, no_yes),
    WORD(fit.crops, one_five),
    NUMBER(fit.max_iter, 1, 1000000),
    NUMBER(fit.tol, 0, 1),
    SET(export.formats, formats),
    FLAG("export.maps", export.cam, lpcam_cam),
    TEXT(export.out),
    WORD(export.stem, stem),
    FLAG("export.ids", export.rows, data_rows),
    NUMBER(export.threshold, 0, 1),
    NUMBER(export.ir, 0, 1),
    FLAG("export.tensor", export.numpy, torch_numpy),
    NUMBER(export.gallery_images, 1, 1 << 20),
    NUMBER(plan.images, 0, 1e12),
    NUMBER(plan.ranks, 0, 1 << 20),
    NUMBER(plan.memory_gbs, 0.001, 1e6),
    NUMBER(plan.network_gbs, 0.001, 1e6),
    NUMBER(plan.latency_us, 0, 1e6),
};
const int n_config_keys = (int)(sizeof config_key / sizeof config_key[0]);
_Static_assert(sizeof config_key / sizeof config_key[0] <= CONFIG_MAX_KEYS,
               "more keys than CONFIG_MAX_KEYS");

const struct config_key *key_find(const char *name)
{
    for (int i = 0; i < n_config_keys; ++i)
        if (strcmp(config_key[i].name, name) == 0)
            return &config_key[i];
    return NULL;
}

const char *key_nearest(const char *name)
{
    const char *names[CONFIG_MAX_KEYS];
    for (int i = 0; i < n_config_keys; ++i)
        names[i] = config_key[i].name;
    return text_nearest(name, names, n_config_keys);
}
