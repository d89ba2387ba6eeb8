/* SPDX-License-Identifier: MIT */
/* export_folder.c: the folders of an export, what is written on them, and the
 * names and numbers that are the same in all formats. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export.h"
#include "lpcam/run/comm.h"
#include "lpcam/store/run_lock.h"
#include "lpcam/store/settings.h"

#define SETTINGS "settings.txt"

enum lp_status export_stem(const struct export_job *job, int64_t image,
                           char stem[FILE_NAME_BYTES])
{
    const struct dataset *d = &job->session->data;
    const int rule = job->session->config.export.stem;
    if (rule == STEM_ID) {
        file_name(dataset_id(d, image), stem);
        return LP_OK;
    }
    if (d->number[image] < 0)
        return lp_fail(LP_EARG, "image %s has no number: set export.stem = id",
                       dataset_id(d, image));
    snprintf(stem, FILE_NAME_BYTES, rule == STEM_NUMBER ? "%lld" : "%012lld",
             (long long)d->number[image]);
    return LP_OK;
}

const char *export_name(char name[EXPORT_NAME_BYTES], const char *stem,
                        const char *ending)
{
    snprintf(name, EXPORT_NAME_BYTES, "%s%s", stem, ending);
    return name;
}

int64_t export_class_id(const struct export_job *job, int class_index)
{
    const struct session *s = job->session;
    return s->config.export.rows ? class_index + 1
                                 : s->data.class_id[class_index];
}

enum lp_status export_check_ids(const struct export_part *p)
{
    static const char advice[] = "export.ids = rows counts from 1";
    enum lp_status status = LP_OK;
    const struct session *s = p->job->session;
    const char *format = p->format->name;
    const int64_t most = p->format->most_id;
    for (int c = 0; c < s->data.n_classes && most > 0; ++c) {
        const int64_t id = export_class_id(p->job, c);
        const char *name = dataset_class(&s->data, c);
        if (id == 0)
            LP_TRY(lp_fail_all(s->comm, LP_EARG,
                               "class %s has the number 0, the background's "
                               "in %s: %s",
                               name, format, advice));
        if (id > most)
            LP_TRY(lp_fail_all(s->comm, LP_EARG,
                               "class %s has the number %lld, %s holds "
                               "numbers up to %lld: %s",
                               name, (long long)id, format, (long long)most,
                               advice));
    }
done:
    return status;
}

char *export_absolute(const char *path)
{
    char folder[PATH_MAX];
    if (*path == '/' || !getcwd(folder, sizeof folder))
        return text_format("%s", path);
    return text_format("%s/%s", folder, path);
}

struct number_list export_threshold(const struct export_job *job)
{
    const struct config *c = &job->session->config;
    struct number_list t = c->export.threshold;
    if (t.n == 0)
        t = (struct number_list){1, {c->score.threshold}};
    return t;
}

bool export_block_has_maps(const struct export_job *job, int64_t block)
{
    const int64_t first = block * job->block_images;
    bool has = false;
    for (int64_t i = first; i < first + job->block_images && i < job->n_images;
         ++i)
        has = has || map_source_has(&job->maps, i);
    return has;
}

/* What every format's files depend on. */
static char *common_settings(const struct export_job *job, const char *maps)
{
    const struct config *c = &job->session->config;
    const struct dataset *d = &job->session->data;
    char data[65], numbers[65];
    char *stem = config_value(c, "export.stem");
    char *ids = config_value(c, "export.ids");
    char *text = NULL;
    dataset_fingerprint(d, data);
    dataset_numbers_fingerprint(d, numbers);
    if (stem && ids)
        text = text_format("export.maps = %s\nexport.stem = %s\n"
                           "export.ids = %s\nexport.data = %s\n"
                           "export.numbers = %s\n%s",
                           c->export.cam ? "cam" : "lpcam", stem, ids, data,
                           numbers, maps ? maps : "");
    free(stem);
    free(ids);
    return text;
}

/* Those of the format in front. */
static char *all_settings(const struct export_part *p, const char *maps)
{
    const struct export_format *f = p->format;
    char *own = f->settings ? f->settings(p->job) : text_format("%s", "");
    char *common = common_settings(p->job, maps);
    char *all = own && common
                    ? text_format("format = %s 1\n%s%s", f->name, own, common)
                    : NULL;
    free(own);
    free(common);
    return all;
}

/* The settings of the format in its folder: written, or compared with those
 * that are there. A folder that holds something else is left alone. Rank 0. */
static enum lp_status settle(const struct export_part *p, const char *settings)
{
    static const char advice[] = "choose another export.out or remove it";
    enum lp_status status = LP_OK;
    char *theirs = NULL, *path = text_path(p->folder.path, SETTINGS);
    bool empty = true;
    size_t n;
    if (!path)
        return lp_fail(LP_ENOMEM, "no memory for a name in %s", p->folder.path);
    if (out_folder_has(&p->folder, SETTINGS)) {
        LP_TRY(text_read(path, &theirs, &n));
        LP_TRY(
            settings_compare(p->folder.path, theirs, settings, true, advice));
        goto done;
    }
    LP_TRY(out_folder_is_empty(&p->folder, &empty));
    if (!empty)
        LP_TRY(lp_fail(LP_EARG,
                       "%s holds files, and no " SETTINGS
                       " says of which export: %s",
                       p->folder.path, advice));
    const struct out_piece piece = {settings, (int64_t)strlen(settings)};
    LP_TRY(out_folder_write(&p->folder, SETTINGS, &piece, 1));
done:
    free(theirs);
    free(path);
    return status;
}

/* Made by rank 0, then opened by the others. Collective. */
static enum lp_status open_folder(struct out_folder *folder, const char *parent,
                                  const char *name, struct out_batch *batch,
                                  MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    if (comm_rank(comm) == 0)
        status = out_folder_open(folder, parent, name, true);
    LP_AGREE(comm);
    if (comm_rank(comm) > 0)
        status = out_folder_open(folder, parent, name, false);
    LP_AGREE(comm);
    folder->batch = batch;
done:
    return status;
}

enum lp_status export_lock(const struct session *s, int *lock)
{
    const char *out = s->config.export.out;
    struct stat a, b;
    bool same = stat(out, &a) == 0 && stat(s->config.run.out, &b) == 0 &&
                a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    comm_bcast(s->comm, &same, sizeof same);
    *lock = -1;
    return *out && !same ? run_lock(out, "export.out", true, lock, s->comm)
                         : LP_OK;
}

enum lp_status export_folder(const struct export_part *p, const char *name,
                             struct out_folder *folder)
{
    return open_folder(folder, p->folder.path, name, p->job->batch,
                       p->job->session->comm);
}

enum lp_status export_own_folder(struct export_part *p, const char *maps)
{
    enum lp_status status = LP_OK;
    MPI_Comm comm = p->job->session->comm;
    char *settings = all_settings(p, maps);
    if (!settings)
        status = lp_fail(LP_ENOMEM, "no memory for settings of the export");
    LP_AGREE(comm);
    LP_TRY(open_folder(&p->folder, p->job->folder, p->format->name,
                       p->job->batch, comm));
    if (comm_rank(comm) == 0)
        status = settle(p, settings);
    LP_AGREE(comm);
    if (p->format->files)
        LP_TRY(export_folder(p, p->format->files, &p->files));
done:
    free(settings);
    return status;
}
