/* SPDX-License-Identifier: MIT */
#include "charts.h"

#include <stdio.h>
#include <stdlib.h>

#include "lpcam/output/svg.h"

bool chart_scores(struct text_buffer *b, const struct scored *kind, int n)
{
    struct svg_chart chart = {.title = "Seeds against ground truth",
                              .x_label = "threshold",
                              .y_label = "mean IoU, %"};
    double value[SVG_MAX_SERIES][CONFIG_MAX_LIST];
    for (int i = 0; i < n; ++i) {
        const struct seed_score *s = &kind[i].score;
        if (!kind[i].there)
            continue;
        for (int t = 0; t < s->n_thresholds; ++t)
            value[i][t] = 100 * seed_score_mean(s, t);
        chart.series[chart.n_series++] =
            (struct svg_series){.name = i == 0 ? "CAM" : "LPCAM",
                                .colour = i == 0,
                                .x = s->threshold,
                                .y = value[i],
                                .n = s->n_thresholds,
                                .mark = score_best_threshold(s)};
    }
    return svg_add(b, &chart, 1);
}

/* What a start's iterations did over all problems: a problem that has stopped
 * stays as it was. step, moved, cosine [n_steps]. */
static void follow(const struct kmeans *km, double *step, double *moved,
                   double *cosine)
{
    double rows = 0;
    for (int p = 0; p < km->n_problems; ++p)
        rows += (double)km->n_rows[p];
    for (int i = 0; i < km->n_steps; ++i) {
        int64_t n_moved = 0;
        double objective = 0;
        for (int p = 0; p < km->n_problems; ++p) {
            const int last = km->iterations[p] - 1;
            if (last < 0)
                continue;
            const int at = i < last ? i : last;
            objective += km->step[at * km->n_problems + p].objective;
            if (i <= last)
                n_moved += km->step[i * km->n_problems + p].moved;
        }
        step[i] = i + 1;
        moved[i] = rows > 0 ? 100 * (double)n_moved / rows : 0;
        cosine[i] = rows > 0 ? objective / rows : 0;
    }
}

enum lp_status chart_convergence(const char *path,
                                 const struct kmeans *const *start,
                                 int n_starts)
{
    enum lp_status status = LP_OK;
    struct svg_chart chart[] = {
        {.title = "Vectors that changed their cluster",
         .x_label = "iteration",
         .y_label = "share of all, %",
         .log_y = true},
        {.title = "Mean cosine of a vector to its centre",
         .x_label = "iteration",
         .y_label = "cosine"}};
    char name[SVG_MAX_SERIES][24];
    double *memory[SVG_MAX_SERIES] = {NULL};
    const int n = n_starts < SVG_MAX_SERIES ? n_starts : SVG_MAX_SERIES;

    for (int r = 0; r < n; ++r) {
        const int n_steps = start[r]->n_steps;
        double *x = malloc(((size_t)n_steps + 1) * 3 * sizeof *x);
        memory[r] = x;
        if (!x)
            LP_TRY(lp_fail(LP_ENOMEM, "no memory for %s", path));
        follow(start[r], x, x + n_steps, x + 2 * n_steps);
        snprintf(name[r], sizeof name[r], "start %d", r);
        for (int i = 0; i < 2; ++i)
            chart[i].series[chart[i].n_series++] =
                (struct svg_series){.name = name[r],
                                    .colour = r,
                                    .x = x,
                                    .y = x + (i + 1) * n_steps,
                                    .n = n_steps,
                                    .mark = -1};
    }
    LP_TRY(svg_write(path, chart, 2));
done:
    for (int r = 0; r < n; ++r)
        free(memory[r]);
    return status;
}
