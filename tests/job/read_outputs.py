#!/usr/bin/env python3
"""Do the outputs of a run hold what the README says of them? usage: read_outputs.py FOLDER"""
import json
import sys

import h5py
import numpy as np


def check_described(file):
    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            for key in ("description", "unit"):
                assert item.attrs[key], (name, key)
    file.visititems(visit)
    for key in ("lpcam_format", "program", "created"):
        assert file.attrs[key], key


def check_images(file):
    n = len(file["image/id"])
    assert n > 0 and set(file["image/state"][()]) == {1}
    offset = file["image/label_offset"][()]
    assert offset[0] == 0 and (np.diff(offset) >= 0).all() and offset[n] == len(file["image/label"])
    assert file["image/size"].shape == (n, 2)
    return n


def check_maps(file):
    n = check_images(file)
    offset, grid, size = file["map/offset"][()], file["map/grid"][()], file["image/size"][()]
    assert (grid == (size - 1) // 4 + 1).all()
    assert file["map/value"].dtype == np.float16
    value = file["map/value"][()].astype(np.float32)
    assert (value >= 0).all() and (value <= 1).all()
    label_offset = file["image/label_offset"][()]
    for i in range(n):
        for pair in range(label_offset[i], label_offset[i + 1]):
            assert offset[pair + 1] - offset[pair] == grid[i].prod()
            assert value[offset[pair]:offset[pair + 1]].max() > 0.99
    pixels = size.prod(1)
    assert (np.diff(file["seed/offset"][()]) == pixels).all()
    assert file["seed/score"][()].max() <= 200 and len(file["seed/class"]) == pixels.sum()


def check_features(file):
    n = check_images(file)
    cells = file["feature/grid"][()].prod(1)
    assert (np.diff(file["feature/offset"][()]) == cells).all()
    d = file["classifier/weight"].shape[1]
    assert file["feature/vector"].shape == (cells.sum(), d)
    assert np.isfinite(file["feature/vector"][()].astype(np.float32)).all()
    pairs = np.diff(file["image/label_offset"][()])
    assert (np.diff(file["split/offset"][()]) == np.repeat(cells, pairs)).all()
    assert set(np.unique(file["split/side"][()])) <= {0, 1, 2}
    return n


def check_prototypes(file):
    n, d = file["method/vector"].shape
    assert np.isfinite(file["method/vector"][()]).all()
    for side in ("object", "context"):
        k = file[side]["center"].shape[1]
        assert file[side]["center"].shape == (n, k, d)
        assert file[side]["nearest"].shape == (n, k, 8, 3)
        assert (np.diff(file[side]["similarity"][()], axis=2) <= 0).all()
        probability = file[side]["probability"][()]
        assert (probability >= 0).all() and (probability <= 1).all()


def main(folder):
    checks = {"maps": check_maps, "cams": check_maps, "features": check_features, "prototypes": check_prototypes}
    for name, check in checks.items():
        with h5py.File(f"{folder}/{name}.h5") as file:
            check_described(file)
            check(file)
    score = json.load(open(f"{folder}/score.json"))
    for kind in ("cam", "lpcam"):
        assert len(score[kind]["curve"]) == 12 and score[kind]["best"]["miou"] == max(p["miou"] for p in score[kind]["curve"])
        assert [c["name"] for c in score[kind]["classes"]][0] == "background"
    assert score["lpcam"]["best"]["miou"] > score["cam"]["best"]["miou"] + 0.03, "LPCAM must beat CAM on the sample"
    print("outputs are as described")


if __name__ == "__main__":
    main(sys.argv[1])
