/* SPDX-License-Identifier: MIT */
#include "lpcam/store/run_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/settings.h"

#define REPORT_BYTES 65536

/* The two names of an unfinished file and its path. */
struct names {
    char *fresh, *partial;
};

static enum lp_status make_names(struct names *names, const char *path,
                                 MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    names->fresh = text_format("%s.new", path);
    names->partial = text_format("%s.partial", path);
    if (!names->fresh || !names->partial)
        status = lp_fail(LP_ENOMEM, "no memory for the name of %s", path);
    LP_AGREE(comm);
done:
    return status;
}

static void release_names(struct names *names)
{
    free(names->fresh);
    free(names->partial);
}

/* What is there; rank 0 looks. */
static enum run_file_found look(const char *path, const char *partial,
                                MPI_Comm comm)
{
    enum run_file_found found = FILE_ABSENT;
    if (comm_rank(comm) == 0)
        found = access(path, F_OK) == 0      ? FILE_WHOLE
                : access(partial, F_OK) == 0 ? FILE_PARTIAL
                                             : FILE_ABSENT;
    comm_bcast(comm, &found, sizeof found);
    return found;
}

static enum lp_status check_settings(struct h5 *h5, const char *settings,
                                     bool both, MPI_Comm comm)
{
    enum lp_status status;
    char *theirs = NULL;
    int64_t n;
    int length;
    LP_TRY(h5_read_text_shared(h5, "/run/settings", &n, &length, &theirs));
    if (comm_rank(comm) == 0)
        status = settings_compare(h5_path(h5), theirs, settings, both,
                                  SETTINGS_ADVICE);
    LP_AGREE(comm);
done:
    free(theirs);
    return status;
}

enum lp_status run_file_probe(const char *path, const struct run_about *about,
                              enum run_file_found *found, MPI_Comm comm)
{
    enum lp_status status;
    struct names names = {0};
    struct h5 *h5 = NULL;
    char *format = NULL;

    LP_TRY(make_names(&names, path, comm));
    *found = look(path, names.partial, comm);
    if (*found == FILE_ABSENT)
        goto done;
    LP_TRY(
        h5_open(&h5, *found == FILE_WHOLE ? path : names.partial, false, comm));
    LP_TRY(h5_get_attribute(h5, "/", "lpcam_format", &format));
    if (comm_rank(comm) == 0 && strcmp(format, about->format) != 0)
        status = lp_fail(LP_EARG,
                         "%s is \"%s\", where \"%s\" is due: choose another "
                         "run.out or remove the file",
                         h5_path(h5), format, about->format);
    else if (comm_rank(comm) == 0 && *found == FILE_PARTIAL)
        status = h5_expect_own(h5);
    LP_AGREE(comm);
    LP_TRY(check_settings(h5, about->settings, true, comm));
done:
    h5_close(&h5);
    free(format);
    release_names(&names);
    return status;
}

/* A text of its own length in a data set of one string. */
static enum lp_status put_text(struct h5 *h5, const char *name,
                               const char *text, const char *description)
{
    enum lp_status status;
    const int length = *text ? (int)strlen(text) : 1;
    LP_TRY(h5_define_text(h5, name, 1, length, description));
    status = h5_write_text(h5, name, 0, 1, length, text);
done:
    return status;
}

/* "ranks = 8\nnodes = 2\n" into text, the same on every rank. */
static enum lp_status describe_layout(char text[64], MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    const int n = comm_size(comm);
    int64_t nodes = 0;
    char host[256] = "";
    int64_t *hash = calloc((size_t)n, sizeof *hash);
    if (!hash)
        status = lp_fail(LP_ENOMEM, "no memory for %d host names", n);
    LP_AGREE(comm);
    gethostname(host, sizeof host - 1);
    hash[comm_rank(comm)] = (int64_t)hash_text(host);
    LP_TRY(comm_share_rows_i64(comm, hash, comm_rank(comm), 1, 1));
    for (int i = 0; i < n; ++i) {
        bool is_new = true;
        for (int j = 0; j < i && is_new; ++j)
            is_new = hash[j] != hash[i];
        nodes += is_new;
    }
    snprintf(text, 64, "ranks = %d\nnodes = %lld\n", n, (long long)nodes);
done:
    free(hash);
    return status;
}

/* The report is known at the end, when only raw data may be written: its place
 * is made now. */
static enum lp_status put_report_place(struct h5 *h5)
{
    enum lp_status status;
    char *zeros = calloc(REPORT_BYTES, 1);
    if (!zeros)
        return lp_fail(LP_ENOMEM, "no memory for an empty report");
    LP_TRY(h5_define_text(h5, "/run/report", 1, REPORT_BYTES,
                          "timings and counts, written at the end"));
    status = h5_write_text(h5, "/run/report", 0, 1, REPORT_BYTES, zeros);
done:
    free(zeros);
    return status;
}

static enum lp_status write_head(struct h5 *h5, const struct run_about *about,
                                 const char *layout)
{
    enum lp_status status;
    char created[32], versions[512];
    const time_t now = time(NULL);
    struct tm utc;

    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ",
             gmtime_r(&now, &utc));
    snprintf(versions, sizeof versions,
             "lpcam = %s\ncommit = %s\nhdf5 = %s\nmpi = %s\n", LPCAM_VERSION,
             LPCAM_COMMIT, h5_version(), h5_mpi_version());
    LP_TRY(h5_set_attribute(h5, "/", "lpcam_format", about->format));
    LP_TRY(h5_set_attribute(h5, "/", "program", run_file_program()));
    LP_TRY(h5_set_attribute(h5, "/", "created", created));
    LP_TRY(put_text(h5, "/run/settings", about->settings,
                    "what decides the content"));
    LP_TRY(put_text(h5, "/run/config", about->config,
                    "the whole configuration in use"));
    LP_TRY(put_text(h5, "/run/versions", versions, "program and libraries"));
    LP_TRY(put_text(h5, "/run/layout", layout, "ranks that made the file"));
    LP_TRY(put_report_place(h5));
done:
    return status;
}

static enum lp_status move(const char *from, const char *to, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    if (comm_rank(comm) == 0) {
        status = text_rename(from, to);
        if (status == LP_OK && lp_fault("run_file_move"))
            status = lp_fail(LP_EIO, "cannot rename %s to %s", from, to);
    }
    LP_AGREE(comm);
done:
    return status;
}

/* What a producer brings. */
struct maker {
    const struct run_about *about;
    enum lp_status (*define)(void *arg, struct h5 *h5);
    void *arg;
};

/* Structure, head and tables. One rank alone: where a write of them fails HDF5
 * does not come back from a close by several, which wait for each other. */
static enum lp_status make_alone(const struct names *names,
                                 const struct maker *maker, const char *layout)
{
    enum lp_status status, closed;
    struct h5 *h5 = NULL;

    LP_TRY(h5_create(&h5, names->fresh, MPI_COMM_SELF));
    LP_TRY(maker->define(maker->arg, h5));
    LP_TRY(write_head(h5, maker->about, layout));
done:
    closed = h5_close(&h5);
    if (status == LP_OK)
        status = closed;
    if (status != LP_OK)
        remove(names->fresh);
    return status;
}

/* A file of the fresh name becomes the partial file only when all of it is on
 * the disk, so that a partial file is never half made. */
static enum lp_status make_file(const struct names *names,
                                const struct maker *maker, MPI_Comm comm)
{
    enum lp_status status;
    char layout[64];

    LP_TRY(describe_layout(layout, comm));
    if (comm_rank(comm) == 0)
        status = make_alone(names, maker, layout);
    LP_AGREE(comm);
    LP_TRY(move(names->fresh, names->partial, comm));
done:
    return status;
}

enum lp_status run_file_open(struct run_file *file, const char *path,
                             const struct run_about *about,
                             enum lp_status (*define)(void *arg, struct h5 *h5),
                             void *arg, MPI_Comm comm)
{
    enum lp_status status;
    struct names names = {0};
    const struct maker maker = {about, define, arg};
    const bool write = true;

    *file = (struct run_file){.comm = comm};
    LP_TRY(make_names(&names, path, comm));
    LP_TRY(run_file_probe(path, about, &file->found, comm));
    if (file->found == FILE_ABSENT)
        LP_TRY(make_file(&names, &maker, comm));
    if (file->found == FILE_WHOLE)
        LP_TRY(h5_open(&file->h5, path, !write, comm));
    else
        LP_TRY(h5_open(&file->h5, names.partial, write, comm));
    file->path = text_format("%s", path);
    if (!file->path)
        status = lp_fail(LP_ENOMEM, "no memory for the name of %s", path);
    LP_AGREE(comm);
done:
    release_names(&names);
    if (status != LP_OK)
        run_file_close(file);
    return status;
}

enum lp_status run_file_read(struct run_file *file, const char *path,
                             const char *settings, const char *made_by,
                             MPI_Comm comm)
{
    enum lp_status status;
    struct names names = {0};

    *file = (struct run_file){.comm = comm};
    LP_TRY(make_names(&names, path, comm));
    file->found = look(path, names.partial, comm);
    if (file->found != FILE_WHOLE && comm_rank(comm) == 0)
        status = file->found == FILE_ABSENT
                     ? lp_fail(LP_EIO, "%s does not exist: run lpcam %s first",
                               path, made_by)
                     : lp_fail(LP_EIO,
                               "%s is not finished: run lpcam %s again, which "
                               "goes on with %s",
                               path, made_by, names.partial);
    LP_AGREE(comm);
    LP_TRY(h5_open(&file->h5, path, false, comm));
    if (settings && h5_has(file->h5, "/run/settings"))
        LP_TRY(check_settings(file->h5, settings, false, comm));
done:
    release_names(&names);
    if (status != LP_OK)
        run_file_close(file);
    return status;
}

/* The report into its place, cut where it is too long. Local, on rank 0. */
static enum lp_status write_report(struct h5 *h5, const char *report)
{
    char *place = calloc(REPORT_BYTES, 1);
    if (!place)
        return lp_fail(LP_ENOMEM, "no memory for the report");
    memcpy(place, report, strnlen(report, REPORT_BYTES));
    const enum lp_status status =
        h5_write_text(h5, "/run/report", 0, 1, REPORT_BYTES, place);
    free(place);
    return status;
}

enum lp_status run_file_finish(struct run_file *file, const char *report)
{
    enum lp_status status = LP_OK;
    struct names names = {0};

    if (file->found == FILE_WHOLE)
        goto done;
    LP_TRY(make_names(&names, file->path, file->comm));
    if (comm_rank(file->comm) == 0)
        status = write_report(file->h5, report);
    LP_AGREE(file->comm);
    LP_TRY(h5_close(&file->h5));
    LP_TRY(move(names.partial, file->path, file->comm));
done:
    release_names(&names);
    run_file_close(file);
    return status;
}

void run_file_close(struct run_file *file)
{
    h5_close(&file->h5);
    free(file->path);
    *file = (struct run_file){.comm = file->comm};
}

enum lp_status run_file_settings(const struct run_file *file, char **settings)
{
    int64_t n;
    int length;
    *settings = NULL;
    if (!h5_has(file->h5, "/run/settings"))
        return LP_OK;
    return h5_read_text_shared(file->h5, "/run/settings", &n, &length,
                               settings);
}

const char *run_file_program(void)
{
    return "lpcam " LPCAM_VERSION " (" LPCAM_COMMIT ")";
}
