/* SPDX-License-Identifier: MIT */
/* onnx_writer.h: ONNX files made by tests, field by field, right or wrong. The
 * program's own writer is not used, so it cannot vouch for itself. Nothing here
 * fails: without memory the test ends. */
#ifndef LPCAM_TEST_ONNX_WRITER_H
#define LPCAM_TEST_ONNX_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message under construction; starts zeroed, released when it is put into
 * another one or written to a file. */
struct message {
    uint8_t *at;
    size_t n, room;
};
void message_raw(struct message *m, const void *bytes, size_t n);
void message_number(struct message *m, int field, int64_t value);
void message_bytes(struct message *m, int field, const void *bytes, size_t n);
void message_text(struct message *m, int field, const char *text);
void message_put(struct message *m, int field, struct message *inner);
void message_release(struct message *m);

/* Attributes of a node, to be put into its field 5. */
struct message attribute_int(const char *name, int64_t value);
struct message attribute_float(const char *name, float value);
struct message attribute_ints(const char *name, const int64_t *v, int n,
                              bool packed);

/* Add to a graph. in and out are names between spaces; '-' is an input left
 * out. attributes [n] are taken. */
void graph_node(struct message *graph, const char *op, const char *in,
                const char *out, struct message *attributes, int n);
void graph_floats(struct message *graph, const char *name, const float *v,
                  const int64_t *dims, int n_dims);
void graph_int64s(struct message *graph, const char *name, const int64_t *v,
                  int n);
void graph_input(struct message *graph, const char *name, const int64_t *dims,
                 int n_dims);
void graph_output(struct message *graph, const char *name);

/* A tensor of raw bytes, for what the above do not make. */
struct message tensor_raw(const char *name, int type, const int64_t *dims,
                          int n_dims, const void *bytes, size_t n);

/* The model around the graph, which is taken: opset 13, to a file in the
 * test's folder; its path in a static buffer, valid until the fourth next. */
const char *model_write(struct message *graph, const char *name);
struct message model_around(struct message *graph, int opset);
const char *file_write(const char *name, const void *bytes, size_t n);

/* What is written to stderr from begin to end: the text is the caller's to
 * free. */
void said_begin(void);
char *said_end(void);

#endif
