/* SPDX-License-Identifier: MIT */
#include "lpcam/data/coco_shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "outline.h"

enum { WHY_BYTES = 256, NUMBER_BYTES = 64 };

enum key { KEY_OTHER, KEY_SIZE, KEY_COUNTS };

/* Where the parser is in a shape. */
struct drawing {
    struct coco_shape *shape;
    struct canvas canvas;
    uint8_t value;
    int depth;     /* lists and objects that are open                     */
    bool polygons; /* a list of lists, else an object                     */
    enum key key;  /* of the object                                       */
    struct runs runs;
    int64_t n;    /* numbers of the list that is open                     */
    int size[2];  /* height and width, as the object says                 */
    bool counted; /* it had counts                                        */
    char *why;
    enum lp_status status;
};

/* What a callback answers after a failure: stop. */
static int broken(struct drawing *d, const char *what)
{
    snprintf(d->why, WHY_BYTES, "%s", what);
    d->status = LP_EDATA;
    return 0;
}

static int add_corner(struct drawing *d, double x)
{
    struct coco_shape *s = d->shape;
    if (!(fabs(x) <= OUTLINE_FURTHEST))
        return broken(d, "a corner lies absurdly far outside the image");
    if (d->n == s->room) {
        const int64_t room = 2 * s->room + 256;
        double *number = realloc(s->number, (size_t)room * sizeof *number);
        if (!number) {
            d->status = lp_fail(LP_ENOMEM,
                                "no memory for a polygon of %lld "
                                "corners",
                                (long long)room / 2);
            return 0;
        }
        s->number = number;
        s->room = room;
    }
    s->number[d->n++] = x;
    return 1;
}

static int on_number(void *user, const char *text, size_t length)
{
    struct drawing *d = user;
    char copy[NUMBER_BYTES];
    if (length >= sizeof copy)
        return broken(d, "it has a number of too many digits");
    memcpy(copy, text, length);
    copy[length] = 0;
    const double x = strtod(copy, NULL);
    if (d->depth == 0)
        return broken(d, "it is neither polygons nor run lengths");
    if (d->polygons)
        return d->depth == 2 ? add_corner(d, x)
                             : broken(d, "a polygon is a list of its own");
    if (d->depth != 2 || d->key == KEY_OTHER)
        return 1;
    if (!(x >= 0 && x < 0x1p31 && x == floor(x)))
        return broken(d, "sizes and counts are whole numbers");
    if (d->key == KEY_SIZE && d->n < 2)
        d->size[d->n] = (int)x;
    ++d->n;
    if (d->key == KEY_COUNTS &&
        !runs_add(&d->runs, (int64_t)x, d->value, &d->canvas))
        return broken(d, "its counts are more than the image has pixels");
    return 1;
}

/* What neither polygons nor run lengths are made of. */
static int on_other(void *user)
{
    struct drawing *d = user;
    return d->depth > 0 && !d->polygons && d->key == KEY_OTHER
               ? 1
               : broken(d, "it is neither polygons nor run lengths");
}

static int on_boolean(void *user, int value)
{
    (void)value;
    return on_other(user);
}

static int on_string(void *user, const unsigned char *text, size_t length)
{
    struct drawing *d = user;
    if (d->depth != 1 || d->key != KEY_COUNTS)
        return on_other(d);
    d->counted = true;
    return runs_add_text(&d->runs, (const char *)text, (int64_t)length,
                         d->value, &d->canvas) ||
           broken(d, "its counts are no run lengths, or more than the image "
                     "has pixels");
}

static int on_key(void *user, const unsigned char *text, size_t length)
{
    struct drawing *d = user;
    if (d->depth == 1)
        d->key = length == 4 && memcmp(text, "size", 4) == 0     ? KEY_SIZE
                 : length == 6 && memcmp(text, "counts", 6) == 0 ? KEY_COUNTS
                                                                 : KEY_OTHER;
    return 1;
}

static int on_open_list(void *user)
{
    struct drawing *d = user;
    if (d->depth == 0)
        d->polygons = true;
    d->n = 0;
    if (++d->depth > 2 && (d->polygons || d->key != KEY_OTHER))
        return broken(d, "its lists lie too deep");
    d->counted |= !d->polygons && d->depth == 2 && d->key == KEY_COUNTS;
    return 1;
}

static int on_close_list(void *user)
{
    struct drawing *d = user;
    --d->depth;
    if (!d->polygons || d->depth != 1)
        return 1;
    if (d->n % 2 != 0)
        return broken(d, "a polygon has an odd number of coordinates");
    d->status = outline_paint(d->shape->outline, d->shape->number, d->n / 2,
                              d->value, &d->canvas);
    if (d->status == LP_EDATA)
        return broken(d, "a polygon goes to and fro without end");
    return d->status == LP_OK;
}

static int on_open_object(void *user)
{
    struct drawing *d = user;
    return (d->depth == 0 || on_other(d)) && ++d->depth > 0;
}

static int on_close_object(void *user)
{
    struct drawing *d = user;
    if (--d->depth > 0)
        return 1;
    if (d->size[0] != d->canvas.h || d->size[1] != d->canvas.w) {
        snprintf(d->why, WHY_BYTES, "its size is %d x %d, the image's %d x %d",
                 d->size[0], d->size[1], d->canvas.h, d->canvas.w);
        d->status = LP_EDATA;
        return 0;
    }
    return d->counted || broken(d, "it has no counts");
}

static const yajl_callbacks callbacks = {.yajl_null = on_other,
                                         .yajl_boolean = on_boolean,
                                         .yajl_number = on_number,
                                         .yajl_string = on_string,
                                         .yajl_map_key = on_key,
                                         .yajl_start_map = on_open_object,
                                         .yajl_end_map = on_close_object,
                                         .yajl_start_array = on_open_list,
                                         .yajl_end_array = on_close_list};

enum lp_status coco_shape_paint(struct coco_shape *shape, const char *json,
                                size_t n, int h, int w, uint8_t value,
                                uint8_t *columns, char why[WHY_BYTES])
{
    struct drawing d = {
        .shape = shape, .canvas = {h, w, columns}, .value = value, .why = why};
    if (!shape->outline)
        shape->outline = calloc(1, sizeof *shape->outline);
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &d);
    if (!yajl || !shape->outline) {
        d.status = lp_fail(LP_ENOMEM, "no memory to draw a shape");
    } else {
        yajl_config(yajl, yajl_dont_validate_strings, 1);
        if ((yajl_parse(yajl, (const unsigned char *)json, n) !=
                 yajl_status_ok ||
             yajl_complete_parse(yajl) != yajl_status_ok) &&
            d.status == LP_OK)
            broken(&d, "it is no JSON");
    }
    if (yajl)
        yajl_free(yajl);
    return d.status;
}

void coco_shape_release(struct coco_shape *shape)
{
    if (shape->outline)
        outline_release(shape->outline);
    free(shape->outline);
    free(shape->number);
    *shape = (struct coco_shape){0};
}
