# SPDX-License-Identifier: MIT
"""IDs that try to break out; called by test_export.sh.

    hostile_export.py make FOLDER    a data set in FOLDER/data, FOLDER/out/maps.h5
    hostile_export.py check FOLDER   what export made of them in FOLDER/out/export
"""
import json
import os
import sys
import types

import h5py
import numpy as np
from PIL import Image

# As they can stand in a list of words and name a photograph. os.fsdecode: bytes
# that are no UTF-8.
IDS = ["-rf", "..x", ".hidden", "%2e%2e%2f", "a'b\"c\\d", "<script>alert(1)</script>".replace("/", "|"), "$(id)`id`",
       "*?[a]", "a;b&c|d", "a\x01\x02\x7fb", os.fsdecode(b"latin\xe9"), "gr\u00fcn", "\u202egnp.exe", "\U0001f404",
       "{}", "null", "x" * 199, "y" * 240, "\u00fc" * 120, "%" * 100, "NaN", "0", "settings.txt", "parts", "results.json"]
CLASSES = ['a"b', "</script>", "c\\d\u00e9"]
SIZE = (17, 23)


def make(folder):
    os.makedirs(folder + "/data/images")
    os.makedirs(folder + "/out")
    h, w = SIZE
    cells = ((h - 1) // 4 + 1) * ((w - 1) // 4 + 1)
    rng = np.random.default_rng(0)
    with open(folder + "/data/labels.txt", "w", errors="surrogateescape") as file:
        for n, id_ in enumerate(IDS):
            file.write("%s %d\n" % (id_, n % 3 + 1))
            open("%s/data/images/%s.jpg" % (folder, id_), "w").close()
    with open(folder + "/data/classes.txt", "w") as file:
        file.writelines("%d %s\n" % (c + 1, name) for c, name in enumerate(CLASSES))
    with h5py.File(folder + "/out/maps.h5", "w") as file:
        file["image/id"] = np.array([os.fsencode(i) for i in IDS])
        file["class/name"] = np.array([c.encode() for c in CLASSES])
        file["image/size"] = np.array([SIZE] * len(IDS), np.int64)
        file["image/label"] = np.array([n % 3 for n in range(len(IDS))], np.int32)
        file["image/label_offset"] = np.arange(len(IDS) + 1)
        file["map/value"] = rng.random(len(IDS) * cells).astype(np.float16)
        file["map/offset"] = np.arange(len(IDS) + 1) * cells
        file["map/grid"] = np.array([((h - 1) // 4 + 1, (w - 1) // 4 + 1)] * len(IDS))


def everything(folder):
    return sorted(os.path.join(at, name) for at, folders, files in os.walk(folder) for name in files + folders)


def check(folder):
    out = folder + "/out/export"
    before = set(os.listdir(folder)), set(os.listdir(folder + "/out")), len(os.listdir(folder + "/data/images"))
    assert before == ({"data", "out", "before"}, {"maps.h5", "lpcam.lock", "export"}, len(IDS)), before
    with open(folder + "/before") as file:
        assert file.read().split("\n")[:-1] == [repr(p) for p in everything(folder + "/data")]

    with open(out + "/masks/ImageSets/Segmentation/train.txt") as file:
        stems = file.read().split("\n")[:-1]
    assert len(set(stems)) == len(IDS) and all(" " not in s and "/" not in s and s[0] not in ".-" for s in stems)
    assert max(len(os.fsencode(s)) for s in stems) <= 200 and stems[IDS.index("gr\u00fcn")] == "gr\u00fcn"
    assert sorted(os.listdir(out + "/masks/SegmentationClass")) == sorted(s + ".png" for s in stems)
    assert sorted(os.listdir(out + "/masks/JPEGImages")) == sorted(s + ".jpg" for s in stems)
    assert sorted(os.listdir(out + "/irn")) == sorted([s + ".npy" for s in stems] + ["settings.txt"])
    for stem, id_ in zip(stems, IDS):
        assert Image.open("%s/masks/SegmentationClass/%s.png" % (out, stem)).size == SIZE[::-1]
        assert os.path.samefile("%s/masks/JPEGImages/%s.jpg" % (out, stem), "%s/data/images/%s.jpg" % (folder, id_))
        assert np.load("%s/irn/%s.npy" % (out, stem), allow_pickle=True).item()["cam"].shape == (1, 5, 6)

    with open(out + "/coco/results.json", encoding="utf-8") as file:
        found = [entry["image_id"] for entry in json.load(file)]
    assert found == [0 if i == "0" else i for i in IDS], found
    config = {"_base_": types.SimpleNamespace(train_pipeline=[])}
    with open(out + "/masks/mmsegmentation.py", encoding="utf-8") as file:
        exec(file.read(), config)
    assert config["classes"] == ["background"] + CLASSES
    print("%d hostile IDs: nothing outside, nothing broken" % len(IDS))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
        paths = [repr(p) for p in everything(sys.argv[2] + "/data")]
        with open(sys.argv[2] + "/before", "w") as before:
            before.writelines(p + "\n" for p in paths)
    else:
        check(sys.argv[2])
