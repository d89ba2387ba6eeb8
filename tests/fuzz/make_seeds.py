# SPDX-License-Identifier: MIT
"""Makes the inputs that fuzzing starts from: one right file of every kind that
a reader takes, as small as it can be.
usage: make_seeds.py FOLDER (gets a folder for each harness)
Needs NumPy, Pillow and h5py."""
import io
import json
import os
import struct
import sys

import h5py
import numpy as np
from PIL import Image


def put(harness, name, data):
    folder = os.path.join(sys.argv[1], harness)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


# ---- onnx: protocol buffers by hand

def varint(x):
    x &= (1 << 64) - 1
    out = b""
    while x > 127:
        out += bytes([x & 127 | 128])
        x >>= 7
    return out + bytes([x])


def field(number, value):
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(n, v) for n, v in fields)


def attribute(name, value):
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    if isinstance(value, int):
        return message((1, name), (3, value), (20, 2))
    if isinstance(value, bytes):
        return message((1, name), (5, value), (20, 4))
    return message((1, name), *[(8, v) for v in value], (20, 7))


def node(op, inputs, outputs, **attributes):
    return (1, message(*[(1, i) for i in inputs.split()], *[(2, o) for o in outputs.split()], (3, op + "1"), (4, op),
                       *[(5, attribute(k, v)) for k, v in attributes.items()]))


TYPES = {"<f4": 1, "|u1": 2, "|i1": 3, "<i4": 6, "<i8": 7, "<f2": 10, "<f8": 11}


def tensor(name, array, raw=True):
    fields = [(1, d) for d in array.shape] + [(2, TYPES[array.dtype.str]), (8, name)]
    if raw:
        return message(*fields, (9, array.tobytes()))
    if array.dtype.str == "<f4":
        return message(*fields, (4, array.tobytes()))
    return message(*fields, (7, b"".join(varint(int(v)) for v in array.ravel())))


def external(name, shape, offset, length):
    entries = [("location", "weights.bin"), ("offset", str(offset)), ("length", str(length))]
    return message(*[(1, d) for d in shape], (2, 1), (8, name), *[(13, message((1, k), (2, v))) for k, v in entries], (14, 1))


def port(name, dims):
    shape = message(*[(1, message((1, d)) if isinstance(d, int) else message((2, d))) for d in dims])
    return message((1, name), (2, message((1, message((1, 1), (2, shape))))))


def model(*graph):
    return message((1, 8), (2, "seed"), (7, message(*graph, (2, "g"), (11, port("image", ["n", 3, "h", "w"])),
                                                    (12, port("logits", ["n", 3])))), (8, message((1, ""), (2, 13))))


def onnx():
    rng = np.random.default_rng(1)
    conv = rng.standard_normal((4, 3, 1, 1)).astype("f4")
    fc = rng.standard_normal((3, 4)).astype("f4")
    bias = rng.standard_normal(3).astype("f4")
    trunk = [node("Conv", "image conv.w", "conv", strides=[2, 2], kernel_shape=[1, 1]), node("Relu", "conv", "feature"),
             (5, tensor("conv.w", conv))]
    flat = trunk + [node("GlobalAveragePool", "feature", "pool"), node("Flatten", "pool", "flat", axis=1)]
    gemm = node("Gemm", "flat weight bias", "logits", transB=1, alpha=0.5, beta=2.0)
    put("onnx", "gemm", model(*flat, gemm, (5, tensor("weight", fc)), (5, tensor("bias", bias, raw=False))))
    put("onnx", "external", model(*flat, gemm, (5, external("weight", [3, 4], 16, 48)), (5, tensor("bias", bias))))
    put("onnx", "matmul", model(
        *trunk, node("ReduceMean", "feature", "pool", axes=[2, 3], keepdims=0), node("Mul", "pool gain", "scaled"),
        node("Transpose", "weight", "turned", perm=[1, 0]), node("MatMul", "scaled turned", "x"), node("Add", "x bias", "y"),
        node("Softmax", "y", "logits"), (5, tensor("weight", fc)), (5, tensor("bias", bias)),
        (5, tensor("gain", np.ones(4, "f4")))))
    put("onnx", "dynamic", model(
        *trunk, node("GlobalAveragePool", "feature", "pool"), node("Constant", "", "shape", value=tensor("", np.array([0, -1]), raw=False)),
        node("Reshape", "pool shape", "flat"), node("DequantizeLinear", "q scale zero", "weight", axis=0), gemm,
        (5, tensor("q", rng.integers(-9, 9, (3, 4)).astype("i1"))), (5, tensor("scale", np.ones(3, "f4"))),
        (5, tensor("zero", np.zeros(3, "i1"))), (5, tensor("bias", bias))))
    put("onnx", "convolution", model(
        *trunk, node("BatchNormalization", "feature s b m v", "norm", epsilon=1e-5), node("Unsqueeze", "weight axes", "w3"),
        node("Unsqueeze", "w3", "w4", axes=[3]), node("Conv", "norm w4 bias", "map"), node("Relu", "map", "act"),
        node("GlobalAveragePool", "act", "pool"), node("Squeeze", "pool", "logits", axes=[2, 3]),
        (5, tensor("weight", fc)), (5, tensor("bias", bias)), (5, tensor("axes", np.array([2]))),
        *[(5, tensor(n, np.ones(4, "f4"))) for n in "sbmv"]))
    inner = message(node("Identity", "feature", "inner"), (12, port("inner", ["n", 4, "h", "w"])), (2, "sub"))
    branch = message((1, "then_branch"), (6, inner), (20, 5))
    put("onnx", "branches", model(
        *trunk, (1, message((1, "flag"), (2, "chosen"), (4, "If"), (5, branch))), (5, tensor("flag", np.ones(1, "u1"))),
        node("GlobalAveragePool", "chosen", "pool"), node("Flatten", "pool", "flat"), gemm, (5, tensor("weight", fc.astype("f2"))),
        (5, tensor("bias", bias.astype("f8")))))


# ---- image

def images():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 255, (17, 11, 3), dtype="u1")
    rgb, gray = Image.fromarray(pixels), Image.fromarray(pixels[:, :, 0])

    def save(name, image, form, **options):
        out = io.BytesIO()
        image.save(out, form, **options)
        put("image", name, out.getvalue())

    save("base", rgb, "JPEG", quality=20)
    save("progressive", rgb, "JPEG", quality=20, progressive=True, subsampling=2)
    save("restarts", rgb, "JPEG", quality=20, optimize=True, restart_marker_blocks=1)
    save("gray", gray, "JPEG", quality=10)
    save("inks", rgb.convert("CMYK"), "JPEG", quality=10)
    save("rgb", rgb, "PNG")
    save("alpha", rgb.convert("RGBA"), "PNG")
    save("palette", rgb.quantize(5), "PNG", bits=4)
    save("transparent", gray.convert("P"), "PNG", transparency=3)
    save("bits", gray.convert("1"), "PNG")
    save("deep", Image.fromarray(pixels[:, :, 0].astype("u2") * 257), "PNG")
    put("image", "interlaced", interlaced())
    put("image", "huge_jpeg", b"\xff\xd8\xff\xc2\0\x11\x08\x40\0\x40\0\x03\x01\x11\0\x02\x11\0\x03\x11\0"
        b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\0\0")
    put("image", "huge_png", png(16384, 16384, 0, 8, 0, b""))


def png(h, w, colour, depth, interlace, rows):
    import zlib
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace)),
                       (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def interlaced():
    """5 x 5 gray pixels in Adam7's order, a filter byte before each row."""
    rows = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, 5, dy):
            row = bytes(9 * x + y for x in range(x0, 5, dx))
            rows += b"\0" + row if row else b""
    return png(5, 5, 0, 8, 1, rows)


# ---- text

VOC = """<?xml version="1.0"?><annotation><folder>VOC</folder><object><name> cat </name><part><name>head</name></part>
<bndbox><xmin>1</xmin></bndbox></object><object><name>dog</name></object></annotation>"""


def texts():
    put("voc", "two", VOC)
    put("voc", "entity", '<!DOCTYPE annotation [<!ENTITY c "cat">]><annotation><object><name>&c;</name></object></annotation>')
    put("voc", "utf16", "<annotation><object><name>cow</name></object></annotation>".encode("utf-16"))
    boxes = [[0, 0, 4, 0, 4, 2, 0.5, 2.25]]
    shapes = [boxes, {"size": [4, 6], "counts": [2, 3, 19]}, {"size": [4, 6], "counts": "23c0"}, None]
    put("coco", "all", json.dumps({
        "info": {"year": 2014}, "images": [{"id": 9, "file_name": "x/a.jpg", "height": 4, "width": 6},
                                           {"id": 2, "file_name": "b.jpg", "height": 4, "width": 6}],
        "annotations": [{"image_id": 2 + 7 * (i % 2), "category_id": 90, "iscrowd": i % 2, "area": 2.5 * i, "segmentation": s}
                        for i, s in enumerate(shapes)],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "caf\u00e9", "supercategory": "food"}]}))
    for i, (h, w, s) in enumerate([(4, 6, boxes), (4, 6, shapes[1]), (4, 6, shapes[2]),
                                   (200, 250, [[10.5, 20.25, 200, 190, 249, 1, -30, 700, 12, 12], [1, 1, 2, 2, 3, 1]])]):
        put("shape", "s%d" % i, struct.pack("4B", h - 1, 0, w - 1, 0) + json.dumps(s).encode())
    put("list", "right", "a 1 cat\nx/b.png 2 # both\n\f1 cat\r\n2 dog\n255 void\n\fa\n\fdog\n# no\ncat\n")
    put("list", "background", "\ufeffb\na.jpg\t1\n\f0 background\n1 cat\n\fb\na\n\fcat\n")
    put("list", "positions", "a 0 1\nb 1\n\f3 cow\n9 emu\n\fa\nb\n\femu\ncow\n")
    put("config", "some", "[run]\nout = x # here\nmemory = 1.5g\n[cam]\nscales = 1 0.5 2\n[data]\nlayout=coco\nignore = 0 255\n\f")
    put("config", "set", "[kmeans]\nk: 12\nstart = plusplus\n\fmodel.mean=0.5 0.5 1e-2")
    for kind in ("u1", "i8", "f4", "f8", "?", "u2"):
        out = io.BytesIO()
        np.save(out, np.array([[1, 0, 1], [0, 1, 0]], dtype=kind))
        put("array", kind.replace("?", "b1"), out.getvalue())
    out = io.BytesIO()
    np.lib.format.write_array(out, np.eye(2, 3), version=(2, 0))
    put("array", "version2", out.getvalue())
    header = b"{'fortran_order': False, 'shape': (2, 3), 'descr': ".ljust(65535) + b"'"
    put("array", "type_at_end", b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header)


# ---- hdf5

LABELS = {"/image/id": np.array([b"a", b"b"]), "/class/name": np.array([b"x", b"y"]),
          "/image/label_offset": np.array([0, 1, 3]), "/image/label": np.array([0, 0, 1], "i4"),
          "/image/state": np.array([1, 1], "u1"), "/run/settings": np.array([b"model.file = m\n"])}
FEATURES = {"/feature/grid": np.array([[1, 2], [2, 1]]), "/feature/offset": np.array([0, 2, 4]),
            "/feature/vector": np.arange(12).reshape(4, 3).astype("f2"), "/split/offset": np.array([0, 2, 4, 6]),
            "/split/side": np.array([1, 2, 1, 0, 2, 2], "u1"), "/classifier/weight": np.ones((2, 3), "f4"),
            "/classifier/bias": np.ones(2, "f4")}
MAPS = {"/image/size": np.array([[5, 6], [3, 2]]), "/map/value": np.ones(6, "f2"), "/seed/class": np.ones(36, "u1"),
        "/seed/score": np.ones(36, "u1")}
PROTOTYPES = {"/class/name": LABELS["/class/name"], "/method/vector": np.ones((2, 3), "f4")}


BASIS = {"/basis/vector": np.eye(2, 3, dtype="f4"), "/basis/value": np.array([3.0, 2, 1])}
VIEWS = {"/image/size": np.array([[5, 6], [3, 2]]), "/view/grid": np.array([[[1, 2], [1, 1]], [[2, 1], [1, 1]]]),
         "/view/offset": np.array([0, 2, 3, 5, 6]), "/view/vector": np.eye(6, 2, dtype="f2")}
REDUCED = {**FEATURES, "/feature/vector": np.arange(8).reshape(4, 2).astype("f2"), "/feature/norm": np.array([3, 5, 8, 11], "f4")}
CENTERS = {"/image/id": LABELS["/image/id"], **PROTOTYPES}
for side in ("/object", "/context"):
    CENTERS.update({side + "/size": np.array([[4], [2]]), side + "/probability": np.ones((2, 1), "f4"),
                    side + "/weight": np.ones((2, 1)), side + "/nearest": np.full((2, 1, 8, 3), [0, 1, 1]),
                    side + "/similarity": np.ones((2, 1, 8), "f4")})
# In the order of enum fuzz_kind.
KINDS = ({**LABELS, **FEATURES}, PROTOTYPES, {**LABELS, **MAPS}, {**LABELS, **VIEWS, **BASIS},
         {**LABELS, "/pooled/vector": np.ones((2, 2, 3), "f4")}, BASIS, {**LABELS, **REDUCED, **BASIS}, CENTERS)
WAYS = 4


def hdf5():
    for i, sets in enumerate(KINDS):
        for version in ("earliest", "latest") if i < 3 else ("latest",):
            out = io.BytesIO()
            with h5py.File(out, "w", libver=version) as f:
                f.attrs["lpcam_format"] = np.bytes_("lpcam fuzz 1")
                for name, value in sets.items():
                    f[name] = value
                if "basis" in f:
                    f["basis"].attrs.update({name: np.bytes_("1") for name in
                                             ("rows", "energy", "map_mean", "map_error_mean", "map_error_max")})
            put("hdf5", "%d%s" % (i, version), bytes([i]) + out.getvalue())
        for way in range(WAYS):
            put("store", "%d" % i + ".%d" % way * (way > 0), bytes([way * len(KINDS) + i]))
    put("hdf5", "compact", bytes([1 + len(KINDS)]) + compact())
    put("store", "features", bytes([0] + [0] * 6 + [4, 2, 202, 8]))
    put("store", "seed_class", bytes([2] + [0] * 9 + [8, 0, 77]))
    put("store", "sizes", bytes([2] + [0] * 6 + [8, 0, 201, 0, 201]))
    views, maps, centers = (kind + 2 * len(KINDS) for kind in (3, 2, 7))
    put("store", "views_states", bytes([views] + [0] * 4 + reshaped(2, 99)))
    put("store", "views_no_cells", bytes(
        [views] + [0] * 6 + revalued(0, 0, 1, 2, 2, 1, 1, 1) + revalued(0, 0, 2, 4, 5) + reshaped(5, 2)))
    put("store", "views_infinite", bytes([views] + [0] * 8 + revalued(*[INFINITE] * 12)))
    put("store", "basis_infinite", bytes([5, 0, 10, 6] + revalued(*[INFINITE] * 6)[1:]))
    put("store", "maps_infinite", bytes([maps] + [0] * 7 + revalued(*[INFINITE] * 6)))
    put("store", "centers_none", bytes([centers] + [0] * 3 + reshaped(2, 0)))
    begun = 3 * len(KINDS)
    put("store", "begun_wide", bytes([begun] + [0] * 10 + reshaped(6, 99)))
    put("store", "begun_chunked", bytes([begun] + [0] * 4 + [16 + 4, 1, 206])) # 2^40 of them


def compact():
    """A data set of which fewer values are in its header than it claims."""
    out = io.BytesIO()
    with h5py.File(out, "w") as f:
        f["/class/name"] = PROTOTYPES["/class/name"]
        header = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        header.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(f.create_group("method").id, b"vector", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((2, 3)), header)
    return out.getvalue().replace(struct.pack("<QQ", 2, 3), struct.pack("<QQ", 2, 300))


INFINITE = 204  # the largest 64-bit integer, which halves do not hold


def reshaped(*dims):
    """The order for other sides of a data set."""
    return [4, len(dims), *dims]


def revalued(*values):
    """The order for all its values; it ends behind the last that any may have."""
    out = [8, 0] + [x for value in values for x in (value, 0)]
    return out + [0, 3] * ((48 - len(values) + 3) // 4)


def clustering():
    settings = b"k = 2\n\0".ljust(8, b"\0")
    past = settings + np.ones(8, "f4").tobytes() + struct.pack("<qddqdd", 5, 1.5, 2.5, 3, 1, 2)
    put("checkpoint", "one", struct.pack("<5q", 7, 2, 2, 2, 1) + past + struct.pack("<ii2B6x", 1, 1, 3, 0))
    put("rows", "two", "cat\tobject\t0\ta\t7\ndog\tcontext\t2\tb\t0 # there\n")


onnx()
images()
texts()
clustering()
hdf5()
