/* SPDX-License-Identifier: MIT */
/* Changes to a model that leave it a message: one field, at any depth, is
 * dropped, told twice or changed, and the lengths around it are put right.
 * Blind changes break the first length they meet, and nothing behind it is
 * read. Linked where libFuzzer is. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/net/onnx_wire.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room,
                               unsigned seed);

enum { ROOM = 1 << 16, DEEPEST = 9 };

static unsigned draw(unsigned *seed)
{
    return (*seed = *seed * 1664525u + 1013904223u) >> 12;
}

/* The number of fields; 0 where these bytes are no message. */
static int count_fields(struct onnx_range message)
{
    struct wire wire = wire_begin(message);
    struct wire_field field;
    int n = 0;
    while (wire_next(&wire, &field))
        ++n;
    return wire.wrong[0] ? 0 : n;
}

static uint64_t change_number(uint64_t value, unsigned *seed)
{
    static const uint64_t edge[] = {
        0, 1, 2, 7, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    switch (draw(seed) % 4) {
    case 0:
        return value + 1;
    case 1:
        return value - 1;
    case 2:
        return value ^ (uint64_t)1 << draw(seed) % 64;
    default:
        return edge[draw(seed) % 8];
    }
}

static void change_message(struct wire_sink *out, struct onnx_range message,
                           int depth, unsigned *seed);

/* What a field with a length holds: a message, or bytes. */
static void change_bytes(struct wire_sink *out, int number,
                         struct onnx_range bytes, int depth, unsigned *seed)
{
    static uint8_t inner[DEEPEST + 1][ROOM];
    struct wire_sink sink = {inner[depth], 0};
    if (depth < DEEPEST && bytes.n > 1 && count_fields(bytes) > 0 &&
        draw(seed) % 8 > 0) {
        change_message(&sink, bytes, depth + 1, seed);
    } else {
        const size_t n = bytes.n < ROOM / 4 ? bytes.n : ROOM / 4;
        memcpy(sink.at, n ? bytes.at : inner[depth], n);
        sink.n = LLVMFuzzerMutate(sink.at, n, n + 64);
    }
    wire_put_bytes(out, number, (struct onnx_range){inner[depth], sink.n});
}

static void change_field(struct wire_sink *out, const struct wire_field *field,
                         int depth, unsigned *seed)
{
    const int number = (int)(field->tag >> 3), kind = field->tag & 7;
    const unsigned choice = draw(seed) % 16;
    if (choice == 0)
        return;
    if (choice == 1)
        wire_put(out, field->whole);
    if (choice <= 2)
        wire_put(out, field->whole);
    else if (kind == 0)
        wire_put_number(out, number, change_number(field->value, seed));
    else if (kind == 2)
        change_bytes(out, number, field->bytes, depth, seed);
    else
        wire_put(out, field->whole);
}

/* Those of many fields are as likely as those of few. */
static void change_message(struct wire_sink *out, struct onnx_range message,
                           int depth, unsigned *seed)
{
    const int chosen = (int)(draw(seed) % (unsigned)count_fields(message));
    struct wire wire = wire_begin(message);
    struct wire_field field;
    for (int i = 0; wire_next(&wire, &field); ++i)
        if (i == chosen && out->n + 2 * field.whole.n < ROOM / 2)
            change_field(out, &field, depth, seed);
        else
            wire_put(out, field.whole);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room,
                               unsigned seed)
{
    static uint8_t made[ROOM];
    struct wire_sink sink = {made, 0};
    const struct onnx_range message = {bytes, n};
    if (n > ROOM / 8 || draw(&seed) % 8 == 0 || count_fields(message) == 0)
        return LLVMFuzzerMutate(bytes, n, room);
    change_message(&sink, message, 0, &seed);
    if (sink.n == 0 || sink.n > room)
        return LLVMFuzzerMutate(bytes, n, room);
    memcpy(bytes, made, sink.n);
    return sink.n;
}
