/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"
#include "score.h"

/* The first class of tables: background only where the data set has one. */
static int first_class(const struct dataset *d)
{
    return d->background ? 0 : 1;
}

static const char *class_name(const struct dataset *d, int c)
{
    return c == 0 ? "background" : dataset_class(d, c - 1);
}

int score_best_threshold(const struct seed_score *s)
{
    int best = 0;
    for (int t = 1; t < s->n_thresholds; ++t)
        if (seed_score_mean(s, t) > seed_score_mean(s, best))
            best = t;
    return best;
}

/* The threshold of the curve nearest to the one asked for. */
static int nearest_threshold(const struct seed_score *s, double threshold)
{
    int best = 0;
    for (int t = 1; t < s->n_thresholds; ++t)
        if (fabs(s->threshold[t] - threshold) <
            fabs(s->threshold[best] - threshold))
            best = t;
    return best;
}

static void add_curve_table(struct text_buffer *b, const struct scored *kind,
                            int n)
{
    const struct seed_score *any = &kind[0].score;
    for (int i = 1; i < n && !any->n_thresholds; ++i)
        any = &kind[i].score;
    text_add(b, "threshold");
    for (int i = 0; i < n; ++i)
        if (kind[i].there)
            text_add(b, "%12s", kind[i].name);
    text_add(b, "   mIoU in percent\n");
    for (int t = 0; t < any->n_thresholds; ++t) {
        text_add(b, "%9.3f", any->threshold[t]);
        for (int i = 0; i < n; ++i)
            if (kind[i].there)
                text_add(b, "%11.2f%s",
                         100 * seed_score_mean(&kind[i].score, t),
                         t == score_best_threshold(&kind[i].score) ? "*" : " ");
        text_add(b, "\n");
    }
}

static void add_class_table(struct text_buffer *b, const struct scored *kind,
                            const struct dataset *d, double threshold)
{
    const int t = nearest_threshold(&kind->score, threshold);
    text_add(b,
             "%s at threshold %.3f%*s   IoU  precision  recall  "
             "false+  false-\n",
             kind->name, kind->score.threshold[t], kind->name[0] == 'c' ? 2 : 0,
             "");
    for (int c = first_class(d); c <= d->n_classes; ++c) {
        struct seed_class k;
        seed_score_class(&kind->score, t, c, &k);
        text_add(b, "  ");
        text_add_shown(b, class_name(d, c), 22);
        if (k.iou < 0)
            text_add(b, "     - neither occurs nor is predicted\n");
        else
            text_add(b, " %5.1f      %5.1f   %5.1f   %5.1f   %5.1f\n",
                     100 * k.iou, 100 * k.precision, 100 * k.recall,
                     100 * k.false_positive, 100 * k.false_negative);
    }
}

/* A share, or null where a class does not occur. */
static void add_share(struct text_buffer *b, double share)
{
    if (share < 0)
        text_add(b, "null");
    else
        text_add(b, "%.6f", share);
}

static void add_json_curve(struct text_buffer *b, const struct seed_score *s,
                           const struct dataset *d)
{
    text_add(b, "\"curve\": [");
    for (int t = 0; t < s->n_thresholds; ++t) {
        text_add(b, "%s\n  {\"threshold\": %g, \"miou\": %.6f, \"iou\": [",
                 t ? "," : "", s->threshold[t], seed_score_mean(s, t));
        for (int c = first_class(d); c <= d->n_classes; ++c) {
            struct seed_class k;
            seed_score_class(s, t, c, &k);
            text_add(b, c > first_class(d) ? ", " : "");
            add_share(b, k.iou);
        }
        text_add(b, "]}");
    }
    const int best = score_best_threshold(s);
    text_add(b, "],\n \"best\": {\"threshold\": %g, \"miou\": %.6f},\n",
             s->threshold[best], seed_score_mean(s, best));
}

static void add_json_classes(struct text_buffer *b, const struct seed_score *s,
                             const struct dataset *d, double threshold)
{
    const int t = nearest_threshold(s, threshold);
    text_add(b, " \"threshold\": %g, \"images\": %lld,\n \"classes\": [",
             s->threshold[t], (long long)s->n_images);
    for (int c = first_class(d); c <= d->n_classes; ++c) {
        struct seed_class k;
        seed_score_class(s, t, c, &k);
        text_add(b, "%s\n  {\"name\": ", c > first_class(d) ? "," : "");
        text_add_json(b, class_name(d, c));
        text_add(b, ", \"iou\": ");
        add_share(b, k.iou);
        text_add(b,
                 ", \"precision\": %.6f, \"recall\": %.6f, "
                 "\"false_positive\": %.6f, \"false_negative\": %.6f, "
                 "\"truth_pixels\": %lld, \"predicted_pixels\": %lld}",
                 k.precision, k.recall, k.false_positive, k.false_negative,
                 (long long)k.truth_pixels, (long long)k.predicted_pixels);
    }
    text_add(b, "]");
}

/* The file that ground truth is drawn from, else the folder of the masks. The
 * caller frees; NULL without memory. */
static char *truth_source(const struct dataset *d)
{
    const char *path = dataset_annotations(d);
    if (path)
        return text_format("%s", path);
    for (int64_t i = 0; i < d->n_images; ++i)
        if ((path = dataset_mask(d, i)))
            return text_format("%.*s", (int)(strrchr(path, '/') - path), path);
    return text_format("none");
}

/* Which ground truth: several circulate for COCO, and their scores differ. */
static void add_truth(struct text_buffer *b, const struct dataset *d,
                      bool small)
{
    char *source = truth_source(d);
    const bool drawn = dataset_annotations(d) != NULL;
    text_add(b, "ground truth: %s ", drawn ? "drawn from" : "masks of");
    text_add_shown(b, source ? source : "", 0);
    text_add(b, "%s\n",
             !drawn  ? ""
             : small ? ", smaller objects on top, crowds ignored"
                     : ", in the order of the file, crowds are background");
    free(source);
}

static void add_json_truth(struct text_buffer *b, const struct dataset *d,
                           bool small)
{
    char *source = truth_source(d);
    const bool drawn = dataset_annotations(d) != NULL;
    text_add(b, "{\"truth\": {\"%s\": ", drawn ? "annotations" : "masks");
    text_add_json(b, source ? source : "");
    if (drawn)
        text_add(b, ", \"overlap\": \"%s\"", small ? "small" : "annotation");
    text_add(b, "}");
    free(source);
}

static enum lp_status write_json(const struct scored *kind, int n,
                                 const struct dataset *d,
                                 const struct config *config, const char *path)
{
    struct text_buffer b = {0};
    add_json_truth(&b, d, config->data.small_on_top);
    for (int i = 0; i < n; ++i) {
        if (!kind[i].there)
            continue;
        text_add(&b, ",\n\"%s\": {", kind[i].name);
        add_json_curve(&b, &kind[i].score, d);
        add_json_classes(&b, &kind[i].score, d, config->score.threshold);
        text_add(&b, "}");
    }
    enum lp_status status = LP_OK;
    if (!text_add(&b, "}\n"))
        status = lp_fail(LP_ENOMEM, "no memory for %s", path);
    else
        status = text_write(path, b.s, b.n);
    free(b.s);
    return status;
}

enum lp_status score_report(const struct scored *kind, int n,
                            const struct dataset *d,
                            const struct config *config, const char *path)
{
    struct text_buffer b = {0};
    add_truth(&b, d, config->data.small_on_top);
    add_curve_table(&b, kind, n);
    for (int i = 0; i < n; ++i)
        if (kind[i].there)
            add_class_table(&b, &kind[i], d, config->score.threshold);
    if (b.s)
        lp_log_table("score: seeds against masks", b.s);
    free(b.s);
    return write_json(kind, n, d, config, path);
}
