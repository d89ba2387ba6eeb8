/* SPDX-License-Identifier: MIT */
/* Charts, read by an XML parser. */
#include "support.h"

#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/output/svg.h"

/* What a parser sees. */
struct seen {
    int n_curves, n_points, n_marks, depth;
    double low_x, high_x, low_y, high_y; /* of points                      */
    char last[2048];                     /* of the last curve              */
    char text[4096];                     /* all texts, | between           */
};

static const char *attribute(const char **list, const char *name)
{
    for (; *list; list += 2)
        if (strcmp(list[0], name) == 0)
            return list[1];
    return "";
}

static void on_start(void *arg, const char *name, const char **list)
{
    struct seen *s = arg;
    ++s->depth;
    s->n_marks += strcmp(name, "circle") == 0;
    if (strcmp(name, "text") == 0)
        strcat(s->text, "|");
    if (strcmp(name, "polyline") != 0)
        return;
    ++s->n_curves;
    snprintf(s->last, sizeof s->last, "%s", attribute(list, "points"));
    double x, y;
    int n;
    for (const char *at = s->last; sscanf(at, "%lf,%lf %n", &x, &y, &n) == 2;
         at += n) {
        ++s->n_points;
        s->low_x = fmin(s->low_x, x), s->high_x = fmax(s->high_x, x);
        s->low_y = fmin(s->low_y, y), s->high_y = fmax(s->high_y, y);
    }
}

static void on_end(void *arg, const char *name)
{
    (void)name;
    --((struct seen *)arg)->depth;
}

static void on_text(void *arg, const char *text, int n)
{
    struct seen *s = arg;
    snprintf(s->text + strlen(s->text), sizeof s->text - strlen(s->text),
             "%.*s", n, text);
}

/* Draw, and read what was drawn; it must be well-formed. */
static struct seen draw(const struct svg_chart *chart, int n)
{
    struct text_buffer b = {0};
    struct seen seen = {
        .low_x = 1e9, .low_y = 1e9, .high_x = -1e9, .high_y = -1e9};
    assert_true(svg_add(&b, chart, n));
    XML_Parser parser = XML_ParserCreate("UTF-8");
    XML_SetUserData(parser, &seen);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, b.s, (int)b.n, true) != XML_STATUS_OK)
        fail_msg("%s in: %s", XML_ErrorString(XML_GetErrorCode(parser)), b.s);
    XML_ParserFree(parser);
    assert_null(strstr(b.s, "nan"));
    assert_null(strstr(b.s, "inf"));
    free(b.s);
    assert_int_equal(seen.depth, 0);
    return seen;
}

static const double x[] = {0.05, 0.10, 0.15, 0.20};
static const double y[] = {40, 52.68, 51, 30};

static void a_curve_has_axes_labels_and_its_best_point(void **state)
{
    (void)state;
    const struct svg_chart chart = {
        .title = "Title",
        .x_label = "threshold",
        .y_label = "IoU, %",
        .series = {{"CAM", 1, x, y, 4, 1}, {"LPCAM", 0, x, y, 4, -1}},
        .n_series = 2};
    const struct seen seen = draw(&chart, 1);
    assert_int_equal(seen.n_curves, 2);
    assert_int_equal(seen.n_points, 8);
    assert_int_equal(seen.n_marks, 1);
    assert_non_null(strstr(seen.text, "|52.7"));
    assert_non_null(strstr(seen.text, "|threshold"));
    assert_non_null(strstr(seen.text, "|IoU, %"));
    assert_non_null(strstr(seen.text, "|CAM"));
    assert_non_null(strstr(seen.text, "|30|"));
    assert_non_null(strstr(seen.text, "|0.1|"));
    assert_true(seen.low_x >= 0 && seen.high_x <= 420);
    assert_true(seen.low_y >= 0 && seen.high_y <= 300);
    assert_true(seen.high_y - seen.low_y > 100); /* it fills its place */
}

static void higher_values_lie_higher(void **state)
{
    (void)state;
    const double up[] = {1, 2, 4};
    const struct svg_chart chart = {.title = "",
                                    .x_label = "",
                                    .y_label = "",
                                    .series = {{"", 0, up, up, 3, -1}},
                                    .n_series = 1};
    const struct seen seen = draw(&chart, 1);
    double x0, y0, x1, y1, x2, y2;
    assert_int_equal(sscanf(seen.last, "%lf,%lf %lf,%lf %lf,%lf", &x0, &y0, &x1,
                            &y1, &x2, &y2),
                     6);
    assert_true(x0 < x1 && x1 < x2 && y0 > y1 && y1 > y2);
    assert_true(fabs((x2 - x1) - 2 * (x1 - x0)) < 0.3); /* to scale */
    assert_true(fabs((y1 - y2) - 2 * (y0 - y1)) < 0.3);
}

static void powers_of_ten_are_equally_far_apart(void **state)
{
    (void)state;
    const double at[] = {1, 2, 3, 4}, value[] = {100, 1, 0.01, 0};
    const struct svg_chart chart = {.title = "",
                                    .x_label = "",
                                    .y_label = "",
                                    .log_y = true,
                                    .series = {{"", 0, at, value, 4, -1}},
                                    .n_series = 1};
    const struct seen seen = draw(&chart, 1);
    double x0, y0, x1, y1, x2, y2;
    assert_int_equal(seen.n_points, 3); /* zero has no logarithm */
    assert_int_equal(sscanf(seen.last, "%lf,%lf %lf,%lf %lf,%lf", &x0, &y0, &x1,
                            &y1, &x2, &y2),
                     6);
    assert_true(fabs((y2 - y1) - (y1 - y0)) < 0.3);
    assert_non_null(strstr(seen.text, "|0.01"));
    assert_non_null(strstr(seen.text, "|100"));
}

static void nothing_to_draw_is_drawn(void **state)
{
    (void)state;
    const double odd[] = {NAN, INFINITY, -INFINITY}, same[] = {0, 0, 0};
    struct svg_chart chart[2] = {{.title = "a", .x_label = "", .y_label = ""},
                                 {.title = "b",
                                  .x_label = "",
                                  .y_label = "",
                                  .series = {{"", 0, same, odd, 3, 0}},
                                  .n_series = 1}};
    assert_int_equal(draw(chart, 2).n_points, 0);
    chart[1].series[0].y = same;
    assert_int_equal(draw(chart, 2).n_points, 3);
    chart[1].log_y = true;
    assert_int_equal(draw(chart, 2).n_points, 0);
}

static void texts_may_hold_marks_of_xml(void **state)
{
    (void)state;
    const struct svg_chart chart = {
        .title = "</title><script>\"&\x01",
        .x_label = "]]>",
        .y_label = "<b>",
        .series = {{"'&amp;", 0, x, y, 4, -1}, {"<", 1, x, y, 4, -1}},
        .n_series = 2};
    const struct seen seen = draw(&chart, 1);
    assert_non_null(strstr(seen.text, "|</title><script>\"& "));
    assert_non_null(strstr(seen.text, "|'&amp;"));
    assert_non_null(strstr(seen.text, "|]]>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_has_axes_labels_and_its_best_point),
        cmocka_unit_test(higher_values_lie_higher),
        cmocka_unit_test(powers_of_ten_are_equally_far_apart),
        cmocka_unit_test(nothing_to_draw_is_drawn),
        cmocka_unit_test(texts_may_hold_marks_of_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
