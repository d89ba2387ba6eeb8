/* SPDX-License-Identifier: MIT */
/* The value of a key: from a text, and back to one. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"

/* Where the value lies. */
static void *place(const struct config_key *key, const struct config *config)
{
    return (char *)config + key->at;
}

static bool within(const struct config_key *key, double v)
{
    return v >= key->low && v <= key->high; /* false for not-a-number */
}

static enum lp_status find_word(const struct config_key *key, const char *value,
                                const char *where, int *meaning)
{
    struct text_buffer known = {0};
    const struct key_word *w = key->word;
    while (w->word && strcmp(w->word, value) != 0)
        ++w;
    *meaning = w->value;
    if (w->word)
        return LP_OK;
    for (w = key->word; w->word; ++w)
        text_add(&known, "%s%s", known.n ? " or " : "", w->word);
    const enum lp_status status =
        lp_fail(LP_EUSAGE, "%s: %s must be %s, not \"%s\"", where, key->name,
                known.s ? known.s : "another word", value);
    free(known.s);
    return status;
}

static enum lp_status set_word(const struct config_key *key, void *to,
                               const char *value, const char *where)
{
    int meaning;
    const enum lp_status status = find_word(key, value, where, &meaning);
    if (status == LP_OK && key->kind == KEY_FLAG)
        *(bool *)to = meaning != 0;
    else if (status == LP_OK)
        *(int *)to = meaning;
    return status;
}

/* Every word of value, or-ed. */
static enum lp_status set_words(const struct config_key *key, void *to,
                                const char *value, const char *where)
{
    enum lp_status status = LP_OK;
    int meaning, all = 0;
    char *copy = text_format("%s", value), *cursor = copy, *word;
    if (!copy)
        return lp_fail(LP_ENOMEM, "%s: no memory for %s", where, key->name);
    while ((word = text_word(&cursor)) != NULL) {
        LP_TRY(find_word(key, word, where, &meaning));
        all |= meaning;
    }
    *(int *)to = all;
done:
    free(copy);
    return status;
}

static enum lp_status set_number(const struct config_key *key, void *to,
                                 const char *value, const char *where)
{
    int64_t whole = 0;
    double real = 0;
    if (key->kind == KEY_BYTES) {
        if (!text_bytes(value, &whole) || !within(key, (double)whole))
            return lp_fail(LP_EUSAGE,
                           "%s: %s must be bytes such as 4G or 512M, not "
                           "\"%s\"",
                           where, key->name, value);
    } else if (key->kind == KEY_REAL) {
        if (!text_double(value, &real) || !within(key, real))
            return lp_fail(LP_EUSAGE,
                           "%s: %s must be a number from %.10g to %.10g, not "
                           "\"%s\"",
                           where, key->name, key->low, key->high, value);
    } else if (!text_int64(value, &whole) || !within(key, (double)whole)) {
        return lp_fail(LP_EUSAGE,
                       "%s: %s must be a whole number from %.10g to %.10g, "
                       "not \"%s\"",
                       where, key->name, key->low, key->high, value);
    }
    if (key->kind == KEY_REAL)
        *(double *)to = real;
    else if (key->kind == KEY_INT)
        *(int *)to = (int)whole;
    else
        *(int64_t *)to = whole;
    return LP_OK;
}

static enum lp_status set_list(const struct config_key *key, void *to,
                               const char *value, const char *where)
{
    struct number_list list = {0};
    bool good = true;
    char *copy = text_format("%s", value), *cursor = copy, *word;
    if (!copy)
        return lp_fail(LP_ENOMEM, "%s: no memory for %s", where, key->name);
    while (good && (word = text_word(&cursor))) {
        good = list.n < CONFIG_MAX_LIST && text_double(word, &list.v[list.n]) &&
               within(key, list.v[list.n]);
        ++list.n;
    }
    free(copy);
    if (!good)
        return lp_fail(LP_EUSAGE,
                       "%s: %s must be at most %d numbers from %.10g to %.10g "
                       "with spaces between, not \"%s\"",
                       where, key->name, CONFIG_MAX_LIST, key->low, key->high,
                       value);
    *(struct number_list *)to = list;
    return LP_OK;
}

/* A text that a file could not give back would make config_text lie. One with
 * words must be one of them. */
static enum lp_status set_text(const struct config_key *key, void *to,
                               const char *value, const char *where)
{
    char *copy = text_format("%s", value);
    char *line = text_format(" %s", value), *cursor = line, *read;
    int line_number = 0, meaning;
    enum lp_status status = LP_OK;
    if (key->word)
        LP_TRY(find_word(key, value, where, &meaning));
    if (!copy || !line) {
        status = lp_fail(LP_ENOMEM, "%s: no memory for %s", where, key->name);
        goto done;
    }
    read = text_line(&cursor, &line_number);
    if (strcmp(read, value) != 0) {
        status = lp_fail(LP_EUSAGE,
                         "%s: %s must be one line without \" #\" and without "
                         "spaces at its ends, not \"%s\"",
                         where, key->name, value);
        goto done;
    }
    free(*(char **)to);
    *(char **)to = copy;
    copy = NULL;
done:
    free(copy);
    free(line);
    return status;
}

enum lp_status key_set(const struct config_key *key, struct config *config,
                       const char *value, const char *where)
{
    void *to = place(key, config);
    switch (key->kind) {
    case KEY_FLAG:
    case KEY_WORD:
        return set_word(key, to, value, where);
    case KEY_SET:
        return set_words(key, to, value, where);
    case KEY_TEXT:
        return set_text(key, to, value, where);
    case KEY_LIST:
        return set_list(key, to, value, where);
    default:
        return set_number(key, to, value, where);
    }
}

/* The shortest decimal that reads back as v, without an exponent from 0.0001 to
 * 10 million. */
static bool print_real(double v, struct text_buffer *out)
{
    const bool plain = v == 0 || (fabs(v) >= 1e-4 && fabs(v) < 1e7);
    char digits[40];
    double back = 0;
    for (int n = 0; n <= 20; ++n) { /* digits behind the point */
        snprintf(digits, sizeof digits, plain ? "%.*f" : "%.*e", n, v);
        if (text_double(digits, &back) && back == v)
            break;
    }
    return text_add(out, "%s", digits);
}

static bool print_bytes(int64_t n, struct text_buffer *out)
{
    static const char *const unit[] = {"", "K", "M", "G", "T"};
    int u = 0;
    for (; n > 0 && n % 1024 == 0 && u < 4; ++u)
        n /= 1024;
    return text_add(out, "%" PRId64 "%s", n, unit[u]);
}

static bool print_list(const struct number_list *list, struct text_buffer *out)
{
    bool ok = text_add(out, "%s", ""); /* an empty list is a text, too */
    for (int i = 0; ok && i < list->n; ++i)
        ok = text_add(out, i ? " " : "") && print_real(list->v[i], out);
    return ok;
}

static bool print_words(const struct config_key *key, int all,
                        struct text_buffer *out)
{
    bool ok = text_add(out, "%s", ""), first = true;
    for (const struct key_word *w = key->word; w->word && ok; ++w)
        if (all & w->value) {
            ok = text_add(out, first ? "%s" : " %s", w->word);
            first = false;
        }
    return ok;
}

bool key_print(const struct config_key *key, const struct config *config,
               struct text_buffer *out)
{
    const void *at = place(key, config);
    const struct key_word *w = key->word;
    switch (key->kind) {
    case KEY_FLAG:
        while (w->value != *(const bool *)at)
            ++w;
        return text_add(out, "%s", w->word);
    case KEY_WORD:
        while (w->value != *(const int *)at)
            ++w;
        return text_add(out, "%s", w->word);
    case KEY_SET:
        return print_words(key, *(const int *)at, out);
    case KEY_INT:
        return text_add(out, "%d", *(const int *)at);
    case KEY_INT64:
        return text_add(out, "%" PRId64, *(const int64_t *)at);
    case KEY_BYTES:
        return print_bytes(*(const int64_t *)at, out);
    case KEY_REAL:
        return print_real(*(const double *)at, out);
    case KEY_LIST:
        return print_list(at, out);
    case KEY_TEXT:
        return text_add(out, "%s", *(char *const *)at);
    }
    return false;
}
