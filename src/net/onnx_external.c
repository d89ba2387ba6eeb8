/* SPDX-License-Identifier: MIT */
/* External data: a tensor names a file in the model's folder, an offset and a
 * length. The model is user input, so the name may not lead elsewhere. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lpcam/base/file.h"
#include "lpcam/base/text.h"
#include "onnx_parts.h"

/* Is ".." one of the parts between slashes? */
static bool leaves_folder(const char *location)
{
    for (const char *at = location; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == 0 || at[2] == '/'))
            return true;
    }
    return false;
}

/* The path of a tensor's file, the caller's to free. */
static enum lp_status locate(const struct onnx *model,
                             const struct onnx_tensor *t, char **path)
{
    enum lp_status status = LP_OK;
    char *folder = text_format("%s", model->path);
    char *location =
        text_format("%.*s", (int)t->location.n, (const char *)t->location.at);
    char *slash = folder ? strrchr(folder, '/') : NULL;

    if (!folder || !location)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the path of a tensor's data"));
    if (!*location)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: tensor '%s' has its data in another "
                       "file but does not say which",
                       model->path, onnx_text(t->name).s));
    if (*location == '/' || leaves_folder(location))
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s: tensor '%s' has its data in '%s', "
                       "outside of the model's folder; this is not "
                       "followed",
                       model->path, onnx_text(t->name).s,
                       onnx_text(t->location).s));
    if (slash)
        slash[1] = 0;
    *path = text_path(slash ? folder : "", location);
    if (!*path)
        status = lp_fail(LP_ENOMEM, "no memory for the path of %s", location);
done:
    free(folder);
    free(location);
    return status;
}

/* Where the data begins and how many bytes it has, checked against the file. */
static enum lp_status measure(const struct onnx *model,
                              const struct onnx_tensor *t, const char *path,
                              size_t *n)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return lp_fail(LP_EIO,
                       "%s: the data of tensor '%s' should be in %s: "
                       "%s; keep it beside the model",
                       model->path, onnx_text(t->name).s, path,
                       strerror(errno));
    if (!S_ISREG(info.st_mode))
        return lp_fail(LP_EIO,
                       "%s: the data of tensor '%s' should be in %s, "
                       "which is not a file",
                       model->path, onnx_text(t->name).s, path);
    const int64_t size = info.st_size;
    int64_t need = t->length;
    if (need < 0) {
        const int64_t each = (int64_t)onnx_type_bytes(t->type);
        need = each ? each : t->offset < size ? size - t->offset : 0;
        for (int i = 0; each && i < t->n_dims; ++i)
            need *= t->dims[i];
    }
    if (t->offset > size || need > size - t->offset)
        return lp_fail(LP_EMODEL,
                       "%s: tensor '%s' should be the %lld bytes "
                       "from byte %lld of %s, which has %lld; copy "
                       "it again",
                       model->path, onnx_text(t->name).s, (long long)need,
                       (long long)t->offset, path, (long long)size);
    *n = (size_t)need;
    return LP_OK;
}

enum lp_status onnx_external_size(const struct onnx *model, size_t *n)
{
    enum lp_status status = LP_OK;
    char *path = NULL;
    *n = 0;
    for (int i = 0; i < model->n_tensors; ++i) {
        size_t m;
        if (!model->tensor[i].external)
            continue;
        LP_TRY(locate(model, &model->tensor[i], &path));
        LP_TRY(measure(model, &model->tensor[i], path, &m));
        free(path);
        path = NULL;
        if (m > INT_MAX - model->n_file || *n > INT_MAX - model->n_file - m)
            LP_TRY(lp_fail(LP_EMODEL,
                           "%s with its external data is larger "
                           "than 2 GiB, which the network's runtime "
                           "cannot take from memory",
                           model->path));
        *n += m;
    }
done:
    free(path);
    return status;
}

static enum lp_status load_tensor(const struct onnx *model,
                                  struct onnx_tensor *t, uint8_t *at)
{
    enum lp_status status = LP_OK;
    FILE *file = NULL;
    char *path = NULL;
    const char *why;
    size_t n;

    LP_TRY(locate(model, t, &path));
    LP_TRY(measure(model, t, path, &n));
    if (n > (size_t)(model->bytes + model->n_bytes - at))
        LP_TRY(lp_fail(LP_EIO, "%s changes while it is read", path));
    file = file_open(path, &why);
    if (!file)
        LP_TRY(lp_fail(LP_EIO, "cannot read %s: %s", path, why));
    if (fseeko(file, (off_t)t->offset, SEEK_SET) != 0 ||
        fread(at, 1, n, file) != n)
        LP_TRY(lp_fail(LP_EIO, "cannot read %s: %s", path, strerror(errno)));
    t->raw = (struct onnx_range){at, n};
done:
    if (file)
        fclose(file);
    free(path);
    return status;
}

enum lp_status onnx_external_load(struct onnx *model)
{
    enum lp_status status = LP_OK;
    uint8_t *at = model->bytes + model->n_file;
    for (int i = 0; i < model->n_tensors; ++i) {
        struct onnx_tensor *t = &model->tensor[i];
        if (!t->external)
            continue;
        LP_TRY(load_tensor(model, t, at));
        at += t->raw.n;
    }
done:
    return status;
}
