/* SPDX-License-Identifier: MIT */
/* export_coco.c: seeds as COCO's results for segmentation: results.json, a list
 * of {image_id, category_id, segmentation {size, counts}, score}, in the order of
 * the data set; ids are those of its annotations, the score of an object is the
 * mean of its class's map. The results of each block of images lie in
 * parts/NUMBER.json until all are there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "lpcam/output/rle.h"
#include "lpcam/run/comm.h"

#define RESULTS "results.json"

enum { PART_NAME = 32 };

struct coco {
    bool whole;              /* results.json is there                      */
    int64_t block;           /* that text is of                            */
    struct text_buffer text; /* ",\n" and a result, and so on              */
    uint8_t *mask, *column;  /* class index + 1 where it is in the seed    */
    int64_t room;
};

static void part_name(int64_t block, char name[PART_NAME])
{
    snprintf(name, PART_NAME, "%08lld.json", (long long)block);
}

static char *coco_settings(const struct export_job *job)
{
    const struct number_list t = export_threshold(job);
    return text_format("export.threshold = %.9g\n", t.v[t.n - 1]);
}

static enum lp_status coco_open(struct export_part *p)
{
    enum lp_status status = LP_OK;
    MPI_Comm comm = p->job->session->comm;
    struct coco *c = p->state = calloc(1, sizeof *c);
    if (!c)
        status = lp_fail(LP_ENOMEM, "no memory to export results");
    LP_AGREE(comm);
    *c = (struct coco){.block = -1};
    c->whole = out_folder_has(&p->folder, RESULTS);
    comm_bcast(comm, &c->whole, sizeof c->whole);
done:
    return status;
}

static void coco_release(struct export_part *p)
{
    struct coco *c = p->state;
    if (!c)
        return;
    free(c->text.s);
    free(c->mask);
    free(c->column);
    free(c);
    p->state = NULL;
}

static bool coco_is_done(const struct export_part *p, int64_t image,
                         const char *stem)
{
    const struct coco *c = p->state;
    char name[PART_NAME];
    (void)stem;
    part_name(image / p->job->block_images, name);
    return c->whole || out_folder_has(&p->files, name);
}

/* The seed, and the same by columns. */
static enum lp_status draw(struct coco *c, const struct export_image *im,
                           float threshold)
{
    const int64_t n = (int64_t)im->h * im->w;
    if (n > c->room) {
        free(c->mask);
        free(c->column);
        c->room = 0;
        c->mask = malloc((size_t)n);
        c->column = malloc((size_t)n);
        if (!c->mask || !c->column)
            return lp_fail(LP_ENOMEM, "no memory for a mask of %lld pixels",
                           (long long)n);
        c->room = n;
    }
    for (int64_t i = 0; i < n; ++i)
        c->mask[i] = im->value[i] > threshold ? im->best_class[i] : 0;
    rle_columns(c->mask, im->h, im->w, c->column);
    return LP_OK;
}

/* The mean of the map where the seed has this class. */
static double score_of(const struct coco *c, const struct export_image *im,
                       uint8_t class, int64_t n_set)
{
    const int64_t n = (int64_t)im->h * im->w;
    double sum = 0;
    for (int64_t i = 0; i < n; ++i)
        if (c->mask[i] == class)
            sum += (double)im->value[i];
    return sum / (double)n_set;
}

/* A whole number where the image has one. */
static bool add_image_id(struct text_buffer *b, const struct dataset *d,
                         int64_t image)
{
    return d->number[image] < 0
               ? text_add_json(b, dataset_id(d, image))
               : text_add(b, "%lld", (long long)d->number[image]);
}

static enum lp_status add_result(struct export_part *p,
                                 const struct export_image *im, int32_t label)
{
    struct coco *c = p->state;
    const struct dataset *d = &p->job->session->data;
    const uint8_t class = (uint8_t)(label + 1);
    struct text_buffer counts = {0};
    int64_t n_set;
    bool ok =
        rle_encode(c->column, (int64_t)im->h * im->w, class, &counts, &n_set);
    if (ok && n_set > 0)
        ok = text_add(&c->text, ",\n{\"image_id\": ") &&
             add_image_id(&c->text, d, im->image) &&
             text_add(&c->text,
                      ", \"category_id\": %lld, \"segmentation\": {\"size\": "
                      "[%d, %d], \"counts\": ",
                      (long long)d->category[label], im->h, im->w) &&
             text_add_json(&c->text, counts.s) &&
             text_add(&c->text, "}, \"score\": %.6f}",
                      score_of(c, im, class, n_set));
    free(counts.s);
    return ok ? LP_OK : lp_fail(LP_ENOMEM, "no memory for results");
}

static enum lp_status coco_image(struct export_part *p,
                                 const struct export_image *im)
{
    enum lp_status status = LP_OK;
    struct coco *c = p->state;
    const struct number_list t = export_threshold(p->job);
    const int64_t block = im->image / p->job->block_images;
    if (c->block != block)
        c->text.n = 0;
    c->block = block;
    LP_TRY(draw(c, im, (float)t.v[t.n - 1]));
    for (int k = 0; k < im->n; ++k)
        LP_TRY(add_result(p, im, im->label[k]));
done:
    return status;
}

/* A line feed first, so that a part without results is not empty. */
static enum lp_status coco_block(struct export_part *p, int64_t block)
{
    struct coco *c = p->state;
    const struct out_piece piece[] = {{"\n", 1},
                                      {c->text.s, (int64_t)c->text.n}};
    char name[PART_NAME];
    part_name(block, name);
    c->block = -1;
    return out_folder_write(&p->files, name, piece, c->text.s ? 2 : 1);
}

/* A part behind the others; the comma before the first result of all goes. */
static enum lp_status append_part(const struct out_folder *parts, int64_t block,
                                  struct out_file *file, bool *first)
{
    enum lp_status status = LP_OK;
    char name[PART_NAME], *path = NULL, *bytes = NULL;
    size_t n = 0;
    part_name(block, name);
    path = text_path(parts->path, name);
    if (!path)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for a name in %s", parts->path));
    LP_TRY(text_read(path, &bytes, &n));
    const size_t skip = *first && n > 1 ? 2 : 0;
    *first = *first && n <= 1;
    LP_TRY(out_file_write(file, bytes + skip, (int64_t)(n - skip)));
done:
    free(path);
    free(bytes);
    return status;
}

/* Rank 0 alone: a rank that wrote its part into the same file could lose what a
 * neighbour wrote on a file system like NFS. A part at a time is in memory. */
static enum lp_status join(const struct export_part *p)
{
    enum lp_status status;
    struct out_file file = OUT_FILE_NONE;
    bool first = true;
    LP_TRY(out_file_begin(&file, &p->folder, RESULTS));
    LP_TRY(out_file_write(&file, "[", 1));
    for (int64_t b = 0; b < p->job->n_blocks; ++b)
        if (export_block_has_maps(p->job, b))
            LP_TRY(append_part(&p->files, b, &file, &first));
    LP_TRY(out_file_write(&file, "\n]\n", 3));
    LP_TRY(out_file_end(&file));
done:
    out_file_drop(&file);
    return status;
}

/* The parts are no longer needed; that some stay does no harm. */
static void remove_parts(const struct export_part *p)
{
    char name[PART_NAME];
    for (int64_t b = 0; b < p->job->n_blocks; ++b) {
        part_name(b, name);
        unlinkat(p->files.fd, name, 0);
    }
    unlinkat(p->folder.fd, p->format->files, AT_REMOVEDIR);
}

static enum lp_status coco_close(struct export_part *p)
{
    enum lp_status status = LP_OK;
    const struct coco *c = p->state;
    MPI_Comm comm = p->job->session->comm;
    if (comm_rank(comm) == 0 && !c->whole)
        status = join(p);
    LP_AGREE(comm);
    if (comm_rank(comm) == 0)
        remove_parts(p);
done:
    return status;
}

const struct export_format export_coco = {.name = "coco",
                                          .what = EXPORT_COCO,
                                          .wants = WANT_SEED,
                                          .files = "parts",
                                          .settings = coco_settings,
                                          .open = coco_open,
                                          .is_done = coco_is_done,
                                          .image = coco_image,
                                          .block = coco_block,
                                          .close = coco_close,
                                          .release = coco_release};
