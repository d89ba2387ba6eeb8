# SPDX-License-Identifier: MIT
"""What passes.sh compares; each call ends with `bench NAME VALUE TARGET ok|short`, larger is better.

passes.py ratio NAME SLOW FAST TARGET     seconds of two jobs
passes.py bound NAME TWO.h5 ONE.h5        maps of two passes, some photographs of those of one: the bound that ONE's report
                                          tells of every class over the largest difference there is
passes.py points NAME ALL PART            folders with score*.json, of the same starts: what LPCAM's mIoU gains; no verdict
passes.py miou NAME ALL PART              the same: on average it may fall by 0.3 points, at 0.30 and at the best threshold
"""
import glob
import json
import sys

import h5py
import numpy as np

F16_ROUNDING = 2.0**-11  # of a map's value, which is at most 1


def verdict(name, value, target):
    print(f"bench {name} {value:.3f} {target} {'ok' if value >= target else 'short'}")


def ratio(name, slow, fast, target):
    verdict(name, float(slow) / float(fast), float(target))


def all_maps(file):
    """((image, class), values, maximum) of every map"""
    ids, names = file["image/id"].asstr()[()], file["class/name"].asstr()[()]
    offset, label, maximum = (file[n][()] for n in ("map/offset", "image/label", "map/maximum"))
    image = np.repeat(np.arange(len(ids)), np.diff(file["image/label_offset"][()]))
    for p, c in enumerate(label):
        yield (ids[image[p]], names[c]), file["map/value"][offset[p]:offset[p + 1]].astype(float), float(maximum[p])


def bound(name, two_path, one_path):
    with h5py.File(two_path) as two, h5py.File(one_path) as one:
        report = one["run/report"].asstr()[0].rstrip("\0").splitlines()
        # "bound BEFORE LARGEST MEAN MAPS WEAK CLASS"
        told = {line.split(None, 6)[6]: float(line.split()[1]) for line in report if line.startswith("bound ")}
        stored = F16_ROUNDING if one["map/value"].dtype == np.float16 else 0
        maps = {key: value for key, value, _ in all_maps(two)}
        margin, worst, least = 0.0, 0.0, np.inf
        for key, value, maximum in all_maps(one):
            if key not in maps or maximum == 0:
                continue
            found = abs(value - maps[key]).max()
            allowed = min(1, 2 * told[key[1]] / maximum) + stored
            worst, margin, least = max(worst, found), max(margin, found / allowed), min(least, allowed)
    print(f"{name}: {len(maps)} maps, largest difference {worst:.2g} of a map's maximum; the least bound is {least:.2g}, "
          f"the largest share of its bound that a map reaches {margin:.3f}")
    verdict(f"{name}.bound_over_difference", 1 / max(margin, 1e-9), 1)


def curves(folder, kind):
    """of each start {threshold: mIoU in points}"""
    scores = [json.load(open(path))[kind]["curve"] for path in sorted(glob.glob(folder + "/score*.json"))]
    return [{p["threshold"]: 100 * p["miou"] for p in score} for score in scores]


def points(name, whole, part):
    """the gains of all starts at 0.30 and at the best threshold"""
    cam, lpcam = curves(whole, "cam")[0], [curves(folder, "lpcam") for folder in (whole, part)]
    print(f"{name}: mIoU in points, the mean of {len(lpcam[0])}; CAM, LPCAM of the former, of the latter")
    for t in cam:
        print(f"{t:9.2f} {cam[t]:7.2f}", *(f"{np.mean([c[t] for c in starts]):7.2f}" for starts in lpcam))
    at30, best = ([pick(p) - pick(w) for w, p in zip(*lpcam)] for pick in (lambda c: c[0.3], lambda c: max(c.values())))
    for what, gain in (("at 0.30", at30), ("at the best threshold", best)):
        error = f", standard error {np.std(gain, ddof=1) / len(gain)**0.5:.3f}" if len(gain) > 1 else ""
        print(f"{name}: gained {what} {np.mean(gain):+.3f}{error}")
    return at30, best


def miou(name, whole, part):
    at30, best = points(name, whole, part)
    verdict(f"{name}.points_gained_at_0.30", np.mean(at30), -0.3)
    verdict(f"{name}.points_gained_at_best", np.mean(best), -0.3)


if __name__ == "__main__":
    {"ratio": ratio, "bound": bound, "points": points, "miou": miou}[sys.argv[1]](*sys.argv[2:])
