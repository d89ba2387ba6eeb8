# SPDX-License-Identifier: MIT
"""The maps of score_bench scored with NumPy: as the authors' eval_cam.py does
(an argmax and a confusion matrix for each threshold), and as NumPy does it best
(one argmax, one count). Checks that all of lpcam's counts are the same.

usage: score_peer.py FOLDER ROUNDS"""
import os
import sys
import time

import numpy as np


def read_pictures(path):
    with open(path, "rb") as file:
        n, present, n_thresholds, h, w, n_classes = np.fromfile(file, np.int32, 6)
        pictures = []
        for _ in range(n):
            label = np.fromfile(file, np.int32, present)
            maps = np.fromfile(file, np.float32, present * h * w).reshape(present, h, w)
            pictures.append((label, maps, np.fromfile(file, np.uint8, h * w).reshape(h, w)))
    threshold = 3 * np.arange(1, n_thresholds + 1) / (5.0 * n_thresholds)
    return pictures, threshold, int(n_classes) + 1


def authors(pictures, threshold, n):
    """-> confusion [threshold][truth][seed]"""
    confusion = np.zeros((len(threshold), n, n), np.int64)
    for t, value in enumerate(threshold):
        for label, maps, truth in pictures:
            planes = np.pad(maps, ((1, 0), (0, 0), (0, 0)), mode="constant", constant_values=value)
            keys = np.pad(label + 1, (1, 0), mode="constant")
            seed = keys[np.argmax(planes, axis=0)]
            counted = truth < n
            confusion[t] += np.bincount(n * truth[counted].astype(int) + seed[counted], minlength=n * n).reshape(n, n)
    return confusion


def one_pass(pictures, threshold, n):
    """-> counts [truth][largest class][thresholds exceeded]"""
    bins = len(threshold) + 1
    edge = threshold.astype(np.float32)
    counts = np.zeros(n * n * bins, np.int64)
    for label, maps, truth in pictures:
        best = np.argmax(maps, axis=0)
        value = np.take_along_axis(maps, best[None], 0)[0]
        best = np.where(value > 0, label[best] + 1, 0)
        counted = truth < n
        pair = truth[counted].astype(np.int64) * n + best[counted]
        counts += np.bincount(pair * bins + np.searchsorted(edge, value[counted], side="left"), minlength=len(counts))
    return counts.reshape(n, n, bins)


def confusion_of(counts):
    """Counts by thresholds exceeded -> confusion of each threshold."""
    confusion = []
    for t in range(counts.shape[2] - 1):
        seeds = counts[:, :, t + 1:].sum(2)
        seeds[:, 0] += counts[:, :, :t + 1].sum((1, 2))
        confusion.append(seeds)
    return np.array(confusion)


def main(folder, rounds):
    pictures, threshold, n = read_pictures(os.path.join(folder, "pictures"))
    pixels = sum(truth.size for _, _, truth in pictures)
    result = {}
    for _ in range(rounds):
        for function in (authors, one_pass):
            begin = time.process_time()
            result[function] = function(pictures, threshold, n)
            print(function.__name__, "%.3f" % (1e-6 * pixels / (time.process_time() - begin)))
    assert (confusion_of(result[one_pass]) == result[authors]).all()
    for way in ("argmax", "enlarged", "seed"):
        counts = np.fromfile(os.path.join(folder, "counts." + way), np.int64).reshape(n, n, -1)
        assert (confusion_of(counts) == result[authors]).all(), "lpcam counts differently: " + way


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
