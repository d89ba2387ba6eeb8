# SPDX-License-Identifier: MIT
"""A whole script that does in Python what `lpcam extract` does up to the
features: decode, resize (Pillow, bicubic), normalise, network; on one thread.

usage: extract_peer.py VARIANT MODELS LIST s1|ms [FIRST.npy]
MODELS is the folder of feature.onnx and weights.npz, LIST names a photograph a
line. s1: as it is; ms: at four scales, each with its mirror image, as in the
authors' scripts. Prints the seconds from the first photograph on, after two
calls on it that let the library prepare itself; FIRST.npy takes its feature."""
import sys
import time

import numpy as np
from PIL import Image

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SCALES = {"s1": (1.0,), "ms": (1.0, 0.5, 1.5, 2.0)}


def inputs(path, protocol):
    """The network's inputs for one photograph: [1 or 2][3][h][w] at each scale."""
    gain = (1 / (255 * np.array(STD))).astype(np.float32)[:, None, None]
    shift = (-np.array(MEAN) / STD).astype(np.float32)[:, None, None]
    with Image.open(path) as file:
        photograph = file.convert("RGB")
    for scale in SCALES[protocol]:
        image = photograph
        if scale != 1:
            size = round(image.width * scale), round(image.height * scale)
            image = image.resize(size, Image.BICUBIC)
        x = np.asarray(image).transpose(2, 0, 1).astype(np.float32)
        x *= gain
        x += shift
        yield np.stack([x, x[:, :, ::-1]]) if protocol == "ms" else x[None]


def torch_forward(variant, models):
    import torch
    from resnet50 import torch_network

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    layout = torch.channels_last if "channels-last" in variant else torch.contiguous_format
    net = torch_network(np.load(models + "/weights.npz")).to(memory_format=layout)
    if variant != "torch-plain":
        net = torch.jit.freeze(torch.jit.trace(net, torch.zeros(1, 3, 96, 128)))
    if variant == "torch-optimized":
        net = torch.jit.optimize_for_inference(net)
    return lambda x: net(torch.from_numpy(np.ascontiguousarray(x)).contiguous(
        memory_format=layout)).contiguous().numpy()


def onnxruntime_forward(models):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(models + "/feature.onnx", options,
                                           providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"image": np.ascontiguousarray(x)})[0]


def main(variant, models, list_path, protocol, first_path=None):
    paths = open(list_path).read().splitlines()
    if variant == "onnxruntime":
        forward = onnxruntime_forward(models)
    else:
        forward = torch_forward(variant, models)

    for _ in range(2):
        feature = [forward(x) for x in inputs(paths[0], protocol)]
    if first_path:
        np.save(first_path, feature[0])
    begin = time.perf_counter()
    for path in paths:
        for x in inputs(path, protocol):
            forward(x)
    print("work_s", time.perf_counter() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])
