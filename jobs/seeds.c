/* SPDX-License-Identifier: MIT */
#include "seeds.h"

#include <stdlib.h>

#include "lpcam/method/seed_score.h"

enum lp_status seeds_make(struct seeds *s, const struct class_maps *m,
                          const int32_t *label)
{
    const int64_t n = (int64_t)m->h * m->w;
    if (n > s->room) {
        seeds_release(s);
        s->best_class = malloc((size_t)n);
        s->q = malloc((size_t)n);
        s->value = malloc((size_t)n * sizeof *s->value);
        if (!s->best_class || !s->q || !s->value)
            return lp_fail(LP_ENOMEM, "no memory for a seed of %lld pixels",
                           (long long)n);
        s->room = n;
    }
    seed_best(m->high_res, label, m->n, n, s->best_class, s->value);
    seed_quantise(s->value, n, s->q);
    return LP_OK;
}

void seeds_release(struct seeds *s)
{
    free(s->best_class);
    free(s->q);
    free(s->value);
    *s = (struct seeds){0};
}
