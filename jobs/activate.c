/* SPDX-License-Identifier: MIT */
/* activate.c: photographs and one vector a class -> LPCAM maps (method.md
 * step 7). */
#include <stdio.h>
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
#include "seeds.h"
#include "stages.h"
#include "walk.h"

struct activate {
    struct session *session;
    float *vector; /* [N][d] M                                      */
    struct map_file file;
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

static enum lp_status activate_one(void *arg, int64_t image,
                                   const struct image *img)
{
    struct activate *a = arg;
    enum lp_status status = LP_OK;
    const int n = dataset_labels(&a->session->data, image, &a->label);

    LP_TRY(class_maps_begin(&a->maps, n, img->h, img->w, a->file.seed));
    if (n > 0)
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

/* M, and the settings that maps.h5 is compared by. */
static enum lp_status read_vectors(struct activate *a, char **about)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    const struct head *head = &s->net.head;
    char sha[65],
        *wanted =
            settings_join(settings_join(settings_model(s), settings_extract(s)),
                          settings_cluster(s));
    if (!wanted)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);

    double t = phase_now_s();
    LP_TRY(prototype_file_read(s->out[OUT_PROTOTYPES], wanted, &s->data,
                               head->d, &a->vector, s->comm));
    phase_add(PHASE_READ, t);
    hash_sha256(a->vector, (size_t)head->n * (size_t)head->d * sizeof(float),
                sha);
    *about = settings_join(
        settings_join(wanted, text_format("prototypes.sha256 = %s\n", sha)),
        settings_join(settings_data(s), settings_maps(s)));
    wanted = NULL;
    if (!*about)
        status = lp_fail(LP_ENOMEM, "no memory for the settings");
    LP_AGREE(s->comm);
done:
    free(wanted);
    return status;
}

static enum lp_status fill(struct activate *a)
{
    enum lp_status status = LP_OK;
    struct session *s = a->session;
    const int64_t n = s->data.n_images;
    struct walk walk = {.session = s,
                        .what = "activate",
                        .each = activate_one,
                        .mark = mark,
                        .arg = a};
    char report[128];

    walk.state = calloc((size_t)n + 1, 1);
    if (walk.state)
        status = image_group_states(a->file.file.h5, 0, n, walk.state);
    else
        status = lp_fail(LP_ENOMEM, "no memory for the images' states");
    LP_AGREE(s->comm);

    LP_TRY(walk_photographs(&walk));
    snprintf(report, sizeof report, "images %lld\nbroken %lld\n",
             (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad);
    double t = phase_now_s();
    LP_TRY(map_file_close(&a->file, true, report));
    phase_add(PHASE_WRITE, t);
    lp_log("activate: %lld images, %lld broken -> %s",
           (long long)(s->data.n_images - walk.n_bad), (long long)walk.n_bad,
           s->out[OUT_MAPS]);
done:
    free(walk.state);
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
    return stage_alone(args, NEED_DATA | NEED_MODEL, stage_activate);
}
