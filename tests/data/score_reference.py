#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Score CAM and LPCAM of lpcam_reference.py on the scenes.

    OPENBLAS_NUM_THREADS=1 python3 score_reference.py scenes scenes.onnx

prints the mIoU of both at every threshold; --write OUT also writes cams.h5 and
maps.h5 there, as far as readers of maps need them (uses h5py).
"""
import argparse
import os

import numpy as np
from PIL import Image

from lpcam_reference import CHOICES, run
from scenes_net import load_onnx

THRESHOLDS = np.arange(1, 13) * 0.05


def read_scenes(root):
    """-> list of (id, photograph [h, w, 3], class indices, mask [h, w])"""
    scenes = []
    with open(os.path.join(root, "labels.txt")) as f:
        for line in f:
            name, *ids = line.split()
            rgb = np.asarray(Image.open(os.path.join(root, "images", name + ".jpg")))
            mask = np.asarray(Image.open(os.path.join(root, "masks", name + ".png")))
            scenes.append((name, rgb, [int(i) - 1 for i in ids], mask))
    return scenes


def count(high_res, present, mask, n_classes, threshold):
    """Confusion counts [truth, seed] of one scene."""
    best = high_res.argmax(0)
    value = np.take_along_axis(high_res, best[None], 0)[0]
    seed = np.where(value > threshold, np.asarray(present)[best] + 1, 0)
    side = n_classes + 1
    return np.bincount(mask.ravel() * side + seed.ravel(),
                       minlength=side * side).reshape(side, side)


def mean_iou(scenes, maps, n_classes, threshold):
    """mIoU over classes and background. maps: high_res of every scene."""
    total = sum(count(m, s[2], s[3], n_classes, threshold) for s, m in zip(scenes, maps))
    hit = np.diag(total)
    return np.mean(hit / np.maximum(total.sum(0) + total.sum(1) - hit, 1))


def write_maps(path, scenes, maps, names):
    """maps.h5 or cams.h5: the data sets that readers of maps need."""
    import h5py
    strided = [m[0] for m in maps]
    present = [s[2] for s in scenes]
    per_pair = [one.size for m in strided for one in m]
    with h5py.File(path, "w") as f:
        f["/image/id"] = np.array([s[0].encode() for s in scenes])
        f["/image/size"] = np.array([s[3].shape for s in scenes], np.int64)
        f["/image/state"] = np.ones(len(scenes), np.uint8)
        f["/image/label_offset"] = np.cumsum([0] + [len(p) for p in present])
        f["/image/label"] = np.concatenate(present).astype(np.int32)
        f["/class/name"] = np.array([n.encode() for n in names])
        f["/map/value"] = np.concatenate([m.ravel() for m in strided]).astype(np.float16)
        f["/map/offset"] = np.cumsum([0] + per_pair)
        f["/map/grid"] = np.array([m.shape[1:] for m in strided], np.int64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenes")
    parser.add_argument("model")
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--choice", choices=CHOICES, default="weighted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", help="folder for cams.h5 and maps.h5")
    args = parser.parse_args()
    net, scenes = load_onnx(args.model), read_scenes(args.scenes)
    n_classes = len(net.params[-1])
    results = run(net, scenes, args.k, args.choice, args.seed)
    print("threshold     CAM   LPCAM   (mIoU, %)")
    for t in THRESHOLDS:
        cam, lpcam = (100 * mean_iou(scenes, [m[1] for m in maps], n_classes, t)
                      for maps in results)
        print(f"{t:9.2f} {cam:7.1f} {lpcam:7.1f}")
    if args.write:
        with open(os.path.splitext(args.model)[0] + ".classes.txt") as f:
            names = f.read().split()
        for name, maps in zip(("cams.h5", "maps.h5"), results):
            write_maps(os.path.join(args.write, name), scenes, maps, names)


if __name__ == "__main__":
    main()
