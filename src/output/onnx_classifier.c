/* SPDX-License-Identifier: MIT */
#include "lpcam/output/onnx_classifier.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"

char *onnx_classifier_classes(const char *path)
{
    const size_t n = strlen(path);
    const bool ends = n > 5 && strcmp(path + n - 5, ".onnx") == 0;
    return text_format("%.*s.classes.txt", (int)(ends ? n - 5 : n), path);
}

static enum lp_status write_classes(const char *path, const struct dataset *d)
{
    enum lp_status status;
    struct text_buffer names = {0};
    char *beside = onnx_classifier_classes(path);
    bool ok = beside != NULL;

    for (int c = 0; c < d->n_classes && ok; ++c)
        ok = text_add(&names, "%s\n", dataset_class(d, c));
    if (ok)
        status = text_write(beside, names.s, names.n);
    else
        status = lp_fail(LP_ENOMEM, "no memory for the names of the classes");
    free(names.s);
    free(beside);
    return status;
}

enum lp_status onnx_classifier_write(const char *path, const char *from,
                                     const struct onnx_names *names,
                                     const struct head *head,
                                     const struct dataset *d, char sha256[65])
{
    enum lp_status status;
    char *bytes = NULL;
    size_t n;

    LP_TRY(onnx_refit(from, names, head, &bytes, &n));
    LP_TRY(write_classes(path, d));
    LP_TRY(text_write(path, bytes, n));
    hash_sha256(bytes, n, sha256);
done:
    free(bytes);
    return status;
}
