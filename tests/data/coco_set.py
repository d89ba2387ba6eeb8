#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a data set of COCO's size whose photographs and network are tiny.

    python3 tests/data/coco_set.py OUT [--images 82783] [--annotations 860001]
        [--scale 0.1] [--seed 0] [--masks]

writes
    OUT/instances.json       the index, by coco_index.py (data.layout = coco)
    OUT/images/ID.jpg        for every image of it, sides of a tenth; those of a
                             size share some contents, as links to one file
    OUT/labels.txt classes.txt   the same labels for data.layout = list, and with
    OUT/masks/ID.png         --masks made-up masks for it, links too
    OUT/names.txt, net.onnx  80 classes; a random classifier of 32 channels at
                             stride 16
"""
import argparse
import io
import os

import coco_index
import numpy as np
import scenes_net
from PIL import Image

LAYERS = ((3, 2, 8), (3, 2, 8), (3, 2, 16), (3, 2, 16), (1, 1, 32))
SHARED_BY = 40                  # photographs of one content, about


def network(path, n_classes):
    """Random weights that keep the features' size from layer to layer."""
    rng = np.random.default_rng(0)
    params, c = [], 3
    for kernel, _, d in LAYERS:
        n = kernel * kernel * c
        params += [rng.normal(0, np.sqrt(2 / n), (n, d)), np.zeros(d)]
        c = d
    params += [rng.normal(0, 1, (n_classes, c)), np.zeros(n_classes)]
    params = [np.asarray(p, np.float32) for p in params]
    scenes_net.save_onnx(scenes_net.Net(params, LAYERS), path)


def photograph(rng, width, height):
    """JPEG: coarse blots and grain."""
    blots = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
    grain = rng.integers(0, 24, (height, width, 3), np.uint8)
    pixels = np.asarray(blots.resize((width, height), Image.BICUBIC)) // 8 * 7 + grain
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG", quality=80)
    return out.getvalue()


def mask(rng, width, height):
    """PNG: blots of categories and background, edges ignored."""
    ids = np.array([0] * 40 + [c[1] for c in coco_index.categories()] + [255] * 6, np.uint8)
    blots = Image.fromarray(ids[rng.integers(0, len(ids), (4, 5))])
    out = io.BytesIO()
    blots.resize((width, height), Image.NEAREST).save(out, "PNG")
    return out.getvalue()


def write_shared(folder, ending, names, size, make):
    """A file for each name, as many contents as there are photographs of that
    size over SHARED_BY."""
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(1)
    first, seen = {}, {}
    for name, (width, height) in zip(names, size.tolist()):
        path = os.path.join(folder, name + ending)
        n = seen[width, height] = seen.get((width, height), 0) + 1
        known = first.setdefault((width, height), [])
        if len(known) * SHARED_BY < n:
            with open(path, "wb") as out:
                out.write(make(rng, width, height))
            known.append(path)
        else:
            os.link(known[n % len(known)], path)


def write_labels(path, names, image, category):
    """A line an image in ascending order, also where it has no class."""
    ids = [c[1] for c in coco_index.categories()]
    words = [[name] for name in names]
    for i, c in zip(image.tolist(), category.tolist()):
        words[i].append(str(ids[c]))
    with open(path, "w") as out:
        out.writelines(" ".join(line) + "\n" for line in sorted(words))


def write_lines(path, lines):
    with open(path, "w") as out:
        out.writelines(line + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    coco_index.arguments(parser)
    parser.add_argument("--masks", action="store_true")
    parser.set_defaults(scale=0.1)
    args = parser.parse_args()

    def at(name):
        return os.path.join(args.out, name)

    os.makedirs(args.out, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    ids, size = coco_index.images(rng, args)
    image, category = coco_index.pairs(rng, args)
    names = ["COCO_train2014_%012d" % i for i in ids.tolist()]
    categories = coco_index.categories()
    write_shared(at("images"), ".jpg", names, size, photograph)
    if args.masks:
        write_shared(at("masks"), ".png", names, size, mask)
    write_labels(at("labels.txt"), names, image, category)
    write_lines(at("classes.txt"), ("%d %s" % (c[1], c[2]) for c in categories))
    write_lines(at("names.txt"), (c[2] for c in categories))
    network(at("net.onnx"), len(categories))
    coco_index.write(at("instances.json"), args)


if __name__ == "__main__":
    main()
