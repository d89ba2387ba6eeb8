/* SPDX-License-Identifier: MIT */
#include "lpcam/store/sealed_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/settings.h"

struct head {
    char form[24];
    char sha256[72]; /* of all that follows it                             */
    int64_t settings_bytes, size[SEALED_SIZES];
};

int64_t sealed_bytes(int64_t n_bytes)
{
    return (n_bytes + 7) / 8 * 8;
}

static void fingerprint(const char *bytes, int64_t n, char hex[65])
{
    const size_t from = offsetof(struct head, settings_bytes);
    hash_sha256(bytes + from, (size_t)n - from, hex);
}

enum lp_status sealed_write(const char *path, const char *form,
                            const char *settings,
                            const int64_t size[SEALED_SIZES],
                            const struct sealed_array *array, int n_arrays)
{
    enum lp_status status = LP_OK;
    struct head h = {.settings_bytes = (int64_t)strlen(settings) + 1};
    int64_t n = (int64_t)sizeof h + sealed_bytes(h.settings_bytes);
    for (int i = 0; i < n_arrays; ++i)
        n += sealed_bytes(array[i].n_bytes);
    char *bytes = calloc((size_t)n, 1);

    if (!bytes)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to write %s", path));
    char *at = bytes + sizeof h;
    memcpy(at, settings, (size_t)h.settings_bytes);
    at += sealed_bytes(h.settings_bytes);
    for (int i = 0; i < n_arrays; ++i) {
        memcpy(at, array[i].bytes, (size_t)array[i].n_bytes);
        at += sealed_bytes(array[i].n_bytes);
    }
    strncpy(h.form, form, sizeof h.form - 1);
    memcpy(h.size, size, sizeof h.size);
    memcpy(bytes, &h, sizeof h);
    fingerprint(bytes, n, h.sha256);
    memcpy(bytes, &h, sizeof h);
    LP_TRY(text_write(path, bytes, (size_t)n));
done:
    free(bytes);
    return status;
}

/* Is it a file of ours, and as it was written? */
static bool is_whole(const char *bytes, int64_t n, const char *form,
                     struct head *h)
{
    char hex[65], name[sizeof h->form] = {0};
    const int64_t rest = n - (int64_t)sizeof *h;
    if (rest < 0)
        return false;
    memcpy(h, bytes, sizeof *h);
    strncpy(name, form, sizeof name - 1);
    if (memcmp(h->form, name, sizeof name) != 0 || h->settings_bytes < 1 ||
        h->settings_bytes > rest || sealed_bytes(h->settings_bytes) > rest ||
        bytes[sizeof *h + (size_t)h->settings_bytes - 1] != '\0')
        return false;
    fingerprint(bytes, n, hex);
    return memcmp(hex, h->sha256, sizeof hex) == 0;
}

void sealed_damaged(const char *path)
{
    lp_warn("%s is damaged and is not used: what it kept is done again", path);
}

/* The bytes of a file that fits; NULL where there is none. Rank 0. */
static enum lp_status read_bytes(const char *path, const char *form,
                                 const char *settings, void **block, int64_t *n)
{
    enum lp_status status = LP_OK;
    struct head h;
    char *bytes = NULL;
    size_t length = 0;

    if (access(path, F_OK) != 0)
        return LP_OK;
    LP_TRY(text_read(path, &bytes, &length));
    if (!is_whole(bytes, (int64_t)length, form, &h)) {
        sealed_damaged(path);
        goto done;
    }
    LP_TRY(settings_compare(path, bytes + sizeof h, settings, true,
                            SETTINGS_ADVICE));
    *block = bytes;
    *n = (int64_t)length;
    bytes = NULL;
done:
    free(bytes);
    return status;
}

enum lp_status sealed_read(const char *path, const char *form,
                           const char *settings, struct sealed *s,
                           MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    struct head h;
    int64_t n = 0;

    *s = (struct sealed){0};
    if (comm_rank(comm) == 0)
        status = read_bytes(path, form, settings, &s->block, &n);
    LP_AGREE(comm);
    LP_TRY(comm_bcast_block(comm, &s->block, &n));
    if (n > 0) {
        memcpy(&h, s->block, sizeof h);
        const int64_t begin =
            (int64_t)sizeof h + sealed_bytes(h.settings_bytes);
        memcpy(s->size, h.size, sizeof s->size);
        s->bytes = (const char *)s->block + begin;
        s->n_bytes = n - begin;
    }
done:
    if (status != LP_OK)
        sealed_release(s);
    return status;
}

void sealed_release(struct sealed *s)
{
    free(s->block);
    *s = (struct sealed){0};
}

void sealed_remove(const char *path)
{
    char *partial = text_format("%s.partial", path);
    unlink(path);
    if (partial)
        unlink(partial);
    free(partial);
}
