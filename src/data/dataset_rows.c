/* SPDX-License-Identifier: MIT */
#include "dataset_rows.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/log.h"

void rows_release(struct rows *rows)
{
    free(rows->name);
    free(rows->of_class);
}

/* Without a file of names, the data set's classes in their order. */
static enum lp_status name_rows_by_classes(struct rows *rows,
                                           const struct source *s)
{
    rows->name = calloc((size_t)s->n_classes, sizeof *rows->name);
    if (!rows->name)
        return lp_fail(LP_ENOMEM, "no memory for the names of the classes");
    for (int c = 0; c < s->n_classes; ++c)
        if (s->class[c].kind == CLASS_USED)
            rows->name[rows->n++] = s->class[c].name;
    return LP_OK;
}

static int find_row(const struct rows *rows, const char *name)
{
    for (int r = 0; r < rows->n; ++r)
        if (strcmp(rows->name[r], name) == 0)
            return r;
    return -1;
}

static enum lp_status name_rows_by_file(struct rows *rows, struct source *s,
                                        const char *path)
{
    enum lp_status status = LP_OK;
    char *cursor, *line;
    int number = 0;

    LP_TRY(source_text(s, path, &cursor));
    rows->name = calloc(strlen(cursor) + 1, sizeof *rows->name);
    if (!rows->name)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the names in %s", path));
    while ((line = text_line(&cursor, &number)) != NULL) {
        if (!*line)
            continue;
        if (rows->n == SOURCE_MOST_CLASSES)
            LP_TRY(lp_fail(LP_EFORMAT, "%s:%d: these are more than %d names",
                           path, number, SOURCE_MOST_CLASSES));
        if (find_row(rows, line) >= 0)
            LP_TRY(lp_fail(LP_EFORMAT, "%s:%d: %s is already row %d", path,
                           number, line, find_row(rows, line)));
        rows->name[rows->n++] = line;
    }
done:
    return status;
}

static enum lp_status name_rows(struct rows *rows, struct source *s, int n_rows)
{
    const char *file = s->config->model.classes;
    enum lp_status status = *file ? name_rows_by_file(rows, s, file)
                                  : name_rows_by_classes(rows, s);
    if (status != LP_OK || n_rows < 0 || rows->n == n_rows)
        return status;
    if (*file)
        return lp_fail(LP_EFORMAT,
                       "%s has %d names, but the model has %d rows: write one "
                       "name a line, in the order of the rows",
                       file, rows->n, n_rows);
    return lp_fail(LP_EFORMAT,
                   "the data set has %d classes, but the model has %d rows: "
                   "write the names of the rows into a file, one a line, and "
                   "set model.classes to it; or let lpcam fit make a "
                   "classifier of the data set's classes from this model",
                   rows->n, n_rows);
}

/* "horse, mountain, ... (12 in all)" */
struct name_sum {
    struct text_buffer text;
    int n;
};

enum { MOST_NAMES = 10 };

static void add_name(struct name_sum *sum, const char *name)
{
    if (sum->n++ < MOST_NAMES)
        text_add(&sum->text, "%s%s", sum->n > 1 ? ", " : "", name);
}

static void end_names(struct name_sum *sum)
{
    if (sum->n > MOST_NAMES)
        text_add(&sum->text, ", ... (%d in all)", sum->n);
}

/* What has no counterpart is said, in a line for each side. */
static void report_rest(const struct rows *rows, const struct source *s)
{
    struct name_sum dropped = {0}, absent = {0};
    int64_t n_labels = 0;
    bool *met = calloc((size_t)rows->n + 1, sizeof *met);

    for (int c = 0; c < s->n_classes; ++c)
        if (s->class[c].kind == CLASS_USED && rows->of_class[c] < 0)
            add_name(&dropped, s->class[c].name);
        else if (met && rows->of_class[c] >= 0)
            met[rows->of_class[c]] = true;
    for (int64_t i = 0; i < s->n_images; ++i)
        for (int64_t j = 0; j < s->image[i].n_labels; ++j)
            n_labels += rows->of_class[s->label[s->image[i].first + j]] < 0;
    for (int r = 0; met && r < rows->n; ++r)
        if (!met[r])
            add_name(&absent, rows->name[r]);
    end_names(&dropped);
    end_names(&absent);
    if (dropped.n > 0 && dropped.text.s)
        lp_warn("classes of the data set without a row in the model: %s; %lld "
                "labels dropped",
                dropped.text.s, (long long)n_labels);
    if (absent.n > 0 && absent.text.s)
        lp_log("classes of the model that the data set lacks: %s",
               absent.text.s);
    free(met);
    free(dropped.text.s);
    free(absent.text.s);
}

static enum lp_status match_classes(struct rows *rows, const struct source *s)
{
    int n_matched = 0;
    rows->of_class = malloc((size_t)s->n_classes * sizeof *rows->of_class);
    if (!rows->of_class)
        return lp_fail(LP_ENOMEM, "no memory to match the classes");
    for (int c = 0; c < s->n_classes; ++c) {
        rows->of_class[c] = -1;
        if (s->class[c].kind == CLASS_USED)
            rows->of_class[c] = find_row(rows, s->class[c].name);
        n_matched += rows->of_class[c] >= 0;
    }
    if (n_matched == 0)
        return lp_fail(LP_EFORMAT,
                       "no class of the data set is among the %d names in %s: "
                       "they are matched by name, letter by letter",
                       rows->n, s->config->model.classes);
    return LP_OK;
}

enum lp_status rows_match(struct rows *rows, struct source *s, int n_rows)
{
    enum lp_status status = LP_OK;
    LP_TRY(name_rows(rows, s, n_rows));
    LP_TRY(match_classes(rows, s));
    report_rest(rows, s);
done:
    return status;
}
