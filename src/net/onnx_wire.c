/* SPDX-License-Identifier: MIT */
#include "lpcam/net/onnx_wire.h"

#include <stdio.h>
#include <string.h>

struct wire wire_begin(struct onnx_range message)
{
    const uint8_t *end = message.n ? message.at + message.n : message.at;
    return (struct wire){.at = message.at, .end = end};
}

static bool stop(struct wire *wire, const char *why)
{
    snprintf(wire->wrong, sizeof wire->wrong, "%s", why);
    return false;
}

bool wire_varint(struct wire *wire, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < 10; ++i) {
        if (wire->at == wire->end)
            return i > 0 ? stop(wire, "a number is cut") : false;
        const uint8_t b = *wire->at++;
        if (i == 9 && b > 1)
            break;
        *value |= (uint64_t)(b & 127) << (7 * i);
        if (b < 128)
            return true;
    }
    return stop(wire, "a number is longer than 64 bits");
}

/* Eight or four bytes, least significant first. */
static bool fixed(struct wire *wire, int n, uint64_t *value)
{
    if (wire->end - wire->at < n)
        return stop(wire, "the last field is cut");
    *value = 0;
    for (int i = 0; i < n; ++i)
        *value |= (uint64_t)*wire->at++ << (8 * i);
    return true;
}

static bool bytes(struct wire *wire, uint32_t number, struct onnx_range *range)
{
    uint64_t n;
    if (!wire_varint(wire, &n))
        return false;
    const uint64_t left = (uint64_t)(wire->end - wire->at);
    if (n > left) {
        snprintf(wire->wrong, sizeof wire->wrong,
                 "field %u claims %llu bytes where %llu are left",
                 (unsigned)number, (unsigned long long)n,
                 (unsigned long long)left);
        return false;
    }
    *range = (struct onnx_range){wire->at, (size_t)n};
    wire->at += n;
    return true;
}

bool wire_next(struct wire *wire, struct wire_field *field)
{
    const uint8_t *const from = wire->at;
    uint64_t tag;
    bool ok;

    *field = (struct wire_field){0};
    if (!wire_varint(wire, &tag))
        return false;
    if (tag < 8 || tag > UINT32_MAX)
        return stop(wire, "no field has such a number");
    if (wire->at == wire->end)
        return stop(wire, "the last field is cut");
    field->tag = (uint32_t)tag;
    switch (tag & 7) {
    case 0:
        ok = wire_varint(wire, &field->value);
        break;
    case 1:
        ok = fixed(wire, 8, &field->value);
        break;
    case 2:
        ok = bytes(wire, field->tag >> 3, &field->bytes);
        break;
    case 5:
        ok = fixed(wire, 4, &field->value);
        break;
    default:
        ok = stop(wire, "there is no such kind of field");
    }
    field->whole = (struct onnx_range){from, (size_t)(wire->at - from)};
    return ok;
}

float wire_float(uint64_t value)
{
    const uint32_t bits = (uint32_t)value;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double wire_double(uint64_t value)
{
    double x;
    memcpy(&x, &value, sizeof x);
    return x;
}

void wire_put(struct wire_sink *sink, struct onnx_range range)
{
    if (sink->at && range.n)
        memcpy(sink->at + sink->n, range.at, range.n);
    sink->n += range.n;
}

static void put_varint(struct wire_sink *sink, uint64_t value)
{
    uint8_t b[10];
    size_t n = 0;
    for (; value > 127; value >>= 7)
        b[n++] = (uint8_t)(value | 128);
    b[n++] = (uint8_t)value;
    wire_put(sink, (struct onnx_range){b, n});
}

void wire_put_number(struct wire_sink *sink, int number, uint64_t value)
{
    put_varint(sink, TAG_VARINT(number));
    put_varint(sink, value);
}

void wire_put_bytes(struct wire_sink *sink, int number, struct onnx_range range)
{
    put_varint(sink, TAG_BYTES(number));
    put_varint(sink, range.n);
    wire_put(sink, range);
}

void wire_put_message(struct wire_sink *sink, int number, wire_body *body,
                      const void *context)
{
    struct wire_sink size = {0};
    body(&size, context);
    put_varint(sink, TAG_BYTES(number));
    put_varint(sink, size.n);
    body(sink, context);
}
