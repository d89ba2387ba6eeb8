/* SPDX-License-Identifier: MIT */
/* cluster_features.c: what is clustered, and what prototypes.h5 depends on. */
#include <inttypes.h>
#include <stdlib.h>

#include "cluster.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/method/features_hash.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"

enum lp_status cluster_load(struct cluster *c)
{
    enum lp_status status = LP_OK;
    struct session *s = c->session;
    char *wanted = settings_extract(s);
    if (!wanted)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    double t = phase_now_s();
    LP_TRY(feature_file_load(&c->file, s->out[OUT_FEATURES], wanted,
                             s->config.run.memory, &c->features, &c->data,
                             &c->head, &c->basis, &c->shard, s->comm));
    phase_add(PHASE_READ, t);
done:
    free(wanted);
    return status;
}

/* Settings of prototypes.h5: those of the features it came from, what bf16
 * features are multiplied in, then ours; is the file there already. */
static enum lp_status probe(struct cluster *c, const char *features,
                            enum run_file_found *found)
{
    enum lp_status status = LP_OK;
    struct session *s = c->session;
    const enum lp_value type = c->file.file.h5
                                   ? c->features.type
                                   : (enum lp_value)s->config.features.value;
    const char *pairs = type != LP_BF16 ? ""
                        : s->bf16_pairs ? "kmeans.bf16_pairs = yes\n"
                                        : "kmeans.bf16_pairs = no\n";
    c->settings = settings_join(text_format("%s%s", features, pairs),
                                settings_cluster(s));
    if (!c->settings)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    const struct run_about about = {"lpcam prototypes 1", c->settings,
                                    s->config_text};
    LP_TRY(run_file_probe(s->out[OUT_PROTOTYPES], &about, found, s->comm));
done:
    return status;
}

/* Features from elsewhere say nothing of themselves: told apart by content. */
static enum lp_status describe(struct cluster *c, char **settings)
{
    enum lp_status status = LP_OK;
    const struct session *s = c->session;
    const size_t n = (size_t)c->head.n, d = (size_t)c->head.d;
    char data[65], weight[65], bias[65];
    char *basis = settings_components(&c->basis);
    uint64_t hash;
    double t = phase_now_s();

    LP_TRY(
        features_hash(&c->features, s->config.model.threads, &hash, s->comm));
    phase_add(PHASE_READ, t);
    dataset_fingerprint(&c->data, data);
    hash_sha256(c->head.weight, n * d * sizeof *c->head.weight, weight);
    hash_sha256(c->head.bias, n * sizeof *c->head.bias, bias);
    *settings = settings_join(
        text_format("features = from elsewhere\ndata.fingerprint = %s\n"
                    "features.hash = %016" PRIx64
                    "\nclassifier.weight.sha256 = %s\n"
                    "classifier.bias.sha256 = %s\n",
                    data, hash, weight, bias),
        basis);
    basis = NULL;
    if (!*settings)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
done:
    free(basis);
    return status;
}

/* The settings of features.h5 without its rows; NULL where it has none. */
static enum lp_status ask_features(struct session *s, char **settings)
{
    enum lp_status status = LP_OK;
    struct run_file file = {0};
    LP_TRY(
        run_file_read(&file, s->out[OUT_FEATURES], NULL, "extract", s->comm));
    LP_TRY(run_file_settings(&file, settings));
done:
    run_file_close(&file);
    return status;
}

enum lp_status cluster_look(struct cluster *c, enum run_file_found *found)
{
    enum lp_status status = LP_OK;
    struct session *s = c->session;
    const bool have_model = s->net.backbone != NULL;
    char *features = have_model ? settings_features(s) : NULL;

    if (have_model && !features)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    if (!have_model)
        LP_TRY(ask_features(s, &features));
    if (!features) {
        LP_TRY(cluster_load(c));
        LP_TRY(describe(c, &features));
    }
    LP_TRY(probe(c, features, found));
done:
    free(features);
    return status;
}
