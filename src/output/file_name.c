/* SPDX-License-Identifier: MIT */
#include "lpcam/output/file_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lpcam/base/hash.h"

/* How many bytes the character at s has where it is well-formed UTF-8 beyond
 * ASCII and its C1 controls, else 0. The zero at the end is no continuation. */
static int utf8_bytes(const unsigned char *s)
{
    const int n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (int i = 1; i < n; ++i)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
        (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

/* Independent of the locale. */
static bool is_kept(unsigned char c, bool first)
{
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
        const int utf8 = utf8_bytes(c);
        const bool kept = utf8 > 0 || is_kept(*c, at == id);
        const int bytes = utf8 > 0 ? utf8 : 1, wide = kept ? bytes : 3;
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
