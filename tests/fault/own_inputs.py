#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What users may bring, made from outputs of a run, for test_sites.

usage: own_inputs.py rows OUT FILE    start rows: cells next to the centres
       own_inputs.py maker OUT FILE   OUT/FILE loses what says who made it
"""
import sys

import h5py


def write_rows(out, path, k=2):
    with h5py.File(f"{out}/prototypes.h5") as p, h5py.File(f"{out}/features.h5") as f, open(path, "w") as rows:
        ids, names, grid = (p["image/id"].asstr()[()], p["class/name"].asstr()[()], f["feature/grid"][()])
        for side in ("object", "context"):
            for c, name in enumerate(names):
                near = [n[0] for n in p[side]["nearest"][c] if n[0, 0] >= 0]
                for i, (image, y, x) in enumerate(near[:k]):
                    rows.write(f"{name}\t{side}\t{i}\t{ids[image]}\t{y * grid[image, 1] + x}\n")


def drop_maker(out, name):
    with h5py.File(f"{out}/{name}", "r+") as f:
        del f["run"]


if __name__ == "__main__":
    {"rows": write_rows, "maker": drop_maker}[sys.argv[1]](*sys.argv[2:])
