/* SPDX-License-Identifier: MIT */
#include "lpcam/run/config.h"

#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "lpcam/run/comm.h"

/* A text that is being read. inih finds sections and keys. Lines, comments and
 * values are ours: inih may be compiled for lines of 200 bytes, takes ';' in a
 * value for a comment, and tells no line numbers. */
struct source {
    struct config *config;
    const char *name;          /* of the file                             */
    char *cursor;              /* what is left of the text                */
    char *line;                /* the line at hand                        */
    int number;                /* its number, from 1                      */
    int seen[CONFIG_MAX_KEYS]; /* the line that set a key, 0: none        */
    enum lp_status status;
};

/* ini_reader: the next line, cut short where inih has less room. */
static char *next_line(char *to, int room, void *stream)
{
    struct source *s = stream;
    if (s->status != LP_OK)
        return NULL;
    s->line = text_line(&s->cursor, &s->number);
    if (!s->line)
        return NULL;
    snprintf(to, (size_t)room - 1, "%s", s->line);
    return to;
}

static enum lp_status find(const char *name, const char *where,
                           const struct config_key **key)
{
    *key = key_find(name);
    if (!*key)
        return lp_fail(LP_EUSAGE, "%s: unknown key %s (nearest: %s)", where,
                       name, key_nearest(name));
    return LP_OK;
}

/* A key twice in one file is more likely a slip than a wish. */
static enum lp_status note_line(struct source *s, const struct config_key *key,
                                const char *where)
{
    int *seen = &s->seen[key - config_key];
    if (*seen)
        return lp_fail(LP_EUSAGE, "%s: %s is already set in line %d", where,
                       key->name, *seen);
    *seen = s->number;
    return LP_OK;
}

/* ini_handler: one key of the line at hand. */
static int take(void *user, const char *section, const char *name,
                const char *value)
{
    struct source *s = user;
    enum lp_status status = LP_OK;
    const struct config_key *key;
    char *full = text_format("%s.%s", section, name);
    char *where = text_format("%s:%d", s->name, s->number);

    if (!full || !where)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to read %s", s->name));
    if (!*section)
        LP_TRY(lp_fail(LP_EUSAGE, "%s: %s stands before any [section]", where,
                       name));
    LP_TRY(find(full, where, &key));
    LP_TRY(note_line(s, key, where));
    value = s->line + strcspn(s->line, "=:") + 1;
    value += strspn(value, " \t");
    LP_TRY(key_set(key, s->config, value, where));
done:
    free(where);
    free(full);
    s->status = status;
    return status == LP_OK;
}

/* ini_handler of the first pass, which only looks for lines of another form. */
static int pass_over(void *user, const char *section, const char *key,
                     const char *value)
{
    (void)user, (void)section, (void)key, (void)value;
    return 1;
}

/* One pass over the text; sets s->status where there is a line inih refuses. */
static void pass(struct source *s, const char *text, ini_handler handler)
{
    char *copy = text_format("%s", text);
    s->cursor = copy;
    s->number = 0;
    if (!copy) {
        s->status = lp_fail(LP_ENOMEM, "no memory to read %s", s->name);
        return;
    }
    const int bad_line = ini_parse_stream(next_line, s, handler, s);
    if (s->status == LP_OK && bad_line != 0)
        s->status =
            lp_fail(LP_EUSAGE, "%s:%d: this must be [section] or key = value",
                    s->name, bad_line);
    free(copy);
}

/* Read a whole INI text, in two passes because inih goes on behind a line of
 * the wrong form and tells of it only at the end. Local. */
static enum lp_status read_text(struct config *config, const char *name,
                                const char *text)
{
    struct source s = {.config = config, .name = name};
    pass(&s, text, pass_over);
    if (s.status == LP_OK)
        pass(&s, text, take);
    return s.status;
}

static enum lp_status read_file(struct config *config, const char *path)
{
    enum lp_status status = LP_OK;
    char *text = NULL;
    size_t n = 0;
    LP_TRY(text_read(path, &text, &n));
    if (strlen(text) != n)
        LP_TRY(lp_fail(LP_EUSAGE, "%s is not a text file", path));
    LP_TRY(read_text(config, path, text));
done:
    free(text);
    return status;
}

/* One "section.key=value" of the command line. */
static enum lp_status read_set(struct config *config, const char *text)
{
    enum lp_status status = LP_OK;
    const struct config_key *key;
    char *name = text_format("%s", text), *equals = NULL;
    if (!name)
        return lp_fail(LP_ENOMEM, "no memory for --set %s", text);
    equals = strchr(name, '=');
    if (!equals)
        LP_TRY(lp_fail(LP_EUSAGE, "--set %s: this must be section.key=value",
                       text));
    *equals = 0;
    LP_TRY(find(name, "--set", &key));
    LP_TRY(key_set(key, config, equals + 1, "--set"));
done:
    free(name);
    return status;
}

static bool ascends(const struct number_list *list)
{
    for (int i = 1; i < list->n; ++i)
        if (!(list->v[i] > list->v[i - 1]))
            return false;
    return true;
}

static bool all_whole(const struct number_list *list)
{
    for (int i = 0; i < list->n; ++i)
        if (list->v[i] != floor(list->v[i]))
            return false;
    return true;
}

/* What no key can tell by itself: one sentence for the first thing wrong. */
static const char *what_is_wrong(const struct config *c)
{
    const struct number_list *t = &c->score.thresholds;
    if (!*c->run.out)
        return "run.out must be given, the folder for all outputs: in the "
               "file, or as --set run.out=FOLDER";
    if (!all_whole(&c->data.ignore))
        return "data.ignore must be whole numbers from 0 to 255";
    if (c->model.mean.n != 3 || c->model.std.n != 3)
        return "model.mean and model.std must be three numbers each, one a "
               "channel";
    if (c->cam.scales.n < 1)
        return "cam.scales must name at least one scale";
    if (c->kmeans.start == START_ROWS && !*c->kmeans.rows)
        return "kmeans.rows must name the file of start rows when "
               "kmeans.start = rows";
    if (c->kmeans.sample < KMEANS_LEAST_SAMPLE * c->kmeans.k)
        return "kmeans.sample must be at least 8 times kmeans.k";
    if (c->export.threshold.n > 2 ||
        (c->export.threshold.n == 2 &&
         c->export.threshold.v[0] > c->export.threshold.v[1]))
        return "export.threshold must be one number, or two, the lower first";
    if (c->export.ir.n != 2 || c->export.ir.v[0] < c->export.ir.v[1])
        return "export.ir must be two numbers, the higher first";
    if (c->prototypes.context_above >= c->prototypes.context_below)
        return "prototypes.context_above must be below "
               "prototypes.context_below";
    if (t->n < 1 || t->v[0] <= 0 || t->v[t->n - 1] >= 1 || !ascends(t))
        return "score.thresholds must ascend and lie between 0 and 1";
    return NULL;
}

/* All of config_load that rank 0 does alone. */
static enum lp_status load_alone(struct config *config, const char *path,
                                 const char *const *set, int n_set)
{
    enum lp_status status = LP_OK;
    const char *wrong;
    LP_TRY(read_text(config, "configs/reference.ini", config_reference));
    if (path)
        LP_TRY(read_file(config, path));
    for (int i = 0; i < n_set; ++i)
        LP_TRY(read_set(config, set[i]));
    wrong = what_is_wrong(config);
    if (wrong)
        status = lp_fail(LP_EUSAGE, "%s%s%s", path ? path : "",
                         path ? ": " : "", wrong);
done:
    return status;
}

enum lp_status config_load(struct config *config, const char *path,
                           const char *const *set, int n_set, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const bool root = comm_rank(comm) == 0;
    void *text = NULL;
    int64_t n_bytes = 0;

    memset(config, 0, sizeof *config);
    if (root) {
        status = load_alone(config, path, set, n_set);
        if (status == LP_OK && !(text = config_text(config)))
            status = lp_fail(LP_ENOMEM, "no memory for the configuration");
        n_bytes = text ? (int64_t)strlen(text) + 1 : 0;
    }
    LP_AGREE(comm);

    /* Rank 0 has judged; the others read what it makes of all sources. */
    LP_TRY(comm_bcast_block(comm, &text, &n_bytes));
    if (!root)
        status = read_text(config, "the configuration of rank 0", text);
    LP_AGREE(comm);
done:
    free(text);
    return status;
}

void config_release(struct config *config)
{
    for (int i = 0; i < n_config_keys; ++i)
        if (config_key[i].kind == KEY_TEXT)
            free(*(char **)((char *)config + config_key[i].at));
    memset(config, 0, sizeof *config);
}

char *config_text(const struct config *config)
{
    struct text_buffer out = {0};
    const char *section = "";
    size_t n_section = 0;
    bool ok = true;
    for (int i = 0; ok && i < n_config_keys; ++i) {
        const char *name = config_key[i].name, *dot = strchr(name, '.');
        const size_t n = (size_t)(dot - name);
        if (n != n_section || strncmp(name, section, n) != 0)
            ok = text_add(&out, "%s[%.*s]\n", i ? "\n" : "", (int)n, name);
        section = name;
        n_section = n;
        ok = ok && text_add(&out, "%s = ", dot + 1) &&
             key_print(&config_key[i], config, &out) && text_add(&out, "\n");
    }
    if (ok)
        return out.s;
    free(out.s);
    return NULL;
}

char *config_value(const struct config *config, const char *name)
{
    const struct config_key *key = key_find(name);
    struct text_buffer out = {0};
    if (key && key_print(key, config, &out))
        return out.s;
    free(out.s);
    return NULL;
}
