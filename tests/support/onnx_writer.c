/* SPDX-License-Identifier: MIT */
#include "onnx_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

void message_raw(struct message *m, const void *bytes, size_t n)
{
    if (m->n + n > m->room) {
        m->room = 2 * (m->n + n);
        m->at = realloc(m->at, m->room);
        assert_non_null(m->at);
    }
    if (n)
        memcpy(m->at + m->n, bytes, n);
    m->n += n;
}

static void varint(struct message *m, uint64_t value)
{
    do {
        const uint8_t b = (uint8_t)(value > 127 ? value | 128 : value);
        message_raw(m, &b, 1);
        value >>= 7;
    } while (value);
}

void message_number(struct message *m, int field, int64_t value)
{
    varint(m, (uint64_t)field << 3);
    varint(m, (uint64_t)value);
}

void message_bytes(struct message *m, int field, const void *bytes, size_t n)
{
    varint(m, (uint64_t)field << 3 | 2);
    varint(m, n);
    message_raw(m, bytes, n);
}

void message_text(struct message *m, int field, const char *text)
{
    message_bytes(m, field, text, strlen(text));
}

void message_put(struct message *m, int field, struct message *inner)
{
    message_bytes(m, field, inner->at, inner->n);
    message_release(inner);
}

void message_release(struct message *m)
{
    free(m->at);
    *m = (struct message){0};
}

struct message attribute_int(const char *name, int64_t value)
{
    struct message a = {0};
    message_text(&a, 1, name);
    message_number(&a, 3, value);
    message_number(&a, 20, 2);
    return a;
}

struct message attribute_float(const char *name, float value)
{
    struct message a = {0};
    message_text(&a, 1, name);
    varint(&a, 2 << 3 | 5);
    message_raw(&a, &value, sizeof value);
    message_number(&a, 20, 1);
    return a;
}

struct message attribute_ints(const char *name, const int64_t *v, int n,
                              bool packed)
{
    struct message a = {0}, list = {0};
    message_text(&a, 1, name);
    for (int i = 0; i < n; ++i)
        if (packed)
            varint(&list, (uint64_t)v[i]);
        else
            message_number(&a, 8, v[i]);
    if (packed)
        message_put(&a, 8, &list);
    message_number(&a, 20, 7);
    return a;
}

static void put_names(struct message *node, int field, const char *names)
{
    while (*names) {
        const size_t n = strcspn(names, " ");
        const bool none = n == 1 && *names == '-';
        message_bytes(node, field, names, none ? 0 : n);
        names += n + (names[n] == ' ');
    }
}

void graph_node(struct message *graph, const char *op, const char *in,
                const char *out, struct message *attributes, int n)
{
    struct message node = {0};
    put_names(&node, 1, in);
    put_names(&node, 2, out);
    message_text(&node, 4, op);
    for (int i = 0; i < n; ++i)
        message_put(&node, 5, &attributes[i]);
    message_put(graph, 1, &node);
}

struct message tensor_raw(const char *name, int type, const int64_t *dims,
                          int n_dims, const void *bytes, size_t n)
{
    struct message t = {0};
    for (int i = 0; i < n_dims; ++i)
        message_number(&t, 1, dims[i]);
    message_number(&t, 2, type);
    message_text(&t, 8, name);
    message_bytes(&t, 9, bytes, n);
    return t;
}

void graph_floats(struct message *graph, const char *name, const float *v,
                  const int64_t *dims, int n_dims)
{
    int64_t n = 1;
    for (int i = 0; i < n_dims; ++i)
        n *= dims[i];
    struct message t =
        tensor_raw(name, 1, dims, n_dims, v, (size_t)n * sizeof *v);
    message_put(graph, 5, &t);
}

void graph_int64s(struct message *graph, const char *name, const int64_t *v,
                  int n)
{
    const int64_t dims[1] = {n};
    struct message t = tensor_raw(name, 7, dims, 1, v, (size_t)n * sizeof *v);
    message_put(graph, 5, &t);
}

static void put_port(struct message *graph, int field, const char *name,
                     const int64_t *dims, int n_dims)
{
    struct message port = {0}, type = {0}, tensor = {0}, shape = {0};
    message_number(&tensor, 1, 1);
    for (int i = 0; i < n_dims; ++i) {
        struct message dim = {0};
        if (dims[i])
            message_number(&dim, 1, dims[i]);
        else
            message_text(&dim, 2, i == 0 ? "n" : i == 2 ? "h" : "w");
        message_put(&shape, 1, &dim);
    }
    if (n_dims >= 0)
        message_put(&tensor, 2, &shape);
    message_put(&type, 1, &tensor);
    message_text(&port, 1, name);
    message_put(&port, 2, &type);
    message_put(graph, field, &port);
}

void graph_input(struct message *graph, const char *name, const int64_t *dims,
                 int n_dims)
{
    put_port(graph, 11, name, dims, n_dims);
}

void graph_output(struct message *graph, const char *name)
{
    put_port(graph, 12, name, NULL, -1);
}

const char *file_write(const char *name, const void *bytes, size_t n)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_folder(), name);
    FILE *file = fopen(path[turn], "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path[turn];
}

struct message model_around(struct message *graph, int opset)
{
    struct message model = {0}, set = {0};
    message_number(&model, 1, 7);
    message_put(&model, 7, graph);
    message_text(&set, 1, "");
    message_number(&set, 2, opset);
    message_put(&model, 8, &set);
    return model;
}

const char *model_write(struct message *graph, const char *name)
{
    struct message model = model_around(graph, 13);
    const char *path = file_write(name, model.at, model.n);
    message_release(&model);
    return path;
}

static FILE *said;
static int stderr_before;

void said_begin(void)
{
    fflush(stderr);
    said = tmpfile();
    assert_non_null(said);
    stderr_before = dup(STDERR_FILENO);
    dup2(fileno(said), STDERR_FILENO);
}

char *said_end(void)
{
    char *text = calloc(1, 65536);
    assert_non_null(text);
    fflush(stderr);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(said);
    text[fread(text, 1, 65535, said)] = 0;
    fclose(said);
    return text;
}
