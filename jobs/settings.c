/* SPDX-License-Identifier: MIT */
/* settings.c: what the content of an output depends on, as lines that a later
 * start compares. Speed settings (threads, memory) are not among them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/run/comm.h"
#include "session.h"

/* The lines of some keys of the configuration. */
static char *key_lines(const struct config *config, const char *const *key,
                       int n)
{
    struct text_buffer b = {0};
    bool ok = true;
    for (int i = 0; i < n && ok; ++i) {
        char *value = config_value(config, key[i]);
        ok = value && text_add(&b, "%s = %s\n", key[i], value);
        free(value);
    }
    if (ok)
        return b.s;
    free(b.s);
    return NULL;
}

#define KEY_LINES(config, ...)                                                 \
    key_lines((config), (const char *const[]){__VA_ARGS__},                    \
              (int)(sizeof((const char *const[]){__VA_ARGS__}) /               \
                    sizeof(const char *)))

char *settings_join(char *a, char *b)
{
    char *both = a && b ? text_format("%s%s", a, b) : NULL;
    free(a);
    free(b);
    return both;
}

char *settings_model(const struct session *s)
{
    return settings_join(text_format("model.sha256 = %s\nopenvino = %s\n",
                                     s->net.sha256, backbone_version()),
                         KEY_LINES(&s->config, "model.precision", "model.mean",
                                   "model.std", "model.order", "model.feature",
                                   "model.weight", "model.bias"));
}

char *settings_extract(const struct session *s)
{
    return KEY_LINES(&s->config, "cam.scales", "cam.flip", "split.threshold",
                     "features.value", "features.dims");
}

char *settings_cluster(const struct session *s)
{
    return settings_join(
        text_format("kmeans.rows.sha256 = %s\n", s->rows_sha),
        KEY_LINES(&s->config, "run.seed", "kmeans.k", "kmeans.starts",
                  "kmeans.start", "kmeans.sample", "kmeans.swaps",
                  "kmeans.seed", "kmeans.stop", "kmeans.tol", "kmeans.max_iter",
                  "prototypes.choice", "prototypes.power", "prototypes.balance",
                  "prototypes.class_above", "prototypes.context_above",
                  "prototypes.context_below"));
}

char *settings_maps(const struct session *s)
{
    return KEY_LINES(&s->config, "maps.value", "maps.full");
}

char *settings_data(const struct session *s)
{
    char sha[65];
    dataset_fingerprint(&s->data, sha);
    return text_format("data.fingerprint = %s\n", sha);
}

char *settings_basis(const struct session *s)
{
    return settings_join(settings_join(settings_model(s), settings_data(s)),
                         KEY_LINES(&s->config, "run.seed", "features.dims",
                                   "features.sample", "features.solver"));
}

char *settings_components(const struct basis *b)
{
    char sha[65];
    if (!b->vector)
        return text_format("%s", "");
    hash_sha256(b->vector, (size_t)b->r * (size_t)b->d * sizeof *b->vector,
                sha);
    return text_format("basis.sha256 = %s\n", sha);
}

char *settings_views(const struct session *s)
{
    return settings_join(settings_extract(s), settings_data(s));
}

enum lp_status settings_file(const struct run_file *file, char **lines)
{
    enum lp_status status;
    struct stat info = {0};
    LP_TRY(run_file_settings(file, lines));
    if (*lines)
        goto done;
    stat(h5_path(file->h5), &info);
    *lines = text_format("file.bytes = %lld\nfile.since = %lld.%09ld\n",
                         (long long)info.st_size,
                         (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    if (!*lines || lp_fault("settings_file"))
        status =
            lp_fail(LP_ENOMEM, "no memory for what %s is", h5_path(file->h5));
    LP_AGREE(file->comm);
done:
    return status;
}

void settings_drop(char *lines, const char *key)
{
    const size_t n = strlen(key);
    for (char *at = lines; *at;) {
        char *end = at + strcspn(at, "\n");
        end += *end == '\n';
        if (strncmp(at, key, n) == 0 && at[n] == ' ')
            memmove(at, end, strlen(end) + 1);
        else
            at = end;
    }
}

char *settings_pooled(const struct session *s)
{
    return settings_join(
        settings_join(settings_model(s),
                      KEY_LINES(&s->config, "fit.flip", "fit.crops")),
        settings_data(s));
}

char *settings_fit(const struct session *s)
{
    return settings_join(settings_pooled(s),
                         KEY_LINES(&s->config, "run.seed", "fit.lambda",
                                   "fit.folds", "fit.solver", "fit.weights",
                                   "fit.bias", "fit.max_iter", "fit.tol"));
}

char *settings_gallery(const struct session *s)
{
    return KEY_LINES(&s->config, "data.masks", "data.annotations",
                     "data.overlap", "data.ignore", "data.background",
                     "score.thresholds", "score.threshold", "score.unknown",
                     "export.gallery_images");
}

char *settings_features(const struct session *s)
{
    return settings_join(
        settings_join(settings_join(settings_model(s), settings_extract(s)),
                      settings_data(s)),
        settings_components(&s->basis));
}
