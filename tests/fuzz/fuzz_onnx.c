/* SPDX-License-Identifier: MIT */
/* A model beside a file of 4 KiB that tensors may name as theirs. What is made
 * of it can be read again. */
#include "fuzz.h"

#include <math.h>

#include "lpcam/net/onnx.h"
#include "lpcam/net/onnx_cut.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    uint8_t weights[4096];
    for (int i = 0; i < 4096; ++i)
        weights[i] = (uint8_t)(i % 61);
    fuzz_file("weights.bin", weights, sizeof weights);
    return 0;
}

static void require_model(const char *bytes, size_t n)
{
    struct onnx model;
    fuzz_require(onnx_read(&model, fuzz_file("made.onnx", bytes, n)) == LP_OK);
    onnx_release(&model);
}

static void cut_it(const char *path, const struct onnx_names *names)
{
    struct onnx_cut cut;
    const enum lp_status status = onnx_cut_read(&cut, path, names);
    if (status == LP_OK) {
        const int64_t n = (int64_t)cut.head.n * cut.head.d;
        for (int64_t i = 0; i < n; ++i)
            fuzz_require(isfinite((double)cut.head.weight[i]));
        require_model(cut.cut, cut.n_cut);
        require_model(cut.whole, cut.n_whole);
    }
    fuzz_require(status != LP_ENOMEM);
    onnx_cut_release(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct onnx_names names = {"feature", "weight", "bias"};
    const char *path = fuzz_file("model.onnx", bytes, n);
    cut_it(path, NULL);
    cut_it(path, &names);
    return 0;
}
