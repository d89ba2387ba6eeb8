#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of a walk over many images; called by test_size.sh.

    size_files.py spoil FILE...   writes 7 into the first cell of every image that
                                  all of the files call done; prints how many
    size_files.py spoilt FILE     the 7 stand there still, and nowhere else; makes
                                  them 0, which a map may hold
    size_files.py check OUT SET   all images are done, all tables agree with the index
"""
import json
import os
import sys

import h5py
import numpy as np

SEVEN = 7                       # no map holds it, nor does a feature of the test


def values(file):
    return file["map/value" if "map" in file else "feature/vector"]


def first_cells(file, images):
    """The first cell of each image that has one."""
    label_offset = file["image/label_offset"][()]
    at = file["map/offset"][()][label_offset] if "map" in file else file["feature/offset"][()]
    return at[:-1][images & (at[1:] > at[:-1])]


def sevens(file):
    rows = values(file)[()]
    return np.flatnonzero((rows.reshape(len(rows), -1) == SEVEN).all(1))


def spoil(*paths):
    files = [h5py.File(path, "r+") for path in paths]
    done = np.logical_and.reduce([file["image/state"][()] == 1 for file in files])
    for path, file in zip(paths, files):
        assert len(sevens(file)) == 0
        rows = values(file)[()]
        rows[first_cells(file, done)] = SEVEN
        values(file)[...] = rows
        np.save(path.replace(".partial", ".npy"), first_cells(file, done))
    print(done.sum())


def spoilt(path):
    with h5py.File(path, "r+") as file:
        found, due = sevens(file), np.load(path + ".npy")
        rows = values(file)[()]
        rows[due] = 0
        values(file)[...] = rows
    assert len(due) > 100 and (found == due).all(), (len(found), len(due))


def truth(path):
    """Names, labels (positions of the categories) and sizes [n][2] h, w; by id."""
    with open(path) as file:
        index = json.load(file)
    images = sorted(index["images"], key=lambda image: image["id"])
    position = {c["id"]: i for i, c in enumerate(index["categories"])}
    labels = {image["id"]: set() for image in images}
    for a in index["annotations"]:
        labels[a["image_id"]].add(position[a["category_id"]])
    return ([image["file_name"][:-4] for image in images], [sorted(found) for found in labels.values()],
            np.array([(image["height"], image["width"]) for image in images]))


def check_images(file, names, labels, size):
    assert [name.decode() for name in file["image/id"][()]] == names
    assert (file["image/state"][()] == 1).all()
    assert (file["image/size"][()] == size).all()
    assert file["image/label"][()].tolist() == [c for image in labels for c in image]
    assert (np.diff(file["image/label_offset"][()], prepend=0)[1:] == [len(image) for image in labels]).all()


def check_offsets(offset, cells, rows):
    assert offset[0] == 0 and (np.diff(offset) == cells).all() and offset[-1] == len(rows)


def check(out, folder):
    names, labels, size = truth(os.path.join(folder, "instances.json"))
    n_labels = [len(image) for image in labels]
    assert min(n_labels) == 0 and len(names) == 2000
    for name in ("cams.h5", "maps.h5"):
        with h5py.File(os.path.join(out, name), "r") as file:
            check_images(file, names, labels, size)
            grid = file["map/grid"][()]
            assert (grid == (size - 1) // 4 + 1).all()
            check_offsets(file["map/offset"][()], np.repeat(grid.prod(1), n_labels), file["map/value"])
    with h5py.File(os.path.join(out, "features.h5"), "r") as file:
        check_images(file, names, labels, size)
        grid = file["feature/grid"][()]
        assert (grid == -(-size // 16)).all()
        check_offsets(file["feature/offset"][()], grid.prod(1), file["feature/vector"])
        check_offsets(file["split/offset"][()], np.repeat(grid.prod(1), n_labels), file["split/side"])
        n_rows = np.zeros(2 * 80, int)
        pair_class = np.repeat(file["image/label"][()], np.repeat(grid.prod(1), n_labels))
        for side in (1, 2):
            n_rows[side - 1::2] = np.bincount(pair_class[file["split/side"][()] == side], minlength=80)
    with h5py.File(os.path.join(out, "prototypes.h5"), "r") as file:
        assert (file["history/rows"][()] + file["history/zero_rows"][()] == n_rows).all()


if __name__ == "__main__":
    {"spoil": spoil, "spoilt": spoilt, "check": check}[sys.argv[1]](*sys.argv[2:])
