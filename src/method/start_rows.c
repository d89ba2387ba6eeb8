/* SPDX-License-Identifier: MIT */
#include "lpcam/method/start_rows.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/run/comm.h"

/* What a line is read with. */
struct reader {
    const char *path;
    int line;
    const struct dataset *d;
    struct dataset_index index;
    int k;
    struct kmeans_start *start;
};

/* Next field of a tab-separated line. */
static char *field(char **cursor)
{
    char *s = *cursor;
    if (!s)
        return NULL;
    char *tab = strchr(s, '\t');
    if (tab)
        *tab = 0;
    *cursor = tab ? tab + 1 : NULL;
    return s;
}

static enum lp_status read_line(struct reader *r, char *line)
{
    char *name = field(&line), *side = field(&line), *k_text = field(&line);
    char *id = field(&line), *cell_text = field(&line);
    int64_t k, cell;

    if (!cell_text || line)
        return lp_fail(LP_EFORMAT,
                       "%s:%d: expected five fields with tabs "
                       "between: class, object or context, k, "
                       "image, cell",
                       r->path, r->line);
    const int c = dataset_find_class(r->d, name);
    if (c < 0)
        return lp_fail(LP_EFORMAT, "%s:%d: there is no class \"%s\"", r->path,
                       r->line, name);
    const bool context = strcmp(side, "context") == 0;
    if (!context && strcmp(side, "object") != 0)
        return lp_fail(LP_EFORMAT,
                       "%s:%d: the side must be object or "
                       "context, not \"%s\"",
                       r->path, r->line, side);
    if (!text_int64(k_text, &k) || k < 0 || k >= r->k)
        return lp_fail(LP_EFORMAT,
                       "%s:%d: k must be 0 to %d (kmeans.k = %d), "
                       "not \"%s\"",
                       r->path, r->line, r->k - 1, r->k, k_text);
    const int64_t image = dataset_index_find(&r->index, id);
    if (image < 0)
        return lp_fail(LP_EFORMAT, "%s:%d: there is no image \"%s\"", r->path,
                       r->line, id);
    if (!text_int64(cell_text, &cell) || cell < 0)
        return lp_fail(LP_EFORMAT,
                       "%s:%d: the cell must be a number from 0, "
                       "not \"%s\"",
                       r->path, r->line, cell_text);
    struct kmeans_start *start = &r->start[(2 * c + context) * r->k + k];
    if (start->image >= 0)
        return lp_fail(LP_EFORMAT, "%s:%d: this start row is given twice",
                       r->path, r->line);
    *start = (struct kmeans_start){image, cell};
    return LP_OK;
}

static enum lp_status read_file(struct reader *r)
{
    enum lp_status status = LP_OK;
    char *bytes = NULL, *cursor, *line;
    size_t n;

    LP_TRY(text_read(r->path, &bytes, &n));
    LP_TRY(dataset_index_init(&r->index, r->d));
    cursor = bytes;
    while ((line = text_line(&cursor, &r->line)))
        if (*line)
            LP_TRY(read_line(r, line));
done:
    free(bytes);
    dataset_index_release(&r->index);
    return status;
}

enum lp_status start_rows_read(const char *path, const struct dataset *d, int k,
                               struct kmeans_start **start, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int64_t n = 2 * (int64_t)d->n_classes * k;
    struct reader r = {.path = path, .d = d, .k = k};

    *start = r.start = malloc((size_t)n * sizeof **start);
    if (!r.start)
        status =
            lp_fail(LP_ENOMEM, "no memory for %lld start rows", (long long)n);
    LP_AGREE(comm);
    for (int64_t i = 0; i < n; ++i)
        r.start[i] = (struct kmeans_start){-1, -1};
    if (comm_rank(comm) == 0)
        status = read_file(&r);
    LP_AGREE(comm);
    comm_bcast(comm, r.start, n * (int64_t)sizeof *r.start);
done:
    return status;
}
