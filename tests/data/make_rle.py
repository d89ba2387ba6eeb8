#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What pycocotools (2.0.11) draws, as the tests' measure of ours.

    python3 tests/data/make_rle.py [SHARED]      # needs pycocotools and NumPy

writes coco_shapes.txt: a line a made-up segmentation, h w pixels sha256 and
the JSON; and, where SHARED/data/coco412-train is, coco412_shapes.txt: a line an
annotation of its instances.json, in order, pixels sha256, then a line an image,
its id and the sha256 of its ground truth in annotation order without crowds, and
with small objects on top of large ones on top of crowds (255). Classes are
numbered from 1. Hashes are of the columns of pixels, their first 16 digits.
"""
import contextlib
import hashlib
import io
import json
import os
import sys

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

HERE = os.path.dirname(os.path.abspath(__file__))


def digest(mask):
    return hashlib.sha256(mask.astype(np.uint8).tobytes(order="F")).hexdigest()[:16]


def draw(segmentation, h, w):
    """As COCO.annToMask."""
    if isinstance(segmentation, list):
        rle = coco_mask.merge(coco_mask.frPyObjects(segmentation, h, w))
    elif isinstance(segmentation["counts"], list):
        rle = coco_mask.frPyObjects(segmentation, h, w)
    else:
        rle = segmentation
    return coco_mask.decode(rle)


def star(rng, h, w, n, decimals):
    """n corners around a centre that may lie outside the image."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = rng.uniform(0.1, 0.7) * max(h, w) * rng.uniform(0.2, 1, n)
    x = rng.uniform(-0.2, 1.2) * w + radius * np.cos(angle)
    y = rng.uniform(-0.2, 1.2) * h + radius * np.sin(angle)
    return np.round(np.stack([x, y], 1).ravel(), decimals).tolist()


def tangle(rng, h, w, n, decimals):
    """n corners anywhere: the outline crosses itself."""
    xy = rng.uniform(-0.3, 1.3, (n, 2)) * (w, h)
    return np.round(xy.ravel(), decimals).tolist()


def blob(rng, h, w):
    return (rng.uniform(size=(h, w)) < rng.choice([0.02, 0.3, 0.9])).astype(np.uint8)


def counts_of(mask):
    change = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0, append=2))
    return np.diff(change, prepend=0).tolist()


def runs(rng, h, w, compressed):
    mask = blob(rng, h, w)
    if not compressed:
        return {"size": [h, w], "counts": counts_of(mask)}
    rle = coco_mask.encode(np.asfortranarray(mask))
    return {"counts": rle["counts"].decode(), "size": [h, w]}


def made_up():
    rng = np.random.default_rng(412)
    yield 10, 10, [[2, 2, 2, 7, 7, 7, 7, 2]]                    # on the grid
    yield 10, 10, [[2.5, 2.5, 2.5, 7.5, 7.5, 7.5, 7.5, 2.5]]    # between it
    yield 10, 10, [[0, 0, 10, 0, 10, 10, 0, 10]]                # everything
    yield 10, 10, [[-50, -50, 60, -50, 60, 60, -50, 60]]        # and more
    yield 10, 10, [[3, 3, 3, 3, 3, 3]]                          # a point
    yield 10, 10, [[1, 5, 8, 5, 1, 5]]                          # a line and back
    yield 10, 10, [[5, 1, 5, 8, 5, 1]]
    yield 10, 10, [[20, 20, 30, 20, 30, 30]]                    # outside
    yield 10, 10, [[1, 1, 1, 1, 8, 2, 8, 2, 4, 9, 4, 9]]        # corners twice
    yield 1, 1, [[0, 0, 1, 0, 1, 1, 0, 1]]
    yield 1, 9, [[0.2, 0.2, 8.7, 0.1, 5, 0.9]]
    yield 9, 1, [[0.2, 0.2, 0.8, 8.7, 0.9, 5]]
    yield 7, 5, [[1, 1, 4, 1, 4, 4, 1, 4], [2, 2, 5, 2, 5, 7, 2, 7]]  # overlap
    yield 4, 4, {"size": [4, 4], "counts": [16]}
    yield 4, 4, {"size": [4, 4], "counts": [0, 16]}
    yield 4, 4, {"size": [4, 4], "counts": [2, 0, 3, 1, 0, 4, 6]}
    for i in range(240):
        h, w = (int(v) for v in rng.integers(1, 60, 2))
        shape = star if i % 3 else tangle
        yield h, w, [shape(rng, h, w, int(rng.integers(3, 24)), int(rng.integers(0, 4)))
                     for _ in range(int(rng.integers(1, 4)))]
    for i in range(40):
        h, w = (int(v) for v in rng.integers(1, 24, 2))
        yield h, w, runs(rng, h, w, i % 2)
    yield 480, 640, [star(rng, 480, 640, 60, 2)]
    yield 640, 427, [star(rng, 640, 427, 200, 2), tangle(rng, 640, 427, 9, 1)]


def write_made_up():
    with open(f"{HERE}/coco_shapes.txt", "w") as out:
        for h, w, segmentation in made_up():
            mask = draw(segmentation, h, w)
            print(h, w, int(mask.sum()), digest(mask), json.dumps(segmentation), file=out)


def ground_truth(coco, image, number, small):
    annotations = coco.imgToAnns[image["id"]]
    objects = [a for a in annotations if not a["iscrowd"]]
    crowds = []
    if small:
        crowds = [a for a in annotations if a["iscrowd"]]
        objects = sorted(objects, key=lambda a: a["area"])[::-1]
    truth = np.zeros((image["height"], image["width"]), np.uint8)
    for a in crowds + objects:
        truth[coco.annToMask(a) == 1] = 255 if a["iscrowd"] else number[a["category_id"]]
    return truth


def write_photographs(folder):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(f"{folder}/instances.json")
    number = {category: i + 1 for i, category in enumerate(sorted(coco.cats))}
    with open(f"{HERE}/coco412_shapes.txt", "w") as out:
        for a in coco.dataset["annotations"]:
            mask = coco.annToMask(a)
            print(int(mask.sum()), digest(mask), file=out)
        for image in sorted(coco.imgs.values(), key=lambda i: i["id"]):
            print(image["id"], *(digest(ground_truth(coco, image, number, small)) for small in (False, True)), file=out)


if __name__ == "__main__":
    write_made_up()
    folder = f"{sys.argv[1] if len(sys.argv) > 1 else '../shared'}/data/coco412-train"
    if os.path.exists(folder):
        write_photographs(folder)
