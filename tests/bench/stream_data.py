#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A features.h5 of so many GB (10^9 bytes) as clustering wants it, with made-up
rows of 2048 f32: images of 300 cells, 20 classes, three in an image.

usage: stream_data.py FILE GB"""
import os
import sys

import h5py
import numpy as np

D, H, W, CLASSES, LABELS = 2048, 15, 20, 20, 3
path, gigabytes = sys.argv[1], float(sys.argv[2])
cells = H * W
n = int(gigabytes * 1e9 / (cells * D * 4))
random = np.random.default_rng(1)
# After a ReLU half of the entries are zero.
rows = np.maximum(random.standard_normal((8 * cells, D), dtype="f4"), 0)

with h5py.File(path, "w") as f:
    f["/image/id"] = [f"image{i:06}" for i in range(n)]
    f["/class/name"] = [f"class{c}" for c in range(CLASSES)]
    f["/image/label_offset"] = np.arange(n + 1) * LABELS
    f["/image/label"] = np.concatenate([np.sort(random.choice(CLASSES, LABELS, replace=False)) for _ in range(n)])
    f["/feature/grid"] = np.full((n, 2), (H, W))
    f["/feature/offset"] = np.arange(n + 1) * cells
    f["/split/offset"] = np.arange(n * LABELS + 1) * cells
    f["/split/side"] = random.integers(0, 3, n * LABELS * cells, dtype="u1")
    f["/classifier/weight"] = random.standard_normal((CLASSES, D), dtype="f4")
    f["/classifier/bias"] = np.zeros(CLASSES, "f4")
    vector = f.create_dataset("/feature/vector", (n * cells, D), "f4")
    for i in range(0, n * cells, len(rows)):
        m = min(len(rows), n * cells - i)
        vector[i:i + m] = np.roll(rows, i // len(rows), axis=1)[:m]
with open(path) as f:
    os.fsync(f.fileno())
