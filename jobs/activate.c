/* SPDX-License-Identifier: MIT */
/* activate.c: photographs, or with run.passes = 1 what extract kept of them, and
 * one vector a class -> LPCAM maps (method.md step 7). */
#include <stdlib.h>

#include "lpcam/base/hash.h"
#include "lpcam/base/log.h"
#include "lpcam/method/cam.h"
#include "lpcam/method/class_maps.h"
#include "lpcam/method/views.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/map_file.h"
#include "lpcam/store/prototype_file.h"
#include "kept.h"
#include "seeds.h"
#include "stages.h"
#include "walk.h"

struct activate {
    struct session *session;
    int d;         /* channels                                      */
    float *vector; /* [N][d] M                                      */
    struct map_file file;
    struct walk walk;
    struct kept kept; /* with run.passes = 1                        */
    struct views views;
    struct cam cam;
    struct class_maps maps;
    struct seeds seeds;
    const int32_t *label; /* of the photograph at hand                     */
};

static enum lp_status add_view(void *arg, const struct view *view)
{
    struct activate *a = arg;
    enum lp_status status = LP_OK;
    double t = phase_now_s();
    LP_TRY(lpcam_view(&a->cam, view, a->vector, a->label, a->maps.n));
    class_maps_add(&a->maps, a->cam.raw, view->h, view->w);
    phase_add(PHASE_MAPS, t);
done:
    return status;
}

static bool is_one_pass(const struct activate *a)
{
    return a->session->config.run.passes == 1;
}

static enum lp_status activate_one(void *arg, int64_t image,
                                   const struct image *img)
{
    struct activate *a = arg;
    enum lp_status status = LP_OK;
    const int n = dataset_labels(&a->session->data, image, &a->label);

    LP_TRY(class_maps_begin(&a->maps, n, img->h, img->w, a->file.seed));
    if (is_one_pass(a))
        LP_TRY(kept_add(&a->kept, &a->walk, image, &a->maps));
    else if (n > 0)
        LP_TRY(views_each(&a->views, img, add_view, a));
    double t = phase_now_s();
    class_maps_finish(&a->maps, 0);
    if (a->file.seed)
        LP_TRY(seeds_make(&a->seeds, &a->maps, a->label));
    t = phase_add(PHASE_MAPS, t);
    LP_TRY(map_file_write(&a->file, image, &a->maps, a->seeds.best_class,
                          a->seeds.q));
    phase_add(PHASE_WRITE, t);
done:
    return status;
}

static enum lp_status mark(void *arg, int64_t first, int64_t n,
                           const uint8_t *state)
{
    struct activate *a = arg;
    return image_group_mark(a->file.file.h5, first, n, state);
}

/* What the model is and how it was used: as it is, or as views.h5 says. */
static enum lp_status ask_model(struct activate *a, char **about)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    if (s->net.backbone) {
        a->d = s->net.head.d;
        *about =
            settings_join(settings_join(settings_model(s), settings_extract(s)),
                          is_one_pass(a) ? settings_components(&s->basis)
                                         : text_format("%s", ""));
    } else {
        LP_TRY(kept_open(&a->kept, s));
        a->d = a->kept.file.basis.d;
        LP_TRY(run_file_settings(&a->kept.file.file, about));
        if (*about)
            settings_drop(*about, "data.fingerprint");
    }
    if (!*about)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
done:
    return status;
}

/* M, and the settings that maps.h5 is compared by. */
static enum lp_status read_vectors(struct activate *a, char **about)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    char sha[65], *wanted = NULL;

    LP_TRY(ask_model(a, &wanted));
    wanted = settings_join(wanted, settings_cluster(s));
    if (!wanted)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);

    double t = phase_now_s();
    LP_TRY(prototype_file_read(s->out[OUT_PROTOTYPES], wanted, &s->data, a->d,
                               &a->vector, s->comm));
    phase_add(PHASE_READ, t);
    hash_sha256(a->vector,
                (size_t)s->data.n_classes * (size_t)a->d * sizeof(float), sha);
    *about = settings_join(
        settings_join(wanted,
                      text_format("prototypes.sha256 = %s\nrun.passes = %d\n",
                                  sha, s->config.run.passes)),
        settings_join(settings_data(s), settings_maps(s)));
    wanted = NULL;
    if (!*about)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
done:
    free(wanted);
    return status;
}

/* Walk over what is left. */
static enum lp_status walk(struct activate *a)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    const int64_t n = s->data.n_images;

    a->walk = (struct walk){.session = s,
                            .what = "activate",
                            .each = activate_one,
                            .mark = mark,
                            .arg = a};
    if (is_one_pass(a)) {
        if (!a->kept.file.file.h5)
            LP_TRY(kept_open(&a->kept, s));
        LP_TRY(kept_prepare(&a->kept, s, a->vector, a->d));
        a->walk.cost = a->kept.cost;
    }
    a->walk.state = calloc((size_t)n + 1, 1);
    if (a->walk.state)
        status = image_group_states(a->file.file.h5, 0, n, a->walk.state);
    else
        status = lp_fail(LP_ENOMEM, "no memory for the images' states");
    LP_AGREE(s->comm);
    LP_TRY(walk_photographs(&a->walk));
done:
    free(a->walk.state);
    a->walk.state = NULL;
    return status;
}

static enum lp_status fill(struct activate *a)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    struct text_buffer report = {0};

    LP_TRY(walk(a));
    const int64_t n_bad = a->walk.n_bad, n_good = s->data.n_images - n_bad;
    double t = phase_now_s();
    if (!text_add(&report, "images %lld\nbroken %lld\n", (long long)n_good,
                  (long long)n_bad))
        status = lp_fail(LP_ENOMEM, "no memory for the report");
    else if (is_one_pass(a) && comm_rank(s->comm) == 0)
        status = kept_report(&a->kept, s, a->file.file.h5, &report);
    LP_AGREE(s->comm);
    LP_TRY(map_file_close(&a->file, true, report.s));
    phase_add(PHASE_WRITE, t);
    lp_log("activate: %lld images, %lld broken -> %s", (long long)n_good,
           (long long)n_bad, s->out[OUT_MAPS]);
done:
    free(report.s);
    return status;
}

enum lp_status stage_activate(struct session *s)
{
    enum lp_status status = LP_OK;
    struct activate a = {.session = s};
    char *settings = NULL;

    views_init(&a.views, &s->net, &s->config);
    LP_TRY(read_vectors(&a, &settings));
    const struct run_about about = {"lpcam maps 1", settings, s->config_text};
    LP_TRY(map_file_open(&a.file, s->out[OUT_MAPS], &about, &s->data, s->size,
                         (enum lp_value)s->config.maps.value,
                         s->config.maps.seed, s->comm));
    LP_TRY(session_keep_config(s));
    if (a.file.file.found == FILE_WHOLE)
        lp_log("activate: %s is already there", s->out[OUT_MAPS]);
    else
        LP_TRY(fill(&a));
done:
    map_file_close(&a.file, false, NULL);
    kept_close(&a.kept);
    views_release(&a.views);
    cam_release(&a.cam);
    class_maps_release(&a.maps);
    seeds_release(&a.seeds);
    free(a.vector);
    free(settings);
    return status;
}

enum lp_status job_activate(const struct job_args *args)
{
    return stage_alone(args, NEED_DATA | NEED_VIEWS, stage_activate);
}
