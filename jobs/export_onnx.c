/* SPDX-License-Identifier: MIT */
/* export_onnx.c: the classifier and the class vectors of prototypes.h5 as one
 * network that gives LPCAM maps: onnx/lpcam.onnx. Small work, by rank 0; written
 * anew by every export. */
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/net/onnx_cut.h"
#include "lpcam/output/onnx_lpcam.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/prototype_file.h"

#define FILE_NAME "lpcam.onnx"

/* What the network does not do, for those who want maps.h5 to the last digit. */
static const char caller[] =
    "One photograph, as large as it is, not mirrored. lpcam itself adds the "
    "features of the mirrored photograph, turned back, before their length is "
    "made 1 (cam.flip), which the mean of two maps only comes close to; adds "
    "up "
    "the maps of several sizes of the photograph (cam.scales), each enlarged "
    "bilinearly with half-pixel centres; and divides each map by its maximum.";

/* The names of the classes, [n], as JSON. */
static char *class_names(const struct dataset *d)
{
    struct text_buffer b = {0};
    bool ok = text_add(&b, "[");
    for (int i = 0; i < d->n_classes && ok; ++i) {
        ok = text_add(&b, i > 0 ? ", " : "");
        ok = ok && text_add_json(&b, dataset_class(d, i));
    }
    if (ok && text_add(&b, "]"))
        return b.s;
    free(b.s);
    return NULL;
}

/* The network into the folder. Rank 0. */
static enum lp_status write(const struct export_part *p,
                            const struct onnx_cut *cut, const float *vector)
{
    enum lp_status status = LP_OK;
    const struct session *s = p->job->session;
    const struct config *c = &s->config;
    char sha[65], *bytes = NULL, *classes = class_names(&s->data);
    char *mean = config_value(c, "model.mean"),
         *std = config_value(c, "model.std"),
         *order = config_value(c, "model.order");
    size_t n;
    if (!classes || !mean || !std || !order || lp_fault("export_onnx"))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the metadata of " FILE_NAME));
    hash_sha256(vector,
                (size_t)cut->head.n * (size_t)cut->head.d * sizeof *vector,
                sha);
    const struct onnx_entry entry[] = {
        {"lpcam.what",
         "LPCAM maps (local prototype class activation maps, Chen and Sun, "
         "CVPR 2023): [photograph][class][row][column], from 0 to about 1"},
        {"lpcam.input",
         "float32 [photograph][3][height][width], (value / 255 - mean) / std"},
        {"lpcam.order", order},
        {"lpcam.mean", mean},
        {"lpcam.std", std},
        {"lpcam.classes", classes},
        {"lpcam.caller", caller},
        {"lpcam.model.sha256", cut->sha256},
        {"lpcam.prototypes.sha256", sha},
        {"lpcam.program", run_file_program()},
    };
    const struct onnx_lpcam from = {.path = c->model.file,
                                    .cut = cut->cut,
                                    .n_cut = cut->n_cut,
                                    .vector = vector,
                                    .n = cut->head.n,
                                    .d = cut->head.d,
                                    .entry = entry,
                                    .n_entries = sizeof entry / sizeof *entry};
    LP_TRY(onnx_lpcam_make(&from, &bytes, &n));
    const struct out_piece piece = {bytes, (int64_t)n};
    LP_TRY(out_folder_write(&p->folder, FILE_NAME, &piece, 1));
done:
    free(bytes);
    free(classes);
    free(mean);
    free(std);
    free(order);
    return status;
}

/* The network up to its features, on rank 0; on all the number of channels and
 * what prototypes.h5 must say of the model. */
static enum lp_status cut_model(const struct session *s, struct onnx_cut *cut,
                                int *d, char **wanted)
{
    enum lp_status status = LP_OK;
    const struct config *c = &s->config;
    const struct onnx_names names = {c->model.feature, c->model.weight,
                                     c->model.bias};
    if (!*c->model.file)
        return lp_fail_all(s->comm, LP_EUSAGE,
                           "export.formats has onnx, and model.file is not "
                           "set: name the classifier");
    if (comm_rank(s->comm) == 0)
        status = onnx_cut_read(cut, c->model.file, &names);
    LP_AGREE(s->comm);
    if (comm_rank(s->comm) == 0 && cut->head.n != s->data.n_classes)
        status = lp_fail(LP_EARG,
                         "%s has %d classes, the data set %d: set "
                         "model.classes",
                         c->model.file, cut->head.n, s->data.n_classes);
    LP_AGREE(s->comm);
    *d = cut->head.d;
    comm_bcast(s->comm, d, sizeof *d);
    comm_bcast(s->comm, cut->sha256, sizeof cut->sha256);
    *wanted = text_format("model.sha256 = %s\n", cut->sha256);
    if (!*wanted)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
done:
    return status;
}

static enum lp_status make_network(struct export_part *p)
{
    enum lp_status status = LP_OK;
    const struct session *s = p->job->session;
    struct onnx_cut cut = {0};
    float *vector = NULL;
    char *wanted = NULL;
    int d;
    LP_TRY(cut_model(s, &cut, &d, &wanted));
    LP_TRY(prototype_file_read(s->out[OUT_PROTOTYPES], wanted, &s->data, d,
                               &vector, s->comm));
    if (comm_rank(s->comm) == 0)
        status = write(p, &cut, vector);
    LP_AGREE(s->comm);
done:
    onnx_cut_release(&cut);
    free(vector);
    free(wanted);
    return status;
}

const struct export_format export_onnx = {
    .name = "onnx", .what = EXPORT_ONNX, .close = make_network};
