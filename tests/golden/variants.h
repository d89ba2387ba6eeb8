/* SPDX-License-Identifier: MIT */
/* variants.h: the classifiers with every kind of head, with what another
 * runtime computed of each. */
#ifndef LPCAM_TEST_VARIANTS_H
#define LPCAM_TEST_VARIANTS_H

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "support.h"

#define FOLDER "models/variants/"

struct variant {
    char *file, *feature, *order, *weight_shape;
    int64_t in[4], map[4], logits[2];
};

/* "2x32x10x13" */
static inline void read_shape(const char *text, int64_t *shape, int n)
{
    char *at = (char *)(uintptr_t)text;
    for (int i = 0; i < n; ++i) {
        shape[i] = strtoll(at, &at, 10);
        at += *at == 'x';
    }
}

static inline char *next_column(char **line)
{
    char *column = *line, *tab = strchr(column, '\t');
    *line = tab ? tab + 1 : column + strlen(column);
    if (tab)
        *tab = 0;
    return column;
}

static inline float *read_floats(const char *file, const char *kind, int64_t n)
{
    char *stem =
        text_format(FOLDER "%.*s.%s.f32", (int)strlen(file) - 5, file, kind);
    char *bytes = NULL;
    size_t n_bytes;
    assert_int_equal(text_read(test_shared(stem), &bytes, &n_bytes), LP_OK);
    assert_int_equal(n_bytes, (size_t)n * sizeof(float));
    free(stem);
    return (float *)(void *)bytes;
}

/* Every line of the index. */
static inline void each_variant(void (*check)(const struct variant *v))
{
    char *text = NULL, *line;
    size_t n;
    int n_done = 0;

    assert_int_equal(text_read(test_shared(FOLDER "index.tsv"), &text, &n),
                     LP_OK);
    line = strtok(text, "\n");
    while ((line = strtok(NULL, "\n"))) {
        struct variant v = {.file = next_column(&line)};
        read_shape(next_column(&line), v.in, 4);
        v.feature = next_column(&line);
        read_shape(next_column(&line), v.map, 4);
        v.order = next_column(&line);
        v.weight_shape = next_column(&line);
        next_column(&line);
        next_column(&line);
        read_shape(next_column(&line), v.logits, 2);
        check(&v);
        ++n_done;
    }
    assert_int_equal(n_done, 20);
    free(text);
}

#endif
