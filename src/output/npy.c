/* SPDX-License-Identifier: MIT */
#include "lpcam/output/npy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The opcodes in use; Lib/pickletools.py of Python explains each. */
enum {
    PROTO = 0x80,
    GLOBAL = 'c',
    REDUCE = 'R',
    BUILD = 'b',
    STOP = '.',
    MARK = '(',
    TUPLE = 't',
    EMPTY_TUPLE = ')',
    TUPLE1 = 0x85,
    TUPLE2 = 0x86,
    TUPLE3 = 0x87,
    EMPTY_LIST = ']',
    APPEND = 'a',
    EMPTY_DICT = '}',
    SETITEMS = 'u',
    NONE = 'N',
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    BININT = 'J',
    BININT1 = 'K',
    LONG1 = 0x8a,
    BINUNICODE = 'X',
    BINBYTES = 'B',
    BINBYTES8 = 0x8e,
    SHORT_BINBYTES = 'C'
};

enum { PROTOCOL = 4 };

static const struct {
    const char *name;
    int bytes;
} type_of[] = {
    [NPY_I64] = {"i8", 8}, [NPY_F32] = {"f4", 4}, [NPY_F16] = {"f2", 2}};

/* With its length in front and a line feed behind, 128 bytes in all. */
static const char header[] =
    "\x93NUMPY\x01\x00\x76\x00"
    "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    "                                                               \n";
_Static_assert(sizeof header - 1 == 128, "NumPy aligns data to 64 bytes");

void npy_release(struct npy *f)
{
    free(f->text);
    free(f->data);
    free(f->piece);
    *f = (struct npy){0};
}

static void add(struct npy *f, const void *bytes, size_t n)
{
    if (f->failed)
        return;
    if (f->n + n > f->room) {
        const size_t room = 2 * (f->n + n) + 1024;
        uint8_t *text = realloc(f->text, room);
        f->failed = !text;
        if (!text)
            return;
        f->text = text;
        f->room = room;
    }
    memcpy(f->text + f->n, bytes, n);
    f->n += n;
}

static void op(struct npy *f, int code)
{
    const uint8_t byte = (uint8_t)code;
    add(f, &byte, 1);
}

/* The lowest n bytes of value, the lowest first. */
static void little(struct npy *f, uint64_t value, int n)
{
    for (int i = 0; i < n; ++i)
        op(f, (int)(value >> 8 * i & 0xff));
}

static void number(struct npy *f, int64_t value)
{
    if (value >= 0 && value < 256) {
        op(f, BININT1);
        little(f, (uint64_t)value, 1);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        op(f, BININT);
        little(f, (uint64_t)value, 4);
    } else {
        op(f, LONG1);
        little(f, sizeof value, 1);
        little(f, (uint64_t)value, sizeof value);
    }
}

static void text(struct npy *f, const char *s)
{
    op(f, BINUNICODE);
    little(f, strlen(s), 4);
    add(f, s, strlen(s));
}

/* "module\nname\n" */
static void global(struct npy *f, const char *name)
{
    op(f, GLOBAL);
    add(f, name, strlen(name));
}

/* An empty array, to be given its state. */
static void reconstruct(struct npy *f)
{
    global(f, "numpy.core.multiarray\n_reconstruct\n");
    global(f, "numpy\nndarray\n");
    number(f, 0);
    op(f, TUPLE1);
    op(f, SHORT_BINBYTES);
    little(f, 1, 1);
    op(f, 'b');
    op(f, TUPLE3);
    op(f, REDUCE);
}

/* numpy.dtype(name, False, True) with its state: byte order, no fields, no
 * alignment of its own, flags (63: holds objects). */
static void dtype(struct npy *f, const char *name, const char *order, int flags)
{
    global(f, "numpy\ndtype\n");
    text(f, name);
    op(f, NEWFALSE);
    op(f, NEWTRUE);
    op(f, TUPLE3);
    op(f, REDUCE);
    op(f, MARK);
    number(f, 3);
    text(f, order);
    op(f, NONE);
    op(f, NONE);
    op(f, NONE);
    number(f, -1);
    number(f, -1);
    number(f, flags);
    op(f, TUPLE);
    op(f, BUILD);
}

void npy_begin(struct npy *f)
{
    f->n = 0;
    f->n_data = 0;
    f->failed = false;
    add(f, header, sizeof header - 1);
    op(f, PROTO);
    op(f, PROTOCOL);
    reconstruct(f);
    op(f, MARK);
    number(f, 1);
    op(f, EMPTY_TUPLE);
    dtype(f, "O8", "|", 63);
    op(f, NEWFALSE);
    op(f, EMPTY_LIST);
    op(f, EMPTY_DICT);
    op(f, MARK);
}

static void end(struct npy *f)
{
    op(f, SETITEMS);
    op(f, APPEND);
    op(f, TUPLE);
    op(f, BUILD);
    op(f, STOP);
}

void npy_name(struct npy *f, const char *name)
{
    text(f, name);
}

void npy_number(struct npy *f, int64_t value)
{
    number(f, value);
}

void npy_array(struct npy *f, enum npy_type type, int n_dims,
               const int64_t *dims, bool tensor)
{
    static const int tuple[NPY_MOST_DIMS + 1] = {EMPTY_TUPLE, TUPLE1, TUPLE2,
                                                 TUPLE3};
    int64_t bytes = type_of[type].bytes;
    assert(n_dims <= NPY_MOST_DIMS);
    f->tensor = tensor;
    if (tensor)
        global(f, "torch\nfrom_numpy\n");
    reconstruct(f);
    op(f, MARK);
    number(f, 1);
    for (int i = 0; i < n_dims; ++i) {
        number(f, dims[i]);
        bytes *= dims[i];
    }
    op(f, tuple[n_dims]);
    dtype(f, type_of[type].name, "<", 0);
    op(f, NEWFALSE);
    op(f, bytes > UINT32_MAX ? BINBYTES8 : BINBYTES);
    little(f, (uint64_t)bytes, bytes > UINT32_MAX ? 8 : 4);
}

void npy_data(struct npy *f, const void *bytes, int64_t n_bytes)
{
    if (f->n_data == f->data_room) {
        const int room = 2 * f->data_room + 8;
        struct npy_data *data =
            realloc(f->data, (size_t)room * sizeof *f->data);
        f->data = data ? data : f->data;
        f->failed = f->failed || !data;
        if (!data)
            return;
        f->data_room = room;
    }
    f->data[f->n_data++] = (struct npy_data){f->n, bytes, n_bytes};
}

void npy_array_end(struct npy *f)
{
    op(f, TUPLE);
    op(f, BUILD);
    if (f->tensor) {
        op(f, TUPLE1);
        op(f, REDUCE);
    }
}

enum lp_status npy_write(struct npy *f, const struct out_folder *folder,
                         const char *name)
{
    size_t at = 0;
    int n = 0;
    end(f);
    free(f->piece);
    f->piece = malloc((2 * (size_t)f->n_data + 1) * sizeof *f->piece);
    if (f->failed || !f->piece)
        return lp_fail(LP_ENOMEM, "no memory for %s/%s", folder->path, name);
    for (int i = 0; i < f->n_data; ++i) {
        const struct npy_data *d = &f->data[i];
        f->piece[n++] =
            (struct out_piece){f->text + at, (int64_t)(d->behind - at)};
        f->piece[n++] = (struct out_piece){d->bytes, d->n_bytes};
        at = d->behind;
    }
    f->piece[n++] = (struct out_piece){f->text + at, (int64_t)(f->n - at)};
    return out_folder_write(folder, name, f->piece, n);
}
