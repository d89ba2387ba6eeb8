#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the pictures of a gallery of the scenes what they should be of? All are
decoded and compared with what follows from the files of the run, the masks and
the photographs.

    python3 gallery_pictures.py RUN SCENES GALLERY

The scenes are so small that nothing but patches is drawn in another size.
"""
import os
import sys

import h5py
import numpy as np
from PIL import Image

from gallery_data import KINDS, script

NOTHING, CLASS, EDGE, IGNORED = range(4)        # in the palette of ground truth
PATCH, CELLS, NEAR = 96, 5, 6


def pixels(*path):
    return np.asarray(Image.open(os.path.join(*path))).astype(np.int16)


def unlike(a, b):
    """How far two photographs of one size are apart, levels."""
    return np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).mean()


def stored_map(f, i, c):
    first, end = f["image/label_offset"][i:i + 2]
    pair = first + list(f["image/label"][first:end]).index(c)
    return f["map/value"][slice(*f["map/offset"][pair:pair + 2])].reshape(f["map/grid"][i]).astype(np.float32)


def check_shot(shot, c, files, scenes, gallery):
    name = os.path.join(gallery, "map", "%06d_%04d_" % (shot["n"], c))
    for kind, f in files.items():
        drawn = pixels(name + kind + ".png")
        assert (drawn == np.rint(255 * stored_map(f, shot["n"], c).clip(0, 1))).all(), (shot, c, kind)
    drawn, mask = pixels(name + "truth.png"), pixels(scenes, "masks", shot["id"] + ".png")
    assert (np.isin(drawn, (CLASS, EDGE)) == (mask == c + 1)).all(), (shot, c)
    assert ((drawn == IGNORED) == (mask == 255)).all() and (drawn == EDGE).any() == (mask == c + 1).any(), (shot, c)
    photo = os.path.join(scenes, "images", shot["id"] + ".jpg")
    assert unlike(pixels(gallery, "photo", "%06d.jpg" % shot["n"]), pixels(photo)) < 6, shot


def check_figure(figure, c, f, gallery):
    """The CAMs of the class and of the others, of one photograph."""
    i = list(f["image/id"].asstr()[:]).index(figure["image"]["id"])
    x = f["feature/vector"][slice(*f["feature/offset"][i:i + 2])].astype(np.float64)
    for j, of in enumerate(figure["maps"]):
        cam = (x @ f["classifier/weight"][of["class"]]).reshape(f["feature/grid"][i]).clip(0)
        drawn = pixels(gallery, "map", "figure_%04d_%d.png" % (c, j))
        assert np.abs(drawn - 255 * cam / max(cam.max(), 1e-30)).max() < 0.6, (c, j, of)


def place(cell, n, length, side):
    return min(max((2 * cell + 1) * length // (2 * n) - side // 2, 0), length - side)


def cut_patch(photo, row, column, grid):
    side = min(max(CELLS * photo.height // int(grid[0]), 8), photo.height, photo.width)
    top, left = place(row, int(grid[0]), photo.height, side), place(column, int(grid[1]), photo.width, side)
    return photo.crop((left, top, left + side, top + side)).resize((PATCH, PATCH), Image.BICUBIC)


def check_patches(c, p, grids, scenes, gallery):
    """Of every centre; how many lie well within their photograph."""
    ids, n = p["image/id"].asstr()[:], 0
    for side, name in enumerate(("object", "context")):
        for k, near in enumerate(p[name]["nearest"][c]):
            near = [map(int, place) for place in near[:NEAR] if place[0] >= 0]
            path = os.path.join(gallery, "near", "%04d_%d_%03d.jpg" % (c, side, k))
            assert os.path.exists(path) == bool(near), path
            for j, (image, row, column) in enumerate(near):
                photo = Image.open(os.path.join(scenes, "images", ids[image] + ".jpg")).convert("RGB")
                drawn = Image.open(path).crop((j * PATCH, 0, (j + 1) * PATCH, PATCH))
                apart = unlike(drawn, cut_patch(photo, row, column, grids[image]))
                assert apart < 8, (c, name, k, j, apart)
                n += 2 < row < grids[image][0] - 2 and 2 < column < grids[image][1] - 2
    return n


def main():
    run, scenes, gallery = sys.argv[1:]
    files = {k: h5py.File(os.path.join(run, name)) for k, name in KINDS.items()}
    features, prototypes = (h5py.File(os.path.join(run, name + ".h5")) for name in ("features", "prototypes"))
    shots = patches = several = 0
    for c in range(len(features["class/name"])):
        data = script(os.path.join(gallery, "data/class_%04d.js" % c))
        for shot in data["images"]:
            check_shot(shot, c, files, scenes, gallery)
            several += len(shot["labels"]) > 1
        shots += len(data["images"])
        check_figure(data["figure"], c, features, gallery)
        patches += check_patches(c, prototypes, features["feature/grid"][:], scenes, gallery)
    assert several > 10 and patches > 10, (several, patches)  # where another map, or place, would be noticed
    print("%d maps and masks, %d figures and all patches are of what they say" % (shots, len(features["class/name"])))


if __name__ == "__main__":
    main()
