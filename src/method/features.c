/* SPDX-License-Identifier: MIT */
#include "lpcam/method/features.h"

#include <stdlib.h>

#include "lpcam/base/read_ahead.h"

/* Parts of the file that lie so near to each other are read as one: a disk
 * needs about as long to begin anew. */
#define NEAR_BYTES ((int64_t)256 << 10)

#define MOST_PARTS 256

/* Wanted images before `end`, in parts that follow each other in the file. */
struct block {
    int64_t end;
    int n;
    int64_t part_first[MOST_PARTS], part_end[MOST_PARTS]; /* images      */
    struct read_range range[MOST_PARTS];
};

struct feature_blocks {
    struct read_ahead *reader; /* NULL: features.read brings the rows     */
    void *rows;                /* there, those of the block in use        */
    struct block block[2];
    int turn; /* the one in use; the reader has begun the other */
};

static int64_t row_bytes(const struct features *f)
{
    return (int64_t)f->d * value_bytes(f->type);
}

/* Bytes of the rows of images [first, end). */
static int64_t image_bytes(const struct features *f, int64_t first, int64_t end)
{
    return (f->offset[end] - f->offset[first]) * row_bytes(f);
}

static bool is_wanted(const struct features *f, int64_t image)
{
    return !f->wanted || f->wanted[image];
}

/* The part an image is in, -1: none. */
static int find_part(const struct block *b, int64_t image)
{
    for (int a = 0; a < b->n && b->part_first[a] <= image; ++a)
        if (image < b->part_end[a])
            return a;
    return -1;
}

/* The first image from i on that is wanted and not in the block; i itself
 * counts as wanted. */
static int64_t reach(const struct features *f, const struct block *b, int64_t i)
{
    if (find_part(b, i) < 0)
        return i;
    while (++i < b->end && (!is_wanted(f, i) || find_part(b, i) >= 0))
        ;
    return i;
}

/* As many wanted images from i on as have room, and i. */
static void plan_block(const struct features *f, int64_t i, struct block *b)
{
    int64_t room = f->block_bytes;
    b->n = 0;
    for (b->end = i; b->end < f->n_images; ++b->end) {
        const int64_t e = b->end, last = b->n - 1;
        int64_t bytes = image_bytes(f, e, e + 1);
        if (e > i && !is_wanted(f, e))
            continue;
        const int64_t gap = e > i ? image_bytes(f, b->part_end[last], e) : 0;
        const bool near = e > i && gap <= NEAR_BYTES;
        bytes += near ? gap : 0;
        if (e > i && (bytes > room || (!near && b->n == MOST_PARTS)))
            break;
        room -= bytes;
        if (!near)
            b->part_first[b->n++] = e;
        b->part_end[b->n - 1] = e + 1;
    }
    for (int a = 0; a < b->n; ++a)
        b->range[a] = (struct read_range){
            .at = f->at + f->offset[b->part_first[a]] * row_bytes(f),
            .n = image_bytes(f, b->part_first[a], b->part_end[a])};
}

/* The wanted image that comes after those before `end`, from the first one on
 * again; n_images: none. */
static int64_t image_after(const struct features *f, int64_t end)
{
    int64_t i = end;
    while (i < f->n_images && !is_wanted(f, i))
        ++i;
    if (i == f->n_images)
        for (i = 0; i < f->n_images && !is_wanted(f, i);)
            ++i;
    return i;
}

/* Memory, and the reader, at the first block. */
static enum lp_status prepare(struct features *f)
{
    enum lp_status status = LP_OK;
    int64_t room = f->block_bytes > row_bytes(f) ? f->block_bytes : 1;
    struct feature_blocks *b;

    if (f->blocks)
        return LP_OK;
    b = calloc(1, sizeof *b);
    for (int64_t i = 0; i < f->n_images; ++i) {
        const int64_t bytes = image_bytes(f, i, i + 1);
        room = bytes > room ? bytes : room;
    }
    if (b && f->path)
        LP_TRY(read_ahead_open(&b->reader, f->path, room, MOST_PARTS));
    else if (b)
        b->rows = malloc((size_t)room);
    if (!b || (!b->rows && !b->reader))
        LP_TRY(lp_fail(LP_ENOMEM,
                       "no memory for a block of features, %lld bytes: lower "
                       "run.memory or start fewer ranks on a node",
                       (long long)room));
    f->blocks = b;
    b = NULL;
done:
    free(b);
    return status;
}

/* Where no thread reads. */
static enum lp_status read_block(const struct features *f, struct block *b)
{
    enum lp_status status = LP_OK;
    char *to = f->blocks->rows;
    for (int a = 0; a < b->n; ++a) {
        const int64_t first = f->offset[b->part_first[a]];
        const int64_t n = f->offset[b->part_end[a]] - first;
        if (n > 0)
            LP_TRY(f->read(f->file, first, n, to));
        b->range[a].bytes = to;
        to += b->range[a].n;
    }
done:
    if (status != LP_OK)
        b->n = 0;
    return status;
}

/* The block of image i into the turn, and the one behind it begun. */
static enum lp_status take_block(const struct features *f, int64_t i)
{
    enum lp_status status = LP_OK;
    struct feature_blocks *bs = f->blocks;
    struct block *now = &bs->block[!bs->turn], *next = &bs->block[bs->turn];

    LP_TRY(read_ahead_wait(bs->reader));
    if (find_part(now, i) < 0) {
        plan_block(f, i, now);
        read_ahead_begin(bs->reader, now->range, now->n);
        LP_TRY(read_ahead_wait(bs->reader));
    }
    bs->turn = !bs->turn;
    next->n = 0;
    i = image_after(f, reach(f, now, i));
    if (i < f->n_images && find_part(now, i) < 0) {
        plan_block(f, i, next);
        read_ahead_begin(bs->reader, next->range, next->n);
    }
done:
    if (status != LP_OK)
        bs->block[0].n = bs->block[1].n = 0;
    return status;
}

enum lp_status features_block(struct features *f, int64_t i, int64_t *end,
                              const void **rows)
{
    enum lp_status status = LP_OK;
    struct feature_blocks *bs;

    if (f->value) {
        *end = f->n_images;
        *rows = features_rows(f, i);
        return LP_OK;
    }
    LP_TRY(prepare(f));
    bs = f->blocks;
    if (find_part(&bs->block[bs->turn], i) < 0) {
        if (bs->reader) {
            LP_TRY(take_block(f, i));
        } else {
            plan_block(f, i, &bs->block[0]);
            LP_TRY(read_block(f, &bs->block[0]));
        }
    }
    *end = reach(f, &bs->block[bs->turn], i);
    *rows = features_rows(f, i);
done:
    return status;
}

const void *features_rows(const struct features *f, int64_t image)
{
    if (f->value)
        return (const char *)f->value + f->offset[image] * row_bytes(f);
    const struct block *b = &f->blocks->block[f->blocks->turn];
    const int a = find_part(b, image);
    return b->range[a].bytes + image_bytes(f, b->part_first[a], image);
}

enum lp_status features_row(struct features *f, int64_t cell, float *x)
{
    enum lp_status status = LP_OK;
    const void *row;
    void *copy = NULL;
    if (f->value) {
        row = (const char *)f->value + cell * row_bytes(f);
    } else {
        row = copy = malloc((size_t)row_bytes(f));
        if (!copy)
            return lp_fail(LP_ENOMEM, "no memory for a row of %d channels",
                           f->d);
        LP_TRY(f->read(f->file, cell, 1, copy));
    }
    value_to_f32(f->type, row, f->d, x);
done:
    free(copy);
    return status;
}

void features_release(struct features *f)
{
    free(f->offset);
    free(f->grid_w);
    free(f->id_hash);
    free(f->pair_offset);
    free(f->pair_class);
    free(f->side_offset);
    free(f->side);
    free(f->norm);
    free(f->value);
    if (f->blocks) {
        read_ahead_close(f->blocks->reader);
        free(f->blocks->rows);
        free(f->blocks);
    }
    *f = (struct features){.file = f->file};
}
