# SPDX-License-Identifier: MIT
"""The classifier of the scenes in NumPy, and its ONNX file.

Convolutions 3x3 (padding 1) and 1x1, each followed by ReLU, the average over
all cells, a linear layer. Arrays are channels-last inside: images [n, h, w, 3], features
[n, h / 16, w / 16, d] (each division rounds up). The ONNX file is written and
read with the few protobuf rules it needs, without the onnx package.
"""
import numpy as np

MEAN = np.array((0.485, 0.456, 0.406))
STD = np.array((0.229, 0.224, 0.225))
LAYERS = ((3, 2, 16), (3, 2, 32), (3, 2, 64), (3, 2, 96), (1, 1, 256))
FLOAT, INT64 = 1, 7             # TensorProto.DataType


# The network ----------------------------------------------------------------

def normalise(photographs):
    """[n, h, w, 3] u8 -> the same in f32, as the network wants it."""
    return ((photographs / 255.0 - MEAN) / STD).astype(np.float32)


def im2col(x, kernel, stride):
    """What each output cell sees of x. -> [n, oh, ow, kernel^2 c]"""
    if kernel == 1:
        return x
    n, h, w, c = x.shape
    oh, ow = (h - 1) // stride + 1, (w - 1) // stride + 1
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    columns = np.empty((n, oh, ow, 9, c), np.float32)
    for k in range(9):
        i, j = divmod(k, 3)
        columns[:, :, :, k] = padded[:, i:i + stride * (oh - 1) + 1:stride,
                                     j:j + stride * (ow - 1) + 1:stride]
    return columns.reshape(n, oh, ow, 9 * c)


class Net:
    """params: for each convolution a weight [9 c, d] (rows: kernel row, kernel
    column, channel) and a bias [d]; then the linear weight [classes, d] and
    bias [classes]."""

    def __init__(self, params, layers=LAYERS):
        self.params, self.layers = params, layers

    def features(self, x):
        """Unpooled features of x [n, h, w, 3]."""
        for layer, (kernel, stride, _) in enumerate(self.layers):
            w, b = self.params[2 * layer:2 * layer + 2]
            x = np.maximum(im2col(x, kernel, stride) @ w + b, 0)
        return x

    def logits(self, features):
        """[n, h, w, d] -> [n, classes]"""
        return features.mean((1, 2)) @ self.params[-2].T + self.params[-1]


# The ONNX file --------------------------------------------------------------

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    """One protobuf field: an int as varint, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, array):
    kind = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}[array.dtype]
    dims = b"".join(field(1, n) for n in array.shape)
    return dims + field(2, kind) + field(8, name) + field(9, array.tobytes())


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)


def node(op, inputs, output, **attributes):
    return (b"".join(field(1, i) for i in inputs) + field(2, output)
            + field(3, output) + field(4, op)
            + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def value_info(name, dims):
    """A float tensor; a dimension is a number, or a name where it may vary."""
    shape = b"".join(field(1, field(1 if isinstance(d, int) else 2, d)) for d in dims)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def graph(net):
    nodes, tensors, x = [], [], "image"
    for layer, (kernel, stride, _) in enumerate(net.layers):
        w, b = net.params[2 * layer:2 * layer + 2]
        name = f"conv{layer + 1}"
        w = w.reshape(kernel, kernel, -1, w.shape[1]).transpose(3, 2, 0, 1)  # OIHW
        tensors += [tensor(name + ".weight", w), tensor(name + ".bias", b)]
        nodes += [node("Conv", (x, name + ".weight", name + ".bias"), name,
                       kernel_shape=(kernel,) * 2, pads=(kernel // 2,) * 4, strides=(stride,) * 2),
                  node("Relu", (name,), f"relu{layer + 1}")]
        x = f"relu{layer + 1}"
    nodes += [node("GlobalAveragePool", (x,), "pool"),
              node("Flatten", ("pool",), "flat", axis=1),
              node("Gemm", ("flat", "fc.weight", "fc.bias"), "logits", transB=1)]
    tensors += [tensor("fc.weight", net.params[-2]), tensor("fc.bias", net.params[-1])]
    n_classes = len(net.params[-1])
    return (b"".join(field(1, n) for n in nodes) + field(2, "scenes")
            + b"".join(field(5, t) for t in tensors)
            + field(11, value_info("image", ("batch", 3, "height", "width")))
            + field(12, value_info("logits", ("batch", n_classes))))


def save_onnx(net, path):
    """ModelProto, IR version 8, opset 13."""
    with open(path, "wb") as f:
        f.write(field(1, 8) + field(2, "train_scenes.py") + field(7, graph(net))
                + field(8, field(1, "") + field(2, 13)))


def fields(message):
    """(number, value) of a message whose fields are varints or bytes."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        value = number()
        if key & 7 == 2:
            at += value
            value = message[at - value:at]
        yield key >> 3, value


def load_onnx(path):
    """The Net of a file that save_onnx wrote."""
    with open(path, "rb") as f:
        parts = dict(fields(f.read()))
    params = []
    for key, value in fields(parts[7]):
        if key != 5:
            continue
        dims = [v for k, v in fields(value) if k == 1]
        array = np.frombuffer(dict(fields(value))[9], np.float32).reshape(dims)
        if len(dims) == 4:
            array = array.transpose(2, 3, 1, 0).reshape(-1, dims[0])
        params.append(array)
    return Net(params)
