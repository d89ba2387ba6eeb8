#!/usr/bin/env python3
"""Are all data sets of two HDF5 files equal to the last bit? /run/report (timings) and attributes are left out.

usage: same_bits.py A.h5 B.h5      exit 0 equal, 1 different (the first difference is told)
"""
import sys

import h5py


def data_sets(file):
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return {name: item for name, item in found.items() if not name.startswith("run/")}


def main(a_path, b_path):
    with h5py.File(a_path, "r") as a_file, h5py.File(b_path, "r") as b_file:
        a, b = data_sets(a_file), data_sets(b_file)
        if a.keys() != b.keys():
            sys.exit(f"{a_path} and {b_path} hold different data sets: {sorted(a.keys() ^ b.keys())}")
        for name in a:
            if a[name].shape != b[name].shape or a[name].dtype != b[name].dtype:
                sys.exit(f"{name}: {a[name]} is not {b[name]}")
            if a[name][()].tobytes() != b[name][()].tobytes():
                sys.exit(f"{name} differs between {a_path} and {b_path}")
        return len(a)


if __name__ == "__main__":
    n = main(*sys.argv[1:3])
    if n == 0:
        sys.exit("no data sets found")
    print(f"{n} data sets equal: {sys.argv[1]} {sys.argv[2]}")
