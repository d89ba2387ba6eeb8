#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Called by export.sh. A made-up data set of VOC's sizes and its maps.h5, written
with h5py; the export of masks by lpcam and by Pillow and NumPy, in turns.

    export.py make FOLDER IMAGES
    export.py run FOLDER LPCAM ROUNDS
    export.py peer FOLDER OUT LEVEL   writes OUT/ID.png, zlib level LEVEL
"""
import os
import shutil
import subprocess
import sys
import time

import h5py
import numpy as np
from PIL import Image

SIZES = [(375, 500)] * 7 + [(333, 500), (500, 375), (366, 500)]   # VOC: mostly 500 x 375
LABELS = [1] * 64 + [2] * 27 + [3] * 7 + [4] * 2                  # of 100 images of train_aug
CLASSES = 20
THRESHOLD = 0.30


def strided(side):
    return (side - 1) // 4 + 1


def smooth(rng, h, w):
    """Low almost everywhere, with a few smooth hills, as a network's maps are."""
    grid = rng.random((h // 32 + 2, w // 32 + 2), np.float32) ** 3
    map_ = np.asarray(Image.fromarray(grid).resize((strided(w), strided(h)), Image.BICUBIC))
    return np.clip(map_ / map_.max(), 0, 1).astype(np.float16)


def make(folder, n):
    rng = np.random.default_rng(1)
    os.makedirs(folder + "/data/images")
    os.makedirs(folder + "/out")
    ids, sizes, labels, values = [], [], [], []
    for i in range(n):
        ids.append("2007_%06d" % i)
        sizes.append(SIZES[i % len(SIZES)])
        labels.append(np.sort(rng.permutation(CLASSES)[:LABELS[i * 37 % len(LABELS)]]))
        values += [smooth(rng, *sizes[-1]).ravel() for _ in labels[-1]]
        open("%s/data/images/%s.jpg" % (folder, ids[-1]), "w").close()
    with open(folder + "/data/labels.txt", "w") as file:
        file.writelines("%s %s\n" % (i, " ".join(str(c + 1) for c in l)) for i, l in zip(ids, labels))
    with open(folder + "/data/classes.txt", "w") as file:
        file.writelines("%d class%d\n" % (c + 1, c) for c in range(CLASSES))
    with h5py.File(folder + "/out/maps.h5", "w") as file:
        file["image/id"] = np.array(ids, "S")
        file["class/name"] = np.array(["class%d" % c for c in range(CLASSES)], "S")
        file["image/size"] = np.array(sizes, np.int64)
        file["image/label"] = np.concatenate(labels).astype(np.int32)
        file["image/label_offset"] = np.cumsum([0] + [len(l) for l in labels])
        file["map/value"] = np.concatenate(values)
        file["map/offset"] = np.cumsum([0] + [len(v) for v in values])
        file["map/grid"] = np.array([(strided(h), strided(w)) for h, w in sizes])
        file.attrs["lpcam_format"] = "lpcam maps 1"


def voc_palette():
    return [sum((v >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3))
            for v in range(256) for channel in range(3)]


def peer(folder, out, level):
    """What a user's script does: enlarge, argmax with the threshold as background, save."""
    palette = voc_palette()
    os.makedirs(out)
    with h5py.File(folder + "/out/maps.h5") as file:
        ids, sizes = file["image/id"].asstr()[()], file["image/size"][()]
        label_offset, label = file["image/label_offset"][()], file["image/label"][()]
        offset, value = file["map/offset"][()], file["map/value"]
        for i, (h, w) in enumerate(sizes):
            planes = [np.full((h, w), THRESHOLD, np.float32)]
            for p in range(label_offset[i], label_offset[i + 1]):
                map_ = value[offset[p]:offset[p + 1]].astype(np.float32).reshape(strided(h), strided(w))
                large = Image.fromarray(map_).resize((-(-w // 16) * 16, -(-h // 16) * 16), Image.BILINEAR)
                planes.append(np.asarray(large)[:h, :w])
            keys = np.concatenate([[0], label[label_offset[i]:label_offset[i + 1]] + 1]).astype(np.uint8)
            mask = Image.fromarray(keys[np.argmax(np.stack(planes), axis=0)], "P")
            mask.putpalette(palette)
            mask.save("%s/%s.png" % (out, ids[i]), compress_level=level)


def timed(command):
    """-> seconds of wall clock and of processor."""
    before, start = os.times(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit("failed: %s\n%s" % (" ".join(command), done.stdout))
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, cpu


def compare(folder, n):
    """Both write the same masks, but for pixels at which rounding decides."""
    pixels = different = 0
    for i in range(n):
        a, b = (np.asarray(Image.open(path % i)) for path in
                (folder + "/lpcam/masks/SegmentationClass/2007_%06d.png", folder + "/peer6/2007_%06d.png"))
        pixels += a.size
        different += (a != b).sum()
    print("pixels that differ: %d of %d" % (different, pixels))
    assert different < 1e-4 * pixels


def size_of(folder):
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def run(folder, lpcam, rounds):
    n = sum(1 for _ in open(folder + "/data/labels.txt"))
    ways = {"lpcam": [lpcam, "export", folder + "/bench.ini"]}
    for level in (6, 1):
        ways["peer%d" % level] = [sys.executable, "-B", __file__, "peer", folder, "%s/peer%d" % (folder, level),
                                  str(level)]
    with open(folder + "/bench.ini", "w") as file:
        file.write("[run]\nout = %s/out\n[data]\nroot = %s/data\n[score]\nthreshold = %g\n"
                   "[export]\nformats = masks\nout = %s/lpcam\n" % (folder, folder, THRESHOLD, folder))
    rate = {name: [] for name in ways}
    for _ in range(rounds):
        for name, command in ways.items():
            shutil.rmtree(folder + "/" + name, ignore_errors=True)
            wall, cpu = timed(command)
            rate[name].append((n / wall, n / cpu))
    compare(folder, min(n, 200))
    median = {name: np.median(np.array(r), axis=0) for name, r in rate.items()}
    masks = {"lpcam": folder + "/lpcam/masks/SegmentationClass"}
    for name, what in (("lpcam", "lpcam export, one rank, start and lists and links included"),
                       ("peer6", "Pillow and NumPy, as Pillow saves"), ("peer1", "Pillow and NumPy, fastest zlib level")):
        wall, cpu = median[name]
        kib = size_of(masks.get(name, folder + "/" + name)) / n / 1024
        print("  %-60s %8.1f %8.1f   %.1f KiB" % (what, wall, cpu, kib))
    value = median["lpcam"][0] / 200
    print("bench export.images_per_s_over_200 %.2f 1.00 %s" % (value, "ok" if value >= 1 else "short"))
    ratio = median["lpcam"][0] / max(median["peer6"][0], median["peer1"][0])
    print("bench export.over_pillow %.2f 1.00 %s" % (ratio, "ok" if ratio >= 1 else "short"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "peer":
        peer(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        run(sys.argv[2], sys.argv[3], int(sys.argv[4]))
