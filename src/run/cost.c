/* SPDX-License-Identifier: MIT */
#include "lpcam/run/cost.h"

/* A pass of ResNet-50 at stride 16 takes a core about 1 us a pixel; opening
 * and writing a photograph and telling the network a new shape, 10 ms. */
#define COST_EACH 10000

/* Where views come from a file, in products of a cell with a class vector:
 * reading the cell, and what each image takes besides. */
#define VIEW_READ  4
#define COST_VIEWS 1000

/* Iterations of clustering for which all cells are read once. */
#define CLUSTER_ITERATIONS 16

int64_t cost_photograph(const struct config *config, int64_t pixels,
                        int n_labels, bool features)
{
    const struct number_list *scales = &config->cam.scales;
    double passes = 0;
    for (int i = 0; n_labels > 0 && i < scales->n; ++i) {
        passes += scales->v[i] * scales->v[i] * (config->cam.flip ? 2 : 1);
        features = features && scales->v[i] != 1;
    }
    passes += features ? 1 : 0;
    return COST_EACH + (int64_t)(passes * (double)pixels);
}

int64_t cost_views(int64_t cells, int n_labels)
{
    return COST_VIEWS + cells * (VIEW_READ + n_labels);
}

int64_t cost_score(int64_t pixels, int n_labels)
{
    return COST_EACH + pixels * (1 + n_labels);
}

int64_t cost_cells(int64_t cells, int64_t n_labels)
{
    return cells * (1 + CLUSTER_ITERATIONS * n_labels);
}
