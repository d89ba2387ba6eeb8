/* SPDX-License-Identifier: MIT */
/* cost.h: what an image costs, so that ranks can be given equal work. Only the
 * time a job takes depends on these numbers, never a result; those of one job
 * are compared with each other, never with another job's. All functions are
 * Local. */
#ifndef LPCAM_COST_H
#define LPCAM_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/run/config.h"

/* extract and activate: the pixels the network sees, over all scales and both
 * passes of cam.flip where the photograph has labels; in one pass at scale 1
 * where features are wanted and no view of that scale gives them; and what each
 * photograph takes besides. */
int64_t cost_photograph(const struct config *config, int64_t pixels,
                        int n_labels, bool features);

/* activate with run.passes = 1: the cells of all its views are read, and
 * multiplied with each label's vector. */
int64_t cost_views(int64_t cells, int n_labels);

/* score: the map of each label is enlarged to all pixels, and the mask read. */
int64_t cost_score(int64_t pixels, int n_labels);

/* cluster: every cell is a row of one problem for each label; all cells are
 * read and measured once, the rows visited in every iteration. */
int64_t cost_cells(int64_t cells, int64_t n_labels);

#endif
