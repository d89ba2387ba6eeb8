#!/usr/bin/env python3
"""Networks that give LPCAM maps, in onnxruntime and before onnx.checker.
usage: onnx_maps.py left FOLDER           what golden_onnx_lpcam left there
       onnx_maps.py run NETWORK OUT DATA  against OUT/maps.h5: f32, one scale, no flip
"""
import glob
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime


def session(path):
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def maps_of(network, chw):
    (maps,) = network.run(["lpcam"], {network.get_inputs()[0].name: chw[None]})
    assert maps.dtype == np.float32 and np.isfinite(maps).all() and maps.min() >= 0
    return maps[0]


def check_left(folder):
    networks = sorted(glob.glob(folder + "/*.onnx"))
    worst = 0
    for path in networks:
        stem = path.removesuffix(".onnx")
        h, w, *shape = map(int, open(stem + ".shape").read().split())
        chw = np.fromfile(stem + ".input", "<f4").reshape(3, h, w)
        maps = maps_of(session(path), chw)
        off = np.abs(maps - np.fromfile(stem + ".maps", "<f4").reshape(shape)).max()
        assert off <= 1e-4, (path, off)
        worst = max(worst, off)
    assert len(networks) >= 24
    print(f"{len(networks)} networks in onnxruntime: largest difference {worst:.2g}")


def resized(map, h, w):
    """Bilinear, half-pixel centres, no antialiasing."""
    def weights(n_in, n_out):
        at = np.maximum((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0)
        low = np.minimum(at.astype(int), n_in - 1)
        high = np.minimum(low + 1, n_in - 1)
        matrix = np.zeros((n_out, n_in))
        np.add.at(matrix, (np.arange(n_out), low), 1 - (at - low))
        np.add.at(matrix, (np.arange(n_out), high), at - low)
        return matrix
    return weights(map.shape[0], h) @ map @ weights(map.shape[1], w).T


def check_run(path, out, data):
    import h5py
    from PIL import Image
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    mean, std = (np.float64(said[key].split()) for key in ("lpcam.mean", "lpcam.std"))
    classes = json.loads(said["lpcam.classes"])
    network = session(path)
    worst = n = 0
    with h5py.File(os.path.join(out, "maps.h5")) as f:
        assert classes == list(f["class/name"].asstr())
        for i, name in enumerate(f["image/id"].asstr()):
            photograph = np.asarray(Image.open(f"{data}/images/{name}.jpg").convert("RGB"))
            chw = ((photograph / 255 - mean) / std).transpose(2, 0, 1).astype(np.float32)
            maps = maps_of(network, np.ascontiguousarray(chw))
            grid = f["map/grid"][i]
            for pair in range(*f["image/label_offset"][i:i + 2]):
                first, end = f["map/offset"][pair:pair + 2]
                ours = f["map/value"][first:end].reshape(grid)
                theirs = resized(maps[f["image/label"][pair]], *grid)
                theirs /= theirs.max() + (theirs.max() == 0)
                worst = max(worst, np.abs(ours - theirs).max())
                n += 1
    assert n > 0 and worst <= 1e-4, (n, worst)
    print(f"{n} maps of photographs in onnxruntime: largest difference {worst:.2g}")


if __name__ == "__main__":
    {"left": check_left, "run": check_run}[sys.argv[1]](*sys.argv[2:])
