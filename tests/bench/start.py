# SPDX-License-Identifier: MIT
"""Objectives of k-means from our starts beside scikit-learn's best of ten:
start.py FEATURES.h5 PEER NAME=PROTOTYPES.h5 ...

The objective is the mean cosine of a problem's vectors (one class, one side) to
the nearest centre, computed here alike for all centres. Our update, the mean of
the vectors as they are, does not maximise it but the mean weighted by the
vectors' lengths; so both are compared, the second with scikit-learn's fit to
vectors weighted in that way. PEER-k*-*.npz keeps what scikit-learn found for K
and these rows. A start by plusplus iterates on its sample, too, which its
iterations leave out: the seconds of start.sh have it. Ends with
two targets for the last NAME: the worst problem's ratio of our objective to
scikit-learn's."""
import hashlib
import os
import sys

import h5py
import numpy as np

SIDES = ("object", "context")
TARGET = 0.995


def problems(path):
    """class and side, unit vectors [n][d] and lengths [n] of every problem"""
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
            length = np.linalg.norm(x, axis=1)
            yield c, s - 1, x[length > 0] / length[length > 0, None], length[length > 0]


def objectives(x, length, center):
    """the mean cosine, and the same weighted by length"""
    norm = np.linalg.norm(center, axis=1, keepdims=True)
    cosine = (x @ (center / np.where(norm > 0, norm, 1)).T).max(1)
    return np.array([cosine.mean(), np.average(cosine, weights=length)])


def peer(x, length, k):
    """both objectives and the iterations of scikit-learn's best of ten starts, fit to each"""
    from sklearn.cluster import KMeans

    fits = [KMeans(k, n_init=10, random_state=0).fit(x, sample_weight=w) for w in (None, length)]
    return [objectives(x, length, f.cluster_centers_)[i] for i, f in enumerate(fits)] + [f.n_iter_ for f in fits]


def tell(name, ratio, steps):
    print(f"{name}: objective over scikit-learn's mean {np.mean(ratio):.4f}, worst {min(ratio):.4f}, "
          f"{sum(r < TARGET for r in ratio)} of {len(ratio)} problems below {TARGET}; "
          f"iterations mean {np.mean(steps):.1f}, most {max(steps):.0f}")


def peer_path(features, peer, k):
    with open(features, "rb") as file:
        return f"{peer}-k{k}-{hashlib.file_digest(file, 'sha1').hexdigest()[:12]}.npz"


def main(features, peer_name, *runs):
    files = {name: h5py.File(path) for name, path in (run.split("=", 1) for run in runs)}
    kept = peer_path(features, peer_name, next(iter(files.values()))["object/center"].shape[1])
    known = dict(np.load(kept)) if os.path.exists(kept) else {}
    ratio, steps, peer_steps = {name: [] for name in files}, {name: [] for name in files}, []
    for c, side, x, length in problems(features):
        k = next(iter(files.values()))[SIDES[side]]["center"].shape[1]
        if len(x) <= k:
            continue
        key = f"{c}_{side}"
        if key not in known:
            known[key] = peer(x, length, k)
            np.savez(kept, **known)
        best, peer_steps = np.array(known[key][:2]), peer_steps + [known[key][2:]]
        line = f"class {c:2d} {SIDES[side]:7} {len(x):6d} vectors  scikit-learn {best[0]:.4f}, {best[1]:.4f} in {known[key][2]:.0f}"
        for name, file in files.items():
            ratio[name].append(objectives(x, length, file[SIDES[side]]["center"][c]) / best)
            steps[name].append(int(file["history/iterations"][0][2 * c + side]))
            line += f"  {name} {ratio[name][-1][0]:.4f}, {ratio[name][-1][1]:.4f} in {steps[name][-1]}"
        print(line, flush=True)
    print(f"scikit-learn: iterations mean {np.mean(peer_steps):.1f}, most {np.max(peer_steps):.0f}")
    for i, kind in enumerate(("objective", "objective_by_length")):
        for name in files:
            tell(f"{kind} of {name}", [r[i] for r in ratio[name]], steps[name])
    for i, kind in enumerate(("objective", "objective_by_length")):
        worst = min(r[i] for r in ratio[list(files)[-1]])
        print(f"bench kmeans.{kind} {worst:.4f} {TARGET} {'ok' if worst >= TARGET else 'short'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
