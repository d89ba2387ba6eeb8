/* SPDX-License-Identifier: MIT */
/* Two objects of the runtime hold the model: the compiled one runs, the other
 * is only reshaped, for the shape of the output; so asking for shapes never
 * disturbs what runs. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "lpcam/net/backbone.h"

#include <openvino/c/openvino.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RANK 4

struct backbone {
    ov_core_t *core;
    ov_model_t *model;
    ov_compiled_model_t *compiled;
    ov_infer_request_t *request;
    ov_tensor_t *out; /* of the last run */
};

/* ---- the runtime's words */

/* Lines that say where in the runtime's sources it happened. */
static bool is_trace(const char *line, size_t n)
{
    static const char *const start[] = {"Exception from ", "Check '"};
    for (int i = 0; i < 2; ++i)
        if (n >= strlen(start[i]) &&
            strncmp(line, start[i], strlen(start[i])) == 0)
            return true;
    return n == 0;
}

/* The last error as one line, without traces; what the runtime has no operator
 * for says it all. It keeps one text for the whole process: copied at once. */
static void words(ov_status_e code, char *out, size_t room)
{
    const char *text = ov_get_last_err_msg();
    const char *unknown = text ? strstr(text, "No conversion rule") : NULL;
    size_t n = 0;

    out[0] = 0;
    for (const char *line = unknown ? unknown : text; line && *line;) {
        const size_t length = strcspn(line, "\n");
        if (!is_trace(line, length) && n + 1 < room)
            n += (size_t)snprintf(out + n, room - n, "%s%.*s", n ? "; " : "",
                                  (int)length, line);
        line += length + (line[length] == '\n');
        if (unknown)
            break;
    }
    if (!out[0])
        snprintf(out, room, "%s",
                 text && *text ? text : ov_get_error_info(code));
    for (char *at = out; *at; ++at)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
}

static enum lp_status check(ov_status_e code, const char *what)
{
    char why[400];
    if (code == OK)
        return LP_OK;
    words(code, why, sizeof why);
    return lp_fail(LP_EMODEL, "%s: %s", what, why);
}

const char *backbone_version(void)
{
    static char text[64];
    ov_version_t version;
    if (text[0])
        return text;
    if (ov_get_openvino_version(&version) != OK)
        return "unknown";
    snprintf(text, sizeof text, "%s", version.buildNumber);
    ov_version_free(&version);
    /* 2026.4.1-22982-HASH-BRANCH: the first two parts name the release. */
    char *dash = strchr(text, '-');
    dash = dash ? strchr(dash + 1, '-') : NULL;
    if (dash)
        *dash = 0;
    return text;
}

/* ---- open */

static enum lp_status check_precision(enum lp_value precision)
{
    bool has_bf16 = false;
    if (precision == LP_F32)
        return LP_OK;
    if (precision != LP_BF16)
        return lp_fail(LP_EARG, "model.precision must be f32 or bf16, not %s",
                       value_name(precision));
#if defined(__x86_64__)
    /* The runtime itself would also emulate bf16, slower than f32. */
    has_bf16 = __builtin_cpu_supports("avx512bf16");
#endif
    return has_bf16
               ? LP_OK
               : lp_fail(LP_EARG, "model.precision = bf16 needs a CPU with "
                                  "avx512_bf16, which this one lacks: use "
                                  "f32");
}

/* The input becomes [1][3] of the sizes the model leaves open. */
static enum lp_status narrow_input(struct backbone *b,
                                   const ov_partial_shape_t *declared)
{
    enum lp_status status = LP_OK;
    ov_partial_shape_t shape = {{0}, NULL};
    ov_dimension_t dims[4] = {{1, 1}, {3, 3}, {-1, -1}, {-1, -1}};
    bool good = declared->rank.min == declared->rank.max;

    if (good && declared->rank.max == 4) {
        const ov_dimension_t *has = declared->dims;
        good = (has[1].min == -1 || has[1].max == -1 || has[1].max == 3) &&
               has[0].min <= 1;
        for (int i = 2; i < 4; ++i)
            if (has[i].max != -1)
                dims[i] = has[i];
    } else {
        good = declared->rank.max == -1;
    }
    if (!good)
        return lp_fail(LP_EMODEL, "the model's input is not one photograph "
                                  "[1][3][height][width]");
    LP_TRY(
        check(ov_partial_shape_create(4, dims, &shape), "the model's input"));
    status = check(ov_model_reshape_single_input(b->model, shape),
                   "the model cannot take one photograph");
done:
    ov_partial_shape_free(&shape);
    return status;
}

/* Exactly one input, float32 in and out. */
static enum lp_status check_ports(struct backbone *b)
{
    enum lp_status status = LP_OK;
    ov_output_const_port_t *in = NULL, *out = NULL;
    ov_partial_shape_t shape = {{0}, NULL};
    ov_element_type_e in_type, out_type;
    size_t n;

    LP_TRY(check(ov_model_inputs_size(b->model, &n), "the model's inputs"));
    if (n != 1)
        LP_TRY(lp_fail(LP_EMODEL,
                       "the model has %zu inputs, it must have one, "
                       "the photograph",
                       n));
    LP_TRY(check(ov_model_const_input_by_index(b->model, 0, &in),
                 "the model's input"));
    LP_TRY(check(ov_model_const_output_by_index(b->model, 0, &out),
                 "the model's output"));
    LP_TRY(check(ov_port_get_element_type(in, &in_type), "the model's input"));
    LP_TRY(
        check(ov_port_get_element_type(out, &out_type), "the model's output"));
    if (in_type != F32 || out_type != F32)
        LP_TRY(lp_fail(LP_EMODEL, "the model's input or output is not float32: "
                                  "export it so"));
    LP_TRY(check(ov_port_get_partial_shape(in, &shape), "the model's input"));
    LP_TRY(narrow_input(b, &shape));
done:
    ov_partial_shape_free(&shape);
    ov_output_const_port_free(in);
    ov_output_const_port_free(out);
    return status;
}

/* The runtime must not leave this process bound to other cores than it found
 * it on: the launcher has dealt the cores to the ranks. */
static enum lp_status compile(struct backbone *b, enum lp_value precision,
                              int threads)
{
    enum lp_status status = LP_OK;
    char n_threads[16];
    cpu_set_t cores;
    const bool known = sched_getaffinity(0, sizeof cores, &cores) == 0;

    snprintf(n_threads, sizeof n_threads, "%d", threads);
    /* The count that is passed counts keys and values together. Without the
     * precision hint the runtime takes bf16 wherever the CPU has it; a small
     * cache keeps memory flat over many sizes of photographs. */
    status = check(ov_core_compile_model(
                       b->core, b->model, "CPU", 12, &b->compiled,
                       "INFERENCE_PRECISION_HINT",
                       precision == LP_BF16 ? "bf16" : "f32", "NUM_STREAMS",
                       "1", "INFERENCE_NUM_THREADS", n_threads,
                       "ENABLE_CPU_PINNING", "NO", "PERFORMANCE_HINT",
                       "LATENCY", "CPU_RUNTIME_CACHE_CAPACITY", "200"),
                   "the network's runtime cannot compile the model");
    if (known)
        sched_setaffinity(0, sizeof cores, &cores);
    return status;
}

enum lp_status backbone_open(struct backbone **out, const char *onnx, size_t n,
                             enum lp_value precision, int threads)
{
    enum lp_status status = LP_OK;
    struct backbone *b = calloc(1, sizeof *b);

    *out = NULL;
    if (!b)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the network"));
    if (threads < 1)
        LP_TRY(lp_fail(LP_EARG, "model.threads must be at least 1, not %d",
                       threads));
    LP_TRY(check_precision(precision));
    LP_TRY(check(ov_core_create(&b->core), "the network's runtime"));
    LP_TRY(check(ov_core_read_model_from_memory_buffer(b->core, onnx, n, NULL,
                                                       &b->model),
                 "the network's runtime cannot read the model"));
    LP_TRY(check_ports(b));
    LP_TRY(compile(b, precision, threads));
    LP_TRY(
        check(ov_compiled_model_create_infer_request(b->compiled, &b->request),
              "the network's runtime cannot prepare the model"));
    *out = b;
    b = NULL;
done:
    backbone_close(b);
    return status;
}

void backbone_close(struct backbone *b)
{
    if (!b)
        return;
    ov_tensor_free(b->out);
    ov_infer_request_free(b->request);
    ov_compiled_model_free(b->compiled);
    ov_model_free(b->model);
    ov_core_free(b->core);
    free(b);
}

/* ---- shape and run */

static enum lp_status too_many_dims(int64_t rank)
{
    return lp_fail(LP_EMODEL,
                   "the model's output has %lld dimensions, more "
                   "than %d",
                   (long long)rank, MOST_RANK);
}

/* Reshape the model that is not compiled to inputs of these heights and widths,
 * and read its output's shape, to be freed. */
static ov_status_e infer(struct backbone *b, ov_dimension_t h, ov_dimension_t w,
                         ov_partial_shape_t *out)
{
    ov_partial_shape_t in = {{0}, NULL};
    ov_output_const_port_t *port = NULL;
    const ov_dimension_t dims[4] = {{1, 1}, {3, 3}, h, w};
    ov_status_e code = ov_partial_shape_create(4, dims, &in);

    if (code == OK)
        code = ov_model_reshape_single_input(b->model, in);
    if (code == OK)
        code = ov_model_const_output_by_index(b->model, 0, &port);
    if (code == OK)
        code = ov_port_get_partial_shape(port, out);
    ov_partial_shape_free(&in);
    ov_output_const_port_free(port);
    return code;
}

enum lp_status backbone_shape(struct backbone *b, int h, int w,
                              int64_t shape[4], int *rank)
{
    enum lp_status status = LP_OK;
    ov_partial_shape_t out = {{0}, NULL};
    const ov_dimension_t height = {h, h}, width = {w, w};
    char what[80];

    snprintf(what, sizeof what, "the model cannot take %d x %d pixels", w, h);
    LP_TRY(check(infer(b, height, width, &out), what));
    if (out.rank.max < 0 || out.rank.max > MOST_RANK)
        LP_TRY(too_many_dims(out.rank.max));
    *rank = (int)out.rank.max;
    for (int i = 0; i < MOST_RANK; ++i) {
        if (i < *rank && out.dims[i].min != out.dims[i].max)
            LP_TRY(lp_fail(LP_EMODEL,
                           "%s: the shape of its output cannot be "
                           "told in advance",
                           what));
        shape[i] = i < *rank ? out.dims[i].max : 0;
    }
done:
    ov_partial_shape_free(&out);
    return status;
}

int64_t backbone_side(struct backbone *b, const int least[2], const int most[2],
                      int side)
{
    ov_partial_shape_t out = {{0}, NULL};
    const ov_dimension_t height = {least[0], most[0]};
    const ov_dimension_t width = {least[1], most[1]};
    int64_t cells = 0;

    if (infer(b, height, width, &out) == OK && out.rank.max == 4 &&
        out.dims[2 + side].min == out.dims[2 + side].max)
        cells = out.dims[2 + side].max;
    ov_partial_shape_free(&out);
    return cells > 0 ? cells : 0;
}

static enum lp_status take_output(struct backbone *b, const float **out,
                                  int64_t shape[4], int *rank)
{
    enum lp_status status = LP_OK;
    ov_shape_t dims = {0, NULL};
    void *data = NULL;

    LP_TRY(check(
        ov_infer_request_get_output_tensor_by_index(b->request, 0, &b->out),
        "the network's output"));
    LP_TRY(check(ov_tensor_get_shape(b->out, &dims), "the network's output"));
    if (dims.rank > MOST_RANK)
        LP_TRY(too_many_dims(dims.rank));
    LP_TRY(check(ov_tensor_data(b->out, &data), "the network's output"));
    for (int i = 0; i < dims.rank; ++i)
        shape[i] = dims.dims[i];
    *rank = (int)dims.rank;
    *out = data;
done:
    ov_shape_free(&dims);
    return status;
}

enum lp_status backbone_run(struct backbone *b, const float *chw, int h, int w,
                            const float **out, int64_t shape[4], int *rank)
{
    enum lp_status status = LP_OK;
    const int64_t dims[4] = {1, 3, h, w};
    ov_shape_t in_shape = {0, NULL};
    ov_tensor_t *in = NULL;
    char what[80];

    snprintf(what, sizeof what, "the network failed on %d x %d pixels", w, h);
    ov_tensor_free(b->out);
    b->out = NULL;
    LP_TRY(check(ov_shape_create(4, dims, &in_shape), what));
    /* Without a copy: the tensor only borrows the pixels, and reads them. */
    LP_TRY(check(
        ov_tensor_create_from_host_ptr(F32, in_shape, (void *)chw, &in), what));
    LP_TRY(check(ov_infer_request_set_input_tensor_by_index(b->request, 0, in),
                 what));
    LP_TRY(check(ov_infer_request_infer(b->request), what));
    LP_TRY(take_output(b, out, shape, rank));
done:
    ov_tensor_free(in);
    ov_shape_free(&in_shape);
    return status;
}
