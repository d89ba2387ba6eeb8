/* SPDX-License-Identifier: MIT */
#include "lpcam/net/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "lpcam/data/resize.h"
#include "lpcam/net/onnx_cut.h"
#include "lpcam/run/comm.h"
#include "network_parts.h"

void network_release(struct network *net)
{
    backbone_close(net->backbone);
    head_release(&net->head);
    *net = (struct network){0};
}

static enum lp_status read_cut(const struct config *config,
                               struct onnx_cut *cut)
{
    const struct onnx_names names = {config->model.feature,
                                     config->model.weight, config->model.bias};
    return onnx_cut_read(cut, config->model.file, &names);
}

/* ---- open */

static enum lp_status check_norm(const struct config *config)
{
    const int n_mean = config->model.mean.n, n_std = config->model.std.n;
    if (n_mean == 3 && n_std == 3)
        return LP_OK;
    return lp_fail(LP_EARG,
                   "model.mean and model.std need three numbers each, they "
                   "have %d and %d",
                   n_mean, n_std);
}

/* Rank 0's cut to all ranks: bytes of the network, head and fingerprint. */
static enum lp_status share_cut(struct onnx_cut *cut, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct head *head = &cut->head;
    struct {
        int n, d, order, end;
        char sha256[65];
    } facts = {head->n, head->d, (int)head->order, (int)head->end, {0}};
    void *bytes = cut->cut, *weight = head->weight, *bias = head->bias;
    int64_t n_bytes = (int64_t)cut->n_cut, n_bias, n_weight;

    memcpy(facts.sha256, cut->sha256, sizeof facts.sha256);
    comm_bcast(comm, &facts, sizeof facts);
    memcpy(cut->sha256, facts.sha256, sizeof facts.sha256);
    head->n = facts.n;
    head->d = facts.d;
    head->order = (enum head_order)facts.order;
    head->end = (enum head_end)facts.end;
    n_bias = facts.n * (int64_t)sizeof *head->bias;
    n_weight = facts.d * n_bias;
    LP_TRY(comm_bcast_block(comm, &bytes, &n_bytes));
    cut->cut = bytes;
    cut->n_cut = (size_t)n_bytes;
    LP_TRY(comm_bcast_block(comm, &weight, &n_weight));
    head->weight = weight;
    LP_TRY(comm_bcast_block(comm, &bias, &n_bias));
    head->bias = bias;
done:
    return status;
}

enum lp_status network_open(struct network *net, const struct config *config,
                            MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct onnx_cut cut = {0};

    *net = (struct network){0};
    if (comm_rank(comm) == 0)
        status = check_norm(config);
    if (status == LP_OK && comm_rank(comm) == 0)
        status = read_cut(config, &cut);
    LP_AGREE(comm);

    LP_TRY(share_cut(&cut, comm));
    status = backbone_open(&net->backbone, cut.cut, cut.n_cut,
                           (enum lp_value)config->model.precision,
                           config->model.threads);
    LP_AGREE(comm);

    net->head = cut.head;
    cut.head = (struct head){0};
    memcpy(net->sha256, cut.sha256, sizeof net->sha256);
    image_norm_init(&net->norm, config->model.mean.v, config->model.std.v,
                    config->model.bgr);
done:
    onnx_cut_release(&cut);
    return status;
}

/* ---- proof */

enum lp_status network_check_map(const struct network *net,
                                 const int64_t shape[4], int rank)
{
    if (rank == 4 && shape[0] == 1 && shape[1] == net->head.d && shape[2] > 0 &&
        shape[3] > 0)
        return LP_OK;
    return lp_fail(LP_EMODEL,
                   "the linear layer weighs %d channels, but what "
                   "enters the pooling has %lld in %d dimensions; "
                   "set model.feature, model.weight and model.bias",
                   net->head.d, rank > 1 ? (long long)shape[1] : 0LL, rank);
}

/* The photograph as input of the uncut model, at its own size where the model
 * is not frozen to another: *chw [3][h][w] is the caller's to free. */
static enum lp_status proof_input(const struct network *net,
                                  const struct onnx_cut *cut,
                                  const char *photograph, int *h, int *w,
                                  float **chw)
{
    enum lp_status status = LP_OK;
    struct image read = {0}, sized = {0};
    struct resize resize = {0};
    char why[256];

    status = image_read(photograph, &read, why);
    if (status == LP_EDATA)
        lp_warn("the model cannot be proved on %s: %s", photograph, why);
    if (status != LP_OK)
        goto done;
    *h = cut->whole_h ? cut->whole_h : read.h;
    *w = cut->whole_w ? cut->whole_w : read.w;
    LP_TRY(resize_bicubic(&resize, &read, &sized, *h, *w));
    *chw = malloc(3 * (size_t)*h * (size_t)*w * sizeof **chw);
    if (!*chw)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for %d x %d pixels", *w, *h));
    image_to_input(&sized, &net->norm, false, *chw);
done:
    image_release(&read);
    image_release(&sized);
    resize_release(&resize);
    return status;
}

/* What the uncut model says of the same input, [n] in *out, which belongs to
 * b. It runs in f32 whatever the cut one does: this is the truth. */
static enum lp_status run_whole(struct backbone *b, const float *chw, int h,
                                int w, int n, const float **out)
{
    enum lp_status status = LP_OK;
    int64_t shape[4], n_out = 1;
    int rank;

    LP_TRY(backbone_run(b, chw, h, w, out, shape, &rank));
    for (int i = 0; i < rank; ++i)
        n_out *= shape[i];
    if (n_out != n)
        status = lp_fail(LP_EMODEL,
                         "the classifier gives %lld numbers a "
                         "photograph, its linear layer has %d "
                         "classes; set model.weight and model.bias",
                         (long long)n_out, n);
done:
    return status;
}

static enum lp_status compare(struct network *net, const struct config *config,
                              const struct onnx_cut *cut, const float *chw,
                              int h, int w)
{
    enum lp_status status = LP_OK;
    const bool bf16 = config->model.precision == LP_BF16;
    const double most = bf16 ? 0.05 : 1e-3;
    struct backbone *whole = NULL;
    const float *map, *logits;
    int64_t shape[4];
    int rank;

    LP_TRY(backbone_run(net->backbone, chw, h, w, &map, shape, &rank));
    LP_TRY(network_check_map(net, shape, rank));
    LP_TRY(backbone_open(&whole, cut->whole, cut->n_whole, LP_F32,
                         config->model.threads));
    LP_TRY(run_whole(whole, chw, h, w, net->head.n, &logits));
    const double off =
        head_mismatch(&net->head, map, (int)(shape[2] * shape[3]), logits);
    if (!(off <= most))
        status = lp_fail(LP_EMODEL,
                         "%s: the pooled '%s' times the weights "
                         "found is not the classifier's output (off "
                         "by %.2g, allowed %.2g); set "
                         "model.feature, model.weight and "
                         "model.bias",
                         config->model.file, cut->feature, off, most);
done:
    backbone_close(whole);
    return status;
}

enum lp_status network_prove(struct network *net, const struct config *config,
                             const char *photograph, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct onnx_cut cut = {0};
    float *chw = NULL;
    int h, w, verdict;

    if (comm_rank(comm) == 0) {
        status = read_cut(config, &cut);
        if (status == LP_OK)
            status = proof_input(net, &cut, photograph, &h, &w, &chw);
        if (status == LP_OK)
            status = compare(net, config, &cut, chw, h, w);
    }
    /* One rank has judged; its verdict is everyone's. */
    verdict = (int)status;
    comm_bcast(comm, &verdict, sizeof verdict);
    free(chw);
    onnx_cut_release(&cut);
    return (enum lp_status)verdict;
}
