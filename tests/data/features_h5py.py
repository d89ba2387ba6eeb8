# SPDX-License-Identifier: MIT
"""Makes features_h5py.h5: the least that clustering needs, as a user writes it
with h5py's defaults (strings of any length, 64-bit labels, chunks)."""
import h5py
import numpy as np

with h5py.File("features_h5py.h5", "w") as f:
    f["/image/id"] = ["meadow", "k\u00fche", "sky"]
    f["/class/name"] = ["grass", "cow"]
    f["/image/label_offset"] = [0, 1, 3, 3]
    f["/image/label"] = [0, 0, 1]
    f["/feature/grid"] = [[1, 2], [2, 1], [1, 1]]
    f["/feature/offset"] = [0, 2, 4, 5]
    f.create_dataset("/feature/vector", chunks=(2, 3), compression=1,
                     data=np.arange(15, dtype="f8").reshape(5, 3))
    f["/split/offset"] = [0, 2, 4, 6]
    f["/split/side"] = [1, 2, 1, 0, 2, 2]
    f["/classifier/weight"] = np.arange(6.0).reshape(2, 3)
    f["/classifier/bias"] = [0.5, -0.5]
