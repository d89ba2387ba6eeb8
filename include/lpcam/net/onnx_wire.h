/* SPDX-License-Identifier: MIT */
/* onnx_wire.h: the wire format of protocol buffers, as far as ONNX uses it:
 * a message is a row of fields, each a tag (number and kind) and a value.
 * Local. */
#ifndef LPCAM_ONNX_WIRE_H
#define LPCAM_ONNX_WIRE_H

#include "lpcam/net/onnx.h"

/* Tags as they stand in front of a value. */
#define TAG_VARINT(number)  ((uint32_t)(number) << 3)
#define TAG_FIXED64(number) ((uint32_t)(number) << 3 | 1)
#define TAG_BYTES(number)   ((uint32_t)(number) << 3 | 2)
#define TAG_FIXED32(number) ((uint32_t)(number) << 3 | 5)

/* A place in a message. */
struct wire {
    const uint8_t *at, *end;
    char wrong[96]; /* why it cannot be read on, "" while all is well       */
};

struct wire_field {
    uint32_t tag;
    uint64_t value;          /* of a varint or a fixed field                */
    struct onnx_range bytes; /* of a field with a length                    */
    struct onnx_range whole; /* tag and all                                 */
};

struct wire wire_begin(struct onnx_range message);

/* The next field; false at the end and where the bytes make no sense. */
bool wire_next(struct wire *wire, struct wire_field *field);

/* The next number of a packed field; false as above. */
bool wire_varint(struct wire *wire, uint64_t *value);

/* A fixed field's value as a number. */
float wire_float(uint64_t value);
double wire_double(uint64_t value);

/* Where a message is written to. With at = NULL bytes are only counted, so a
 * message is measured and written by the same function. */
struct wire_sink {
    uint8_t *at;
    size_t n;
};
typedef void wire_body(struct wire_sink *sink, const void *context);

void wire_put(struct wire_sink *sink, struct onnx_range range);
void wire_put_number(struct wire_sink *sink, int number, uint64_t value);
void wire_put_bytes(struct wire_sink *sink, int number,
                    struct onnx_range range);
void wire_put_message(struct wire_sink *sink, int number, wire_body *body,
                      const void *context);

#endif
