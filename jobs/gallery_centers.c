/* SPDX-License-Identifier: MIT */
/* The centres of prototypes.h5 by what lies nearest to them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gallery.h"
#include "lpcam/base/fault.h"
#include "lpcam/method/kmeans.h"
#include "lpcam/output/jpeg_write.h"
#include "lpcam/run/comm.h"

enum { QUALITY = 80, PATCH_CELLS = 5, LARGEST_STRIDE = 64 };
enum { MOST_CENTERS = 254 }; /* kmeans.k                                    */

/* One side as it is stored, of all classes of the file. */
struct side {
    int64_t *size;      /* [classes][k]                                    */
    float *probability; /* [classes][k]                                    */
    double *weight;     /* [classes][k]                                    */
    int64_t *nearest;   /* [classes][k][KMEANS_NEAREST][3]                 */
    float *similarity;  /* [classes][k][KMEANS_NEAREST]                    */
};

static void side_release(struct side *s)
{
    free(s->size);
    free(s->probability);
    free(s->weight);
    free(s->nearest);
    free(s->similarity);
}

/* k 0: as many as the file has. Collective. */
static enum lp_status side_read(struct side *s, struct h5 *h5, int side,
                                int64_t n_classes, int64_t *k, MPI_Comm comm)
{
    enum lp_status status = LP_OK;
    static const struct {
        const char *name;
        enum h5_type type;
        int n_dims;
    } set[] = {{"size", H5_I64, 2},
               {"probability", H5_F32, 2},
               {"weight", H5_F64, 2},
               {"nearest", H5_I64, 4},
               {"similarity", H5_F32, 3}};
    void *rows[5] = {NULL};
    for (int i = 0; i < 5; ++i) {
        char name[64];
        int64_t dims[4] = {n_classes, *k > 0 ? *k : -1, KMEANS_NEAREST, 3};
        snprintf(name, sizeof name, "/%s/%s", side ? "context" : "object",
                 set[i].name);
        LP_TRY(h5_read_shared(h5, name, set[i].type, set[i].n_dims, dims,
                              &rows[i]));
        *k = dims[1];
        if (*k < 1 || *k > MOST_CENTERS)
            LP_TRY(lp_fail_all(comm, LP_EFORMAT,
                               "%s of %s has %lld centres a class, where 1 to "
                               "%d are due",
                               name, h5_path(h5), (long long)*k, MOST_CENTERS));
    }
done:
    *s = (struct side){rows[0], rows[1], rows[2], rows[3], rows[4]};
    return status;
}

/* What is no number would be none of the page's either. */
static double finite(double x)
{
    return isfinite(x) ? x : 0;
}

/* One centre of the file; images that the data set lacks are left out. */
static void take_center(struct gallery_center *c, const struct side *s,
                        int64_t at, const int64_t *image_of, int64_t n_images)
{
    *c = (struct gallery_center){.size = s->size[at],
                                 .probability =
                                     finite((double)s->probability[at]),
                                 .weight = finite(s->weight[at])};
    for (int j = 0; j < GALLERY_NEAR; ++j) {
        const int64_t *place = s->nearest + (at * KMEANS_NEAREST + j) * 3;
        if (place[0] < 0 || place[0] >= n_images || image_of[place[0]] < 0 ||
            place[1] < 0 || place[2] < 0)
            continue;
        c->near[c->n_near].image = image_of[place[0]];
        c->near[c->n_near].row = place[1];
        c->near[c->n_near].column = place[2];
        c->near[c->n_near++].cosine =
            finite((double)s->similarity[at * KMEANS_NEAREST + j]);
    }
}

/* Height and width of an image in pixels. */
static const int64_t *pixels_of(const struct gallery *g, int64_t image)
{
    const struct map_source *m = &g->maps[g->main];
    return m->file.size + 2 * m->file_image[image];
}

/* Cells of a side. */
static int64_t cells(int64_t pixels, int stride)
{
    return (pixels + stride - 1) / stride;
}

/* The largest power of two of which a grid over each image holds all the cells
 * that are named. */
static int guess_stride(const struct gallery *g)
{
    const int64_t n = (int64_t)g->session->data.n_classes * 2 * g->n_centers;
    int stride = LARGEST_STRIDE;
    for (int64_t i = 0; i < n; ++i)
        for (int j = 0; j < g->center[i].n_near; ++j) {
            const int64_t *size = pixels_of(g, g->center[i].near[j].image);
            while (stride > 1 &&
                   (g->center[i].near[j].row >= cells(size[0], stride) ||
                    g->center[i].near[j].column >= cells(size[1], stride)))
                stride /= 2;
        }
    return stride;
}

/* Alone, of data that all ranks have. */
static enum lp_status take_centers(struct gallery *g, const struct side *side,
                                   const int *class_of, int n_classes,
                                   const int64_t *image_of, int64_t n_images)
{
    const size_t n = (size_t)g->session->data.n_classes * 2;
    g->center = calloc(n * (size_t)g->n_centers + 1, sizeof *g->center);
    if (!g->center || lp_fault("gallery_centers"))
        return lp_fail(LP_ENOMEM, "no memory for %d centres a class",
                       g->n_centers);
    for (int c = 0; c < n_classes; ++c)
        for (int s = 0; s < 2 && class_of[c] >= 0; ++s)
            for (int k = 0; k < g->n_centers; ++k)
                take_center(
                    &g->center[((int64_t)class_of[c] * 2 + s) * g->n_centers +
                               k],
                    &side[s], (int64_t)c * g->n_centers + k, image_of,
                    n_images);
    g->stride = guess_stride(g);
    return LP_OK;
}

enum lp_status gallery_read_centers(struct gallery *g)
{
    enum lp_status status = LP_OK;
    const struct session *s = g->session;
    struct run_file file = {0};
    struct side side[2] = {{0}};
    int64_t *image_of = NULL, n_images = 0, k = 0;
    int *class_of = NULL, n_classes = 0;

    if (!session_has(s, OUT_PROTOTYPES))
        return LP_OK;
    LP_TRY(
        run_file_read(&file, s->out[OUT_PROTOTYPES], NULL, "cluster", s->comm));
    LP_TRY(gallery_note(g, &file));
    LP_TRY(
        gallery_match_images(&s->data, file.h5, &image_of, &n_images, s->comm));
    LP_TRY(gallery_match_classes(&s->data, file.h5, &class_of, &n_classes,
                                 s->comm));
    for (int i = 0; i < 2; ++i)
        LP_TRY(side_read(&side[i], file.h5, i, n_classes, &k, s->comm));
    g->n_centers = (int)k;
    status = take_centers(g, side, class_of, n_classes, image_of, n_images);
    LP_AGREE(s->comm);
done:
    run_file_close(&file);
    for (int i = 0; i < 2; ++i)
        side_release(&side[i]);
    free(image_of);
    free(class_of);
    return status;
}

/* --- patches */

/* The side of the square and where it begins, so that it lies around the middle
 * of a cell and within the photograph. */
static int place_patch(int64_t cell, int64_t n_cells, int length, int side)
{
    const int64_t at = cell < n_cells ? cell : n_cells - 1;
    const int64_t middle = (2 * at + 1) * length / (2 * n_cells);
    const int64_t from = middle - side / 2;
    return (int)(from < 0 ? 0 : from > length - side ? length - side : from);
}

/* The grid of an image, that of the photograph at hand, from features.h5 or by
 * the guessed stride. */
static void grid_of(const struct gallery *g, int64_t image, int64_t grid[2])
{
    const struct gallery_features *f = &g->features;
    const int64_t side[2] = {g->photograph.h, g->photograph.w};
    for (int i = 0; i < 2; ++i) {
        if (f->at && f->at[image] >= 0)
            grid[i] = f->grid[2 * f->at[image] + i];
        else
            grid[i] = cells(side[i], g->stride);
        grid[i] = grid[i] < 1 ? 1 : grid[i] > side[i] ? side[i] : grid[i];
    }
}

/* One patch into the strip [GALLERY_PATCH][strip->w], at column x. */
static enum lp_status draw_patch(struct gallery *g, int64_t image, int64_t row,
                                 int64_t column, struct image *strip, int x)
{
    enum lp_status status;
    struct image cut = {0};
    const struct image *photo = &g->photograph;
    int64_t grid[2];

    LP_TRY(gallery_photograph(g, image));
    grid_of(g, image, grid);
    int side = (int)(PATCH_CELLS * photo->h / grid[0]);
    side = side < 8 ? 8 : side;
    side = side > photo->h ? photo->h : side;
    side = side > photo->w ? photo->w : side;
    const int top = place_patch(row, grid[0], photo->h, side);
    const int left = place_patch(column, grid[1], photo->w, side);
    LP_TRY(image_reserve(&cut, side, side));
    for (int64_t y = 0; y < side; ++y)
        memcpy(cut.rgb + y * side * 3,
               photo->rgb + ((top + y) * photo->w + left) * 3,
               (size_t)side * 3);
    LP_TRY(resize_bicubic(&g->resize, &cut, &g->small, GALLERY_PATCH,
                          GALLERY_PATCH));
    for (int64_t y = 0; y < GALLERY_PATCH; ++y)
        memcpy(strip->rgb + (y * strip->w + x) * 3,
               g->small.rgb + y * GALLERY_PATCH * 3, (size_t)GALLERY_PATCH * 3);
done:
    image_release(&cut);
    return status;
}

/* Unit i is centre [class][side][k]. */
static enum lp_status draw_center(struct gallery *g, void *arg, int64_t i)
{
    enum lp_status status = LP_OK;
    const struct gallery_center *c = &g->center[i];
    const int64_t problem = i / g->n_centers;
    struct image strip = {0};
    char name[64];
    (void)arg;
    snprintf(name, sizeof name, "%04lld_%lld_%03lld.jpg",
             (long long)(problem / 2), (long long)(problem % 2),
             (long long)(i % g->n_centers));
    if (c->n_near == 0 || out_folder_has(&g->near, name))
        return LP_OK;
    LP_TRY(image_reserve(&strip, GALLERY_PATCH, c->n_near * GALLERY_PATCH));
    for (int j = 0; j < c->n_near; ++j)
        LP_TRY(draw_patch(g, c->near[j].image, c->near[j].row,
                          c->near[j].column, &strip, j * GALLERY_PATCH));
    LP_TRY(jpeg_write(&g->near, name, &strip, QUALITY));
done:
    image_release(&strip);
    return status;
}

enum lp_status gallery_draw_centers(struct gallery *g)
{
    return gallery_each(g, "gallery, prototypes", PHASE_WRITE,
                        (int64_t)g->session->data.n_classes * 2 * g->n_centers,
                        draw_center, NULL);
}
