/* SPDX-License-Identifier: MIT */
/* A tensor has its numbers as little-endian bytes (raw_data), which is this
 * program's own order too, or in a field of its type, packed or one by one. */
#include "onnx_numbers.h"

#include <string.h>

#include "lpcam/base/half.h"
#include "lpcam/net/onnx_wire.h"

/* One element of raw data. */
static double element(int type, const uint8_t *at)
{
    uint16_t half;
    float f;
    double d;
    int32_t i;
    int64_t l;

    switch (type) {
    case ONNX_FLOAT:
        memcpy(&f, at, sizeof f);
        return f;
    case ONNX_DOUBLE:
        memcpy(&d, at, sizeof d);
        return d;
    case ONNX_INT32:
        memcpy(&i, at, sizeof i);
        return i;
    case ONNX_INT64:
        memcpy(&l, at, sizeof l);
        return (double)l;
    case ONNX_INT8:
        return (int8_t)*at;
    case ONNX_UINT8:
        return *at;
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        memcpy(&half, at, sizeof half);
        value_to_f32(type == ONNX_FLOAT16 ? LP_F16 : LP_BF16, &half, 1, &f);
        return f;
    default:
        return 0;
    }
}

/* One element of int32_data or int64_data; f16 is there as a bit pattern. */
static double integer(int type, uint64_t value)
{
    const uint8_t bits[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    if (type == ONNX_FLOAT16)
        return element(type, bits);
    return type == ONNX_INT64 ? (double)(int64_t)value
                              : (double)(int32_t)(uint32_t)value;
}

struct gather {
    double *v;
    int64_t n, room;
};

static void put(struct gather *g, double x)
{
    if (g->n < g->room)
        g->v[g->n] = x;
    ++g->n;
}

/* The field's numbers, packed or single. */
static void gather_field(struct gather *g, const struct wire_field *field,
                         int type)
{
    struct wire packed = wire_begin(field->bytes);
    const size_t each = type == ONNX_FLOAT ? 4 : 8;
    uint64_t value;

    switch (field->tag & 7) {
    case 0:
        put(g, integer(type, field->value));
        break;
    case 1:
        put(g, wire_double(field->value));
        break;
    case 5:
        put(g, wire_float(field->value));
        break;
    default:
        if (type == ONNX_FLOAT || type == ONNX_DOUBLE)
            for (size_t i = 0; i + each <= field->bytes.n; i += each)
                put(g, element(type, field->bytes.at + i));
        else
            while (wire_varint(&packed, &value))
                put(g, integer(type, value));
    }
}

static void gather(struct gather *g, struct onnx_range message, uint32_t number,
                   int type)
{
    struct wire wire = wire_begin(message);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag >> 3 == number)
            gather_field(g, &field, type);
}

bool onnx_tensor_numbers(const struct onnx_tensor *t, double *v, int64_t n)
{
    struct gather g = {v, 0, n};
    const size_t each = onnx_type_bytes(t->type);

    switch (t->type) {
    case ONNX_FLOAT:
    case ONNX_DOUBLE:
    case ONNX_INT64:
    case ONNX_INT32:
    case ONNX_INT8:
    case ONNX_UINT8:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        break;
    default:
        return false;
    }
    if (t->raw.at && t->raw.n == (size_t)n * each) {
        for (int64_t i = 0; i < n; ++i)
            v[i] = element(t->type, t->raw.at + (size_t)i * each);
        return true;
    }
    gather(&g, t->whole,
           t->type == ONNX_FLOAT    ? 4
           : t->type == ONNX_DOUBLE ? 10
           : t->type == ONNX_INT64  ? 7
                                    : 5,
           t->type);
    return g.n == n;
}

int64_t onnx_attribute_numbers(const struct onnx_attribute *a, double *v,
                               int64_t room)
{
    struct gather g = {v, 0, room};
    gather(&g, a->whole, 2, ONNX_FLOAT);
    gather(&g, a->whole, 3, ONNX_INT64);
    gather(&g, a->whole, 7, ONNX_FLOAT);
    gather(&g, a->whole, 8, ONNX_INT64);
    return g.n;
}
