#!/usr/bin/env python3
"""What a viewer shows when it opens FILE.h5, found as viewers find it. usage: picture_example.py FILE.h5 [PICTURE.png]"""
import sys

import h5py

with h5py.File(sys.argv[1]) as f:
    group = f[f.attrs["default"]]
    shown = group[group.attrs["signal"]]
    print(shown.name, shown.shape, shown.attrs["description"].decode())
    if shown.attrs.get("CLASS") == b"IMAGE":  # rows of sRGB pixels
        print(*group["caption"].asstr(), sep="\n")
        if len(sys.argv) > 2:
            from PIL import Image
            Image.fromarray(shown[()]).save(sys.argv[2])
