# SPDX-License-Identifier: MIT
"""usage: write_coco.py SCENES FOLDER

The scenes as a COCO data set: photographs in FOLDER/scenes and
FOLDER/annotations/instances_scenes.json. Each class of a mask is an annotation:
rectangles, run lengths or a compressed string by turns, so that what is drawn
must be the mask again. Category ids have gaps; classes.txt names them.
Also FOLDER/labels.npy with FOLDER/ids.txt, in an order of their own."""
import json
import os
import shutil
import sys

import numpy as np
from PIL import Image

CATEGORY = {1: 3, 2: 17, 3: 18, 4: 60, 5: 90}


def counts_of(mask):
    """Run lengths down the columns, outside first."""
    change = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0, append=2))
    return np.diff(change, prepend=0).tolist()


def text_of(counts):
    """The compressed string: five bits a character, differences from the
    fourth on."""
    text = ""
    for i, count in enumerate(counts):
        x = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            bits, x = x & 31, x >> 5
            more = x != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
    return text


def rectangles_of(mask):
    """A rectangle a run in a row."""
    found = []
    for y, row in enumerate(mask):
        edge = np.flatnonzero(np.diff(row, prepend=0, append=0)).tolist()
        for left, right in zip(edge[::2], edge[1::2]):
            found.append([left, y, right, y, right, y + 1, left, y + 1])
    return found


def annotation(number, image, category, mask):
    counts = counts_of(mask)
    size = list(mask.shape)
    shape = (rectangles_of(mask), {"counts": counts, "size": size}, {"size": size, "counts": text_of(counts)})[number % 3]
    return {"segmentation": shape, "area": int(mask.sum()), "iscrowd": 0, "image_id": image,
            "bbox": [0, 0, 1, 1], "category_id": category, "id": number}


def main(scenes, folder):
    os.makedirs(f"{folder}/annotations")
    shutil.copytree(f"{scenes}/images", f"{folder}/scenes")
    images, annotations, rows = [], [], []
    for name in sorted(os.listdir(f"{scenes}/images")):
        stem, number = name.split(".")[0], int(name[5:8]) + 7
        mask = np.array(Image.open(f"{scenes}/masks/{stem}.png")).astype(np.int16)
        images.append({"file_name": name, "height": mask.shape[0], "width": mask.shape[1], "id": number})
        present = [c for c in CATEGORY if (mask == c).any()]
        rows.append((number, [c in present for c in CATEGORY]))
        for c in present:
            annotations.append(annotation(len(annotations), number, CATEGORY[c], (mask == c).astype(np.int16)))
    with open(f"{scenes}/classes.txt") as file:
        classes = dict(line.split() for line in file)
    categories = [{"id": CATEGORY[c], "name": classes[str(c)], "supercategory": "x"} for c in reversed(CATEGORY)]
    with open(f"{folder}/annotations/instances_scenes.json", "w") as file:
        json.dump({"info": {}, "images": images[::-1], "annotations": annotations, "categories": categories}, file)
    rows = rows[::3] + rows[1::3] + rows[2::3]
    np.save(f"{folder}/labels.npy", np.array([labels for _, labels in rows], np.float32))
    with open(f"{folder}/ids.txt", "w") as file:
        file.writelines(f"{number}\n" for number, _ in rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
