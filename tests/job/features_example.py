#!/usr/bin/env python3
"""Features of your own network for `lpcam cluster`: the whole of what features.h5 must hold.   usage: FEATURES.h5"""
import sys

import h5py
import numpy as np

classes, D = ["cat", "dog"], 64  # D: channels of a feature
weight = np.random.default_rng(0).normal(size=(len(classes), D))  # of your classifier's linear layer
random = np.random.default_rng(1)  # stands for your network: F [h][w][D], its unpooled features at scale 1
images = {f"photo{i}": ([0, 1] if i % 3 == 0 else [i % 2], random.gamma(0.5, size=(6 + i % 3, 8, D))) for i in range(20)}

offset, side_offset, label_offset = [0], [0], [0]  # one more entry than there are photographs, pairs, photographs
vectors, grids, sides, labels = [], [], [], []
for present, F in images.values():
    vectors.append(F.reshape(-1, D))  # row-major: cell (y, x) is row y * w + x
    grids.append(F.shape[:2])
    offset.append(offset[-1] + len(vectors[-1]))
    for c in present:  # for each class in the photograph, ascending: is a cell 1 the object's, 2 context, 0 neither?
        cam = F @ weight[c]
        sides.append(np.where(cam > 0.1 * cam.max(), 1, 2).ravel())
        side_offset.append(side_offset[-1] + sides[-1].size)
        labels.append(c)
    label_offset.append(len(labels))

with h5py.File(sys.argv[1], "w") as f:  # f16 or f32 vectors; any integers; h5py's strings
    f["feature/vector"] = np.concatenate(vectors).astype("f2")
    f["feature/offset"], f["feature/grid"] = offset, grids
    f["split/side"], f["split/offset"] = np.concatenate(sides).astype("u1"), side_offset
    f["classifier/weight"], f["classifier/bias"] = weight, np.zeros(len(classes))
    f["image/id"], f["class/name"] = list(images), classes
    f["image/label_offset"], f["image/label"] = label_offset, labels
