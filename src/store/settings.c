/* SPDX-License-Identifier: MIT */
#include "lpcam/store/settings.h"

#include <string.h>

struct line {
    const char *key, *value;
    int key_n, value_n;
};

/* The next line that holds anything; false at the end. */
static bool next_line(const char **cursor, struct line *line)
{
    const char *at = *cursor + strspn(*cursor, "\n");
    const size_t n = strcspn(at, "\n");
    const char *equal = memchr(at, '=', n);
    const char *end = at + n;
    *cursor = end;
    line->key = at;
    line->key_n = (int)((equal ? equal : end) - at);
    while (line->key_n > 0 && at[line->key_n - 1] == ' ')
        --line->key_n;
    line->value = equal ? equal + 1 : end;
    while (line->value < end && *line->value == ' ')
        ++line->value;
    line->value_n = (int)(end - line->value);
    return n > 0;
}

static bool find_key(const char *lines, const struct line *like,
                     struct line *line)
{
    while (next_line(&lines, line))
        if (line->key_n == like->key_n &&
            memcmp(line->key, like->key, (size_t)like->key_n) == 0)
            return true;
    return false;
}

/* What it means that a line that is no key of the configuration differs; "" for
 * others. */
static const char *meaning(const struct line *line)
{
    static const char *const known[][2] = {
        {"data.fingerprint", " (other photographs, labels or classes)"},
        {"model.sha256", " (another model.file)"},
        {"kmeans.rows.sha256", " (another file kmeans.rows)"},
        {"basis.sha256", " (another basis.h5)"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (strlen(known[i][0]) == (size_t)line->key_n &&
            memcmp(known[i][0], line->key, (size_t)line->key_n) == 0)
            return known[i][1];
    return "";
}

enum lp_status settings_compare(const char *path, const char *theirs,
                                const char *ours, bool both, const char *advice)
{
    static const char from[] = "features = from elsewhere\n";
    struct line a, b;
    const bool elsewhere = !both && strncmp(theirs, from, sizeof from - 1) == 0;
    for (const char *at = ours; next_line(&at, &a);) {
        if (!find_key(theirs, &a, &b)) {
            if (elsewhere)
                continue;
            return lp_fail(LP_EARG,
                           "%s was made without %.*s, this run has %.*s: %s",
                           path, a.key_n, a.key, a.value_n, a.value, advice);
        }
        if (a.value_n != b.value_n ||
            memcmp(a.value, b.value, (size_t)a.value_n) != 0)
            return lp_fail(LP_EARG,
                           "%s was made with %.*s = %.*s, this run has %.*s%s: "
                           "%s",
                           path, a.key_n, a.key, b.value_n, b.value, a.value_n,
                           a.value, meaning(&a), advice);
    }
    for (const char *at = theirs; both && next_line(&at, &b);)
        if (!find_key(ours, &b, &a))
            return lp_fail(LP_EARG,
                           "%s was made with %.*s = %.*s, this run has no "
                           "%.*s: %s",
                           path, b.key_n, b.key, b.value_n, b.value, b.key_n,
                           b.key, advice);
    return LP_OK;
}
