# SPDX-License-Identifier: MIT
"""Objectives of k-means from our starts beside scikit-learn's best of ten:
start.py FEATURES.h5 PEER.npz NAME=PROTOTYPES.h5 ...

The objective is the mean cosine of a problem's vectors (one class, one side) to
the nearest centre, computed here alike for all centres. PEER.npz keeps what
scikit-learn found. Ends with a target for the last NAME: the worst problem's
ratio of our objective to scikit-learn's."""
import os
import sys

import h5py
import numpy as np

SIDES = ("object", "context")
TARGET = 0.995


def problems(path):
    """name and unit vectors [n][d] of every class and side"""
    with h5py.File(path) as file:
        vector, offset = file["feature/vector"][:], file["feature/offset"][:]
        label, first = file["image/label"][:], file["image/label_offset"][:]
        side, side_at = file["split/side"][:], file["split/offset"][:]
        n_classes = len(file["class/name"])
    image = np.repeat(np.arange(len(first) - 1), np.diff(first))
    for c in range(n_classes):
        for s in (1, 2):
            cells = [offset[image[p]] + np.flatnonzero(side[side_at[p]:side_at[p + 1]] == s) for p in np.flatnonzero(label == c)]
            x = vector[np.concatenate(cells or [[]]).astype(int)].astype(np.float32)
            length = np.linalg.norm(x, axis=1, keepdims=True)
            yield (c, SIDES[s - 1]), (x / np.where(length > 0, length, 1))[length[:, 0] > 0]


def objective(x, center):
    length = np.linalg.norm(center, axis=1, keepdims=True)
    return float((x @ (center / np.where(length > 0, length, 1)).T).max(1).mean())


def peer(x, k):
    """objective and iterations of scikit-learn's best of ten starts"""
    from sklearn.cluster import KMeans

    best = KMeans(k, n_init=10, random_state=0).fit(x)
    return objective(x, best.cluster_centers_), best.n_iter_


def main(features, kept, *runs):
    runs = [run.split("=", 1) for run in runs]
    files = {name: h5py.File(path) for name, path in runs}
    known = dict(np.load(kept)) if os.path.exists(kept) else {}
    ratio, steps = {name: [] for name in files}, {name: [] for name in files}
    for (c, side), x in problems(features):
        k = files[runs[0][0]][side]["center"].shape[1]
        if len(x) <= k:
            continue
        key = f"{c}_{SIDES.index(side) + 1}"
        if key not in known:
            known[key] = peer(x, k)
            np.savez(kept, **known)
        line = f"class {c:2d} {side:7} {len(x):6d} vectors  scikit-learn {known[key][0]:.5f} in {known[key][1]:3.0f}"
        for name, file in files.items():
            ratio[name].append(objective(x, file[side]["center"][c]) / known[key][0])
            steps[name].append(int(file["history/iterations"][0][2 * c + SIDES.index(side)]))
            line += f"  {name} {ratio[name][-1]:.4f} in {steps[name][-1]:3d}"
        print(line)
    print(f"scikit-learn: iterations mean {np.mean([v[1] for v in known.values()]):.1f}")
    for name in files:
        print(f"{name}: of scikit-learn's objective mean {np.mean(ratio[name]):.4f}, worst {min(ratio[name]):.4f}, "
              f"{sum(r < TARGET for r in ratio[name])} of {len(ratio[name])} problems below {TARGET}; "
              f"iterations mean {np.mean(steps[name]):.1f}, most {max(steps[name])}")
    worst = min(ratio[runs[-1][0]])
    print(f"bench kmeans.objective {worst:.4f} {TARGET} {'ok' if worst >= TARGET else 'short'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
