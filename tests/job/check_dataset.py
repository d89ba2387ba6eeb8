#!/usr/bin/env python3
"""Does the Dataset of dataset_example.py give the maps as they are, also to workers? usage: check_dataset.py MAPS.h5"""
import multiprocessing
import sys

import h5py
import numpy as np

from dataset_example import Maps


def as_they_are(path):
    with h5py.File(path) as f:
        offset, value = f["map/offset"][()], f["map/value"][()].astype(np.float32)
        label_offset, label = f["image/label_offset"][()], f["image/label"][()]
        for i, name in enumerate(f["image/id"].asstr()):
            pairs = range(label_offset[i], label_offset[i + 1])
            grid = f["map/grid"][i]
            yield name, label[pairs], [value[offset[p]:offset[p + 1]].reshape(grid) for p in pairs]


def equal(got, wanted):
    return (got[0] == wanted[0] and (np.asarray(got[1]) == wanted[1]).all() and len(got[2]) == len(wanted[2]) > 0
            and all((np.asarray(a) == b).all() and b.max() > 0.99 for a, b in zip(got[2], wanted[2])))


def main(path):
    wanted, maps = list(as_they_are(path)), Maps(path)
    order = list(range(len(maps)))
    assert len(order) == len(wanted) > 10
    assert equal(maps[0], wanted[0])  # the file is open here, too, before workers are made
    for start, n in ("fork", 3), ("spawn", 1):
        with multiprocessing.get_context(start).Pool(n) as workers:
            got = workers.map(maps.__getitem__, order, chunksize=5)
        assert all(map(equal, got, wanted)), start
    try:
        from torch.utils.data import DataLoader
    except ImportError:
        print(f"{len(order)} photographs, 3 workers, no torch")
        return
    got = list(DataLoader(maps, batch_size=None, num_workers=2))
    assert len(got) == len(wanted) and all(map(equal, got, wanted))
    print(f"{len(order)} photographs, 3 workers and a DataLoader of torch")


if __name__ == "__main__":
    main(sys.argv[1])
