#!/usr/bin/env python3
"""Features from Python: the least that `lpcam cluster` needs (include/lpcam/store/feature_file.h).

usage: write_features.py FROM.h5 TO.h5      here copied from a file of lpcam; yours come from your own network"""
import sys

import h5py

NEEDED = ("feature/vector", "feature/offset", "feature/grid", "split/side", "split/offset", "classifier/weight",
          "classifier/bias", "image/id", "image/label_offset", "image/label", "class/name")

with h5py.File(sys.argv[1]) as source, h5py.File(sys.argv[2], "w") as target:
    for name in NEEDED:
        data = source[name][()]
        if data.dtype.kind in "SO":  # names: h5py's own variable-length strings
            data = [text.decode().rstrip("\0") for text in data]
        target[name] = data
