/* SPDX-License-Identifier: MIT */
/* Behind the features f of a cell stand
 *
 *     s = f / max(largest |f|, FLT_MIN)      within [-1, 1], so that no square
 *     u = s / max(|s|, 1)                    overflows or vanishes
 *     maps = ReLU(M u)
 *
 * |s| is at least 1 but where f is 0, and there u is 0. */
#include "lpcam/output/onnx_lpcam.h"

#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/net/onnx_wire.h"

/* Where forms of operators change, and the first IR whose initialisers need not
 * be inputs. */
enum { OPSET_BROADCAST = 7, OPSET_CLIP_INPUT = 11, OPSET_AXES_INPUT = 18 };
enum { IR_FREE_INITIALISERS = 4 };

/* AttributeProto.AttributeType */
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7 };

enum value {
    FEATURE,
    ABSOLUTE,
    LARGEST,
    DIVISOR,
    SCALED,
    LENGTH,
    LENGTH_OR_1,
    UNIT,
    PRODUCT,
    MAPS,
    MATRIX,
    LEAST,
    ONE,
    AXES,
    N_VALUES,
    NO_VALUE = N_VALUES
};

static const char *const suffix[N_VALUES] = {[ABSOLUTE] = "_absolute",
                                             [LARGEST] = "_largest",
                                             [DIVISOR] = "_divisor",
                                             [SCALED] = "_scaled",
                                             [LENGTH] = "_length",
                                             [LENGTH_OR_1] = "_length_or_1",
                                             [UNIT] = "_unit",
                                             [PRODUCT] = "_product",
                                             [MAPS] = "",
                                             [MATRIX] = "_matrix",
                                             [LEAST] = "_least",
                                             [ONE] = "_one",
                                             [AXES] = "_axes"};

/* limit: the lower one of a Clip, read from that value or held in the node. */
struct layer {
    const char *op;
    enum value in, second, out;
    float limit;
};

static const struct layer layers[] = {
    {"Abs", FEATURE, NO_VALUE, ABSOLUTE, 0},
    {"ReduceMax", ABSOLUTE, AXES, LARGEST, 0},
    {"Clip", LARGEST, LEAST, DIVISOR, FLT_MIN},
    {"Div", FEATURE, DIVISOR, SCALED, 0},
    {"ReduceL2", SCALED, AXES, LENGTH, 0},
    {"Clip", LENGTH, ONE, LENGTH_OR_1, 1},
    {"Div", SCALED, LENGTH_OR_1, UNIT, 0},
    {"Conv", UNIT, MATRIX, PRODUCT, 0},
    {"Relu", PRODUCT, NO_VALUE, MAPS, 0},
};
enum { N_LAYERS = sizeof layers / sizeof *layers };

struct plan {
    const struct onnx_lpcam *from;
    struct onnx_range graph;
    uint64_t ir, opset;
    struct onnx_range name[N_VALUES];
    char text[N_VALUES][48]; /* of the names that are ours             */
};

/* ---- nodes */

struct attribute {
    const char *name;
    int type;
    int64_t i;
    float f;
};

static void put_fixed(struct wire_sink *sink, int number, const void *value)
{
    const uint8_t tag = (uint8_t)TAG_FIXED32(number);
    wire_put(sink, (struct onnx_range){&tag, 1});
    wire_put(sink, (struct onnx_range){value, 4});
}

static void put_attribute(struct wire_sink *sink, const void *context)
{
    const struct attribute *a = context;
    wire_put_bytes(sink, 1, onnx_range_of(a->name));
    if (a->type == ATTRIBUTE_FLOAT)
        put_fixed(sink, 2, &a->f);
    else
        wire_put_number(sink, a->type == ATTRIBUTE_INT ? 3 : 8, (uint64_t)a->i);
    wire_put_number(sink, 20, (uint64_t)a->type);
}

struct node {
    const struct plan *plan;
    const struct layer *layer;
};

/* Axes and limits, which were attributes before they became inputs. */
static bool is_attribute(const struct plan *plan, enum value second)
{
    return (second == AXES && plan->opset < OPSET_AXES_INPUT) ||
           ((second == LEAST || second == ONE) &&
            plan->opset < OPSET_CLIP_INPUT);
}

static void put_node(struct wire_sink *sink, const void *context)
{
    const struct node *node = context;
    const struct plan *plan = node->plan;
    const struct layer *layer = node->layer;
    const struct attribute axes = {"axes", ATTRIBUTE_INTS, 1, 0},
                           keep = {"keepdims", ATTRIBUTE_INT, 1, 0},
                           limit = {"min", ATTRIBUTE_FLOAT, 0, layer->limit};
    const bool held = is_attribute(plan, layer->second);

    wire_put_bytes(sink, 1, plan->name[layer->in]);
    if (layer->second != NO_VALUE && !held)
        wire_put_bytes(sink, 1, plan->name[layer->second]);
    wire_put_bytes(sink, 2, plan->name[layer->out]);
    wire_put_bytes(sink, 3, plan->name[layer->out]);
    wire_put_bytes(sink, 4, onnx_range_of(layer->op));
    if (held)
        wire_put_message(sink, 5, put_attribute,
                         layer->second == AXES ? &axes : &limit);
    if (layer->second == AXES)
        wire_put_message(sink, 5, put_attribute, &keep);
}

/* ---- tensors, all of them raw bytes in the machine's order, which is ONNX's */

struct tensor {
    struct onnx_range name, raw;
    int type, n_dims;
    int64_t dims[4];
};

static void put_tensor(struct wire_sink *sink, const void *context)
{
    const struct tensor *t = context;
    for (int i = 0; i < t->n_dims; ++i)
        wire_put_number(sink, 1, (uint64_t)t->dims[i]);
    wire_put_number(sink, 2, (uint64_t)t->type);
    wire_put_bytes(sink, 8, t->name);
    wire_put_bytes(sink, 9, t->raw);
}

/* M, and what was not left in a node as its attribute. */
static void put_tensors(struct wire_sink *sink, const struct plan *plan)
{
    static const int64_t axis = 1;
    static const float limit[] = {FLT_MIN, 1};
    const struct onnx_lpcam *from = plan->from;
    const struct onnx_range *name = plan->name;
    const size_t size = (size_t)from->n * (size_t)from->d * sizeof(float);
    const struct tensor tensors[] = {
        {name[MATRIX],
         {(const uint8_t *)from->vector, size},
         ONNX_FLOAT,
         4,
         {from->n, from->d, 1, 1}},
        {name[LEAST], {(const uint8_t *)&limit[0], 4}, ONNX_FLOAT, 0, {0}},
        {name[ONE], {(const uint8_t *)&limit[1], 4}, ONNX_FLOAT, 0, {0}},
        {name[AXES], {(const uint8_t *)&axis, 8}, ONNX_INT64, 1, {1}}};
    for (int i = 0; i < 4; ++i)
        if (!is_attribute(plan, (enum value)(MATRIX + i)))
            wire_put_message(sink, 5, put_tensor, &tensors[i]);
}

/* ---- ValueInfoProto of the maps: float32, [b][n][map_height][map_width] */

static void put_shape(struct wire_sink *sink, const void *context)
{
    const struct plan *plan = context;
    static const char *const side[] = {"n", NULL, "map_height", "map_width"};
    for (int i = 0; i < 4; ++i) {
        uint8_t dim[32];
        struct wire_sink one = {dim, 0};
        if (side[i])
            wire_put_bytes(&one, 2, onnx_range_of(side[i]));
        else
            wire_put_number(&one, 1, (uint64_t)plan->from->n);
        wire_put_bytes(sink, 1, (struct onnx_range){dim, one.n});
    }
}

static void put_tensor_type(struct wire_sink *sink, const void *context)
{
    wire_put_number(sink, 1, ONNX_FLOAT);
    wire_put_message(sink, 2, put_shape, context);
}

static void put_type(struct wire_sink *sink, const void *context)
{
    wire_put_message(sink, 1, put_tensor_type, context);
}

static void put_output(struct wire_sink *sink, const void *context)
{
    const struct plan *plan = context;
    wire_put_bytes(sink, 1, plan->name[MAPS]);
    wire_put_message(sink, 2, put_type, plan);
}

/* ---- the model */

static void put_graph(struct wire_sink *sink, const void *context)
{
    const struct plan *plan = context;
    struct wire wire = wire_begin(plan->graph);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (field.tag != TAG_BYTES(12))
            wire_put(sink, field.whole);
    for (int i = 0; i < N_LAYERS; ++i) {
        const struct node node = {plan, &layers[i]};
        wire_put_message(sink, 1, put_node, &node);
    }
    put_tensors(sink, plan);
    wire_put_message(sink, 12, put_output, plan);
}

static void put_entry(struct wire_sink *sink, const void *context)
{
    const struct onnx_entry *entry = context;
    wire_put_bytes(sink, 1, onnx_range_of(entry->key));
    wire_put_bytes(sink, 2, onnx_range_of(entry->value));
}

/* Has the entry of the classifier a key that is among ours? */
static bool is_replaced(const struct onnx_lpcam *from, struct onnx_range entry)
{
    struct wire wire = wire_begin(entry);
    struct wire_field field;
    bool found = false;
    while (wire_next(&wire, &field))
        for (int i = 0; i < from->n_entries && field.tag == TAG_BYTES(1); ++i)
            found = found || onnx_same(field.bytes, from->entry[i].key);
    return found;
}

static void put_model(struct wire_sink *sink, const struct plan *plan)
{
    const struct onnx_lpcam *from = plan->from;
    struct wire wire = wire_begin(
        (struct onnx_range){(const uint8_t *)from->cut, from->n_cut});
    struct wire_field field;

    wire_put_number(sink, 1, plan->ir);
    while (wire_next(&wire, &field)) {
        if (field.tag == TAG_BYTES(7))
            wire_put_message(sink, 7, put_graph, plan);
        else if (field.tag != TAG_VARINT(1) &&
                 !(field.tag == TAG_BYTES(14) &&
                   is_replaced(from, field.bytes)))
            wire_put(sink, field.whole);
    }
    for (int i = 0; i < from->n_entries; ++i)
        wire_put_message(sink, 14, put_entry, &from->entry[i]);
}

/* ---- what the cut network is */

/* The last field of that tag. */
static bool find(struct onnx_range message, uint32_t tag,
                 struct wire_field *found)
{
    struct wire wire = wire_begin(message);
    struct wire_field field;
    bool there = false;
    while (wire_next(&wire, &field))
        if (field.tag == tag) {
            *found = field;
            there = true;
        }
    return there;
}

/* The version of the standard operators; 0 where none is said. */
static uint64_t find_opset(struct onnx_range model)
{
    struct wire wire = wire_begin(model);
    struct wire_field set, domain, version;
    uint64_t opset = 0;
    while (wire_next(&wire, &set)) {
        if (set.tag != TAG_BYTES(8))
            continue;
        const bool named =
            find(set.bytes, TAG_BYTES(1), &domain) && domain.bytes.n > 0;
        if ((!named || onnx_same(domain.bytes, "ai.onnx")) &&
            find(set.bytes, TAG_VARINT(2), &version))
            opset = version.value;
    }
    return opset;
}

static bool holds(struct onnx_range bytes, const char *word)
{
    const size_t n = strlen(word);
    const uint8_t *at = bytes.at, *const end = bytes.at + bytes.n;
    while ((size_t)(end - at) >= n &&
           (at = memchr(at, word[0], (size_t)(end - at) - n + 1))) {
        if (memcmp(at, word, n) == 0)
            return true;
        ++at;
    }
    return false;
}

/* Names that begin with what stands nowhere in the graph are new in it, and in
 * the graphs inside its nodes. */
static void name_values(struct plan *plan)
{
    char prefix[24] = "lpcam";
    for (int i = 1; holds(plan->graph, prefix); ++i)
        snprintf(prefix, sizeof prefix, "lpcam%d", i);
    for (int v = FEATURE + 1; v < N_VALUES; ++v) {
        snprintf(plan->text[v], sizeof plan->text[v], "%s%s", prefix,
                 suffix[v]);
        plan->name[v] = onnx_range_of(plan->text[v]);
    }
}

static enum lp_status look(struct plan *plan)
{
    const struct onnx_lpcam *from = plan->from;
    const struct onnx_range model = {(const uint8_t *)from->cut, from->n_cut};
    struct wire_field field;

    plan->ir = find(model, TAG_VARINT(1), &field) ? field.value : 0;
    if (plan->ir < IR_FREE_INITIALISERS)
        plan->ir = IR_FREE_INITIALISERS;
    plan->opset = find_opset(model);
    if (plan->opset < OPSET_BROADCAST)
        return lp_fail(LP_EMODEL,
                       "%s is of opset %llu, whose division knows no "
                       "broadcasting: convert it to opset 7 or later with "
                       "onnx.version_converter",
                       from->path, (unsigned long long)plan->opset);
    bool good = find(model, TAG_BYTES(7), &field);
    plan->graph = field.bytes;
    good = good && find(plan->graph, TAG_BYTES(12), &field) &&
           find(field.bytes, TAG_BYTES(1), &field);
    if (!good)
        return lp_fail(LP_EMODEL, "the network cut from %s has no output",
                       from->path);
    plan->name[FEATURE] = field.bytes;
    name_values(plan);
    return LP_OK;
}

enum lp_status onnx_lpcam_make(const struct onnx_lpcam *from, char **bytes,
                               size_t *n)
{
    enum lp_status status;
    struct plan plan = {.from = from};
    struct wire_sink sink = {0};

    LP_TRY(look(&plan));
    put_model(&sink, &plan);
    if (sink.n > INT_MAX)
        LP_TRY(lp_fail(LP_EMODEL,
                       "%s with its class vectors is larger than 2 GiB, which "
                       "no ONNX file may be",
                       from->path));
    sink.at = malloc(sink.n + 1);
    if (!sink.at)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the %zu bytes of a network",
                       sink.n));
    sink.n = 0;
    put_model(&sink, &plan);
    *bytes = (char *)sink.at;
    *n = sink.n;
done:
    return status;
}
