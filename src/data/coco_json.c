/* SPDX-License-Identifier: MIT */
#include "lpcam/data/coco_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "lpcam/base/file.h"
#include "lpcam/base/text.h"

enum { DEEPEST = 64, NAME_BYTES = 512, NUMBER_BYTES = 64 };

/* Lists and objects that are open: the file's object, a list of elements, an
 * element. */
enum depth { IN_FILE = 1, IN_LIST, IN_ELEMENT };

enum key {
    KEY_ID,
    KEY_IMAGE_ID,
    KEY_CATEGORY_ID,
    KEY_HEIGHT,
    KEY_WIDTH,
    KEY_CROWD,
    KEY_AREA,
    KEY_FILE_NAME,
    KEY_NAME,
    KEY_SEGMENTATION,
    N_KEYS,
    KEY_OTHER = N_KEYS
};

static const char *const key_name[N_KEYS] = {
    "id",      "image_id", "category_id", "height", "width",
    "iscrowd", "area",     "file_name",   "name",   "segmentation"};

#define BIT(key) (1u << (key))

/* The lists, what their elements must have, and what else is of use. */
static const struct {
    const char *name, *element;
    unsigned needs, uses;
} list[] = {
    [COCO_IMAGE] = {"images", "an image",
                    BIT(KEY_ID) | BIT(KEY_FILE_NAME) | BIT(KEY_HEIGHT) |
                        BIT(KEY_WIDTH),
                    0},
    [COCO_ANNOTATION] = {"annotations", "an annotation",
                         BIT(KEY_IMAGE_ID) | BIT(KEY_CATEGORY_ID),
                         BIT(KEY_CROWD) | BIT(KEY_AREA) |
                             BIT(KEY_SEGMENTATION)},
    [COCO_CATEGORY] = {"categories", "a category", BIT(KEY_ID) | BIT(KEY_NAME),
                       0},
};
enum { N_LISTS = sizeof list / sizeof list[0], NO_LIST = N_LISTS };

struct reader {
    const char *path;
    coco_take *take;
    void *user;
    yajl_handle yajl;
    int64_t at;       /* byte of the file that the parser's piece starts with */
    int depth;        /* lists and objects that are open                   */
    unsigned in;      /* which list is open or comes, or NO_LIST           */
    enum key key;     /* of the element                                    */
    bool opened;      /* the last thing met is the opening of a list       */
    unsigned seen;    /* keys of the element                               */
    unsigned n_lists; /* bits: the lists that were there                   */
    struct coco_element e;
    char name[NAME_BYTES];
    enum lp_status status;
};

/* The byte behind what the parser has met last. */
static int64_t position(const struct reader *r)
{
    return r->at + (int64_t)yajl_get_bytes_consumed(r->yajl);
}

/* What a callback answers after a failure: stop. */
static int broken(struct reader *r, const char *what, const char *name)
{
    r->status =
        lp_fail(LP_EFORMAT, "%s, byte %lld: %s%s %s", r->path,
                (long long)position(r), list[r->in].element, what, name);
    return 0;
}

static bool is_list(const struct reader *r)
{
    return r->in != NO_LIST;
}

/* Does the value that comes belong to a key of an element that counts? */
static bool counts(const struct reader *r)
{
    return r->depth == IN_ELEMENT && is_list(r) && r->key != KEY_OTHER;
}

/* A value that nothing asks for where it stands: of an unknown key, or of the
 * wrong type. */
static int on_other(struct reader *r)
{
    if (counts(r))
        return broken(r, " has a value of the wrong type for",
                      key_name[r->key]);
    if (is_list(r) && r->depth < IN_ELEMENT)
        return broken(r, " must be an object in the list", list[r->in].name);
    return 1;
}

/* As if the key were not there. */
static int on_null(void *user)
{
    struct reader *r = user;
    return counts(r) || on_other(r);
}

static int on_boolean(void *user, int value)
{
    struct reader *r = user;
    if (!counts(r) || r->key != KEY_CROWD)
        return on_other(r);
    r->e.crowd = value != 0;
    return 1;
}

static int64_t *whole_number(struct reader *r)
{
    switch (r->key) {
    case KEY_ID:
        return &r->e.id;
    case KEY_IMAGE_ID:
        return &r->e.image_id;
    case KEY_CATEGORY_ID:
        return &r->e.category_id;
    case KEY_HEIGHT:
        return &r->e.height;
    case KEY_WIDTH:
        return &r->e.width;
    default:
        return NULL;
    }
}

static int on_number(void *user, const char *text, size_t length)
{
    struct reader *r = user;
    char copy[NUMBER_BYTES];
    if (!counts(r))
        return on_other(r);
    if (length >= sizeof copy)
        return broken(r, " has a number of too many digits for",
                      key_name[r->key]);
    memcpy(copy, text, length);
    copy[length] = 0;
    if (r->key == KEY_AREA)
        return text_double(copy, &r->e.area) ||
               broken(r, " has a number out of range for", key_name[r->key]);
    if (r->key == KEY_CROWD) {
        r->e.crowd = strtod(copy, NULL) != 0;
        return 1;
    }
    int64_t *whole = whole_number(r);
    if (!whole)
        return on_other(r);
    r->seen |= BIT(r->key);
    return text_int64(copy, whole) ||
           broken(r, " needs a whole number for", key_name[r->key]);
}

static int on_string(void *user, const unsigned char *text, size_t length)
{
    struct reader *r = user;
    if (!counts(r) || (r->key != KEY_NAME && r->key != KEY_FILE_NAME))
        return on_other(r);
    if (length == 0 || length >= sizeof r->name || memchr(text, 0, length))
        return broken(r, " has an empty or endless", key_name[r->key]);
    memcpy(r->name, text, length);
    r->name[length] = 0;
    r->e.name = r->name;
    r->seen |= BIT(r->key);
    return 1;
}

static int on_key(void *user, const unsigned char *text, size_t length)
{
    struct reader *r = user;
    if (r->depth == IN_FILE) {
        for (r->in = 0; r->in < NO_LIST; ++r->in)
            if (strlen(list[r->in].name) == length &&
                memcmp(list[r->in].name, text, length) == 0)
                break;
    } else if (r->depth == IN_ELEMENT && is_list(r)) {
        const unsigned known = list[r->in].needs | list[r->in].uses;
        for (r->key = 0; r->key < KEY_OTHER; ++r->key)
            if ((known & BIT(r->key)) && strlen(key_name[r->key]) == length &&
                memcmp(key_name[r->key], text, length) == 0)
                break;
    }
    return 1;
}

/* One level down; the first byte of a segmentation is noted. */
static int descend(struct reader *r)
{
    if (counts(r)) {
        if (r->key != KEY_SEGMENTATION)
            return on_other(r);
        r->e.at = position(r) - 1;
    }
    if (++r->depth <= DEEPEST)
        return 1;
    r->status = lp_fail(LP_EFORMAT,
                        "%s, byte %lld: lists and objects lie more than %d "
                        "deep",
                        r->path, (long long)position(r), DEEPEST);
    return 0;
}

static int ascend(struct reader *r)
{
    --r->depth;
    if (counts(r) && r->key == KEY_SEGMENTATION)
        r->e.bytes = position(r) - r->e.at;
    return 1;
}

static int on_open_list(void *user)
{
    struct reader *r = user;
    r->opened = true;
    if (is_list(r) && r->depth == IN_FILE)
        r->n_lists |= BIT(r->in);
    else if (is_list(r) && r->depth == IN_LIST)
        return on_other(r);
    return descend(r);
}

static int on_close_list(void *user)
{
    return ascend(user);
}

static int on_open_object(void *user)
{
    struct reader *r = user;
    if (is_list(r) && r->depth == IN_FILE)
        return on_other(r);
    if (is_list(r) && r->depth == IN_LIST) {
        r->e = (struct coco_element){.kind = (enum coco_kind)r->in, .area = -1};
        r->seen = 0;
        r->key = KEY_OTHER;
    }
    return descend(r);
}

static int on_close_object(void *user)
{
    struct reader *r = user;
    if (!is_list(r) || r->depth != IN_ELEMENT)
        return ascend(r);
    const unsigned lacks = list[r->in].needs & ~r->seen;
    for (int k = 0; k < N_KEYS; ++k)
        if (lacks & BIT(k))
            return broken(r, " has no", key_name[k]);
    r->e.end = position(r);
    r->depth = IN_LIST;
    r->status = r->take(r->user, &r->e);
    return r->status == LP_OK;
}

static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                         .yajl_boolean = on_boolean,
                                         .yajl_number = on_number,
                                         .yajl_string = on_string,
                                         .yajl_map_key = on_key,
                                         .yajl_start_map = on_open_object,
                                         .yajl_end_map = on_close_object,
                                         .yajl_start_array = on_open_list,
                                         .yajl_end_array = on_close_list};

/* What the parser found wrong, unless a callback has said it. */
static enum lp_status refuse(struct reader *r)
{
    if (r->status != LP_OK)
        return r->status;
    unsigned char *why = yajl_get_error(r->yajl, 0, NULL, 0);
    const int length = why ? (int)strcspn((const char *)why, "\n") : 0;
    r->status =
        lp_fail(LP_EFORMAT, "%s, byte %lld: %.*s", r->path,
                (long long)position(r), length, why ? (const char *)why : "");
    if (why)
        yajl_free_error(r->yajl, why);
    return r->status;
}

/* Behind numbers and what stands between them. */
static const char *skip_numbers(const char *s, const char *end)
{
    static const bool part[256] = {
        ['0'] = true, ['1'] = true,  ['2'] = true,  ['3'] = true,
        ['4'] = true, ['5'] = true,  ['6'] = true,  ['7'] = true,
        ['8'] = true, ['9'] = true,  ['.'] = true,  [','] = true,
        [' '] = true, ['-'] = true,  ['+'] = true,  ['e'] = true,
        ['E'] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true};
    while (s < end && part[(unsigned char)*s])
        ++s;
    return s;
}

/* Nine tenths of the file are coordinates: numbers that follow the opening of
 * a list inside an annotation never reach the parser. To know where lists open
 * it is given pieces that end with '[', and asked whether that was one. */
static enum lp_status parse_block(struct reader *r, const char *block, size_t n,
                                  int64_t at)
{
    const char *s = block, *end = block + n;
    while (s < end) {
        if (r->opened && r->in == COCO_ANNOTATION && r->depth > IN_ELEMENT) {
            s = skip_numbers(s, end);
            if (s == end)
                break;
        }
        const char *bracket = memchr(s, '[', (size_t)(end - s));
        const char *stop = bracket ? bracket + 1 : end;
        r->opened = false;
        r->at = at + (s - block);
        if (yajl_parse(r->yajl, (const unsigned char *)s, (size_t)(stop - s)) !=
            yajl_status_ok)
            return refuse(r);
        s = stop;
    }
    return LP_OK;
}

static enum lp_status parse_file(struct reader *r, FILE *file, char *block,
                                 size_t block_bytes)
{
    enum lp_status status = LP_OK;
    int64_t at = 0;
    size_t n;
    while ((n = fread(block, 1, block_bytes, file)) > 0) {
        LP_TRY(parse_block(r, block, n, at));
        at += (int64_t)n;
    }
    if (ferror(file))
        return lp_fail(LP_EIO, "cannot read %s", r->path);
    if (yajl_complete_parse(r->yajl) != yajl_status_ok)
        return lp_fail(LP_EFORMAT,
                       "%s ends after %lld bytes in the middle: it is cut off; "
                       "fetch it again",
                       r->path, (long long)at);
    for (int i = 0; i < N_LISTS; ++i)
        if (!(r->n_lists & BIT(i)))
            return lp_fail(LP_EFORMAT,
                           "%s has no list \"%s\": an instances_*.json of COCO "
                           "has images, annotations and categories",
                           r->path, list[i].name);
done:
    return status;
}

enum lp_status coco_json_read(const char *path, int64_t block_bytes,
                              coco_take *take, void *user)
{
    enum lp_status status = LP_OK;
    struct reader *r = calloc(1, sizeof *r);
    char *block = malloc((size_t)block_bytes);
    const char *why = "";
    FILE *file = file_open(path, &why);

    if (!file)
        LP_TRY(lp_fail(LP_EIO, "cannot read %s: %s", path, why));
    if (!r || !block || !(r->yajl = yajl_alloc(&callbacks, NULL, r)))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to read %s", path));
    yajl_config(r->yajl, yajl_dont_validate_strings, 1);
    r->path = path;
    r->take = take;
    r->user = user;
    r->in = NO_LIST;
    status = parse_file(r, file, block, (size_t)block_bytes);
done:
    if (r && r->yajl)
        yajl_free(r->yajl);
    if (file)
        fclose(file);
    free(block);
    free(r);
    return status;
}
