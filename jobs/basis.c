/* SPDX-License-Identifier: MIT */
/* basis.c: the principal components that features.dims keeps, learnt from a
 * sample of the photographs before any feature is stored, and what they lose. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lpcam/base/fault.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/dense/pca.h"
#include "lpcam/method/views.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/basis_file.h"
#include "lpcam/store/image_group.h"
#include "session.h"
#include "walk.h"

/* Vectors of a photograph that are alike teach little: at least so many
 * photographs are seen that each need give no more. */
#define MOST_EACH 32

/* Cosines are added up as integers of this unit. */
#define COSINE_UNIT 0x1p-30

/* This rank's part of the sample. */
struct sample {
    struct session *session;
    struct views views;
    uint64_t seed, limit; /* a cell whose hash is at most limit is taken    */
    int64_t n, room;
    float *x;       /* [room][d]                                             */
    int64_t *image; /* [room] it is of                                       */
};

struct ranked {
    uint64_t hash;
    int64_t image;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->image < y->image ? -1 : 1;
}

static uint64_t image_hash(const struct sample *m, int64_t image)
{
    return hash_mix(m->seed, hash_text(dataset_id(&m->session->data, image)));
}

/* The photographs with the smallest hashes are to do, and of all their cells
 * about features.sample are drawn. Alone, the same on every rank. */
static enum lp_status draw_photographs(struct sample *m, uint8_t **state)
{
    const struct session *s = m->session;
    const int64_t n = s->data.n_images, sample = s->config.features.sample;
    int64_t readable = 0, cells = 0;
    struct ranked *photograph = malloc((size_t)n * sizeof *photograph);
    *state = malloc((size_t)n);
    if (!photograph || !*state || lp_fault("basis_draw")) {
        free(photograph);
        return lp_fail(LP_ENOMEM, "no memory to draw from %lld photographs",
                       (long long)n);
    }
    for (int64_t i = 0; i < n; ++i) {
        (*state)[i] = IMAGE_DONE;
        if (s->size[2 * i] > 0)
            photograph[readable++] = (struct ranked){image_hash(m, i), i};
    }
    qsort(photograph, (size_t)readable, sizeof *photograph, compare_ranked);
    for (int64_t j = 0; j < readable && j * MOST_EACH < sample; ++j) {
        const int64_t i = photograph[j].image;
        (*state)[i] = IMAGE_TO_DO;
        cells += s->grid[2 * i] * s->grid[2 * i + 1];
    }
    m->limit = cells <= sample
                   ? UINT64_MAX
                   : (uint64_t)ldexp((double)sample / (double)cells, 64);
    free(photograph);
    return LP_OK;
}

/* Room for n more vectors. */
static enum lp_status make_room(struct sample *m, int64_t n)
{
    const size_t d = (size_t)m->session->net.head.d;
    if (m->n + n <= m->room)
        return LP_OK;
    const int64_t room = 2 * (m->n + n);
    float *x = realloc(m->x, (size_t)room * d * sizeof *x);
    m->x = x ? x : m->x;
    int64_t *image = realloc(m->image, (size_t)room * sizeof *image);
    m->image = image ? image : m->image;
    if (!x || !image)
        return lp_fail(LP_ENOMEM,
                       "no memory for a sample of %lld vectors: lower "
                       "features.sample or start fewer ranks on a node",
                       (long long)m->n);
    m->room = room;
    return LP_OK;
}

/* The drawn cells of one photograph at scale 1. */
static enum lp_status take(void *arg, int64_t image, const struct image *img)
{
    enum lp_status status = LP_OK;
    struct sample *m = arg;
    struct view view;
    LP_TRY(views_plain(&m->views, img, &view));
    const uint64_t hash = image_hash(m, image);
    const int64_t cells = (int64_t)view.h * view.w;
    for (int64_t i = 0; i < cells; ++i) {
        if (hash_mix(hash, (uint64_t)i) > m->limit)
            continue;
        LP_TRY(make_room(m, 1));
        float *x = m->x + m->n * view.d, wrong = 0;
        for (int c = 0; c < view.d; ++c) {
            x[c] = view.f[c * cells + i];
            wrong += x[c] - x[c]; /* 0 unless infinite or no number */
        }
        if (wrong != 0)
            LP_TRY(lp_fail(LP_EMODEL,
                           "the network gives values that are no numbers for "
                           "image %s",
                           dataset_id(&m->session->data, image)));
        m->image[m->n++] = image;
    }
done:
    return status;
}

static enum lp_status mark_nothing(void *arg, int64_t first, int64_t n,
                                   const uint8_t *state)
{
    (void)arg, (void)first, (void)n, (void)state;
    return LP_OK;
}

/* The sample, spread over the ranks as its photographs were. */
static enum lp_status draw(struct sample *m)
{
    enum lp_status status;
    struct session *s = m->session;
    struct walk walk = {.session = s,
                        .what = "basis",
                        .plain = true,
                        .each = take,
                        .mark = mark_nothing,
                        .arg = m};
    m->seed = hash_mix((uint64_t)s->config.run.seed, hash_text("basis"));
    status = draw_photographs(m, &walk.state);
    LP_AGREE(s->comm);
    views_init(&m->views, &s->net, &s->config);
    status = walk_photographs(&walk);
done:
    views_release(&m->views);
    free(walk.state);
    return status;
}

static double dot(const float *a, const float *b, int d)
{
    double sum = 0;
    for (int i = 0; i < d; ++i)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* What the span leaves of the classifier's rows: rest [n][d] = W - W V'V. */
static enum lp_status leave(const struct basis *b, const struct head *head,
                            float **rest)
{
    const size_t n = (size_t)head->n, d = (size_t)b->d;
    float *part = malloc(n * (size_t)b->r * sizeof *part);
    *rest = malloc(n * d * sizeof **rest);
    if (!part || !*rest || lp_fault("basis_measure")) {
        free(part);
        return lp_fail(LP_ENOMEM, "no memory for %d classifier rows", head->n);
    }
    basis_reduce(b, head->weight, head->n, part);
    basis_expand(b, part, head->n, *rest);
    for (size_t i = 0; i < n * d; ++i)
        (*rest)[i] = head->weight[i] - (*rest)[i];
    free(part);
    return LP_OK;
}

/* Sums over this rank's sample: maps, |map| and |error|, in units. */
static void add_maps(const struct sample *m, const float *rest, int64_t sum[3],
                     double *most)
{
    const struct session *s = m->session;
    const int d = s->net.head.d;
    for (int64_t i = 0; i < m->n; ++i) {
        const float *x = m->x + i * d;
        const int32_t *label;
        const int n = dataset_labels(&s->data, m->image[i], &label);
        for (int j = 0; j < n; ++j) {
            const float *w = s->net.head.weight + (int64_t)label[j] * d;
            const double size = sqrt(dot(x, x, d) * dot(w, w, d));
            const double unit = size > 0 ? 1 / size : 0;
            const double error =
                fabs(unit * dot(x, rest + (int64_t)label[j] * d, d));
            sum[0] += 1;
            sum[1] += llrint(fabs(unit * dot(x, w, d)) / COSINE_UNIT);
            sum[2] += llrint(error / COSINE_UNIT);
            *most = fmax(*most, error);
        }
    }
}

static enum lp_status measure(const struct sample *m, struct basis *b)
{
    enum lp_status status;
    MPI_Comm comm = m->session->comm;
    float *rest = NULL;
    int64_t sum[3] = {0};

    status = leave(b, &m->session->net.head, &rest);
    LP_AGREE(comm);
    add_maps(m, rest, sum, &b->loss.error_max);
    comm_max_f64(comm, &b->loss.error_max, 1);
    comm_sum_i64(comm, sum, 3);
    const double unit = sum[0] > 0 ? COSINE_UNIT / (double)sum[0] : 0;
    b->loss.map_mean = unit * (double)sum[1];
    b->loss.error_mean = unit * (double)sum[2];
done:
    free(rest);
    return status;
}

/* s->basis, from the photographs. */
static enum lp_status learn(struct session *s)
{
    enum lp_status status;
    struct sample m = {.session = s};
    struct grid grid = {0};
    const int places = s->config.features.solver == SOLVER_ONE ? 1 : 0;

    s->basis =
        (struct basis){.d = s->net.head.d, .r = (int)s->config.features.dims};
    LP_TRY(draw(&m));
    double t = phase_now_s();
    LP_TRY(grid_init(&grid, places, places, s->comm));
    LP_TRY(pca_learn(m.x, m.n, &grid, &s->basis));
    if (s->basis.loss.n_rows == 0)
        LP_TRY(lp_fail_all(s->comm, LP_EFORMAT,
                           "no photograph that was drawn to learn components "
                           "from can be read"));
    status = measure(&m, &s->basis);
    phase_add(PHASE_BASIS, t);
done:
    grid_release(&grid);
    free(m.x);
    free(m.image);
    return status;
}

static void tell(const struct basis *b)
{
    lp_log("basis: %d of %d components keep %.1f %% of the energy of %lld "
           "vectors; the classifier's maps of them (cosines, mean size %.4f) "
           "are off by %.4f on average and %.4f at most",
           b->r, b->d, 100 * b->loss.energy, (long long)b->loss.n_rows,
           b->loss.map_mean, b->loss.error_mean, b->loss.error_max);
}

/* As it is in basis.h5, which is made unless there is one; or only learnt. */
static enum lp_status obtain(struct session *s, const char *settings, bool keep)
{
    enum lp_status status;
    const char *path = s->out[OUT_BASIS];
    const struct run_about about = {"lpcam basis 1", settings, s->config_text};
    enum run_file_found found;

    LP_TRY(run_file_probe(path, &about, &found, s->comm));
    if (found == FILE_ABSENT || (found == FILE_PARTIAL && !keep))
        LP_TRY(learn(s));
    if (found != FILE_WHOLE && !keep)
        goto done;
    if (found != FILE_WHOLE)
        LP_TRY(basis_file_write(path, &about, &s->basis, s->comm));
    basis_release(&s->basis);
    status = basis_file_read(path, (int)s->config.features.dims, s->net.head.d,
                             &s->basis, s->comm);
done:
    return status;
}

enum lp_status session_basis(struct session *s, bool keep)
{
    enum lp_status status = LP_OK;
    char *settings = NULL;
    if (s->config.features.dims == 0) {
        s->basis = (struct basis){.d = s->net.head.d, .r = s->net.head.d};
        return LP_OK;
    }
    settings = settings_basis(s);
    if (!settings)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
    LP_TRY(obtain(s, settings, keep));
    tell(&s->basis);
done:
    free(settings);
    return status;
}
