#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is what a gallery says true? Once more with NumPy, from the full-size seeds.

    python3 gallery_data.py RUN SCENES GALLERY [MOST]

RUN holds cams.h5, maps.h5, features.h5, prototypes.h5 and score.json. MOST is
export.gallery_images: where it is given, maps.full is seed, and the photographs
are compared too.
"""
import json
import os
import re
import sys

import h5py
import numpy as np
from PIL import Image

KINDS = {"cam": "cams.h5", "lpcam": "maps.h5"}


def script(path):
    with open(path) as f:
        return json.loads(re.fullmatch(r'lpcam\("[^"]*",(.*)\);\n', f.read(), re.S)[1])


class Seeds:
    """IoU of one class in one image at a threshold."""

    def __init__(self, path, scenes):
        self.file = h5py.File(path)
        self.ids = list(self.file["image/id"].asstr()[:])
        self.names = list(self.file["class/name"].asstr()[:])
        self.scenes = scenes
        with open(os.path.join(scenes, "classes.txt")) as f:
            self.class_id = {name: int(i) for i, name in map(str.split, f)}

    def labels(self, i):
        return list(self.file["image/label"][slice(*self.file["image/label_offset"][i:i + 2])])

    def iou(self, i, c, threshold):
        a, b = self.file["seed/offset"][i:i + 2]
        seed = (self.file["seed/class"][a:b] == c + 1) & (self.file["seed/score"][a:b] > round(threshold * 200))
        mask = np.asarray(Image.open(os.path.join(self.scenes, "masks", self.ids[i] + ".png"))).ravel()
        truth, counted = mask == self.class_id[self.names[c]], mask != 255
        union = ((seed | truth) & counted).sum()
        return (seed & truth).sum() / union if union else -1


def check_class(c, data, seeds, run, most):
    images = [i for i in range(len(seeds["lpcam"].ids)) if c in seeds["lpcam"].labels(i)]
    value = {k: {i: s.iou(i, c, run["threshold"][k]) for i in images} for k, s in seeds.items()}
    order = sorted((i for i in images if value["lpcam"][i] >= 0), key=lambda i: (np.float32(value["lpcam"][i]), i))
    shown = order if len(order) <= most else order[:most // 2] + order[len(order) - (most - most // 2):]
    assert [i["n"] for i in data["images"]] == shown, (c, data["images"], shown)
    for i in data["images"]:
        assert i["id"] == seeds["cam"].ids[i["n"]] and i["labels"] == seeds["cam"].labels(i["n"])
        for k in KINDS:
            assert abs(i[k] - value[k][i["n"]]) < 6e-5, (i, k, value[k][i["n"]])


def check_centres(c, data, run_folder):
    with h5py.File(os.path.join(run_folder, "prototypes.h5")) as f:
        ids = f["image/id"].asstr()[:]
        for side, name in enumerate(("object", "context")):
            for k, p in enumerate(data["prototypes"][side]):
                group = f[name]
                assert p["size"] == group["size"][c, k] and abs(p["z"] - group["probability"][c, k]) < 1e-6
                assert abs(p["weight"] - group["weight"][c, k]) < 1e-6
                near = [n for n in group["nearest"][c, k][:6, 0] if n >= 0]
                assert [n["id"] for n in p["near"]] == [ids[n] for n in near]


def check_figure(c, data, run_folder):
    """The classifier's answers, and which absent classes they put first."""
    with h5py.File(os.path.join(run_folder, "features.h5")) as f:
        i = list(f["image/id"].asstr()[:]).index(data["figure"]["image"]["id"])
        x = f["feature/vector"][slice(*f["feature/offset"][i:i + 2])].astype(np.float64)
        logit = x.mean(0) @ f["classifier/weight"][:].T + f["classifier/bias"][:]
        present = list(f["image/label"][slice(*f["image/label_offset"][i:i + 2])])
    absent = sorted((k for k in range(len(logit)) if k not in present), key=lambda k: -logit[k])
    maps = data["figure"]["maps"]
    assert [m["class"] for m in maps] == ([c] + absent)[:4], (maps, logit)
    assert all(abs(m["logit"] - logit[m["class"]]) < 1e-3 for m in maps)


def main():
    run_folder, scenes, gallery, *most = sys.argv[1:]
    seeds = most and {k: Seeds(os.path.join(run_folder, name), scenes) for k, name in KINDS.items()}
    run = script(os.path.join(gallery, "data/run.js"))
    with open(os.path.join(run_folder, "score.json")) as f:
        score = json.load(f)
    for k in KINDS:
        assert abs(run["miou"][k] - score[k]["best"]["miou"]) < 2e-6 and run["threshold"][k] == score[k]["best"]["threshold"]
        best = max(score[k]["curve"], key=lambda point: point["miou"])
        for c, known in enumerate(run["classes"]):
            assert abs(known[k] - best["iou"][c + 1]) < 6e-5
    for c in range(len(run["classes"])):
        data = script(os.path.join(gallery, "data/class_%04d.js" % c))
        if most:
            check_class(c, data, seeds, run, int(most[0]))
        check_centres(c, data, run_folder)
        check_figure(c, data, run_folder)
    print("the gallery says what the files say")


if __name__ == "__main__":
    main()
