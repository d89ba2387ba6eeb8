/* SPDX-License-Identifier: MIT */
/* onnx_classifier.h: a fitted classifier as files that this program,
 * OpenVINO and onnxruntime read: PATH.onnx, one file with all weights inside,
 * and beside it PATH.classes.txt, the names of its rows, one a line. Local. */
#ifndef LPCAM_ONNX_CLASSIFIER_H
#define LPCAM_ONNX_CLASSIFIER_H

#include "lpcam/data/dataset.h"
#include "lpcam/net/onnx_refit.h"

/* The model at `from` with head instead of its linear layer (onnx_refit.h) to
 * path, the classes of d beside it. Each file gets its name when all of it is
 * on the disk, the classes first. sha256 becomes that of the new model. Fails
 * with LP_EIO, LP_EMODEL, LP_EARG or LP_ENOMEM; the files that were there before
 * then stay, or the classes alone are new. */
enum lp_status onnx_classifier_write(const char *path, const char *from,
                                     const struct onnx_names *names,
                                     const struct head *head,
                                     const struct dataset *d, char sha256[65]);

/* "x.classes.txt" of "x.onnx", the caller's to free; NULL without memory. */
char *onnx_classifier_classes(const char *path);

#endif
