/* SPDX-License-Identifier: MIT */
/* HDF5 files that are good as such and hold what the input says: it is read as
 * orders, byte by byte, what to change in a small right file, data set by data
 * set. Zeros, and an input that has ended, change nothing. */
#include "fuzz.h"

#include <hdf5.h>
#include <string.h>

#include "readers.h"

enum { MOST_VALUES = 48, MOST_SIDES = 4 };

/* What a data set is like as long as nobody asks for another. */
struct set {
    const char *name;
    char type; /* of `type_of`                                             */
    int n_dims;
    hsize_t dims[MOST_SIDES];
    int64_t value[MOST_VALUES];
};

/* Two images a and b, classes x and y: a shows x, b both. */
#define LABELS                                                                 \
    {"/image/id", 's', 1, {2}, {'a', 'b'}},                                    \
        {"/class/name", 's', 1, {2}, {'x', 'y'}},                              \
        {"/image/label_offset", 'l', 1, {3}, {0, 1, 3}},                       \
        {"/image/label", 'i', 1, {3}, {0, 0, 1}},                              \
    {                                                                          \
        "/image/state", 'u', 1, {2},                                           \
        {                                                                      \
            1, 1                                                               \
        }                                                                      \
    }
#define SETTINGS                                                               \
    {                                                                          \
        "/run/settings", 'S', 1, {1},                                          \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }

#define SIZES                                                                  \
    {                                                                          \
        "/image/size", 'l', 2, {2, 2},                                         \
        {                                                                      \
            5, 6, 3, 2                                                         \
        }                                                                      \
    }

static const struct set feature_set[] = {
    LABELS,
    SETTINGS,
    {"/feature/grid", 'l', 2, {2, 2}, {1, 2, 2, 1}},
    {"/feature/offset", 'l', 1, {3}, {0, 2, 4}},
    {"/feature/vector", 'h', 2, {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3}},
    {"/split/offset", 'l', 1, {4}, {0, 2, 4, 6}},
    {"/split/side", 'u', 1, {6}, {1, 2, 1, 0, 2, 2}},
    {"/classifier/weight", 'f', 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
    {"/classifier/bias", 'f', 1, {2}, {1, 2}},
    SIZES};
static const struct set prototype_set[] = {
    {"/class/name", 's', 1, {2}, {'x', 'y'}},
    SETTINGS,
    {"/method/vector", 'f', 2, {2, 3}, {1, 2, 3, 4, 5, 6}}};
static const struct set map_set[] = {
    LABELS,
    SETTINGS,
    SIZES,
    {"/map/value", 'h', 1, {6}, {1, 0, 1, 1, 0, 1}},
    {"/seed/offset", 'l', 1, {3}, {0, 30, 36}},
    {"/seed/class", 'u', 1, {36}, {1, 2, 1, 2}},
    {"/seed/score", 'u', 1, {36}, {100, 200}},
    {"/map/maximum", 'f', 1, {3}, {1, 1, 1}}};
/* Two scales; components 1 and 2 of 3. */
#define BASIS                                                                  \
    {"/basis/vector", 'f', 2, {2, 3}, {1, 0, 0, 0, 1, 0}},                     \
    {                                                                          \
        "/basis/value", 'd', 1, {3},                                           \
        {                                                                      \
            3, 2, 1                                                            \
        }                                                                      \
    }
static const struct set view_set[] = {
    LABELS,
    SIZES,
    {"/view/grid", 'l', 3, {2, 2, 2}, {1, 2, 1, 1, 2, 1, 1, 1}},
    {"/view/offset", 'l', 1, {5}, {0, 2, 3, 5, 6}},
    {"/view/vector", 'h', 2, {6, 2}, {1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1}},
    BASIS};
static const struct set pooled_set[] = {
    LABELS,
    SETTINGS,
    {"/pooled/vector", 'f', 3, {2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
    SIZES};
static const struct set basis_set[] = {SETTINGS, BASIS};
static const struct set reduced_set[] = {
    LABELS,
    SETTINGS,
    {"/feature/grid", 'l', 2, {2, 2}, {1, 2, 2, 1}},
    {"/feature/offset", 'l', 1, {3}, {0, 2, 4}},
    {"/feature/vector", 'h', 2, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}},
    {"/feature/norm", 'f', 1, {4}, {3, 5, 8, 11}},
    {"/split/offset", 'l', 1, {4}, {0, 2, 4, 6}},
    {"/split/side", 'u', 1, {6}, {1, 2, 1, 0, 2, 2}},
    {"/classifier/weight", 'f', 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
    {"/classifier/bias", 'f', 1, {2}, {1, 2}},
    BASIS,
    SIZES};
#define SIDE(side)                                                             \
    {side "/size", 'l', 2, {2, 1}, {4, 2}},                                    \
        {side "/probability", 'f', 2, {2, 1}, {1, 0}},                         \
        {side "/weight", 'd', 2, {2, 1}, {1, 1}},                              \
        {side "/nearest", 'l', 4, {2, 1, 8, 3}, {0, 1, 1, 1, 0, 1, -1}},       \
    {                                                                          \
        side "/similarity", 'f', 3, {2, 1, 8},                                 \
        {                                                                      \
            1                                                                  \
        }                                                                      \
    }
static const struct set center_set[] = {
    {"/image/id", 's', 1, {2}, {'a', 'b'}},
    {"/class/name", 's', 1, {2}, {'x', 'y'}},
    {"/method/vector", 'f', 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
    SIDE("/object"),
    SIDE("/context")};
/* What files have besides that jobs go on with. */
static const struct set begun_set[] = {{"/run/report", 'S', 1, {1}, {'r'}},
                                       SETTINGS};

/* The orders that are left. */
struct orders {
    const uint8_t *at, *end;
};

static uint8_t take(struct orders *o)
{
    return o->at < o->end ? *o->at++ : 0;
}

/* Small numbers, ends of ranges, or any. */
static int64_t take_number(struct orders *o)
{
    static const int64_t edge[] = {-1,        INT32_MAX,           INT32_MIN,
                                   1ll << 31, INT64_MAX,           INT64_MIN,
                                   1ll << 40, (1ll << 61) + 12345, 65536};
    const int n_edges = (int)(sizeof edge / sizeof edge[0]);
    const uint8_t b = take(o);
    uint64_t any = 0;
    if (b < 200)
        return b;
    if (b < 200 + n_edges)
        return edge[b - 200];
    for (int i = 0; i < 8; ++i)
        any = any << 8 | take(o);
    return (int64_t)any;
}

/* A type of the file; the caller closes it. */
static hid_t type_of(char type)
{
    hid_t t;
    switch (type) {
    case 'u':
        return H5Tcopy(H5T_STD_U8LE);
    case 'i':
        return H5Tcopy(H5T_STD_I32LE);
    case 'l':
        return H5Tcopy(H5T_STD_I64LE);
    case 'U':
        return H5Tcopy(H5T_STD_U64BE);
    case 'f':
        return H5Tcopy(H5T_IEEE_F32LE);
    case 'd':
        return H5Tcopy(H5T_IEEE_F64LE);
    case 'h':
        t = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_fields(t, 15, 10, 5, 0, 10);
        H5Tset_size(t, 2);
        H5Tset_ebias(t, 15);
        return t;
    default: /* s: a character and a zero, S: 40 bytes, v: any length */
        t = H5Tcopy(H5T_C_S1);
        H5Tset_size(t, type == 's' ? 2 : type == 'S' ? 40 : H5T_VARIABLE);
        H5Tset_cset(t, type == 'S' ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
        return t;
    }
}

/* Its values as 64-bit integers, or strings of a letter each. */
static void write_values(hid_t set, hid_t type, char kind,
                         const int64_t value[MOST_VALUES])
{
    static const char settings[] = "model.file = m\n";
    char letters[MOST_VALUES * 40] = "", *pointers[MOST_VALUES];
    for (int i = 0; i < MOST_VALUES; ++i) {
        const int length = kind == 's' ? 2 : 40;
        letters[i * length] = (char)value[i];
        pointers[i] = letters + i * length;
    }
    if (kind == 'S' && value[0] == 0)
        memcpy(letters, settings, sizeof settings);
    if (kind == 'v')
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers);
    else if (kind == 's' || kind == 'S')
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, letters);
    else
        H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
}

/* Bits of the order that a data set begins with. */
enum { ABSENT = 1, RETYPED = 2, RESHAPED = 4, REVALUED = 8, CHUNKED = 16 };

static void reshape(struct orders *o, struct set *s)
{
    s->n_dims = take(o) % (MOST_SIDES + 1);
    for (int i = 0; i < s->n_dims; ++i)
        s->dims[i] = (hsize_t)take_number(o);
}

static void write_set(hid_t file, struct set s, struct orders *o)
{
    static const char types[] = "uilUfdhsSv";
    const hsize_t chunk[MOST_SIDES] = {1, 1, 1, 1};
    const uint8_t order = take(o);
    if (order & ABSENT)
        return;
    if (order & RETYPED)
        s.type = types[take(o) % (sizeof types - 1)];
    if (order & RESHAPED)
        reshape(o, &s);
    if (order & REVALUED)
        for (int i = take(o) % MOST_VALUES; i < MOST_VALUES && o->at < o->end;
             i += 1 + take(o) % 4)
            s.value[i] = take_number(o);
    const hid_t type = type_of(s.type);
    const hid_t space = H5Screate_simple(s.n_dims, s.dims, NULL);
    const hid_t groups = H5Pcreate(H5P_LINK_CREATE);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_create_intermediate_group(groups, 1);
    if ((order & CHUNKED) && s.n_dims > 0)
        H5Pset_chunk(plan, s.n_dims, chunk);
    const hid_t set =
        H5Dcreate2(file, s.name, type, space, groups, plan, H5P_DEFAULT);
    const hssize_t n = H5Sget_simple_extent_npoints(space);
    if (set >= 0 && n > 0 && n <= MOST_VALUES)
        write_values(set, type, s.type, s.value);
    H5Dclose(set);
    H5Pclose(plan);
    H5Pclose(groups);
    H5Sclose(space);
    H5Tclose(type);
}

/* The format: as text of one length or another, any length, or a number. */
static void write_format(hid_t file, struct orders *o)
{
    const char text[64] = "lpcam fuzz 1", *pointer = text;
    const uint8_t order = take(o);
    const hid_t type =
        order & RETYPED ? type_of(order & REVALUED ? 'v' : 'l') : type_of('S');
    const hsize_t n = order & RESHAPED ? take(o) % 4 : 1;
    const hid_t space = H5Screate_simple(1, &n, NULL);
    const hid_t at =
        H5Acreate2(file, "lpcam_format", type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (n == 1)
        H5Awrite(at, type,
                 H5Tis_variable_str(type) > 0 ? (const void *)&pointer : text);
    H5Aclose(at);
    H5Sclose(space);
    H5Tclose(type);
}

/* What /basis says of itself, each as a number or as it is ordered. */
static void write_losses(hid_t file, struct orders *o)
{
    static const char *const name[] = {"rows", "energy", "map_mean",
                                       "map_error_mean", "map_error_max"};
    const hid_t group = H5Gopen2(file, "/basis", H5P_DEFAULT);
    const hid_t type = type_of('S'), space = H5Screate(H5S_SCALAR);
    for (int i = 0; group >= 0 && i < 5; ++i) {
        char text[40] = "1";
        const uint8_t order = take(o);
        for (int j = 0; (order & REVALUED) && j < order % 8; ++j)
            text[j] = (char)take(o);
        const hid_t at = order & ABSENT
                             ? H5I_INVALID_HID
                             : H5Acreate2(group, name[i], type, space,
                                          H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(at, type, text);
        H5Aclose(at);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Gclose(group);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_mpi();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

#define FILE_OF(set)                                                           \
    {                                                                          \
        set, (int)(sizeof set / sizeof set[0])                                 \
    }

static const struct {
    const struct set *set;
    int n;
} kinds[N_FUZZ_KINDS] = {[FUZZ_FEATURES] = FILE_OF(feature_set),
                         [FUZZ_PROTOTYPES] = FILE_OF(prototype_set),
                         [FUZZ_MAPS] = FILE_OF(map_set),
                         [FUZZ_VIEWS] = FILE_OF(view_set),
                         [FUZZ_POOLED] = FILE_OF(pooled_set),
                         [FUZZ_BASIS] = FILE_OF(basis_set),
                         [FUZZ_REDUCED] = FILE_OF(reduced_set),
                         [FUZZ_CENTERS] = FILE_OF(center_set)};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct orders o = {bytes, bytes + n};
    const uint8_t how = take(&o);
    const enum fuzz_kind kind = fuzz_kind_of(how);
    const enum fuzz_way way = fuzz_way_of(how);
    const char *path = fuzz_file("store.h5", "", 0);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    fuzz_require(file >= 0);
    for (int i = 0; i < kinds[kind].n; ++i)
        write_set(file, kinds[kind].set[i], &o);
    write_format(file, &o);
    write_losses(file, &o);
    for (int i = 0; way == FUZZ_RESUME && i < 1 + (kind == FUZZ_VIEWS); ++i)
        write_set(file, begun_set[i], &o);
    fuzz_require(H5Fclose(file) >= 0);
    read_store(kind, way, path);
    return 0;
}
