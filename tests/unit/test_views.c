/* SPDX-License-Identifier: MIT */
#include "lpcam/method/views.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/run/phase.h"
#include "support.h"

/* Fakes of what views.c calls. The network gives 2 channels on cells of 2 x 2
 * pixels: the upper left pixel's red, and the number of the run. */
static int n_runs, n_resizes, fail_run;
static int channels = 2;
static float output[2 * 64 * 64];
static int n_phases[N_PHASES];

enum lp_status backbone_run(struct backbone *b, const float *chw, int h, int w,
                            const float **out, int64_t shape[4], int *rank)
{
    (void)b;
    if (++n_runs == fail_run)
        return LP_EMODEL;
    const int fh = (h + 1) / 2, fw = (w + 1) / 2;
    for (int i = 0; i < fh * fw; ++i) {
        output[i] = chw[(i / fw) * 2 * w + (i % fw) * 2];
        output[fh * fw + i] = (float)n_runs;
    }
    const int64_t s[4] = {1, channels, fh, fw};
    memcpy(shape, s, sizeof s);
    *rank = 4;
    *out = output;
    return LP_OK;
}

int image_scaled(int side, double scale)
{
    return (int)(side * scale);
}

void image_to_input(const struct image *img, const struct image_norm *norm,
                    bool mirror, float *chw)
{
    (void)norm;
    for (int i = 0; i < img->h * img->w; ++i) {
        const int x = i % img->w;
        const int from = i - x + (mirror ? img->w - 1 - x : x);
        for (int c = 0; c < 3; ++c)
            chw[c * img->h * img->w + i] = (float)img->rgb[3 * from + c];
    }
}

/* Nearest pixels, plus 100 to tell that it ran. */
enum lp_status resize_bicubic(struct resize *r, const struct image *in,
                              struct image *out, int out_h, int out_w)
{
    (void)r;
    ++n_resizes;
    free(out->rgb);
    out->rgb = malloc((size_t)(3 * out_h * out_w));
    if (!out->rgb)
        return LP_ENOMEM;
    out->h = out_h;
    out->w = out_w;
    for (int i = 0; i < out_h * out_w; ++i) {
        const int y = i / out_w * in->h / out_h, x = i % out_w * in->w / out_w;
        for (int c = 0; c < 3; ++c)
            out->rgb[3 * i + c] =
                (uint8_t)(in->rgb[3 * (y * in->w + x) + c] + 100);
    }
    return LP_OK;
}

void resize_release(struct resize *r)
{
    (void)r;
}

void image_release(struct image *img)
{
    free(img->rgb);
    memset(img, 0, sizeof *img);
}

double phase_now_s(void)
{
    return 0;
}

double phase_add(enum phase p, double since_s)
{
    ++n_phases[p];
    return since_s;
}

static uint8_t pixels[8 * 6 * 3];
static const struct image photograph = {.h = 8, .w = 6, .rgb = pixels};

static void begin(struct views *v, struct network *net, struct config *config)
{
    n_runs = n_resizes = fail_run = 0;
    channels = 2;
    memset(n_phases, 0, sizeof n_phases);
    for (int i = 0; i < 8 * 6; ++i)
        pixels[3 * i] = (uint8_t)i;
    memset(net, 0, sizeof *net);
    net->head.d = 2;
    memset(config, 0, sizeof *config);
    config->cam.flip = true;
    config->cam.scales = (struct number_list){.n = 3, .v = {1, 0.5, 2}};
    views_init(v, net, config);
}

/* What the views of the three scales were found to be. */
struct seen {
    int n, stop_at;
    bool flip, right;
};

static enum lp_status look(void *arg, const struct view *view)
{
    struct seen *seen = arg;
    static const int h[] = {4, 2, 8}, w[] = {3, 2, 6};
    static const double scale[] = {1, 0.5, 2};
    const int i = seen->n++, cells = h[i] * w[i];
    const int first_run = seen->flip ? 2 * i + 1 : i + 1;
    bool right = view->d == 2 && view->h == h[i] && view->w == w[i] &&
                 view->scale >= scale[i] && view->scale <= scale[i] &&
                 (view->mirror != NULL) == seen->flip;
    for (int j = 0; right && j < cells; ++j) {
        const int step = i == 1 ? 4 : i == 2 ? 1 : 2;
        const int added = i == 0 ? 0 : 100;
        const int y = j / w[i] * step, x = j % w[i] * step;
        right = (int)view->f[j] == y * 6 + x + added &&
                (int)view->f[cells + j] == first_run;
        if (right && seen->flip) {
            const int last = i == 1 ? 4 : 5;
            right = (int)view->mirror[j] == y * 6 + last - x + added &&
                    (int)view->mirror[cells + j] == first_run + 1;
        }
    }
    seen->right = seen->right && right;
    return seen->n == seen->stop_at ? LP_STOP : LP_OK;
}

static void each_scale_is_seen_as_it_is_and_mirrored(void **state)
{
    (void)state;
    struct views v;
    struct network net;
    struct config config;
    begin(&v, &net, &config);
    for (int repeat = 0; repeat < 2; ++repeat) {
        struct seen seen = {.flip = true, .right = true};
        n_runs = 0;
        assert_int_equal(views_each(&v, &photograph, look, &seen), LP_OK);
        assert_int_equal(seen.n, 3);
        assert_true(seen.right);
        assert_int_equal(n_runs, 6);
    }
    assert_int_equal(n_resizes, 4);
    assert_int_equal(n_phases[PHASE_NETWORK], 12);
    assert_true(n_phases[PHASE_RESIZE] > 0);
    views_release(&v);
}

static void without_flips_each_scale_runs_once(void **state)
{
    (void)state;
    struct views v;
    struct network net;
    struct config config;
    struct seen seen = {.flip = false, .right = true};
    begin(&v, &net, &config);
    config.cam.flip = false;
    views_init(&v, &net, &config);
    assert_int_equal(views_each(&v, &photograph, look, &seen), LP_OK);
    assert_int_equal(n_runs, 3);
    assert_true(seen.right);
    views_release(&v);
}

static void the_first_failure_ends_the_round(void **state)
{
    (void)state;
    struct views v;
    struct network net;
    struct config config;
    struct seen seen = {.flip = true, .right = true, .stop_at = 2};
    begin(&v, &net, &config);
    assert_int_equal(views_each(&v, &photograph, look, &seen), LP_STOP);
    assert_int_equal(seen.n, 2);
    n_runs = 0;
    fail_run = 4;
    seen = (struct seen){.flip = true, .right = true};
    assert_int_equal(views_each(&v, &photograph, look, &seen), LP_EMODEL);
    assert_int_equal(seen.n, 1);
    views_release(&v);
}

static void features_that_do_not_fit_the_head_are_refused(void **state)
{
    (void)state;
    struct views v;
    struct network net;
    struct config config;
    struct view view;
    begin(&v, &net, &config);
    channels = 1;
    assert_int_equal(views_plain(&v, &photograph, &view), LP_EMODEL);
    views_release(&v);
}

static void the_plain_view_is_one_run_at_scale_1(void **state)
{
    (void)state;
    struct views v;
    struct network net;
    struct config config;
    struct view view;
    begin(&v, &net, &config);
    assert_int_equal(views_plain(&v, &photograph, &view), LP_OK);
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_resizes, 0);
    assert_null(view.mirror);
    assert_int_equal(view.h, 4);
    assert_int_equal(view.w, 3);
    assert_int_equal((int)view.f[4], 14);
    views_release(&v);
}

static enum lp_status is_6_wide(void *arg, const struct view *view)
{
    *(bool *)arg = view->h == 1 && view->w == 3;
    return LP_OK;
}

static void a_line_of_pixels_is_resized_along_one_side(void **state)
{
    (void)state;
    const struct image line = {.h = 1, .w = 4, .rgb = pixels};
    struct views v;
    struct network net;
    struct config config;
    bool right = false;
    begin(&v, &net, &config);
    config.cam.scales = (struct number_list){.n = 1, .v = {1.5}};
    assert_int_equal(views_each(&v, &line, is_6_wide, &right), LP_OK);
    assert_true(right);
    assert_int_equal(n_resizes, 1);
    views_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scale_is_seen_as_it_is_and_mirrored),
        cmocka_unit_test(without_flips_each_scale_runs_once),
        cmocka_unit_test(the_first_failure_ends_the_round),
        cmocka_unit_test(features_that_do_not_fit_the_head_are_refused),
        cmocka_unit_test(a_line_of_pixels_is_resized_along_one_side),
        cmocka_unit_test(the_plain_view_is_one_run_at_scale_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
