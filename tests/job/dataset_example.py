#!/usr/bin/env python3
"""The maps of maps.h5 as a torch Dataset, for a DataLoader with any number of workers."""
import functools
import os

import h5py
import numpy as np

try:
    from torch.utils.data import Dataset
except ImportError:
    Dataset = object


@functools.cache
def opened(path, pid):  # a worker opens the file itself: HDF5 does not survive a fork
    return h5py.File(path)


class Maps(Dataset):
    def __init__(self, path):
        self.path = path

    def __len__(self):
        return len(opened(self.path, os.getpid())["image/id"])

    def __getitem__(self, i):  # ID, class indices [n], maps [n][h][w] in 0..1
        f = opened(self.path, os.getpid())
        first, end = f["image/label_offset"][i:i + 2]
        begin, stop = f["map/offset"][first], f["map/offset"][end]
        maps = f["map/value"][begin:stop].reshape(end - first, *f["map/grid"][i])
        return f["image/id"].asstr()[i], f["image/label"][first:end], maps.astype(np.float32)
