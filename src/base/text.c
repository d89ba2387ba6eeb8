/* SPDX-License-Identifier: MIT */
#include "lpcam/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpcam/base/file.h"

enum lp_status text_read(const char *path, char **bytes, size_t *n)
{
    enum lp_status status = LP_OK;
    struct stat info;
    char *buffer = NULL;
    const char *why;
    FILE *file = file_open(path, &why);

    if (!file) {
        status = lp_fail(LP_EIO, "cannot read %s: %s", path, why);
        goto done;
    }
    if (fstat(fileno(file), &info) != 0) {
        status = lp_fail(LP_EIO, "cannot read %s: %s", path, strerror(errno));
        goto done;
    }
    buffer = malloc((size_t)info.st_size + 1);
    if (!buffer) {
        status = lp_fail(LP_ENOMEM, "no memory for the %lld bytes of %s",
                         (long long)info.st_size, path);
        goto done;
    }
    if (fread(buffer, 1, (size_t)info.st_size, file) != (size_t)info.st_size) {
        status = lp_fail(LP_EIO, "cannot read %s to its end", path);
        goto done;
    }
    buffer[info.st_size] = 0;
    *bytes = buffer;
    *n = (size_t)info.st_size;
    buffer = NULL;
done:
    free(buffer);
    if (file)
        fclose(file);
    return status;
}

/* The folder of a file, with its slash, or "."; the caller's to free. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? text_format("%.*s", (int)(slash + 1 - path), path)
                 : text_format(".");
}

/* Some folders may not be read, some file systems know no fsync of folders. */
static enum lp_status sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_CLOEXEC);
    enum lp_status status = LP_OK;
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL)
        status = lp_fail(LP_EIO, "cannot sync the folder %s: %s", folder,
                         strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

enum lp_status text_rename(const char *from, const char *to)
{
    enum lp_status status;
    char *folder = folder_of(to);
    if (!folder)
        status = lp_fail(LP_ENOMEM, "no memory for the folder of %s", to);
    else if (rename(from, to) != 0)
        status = lp_fail(LP_EIO, "cannot rename %s to %s: %s", from, to,
                         strerror(errno));
    else
        status = sync_folder(folder);
    free(folder);
    return status;
}

enum lp_status text_write(const char *path, const char *bytes, size_t n)
{
    enum lp_status status = LP_OK;
    char *partial = text_format("%s.partial", path);
    FILE *file = partial ? fopen(partial, "wb") : NULL;

    if (!file) {
        status = lp_fail(LP_EIO, "cannot write %s: %s", path, strerror(errno));
        goto done;
    }
    bool bad = fwrite(bytes, 1, n, file) != n || fflush(file) != 0 ||
               fsync(fileno(file)) != 0;
    bad |= fclose(file) != 0;
    if (bad)
        status = lp_fail(LP_EIO, "cannot write %s: %s", path, strerror(errno));
    else
        status = text_rename(partial, path);
    if (status != LP_OK)
        remove(partial);
done:
    free(partial);
    return status;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Where the comment of a line begins, or its end. */
static char *comment_of(char *line)
{
    char *at = line;
    while (*at && (*at != '#' || (at > line && !is_space(at[-1]))))
        ++at;
    return at;
}

char *text_line(char **cursor, int *line_number)
{
    char *line = *cursor;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    *cursor = end ? end + 1 : line + strlen(line);
    if (end)
        *end = 0;
    *comment_of(line) = 0;
    while (is_space(*line))
        ++line;
    for (char *p = line + strlen(line); p > line && is_space(p[-1]);)
        *--p = 0;
    ++*line_number;
    return line;
}

char *text_word(char **cursor)
{
    char *s = *cursor;
    while (is_space(*s))
        ++s;
    if (!*s)
        return NULL;
    char *end = s;
    while (*end && !is_space(*end))
        ++end;
    *cursor = *end ? end + 1 : end;
    *end = 0;
    return s;
}

bool text_int64(const char *s, int64_t *value)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || *end || errno)
        return false;
    *value = v;
    return true;
}

bool text_double(const char *s, double *value)
{
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || *end || errno)
        return false;
    *value = v;
    return true;
}

bool text_bytes(const char *s, int64_t *value)
{
    static const char unit[] = "kmgt";
    char *end;
    double v = strtod(s, &end);
    if (end == s || !(v >= 0))
        return false;
    while (is_space(*end))
        ++end;
    for (int i = 0; i < 4; ++i)
        if (*end && strncasecmp(end, unit + i, 1) == 0) {
            v *= (double)((int64_t)1 << (10 * (i + 1)));
            ++end;
            break;
        }
    if (strcasecmp(end, "ib") != 0 && strcasecmp(end, "b") != 0 && *end)
        return false;
    if (v >= 9e18)
        return false;
    *value = (int64_t)v;
    return true;
}

char *text_size(int64_t n_bytes, char *buffer)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)n_bytes;
    int u = 0;
    for (; v >= 1024 && u < 4; ++u)
        v /= 1024;
    snprintf(buffer, 32, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
    return buffer;
}

/* Levenshtein's distance, names of this program are short. */
static int distance(const char *a, const char *b)
{
    enum { MOST = 63 };
    int row[MOST + 1];
    const int n = (int)strnlen(a, MOST), m = (int)strnlen(b, MOST);
    for (int j = 0; j <= m; ++j)
        row[j] = j;
    for (int i = 1; i <= n; ++i) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= m; ++j) {
            int best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *text_nearest(const char *s, const char *const *names, int n)
{
    const char *best = NULL;
    int least = 0;
    for (int i = 0; i < n; ++i) {
        int d = distance(s, names[i]);
        if (!best || d < least) {
            best = names[i];
            least = d;
        }
    }
    return best;
}

bool text_add_v(struct text_buffer *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    bool ok = n >= 0 && !b->failed;
    if (ok && b->n + (size_t)n + 1 > b->room) {
        size_t room = 2 * (b->n + (size_t)n) + 64;
        char *s = realloc(b->s, room);
        ok = s != NULL;
        if (ok) {
            b->s = s;
            b->room = room;
        }
    }
    if (ok) {
        vsnprintf(b->s + b->n, b->room - b->n, format, again);
        b->n += (size_t)n;
    }
    b->failed = !ok;
    va_end(again);
    return ok;
}

bool text_add(struct text_buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ok = text_add_v(b, format, args);
    va_end(args);
    return ok;
}

char *text_format(const char *format, ...)
{
    struct text_buffer b = {0};
    va_list args;
    va_start(args, format);
    bool ok = text_add_v(&b, format, args);
    va_end(args);
    if (ok)
        return b.s;
    free(b.s);
    return NULL;
}

const char *text_count(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

char *text_path(const char *folder, const char *name)
{
    if (!folder || !*folder || *name == '/')
        return text_format("%s", name);
    return text_format("%s%s%s", folder,
                       folder[strlen(folder) - 1] == '/' ? "" : "/", name);
}

int text_utf8(const char *s)
{
    const unsigned char *c = (const unsigned char *)s;
    const int n = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (n > 1 && (c[0] < 0xc2 || c[0] > 0xf4))
        return 0;
    for (int i = 1; i < n; ++i)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    /* Written longer than need be, surrogates, beyond U+10FFFF. */
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))
        return 0;
    return n;
}

int text_visible(const char *s)
{
    const unsigned char c = (unsigned char)s[0];
    if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
        return 0;
    return text_utf8(s);
}

bool text_add_shown(struct text_buffer *b, const char *s, int width)
{
    bool ok = true;
    while (*s && ok) {
        int run = 0;
        for (int n; run < 1 << 20 && (n = text_visible(s + run)) > 0; run += n)
            --width;
        if (run == 0)
            width -= 4;
        ok = run > 0 ? text_add(b, "%.*s", run, s)
                     : text_add(b, "\\x%02x", (unsigned char)*s);
        s += run > 0 ? run : 1;
    }
    return ok && text_add(b, "%*s", width > 0 ? width : 0, "");
}

/* How many bytes from s on a JSON string holds as they are. */
static int plain_json(const char *s)
{
    int n = 0;
    while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\' &&
           n < 1 << 20 && text_utf8(s + n) > 0)
        n += text_utf8(s + n);
    return n;
}

bool text_add_json(struct text_buffer *b, const char *s)
{
    bool ok = text_add(b, "\"");
    while (*s && ok) {
        const unsigned char c = (unsigned char)*s;
        const int n = plain_json(s);
        if (n > 0)
            ok = text_add(b, "%.*s", n, s);
        else if (c == '"' || c == '\\')
            ok = text_add(b, "\\%c", c);
        else
            ok = text_add(b, "\\u%s%02x", c < 0x20 ? "00" : "dc", c);
        s += n > 0 ? n : 1;
    }
    return ok && text_add(b, "\"");
}
