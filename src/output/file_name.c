/* SPDX-License-Identifier: MIT */
#include "lpcam/output/file_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"

/* Independent of the locale. */
static bool is_kept(const unsigned char *s, bool first)
{
    const unsigned char c = s[0];
    if (c >= 0x80)
        return text_visible((const char *)s) > 0;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' ||
           (!first && (c == '.' || c == '-'));
}

const char *file_name(const char *id, char name[FILE_NAME_BYTES])
{
    enum { HEX = 64, MARK = 2, CUT = FILE_NAME_MOST - HEX - MARK };
    char sha[HEX + 1];
    int n = 0, cut = 0; /* cut: whole characters that fit before the mark */
    if (!*id)
        strcpy(name, "%");
    for (const char *at = id; *at;) {
        const unsigned char *c = (const unsigned char *)at;
        const bool kept = is_kept(c, at == id);
        const int bytes = kept ? text_utf8(at) : 1, wide = kept ? bytes : 3;
        if (n + wide > FILE_NAME_MOST) {
            hash_sha256(id, strlen(id), sha);
            snprintf(name + cut, HEX + MARK + 1, "%%-%s", sha);
            break;
        }
        if (kept)
            snprintf(name + n, (size_t)bytes + 1, "%.*s", bytes, at);
        else
            snprintf(name + n, 4, "%%%02X", *c);
        n += wide;
        cut = n <= CUT ? n : cut;
        at += bytes;
    }
    return name;
}
