/* SPDX-License-Identifier: MIT */
/* readers_jobs.c: what jobs do with files that were loaded: a data set of two
 * images a and b with classes x and y is at hand. */
#include "readers.h"

#include <math.h>
#include <stdlib.h>

#include "fuzz.h"
#include "gallery.h"
#include "kept.h"

enum { N_IMAGES = 2, N_CLASSES = 2, MOST_PIXELS = 1 << 20 };

static struct session session;
static int64_t pixels[] = {5, 6, 3, 2}, place[] = {0, 1};

static struct session *the_session(void)
{
    static const char *const set[] = {"cam.scales=1 0.5"};
    if (session.data.text)
        return &session;
    fuzz_configure(&session.config, set, 1);
    session.comm = MPI_COMM_SELF;
    session.data = *fuzz_dataset();
    return &session;
}

static void require_finite(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        fuzz_require(isfinite(x[i]));
}

/* ---- views: activate with run.passes = 1 */

static void activate(struct kept *k, struct session *s)
{
    uint8_t state[N_IMAGES] = {IMAGE_TO_DO, IMAGE_TO_DO};
    const struct walk walk = {
        .session = s, .state = state, .run = {N_IMAGES, 0, N_IMAGES}};
    struct class_maps maps = {0};
    for (int i = 0; i < N_IMAGES; ++i) {
        const int64_t h = s->size[2 * i], w = s->size[2 * i + 1];
        if (h * w > MOST_PIXELS ||
            class_maps_begin(&maps, i + 1, (int)h, (int)w, true) != LP_OK ||
            kept_add(k, &walk, i, &maps) != LP_OK)
            continue;
        class_maps_finish(&maps, 0);
        require_finite(maps.strided, (int64_t)maps.n * maps.sh * maps.sw);
        require_finite(maps.high_res, maps.n * h * w);
    }
    class_maps_release(&maps);
}

static void use_views(const char *path)
{
    struct session *s = the_session();
    struct kept k;
    float *vector = NULL;
    s->out[OUT_VIEWS] = (char *)(uintptr_t)path;
    if (kept_open(&k, s) == LP_OK) {
        const int d = k.file.basis.d;
        vector = malloc((size_t)(N_CLASSES * d) * sizeof *vector);
        for (int64_t i = 0; vector && i < N_CLASSES * d; ++i)
            vector[i] = (float)(i % 7);
        if (vector && kept_prepare(&k, s, vector, d) == LP_OK)
            activate(&k, s);
    }
    free(vector);
    kept_close(&k);
}

/* ---- maps: score and export */

static void use_maps(const char *path)
{
    struct session *s = the_session();
    struct map_source m;
    if (map_source_open(&m, path, &s->data, MPI_COMM_SELF) == LP_OK &&
        !m.missing)
        for (int i = 0; i < N_IMAGES; ++i) {
            if (!map_source_has(&m, i) ||
                map_source_pixels(&m, i) > MOST_PIXELS ||
                map_source_read(&m, i) != LP_OK)
                continue;
            map_source_enlarge(&m);
            require_finite(m.map, (int64_t)m.n * m.h * m.w);
            if (map_source_seed(&m, i) == LP_OK)
                for (int64_t p = 0; p < (int64_t)m.h * m.w; ++p)
                    fuzz_require(m.best_class[p] <= N_CLASSES);
        }
    map_source_close(&m);
}

/* ---- prototypes and features: the gallery */

static void visit_center(const struct gallery_center *c)
{
    fuzz_require(isfinite(c->probability) && isfinite(c->weight));
    fuzz_require(c->n_near >= 0 && c->n_near <= GALLERY_NEAR);
    for (int j = 0; j < c->n_near; ++j)
        fuzz_require(c->near[j].image >= 0 && c->near[j].image < N_IMAGES &&
                     c->near[j].row >= 0 && c->near[j].column >= 0);
}

static void visit_figures(const struct gallery_features *f)
{
    for (int64_t i = 0; f->at && i < N_IMAGES; ++i)
        fuzz_require(f->at[i] < 0 ||
                     f->offset[f->at[i] + 1] >= f->offset[f->at[i]]);
    for (int r = 0; r < f->n_classes; ++r)
        fuzz_require(f->class_of[r] < N_CLASSES);
}

static void use_gallery(enum fuzz_kind kind, const char *path)
{
    struct session *s = the_session();
    struct gallery g = {.session = s};
    g.maps[g.main].file.size = pixels;
    g.maps[g.main].file_image = place;
    if (kind == FUZZ_CENTERS) {
        s->out[OUT_PROTOTYPES] = (char *)(uintptr_t)path;
        if (gallery_read_centers(&g) == LP_OK)
            for (int64_t i = 0; i < (int64_t)N_CLASSES * 2 * g.n_centers; ++i)
                visit_center(&g.center[i]);
    } else {
        s->out[OUT_FEATURES] = (char *)(uintptr_t)path;
        if (gallery_read_features(&g) == LP_OK)
            visit_figures(&g.features);
    }
    gallery_release_features(&g.features);
    free(g.center);
    free(g.figure);
}

void use_store(enum fuzz_kind kind, const char *path)
{
    switch (kind) {
    case FUZZ_VIEWS:
        use_views(path);
        break;
    case FUZZ_MAPS:
        use_maps(path);
        break;
    case FUZZ_CENTERS:
    case FUZZ_FEATURES:
    case FUZZ_REDUCED:
        use_gallery(kind, path);
        break;
    default:; /* nobody reads more of them than their loader */
    }
}
