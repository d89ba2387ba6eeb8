#!/usr/bin/env python3
"""What a viewer shows when it opens FILE.h5, found as viewers find it. usage: picture_example.py FILE.h5 [PICTURE.png]"""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as f:
    group = f[f.attrs["default"]]
    picture = group[group.attrs["signal"]]
    print(picture.name, picture.shape, picture.attrs["description"].decode())
    if "CLASS" in picture.attrs:  # IMAGE: rows of pixels, 0 to 255
        print(*group["title"].asstr(), sep="\n")
        if len(sys.argv) > 2:
            from PIL import Image
            Image.fromarray(np.concatenate(picture, axis=1)).save(sys.argv[2])
