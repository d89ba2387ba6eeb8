#!/usr/bin/env python3
"""A fitted classifier in another program's eyes.

usage: fit_onnx.py dump OUT.npz CLASSIFIER.onnx POOLED.h5 IMAGES   needs h5py and Pillow
       fit_onnx.py compare OUT.npz CLASSIFIER.onnx                 needs onnxruntime, and onnx for its own check
       fit_onnx.py near A.onnx B.onnx SHARE                        are the layers of two classifiers equal, as a share of the largest

The layer is read from the file's bytes. dump keeps it with some photographs as the network sees them and their pooled
features as lpcam found them; compare asks onnxruntime for their logits.
"""
import sys

import numpy as np

N_IMAGES = 5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def tensor(model, name):
    """The floats of an initialiser: behind its name (field 8) stands raw_data (field 9)."""
    data = open(model, "rb").read()
    name = name.encode()
    at = data.index(b"\x42" + bytes([len(name)]) + name + b"\x4a") + 3 + len(name)
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            break
    return np.frombuffer(data[at:at + n], "<f4")


def layer(model):
    bias = tensor(model, "lpcam.bias")
    return tensor(model, "lpcam.weight").reshape(len(bias), -1), bias


def dump(out, model, pooled, images):
    import h5py
    from PIL import Image

    arrays = dict(zip(("weight", "bias"), layer(model)))
    with h5py.File(pooled, "r") as f:
        for i, name in enumerate(f["image/id"].asstr()[:N_IMAGES]):
            pixels = np.asarray(Image.open(f"{images}/{name}.jpg").convert("RGB"), np.float64)
            arrays[f"input{i}"] = (((pixels / 255 - MEAN) / STD).transpose(2, 0, 1)[None]).astype(np.float32)
            arrays[f"pooled{i}"] = f["pooled/vector"][i, 0]
    np.savez(out, **arrays)


def compare(kept, model):
    import onnx
    import onnxruntime

    onnx.checker.check_model(onnx.load(model), full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with np.load(kept) as a:
        assert session.get_outputs()[0].shape[-1] == len(a["bias"]), session.get_outputs()[0].shape
        for i in range(N_IMAGES):
            logits = session.run(None, {session.get_inputs()[0].name: a[f"input{i}"]})[0]
            want = a["weight"].astype(np.float64) @ a[f"pooled{i}"] + a["bias"]
            off = np.abs(logits[0] - want).max() / (1 + np.abs(want).max())
            assert logits.shape == (1, len(want)) and off < 1e-4, f"image {i}: off by {off}"
            print(f"onnxruntime {onnxruntime.__version__}, image {i}: off by {off:.1e}")


def near(a, b, share):
    for x, y in zip(layer(a), layer(b)):
        assert x.shape == y.shape and np.isfinite(x).all()
        off = np.abs(x - y).max() / max(np.abs(x).max(), 1e-30)
        assert off <= float(share), f"{a} and {b} differ by {off}"
    weight = layer(a)[0]
    assert (np.abs(weight).max(axis=1) > 0).all(), "a class without weights"


if __name__ == "__main__":
    {"dump": dump, "compare": compare, "near": near}[sys.argv[1]](*sys.argv[2:])
