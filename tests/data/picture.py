#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the README's picture from a finished run on the scenes.

    python3 picture.py scenes lpcam-out/scenes scenes.png [--ids ID ID ...]

A row a scene and class: photograph, CAM, LPCAM (maps laid over the photograph)
and ground truth. Reads OUT/cams.h5 and OUT/maps.h5 with h5py alone; without
--ids it takes the first scenes that together show every class.
"""
import argparse
import os

import h5py
import numpy as np
from PIL import Image, ImageDraw, ImageFont

TILE_W, TILE_H, GAP, MARGIN, TOP = 176, 150, 6, 62, 24
# Dark blue, violet, red, orange, yellow: readable when printed in gray too.
COLOURS = np.array(((20, 11, 52), (95, 19, 110), (187, 55, 84), (249, 142, 9),
                    (252, 255, 164)), np.float64)


def heat(values):
    """[h, w] of 0..1 -> colours [h, w, 3]"""
    at = np.clip(values, 0, 1) * (len(COLOURS) - 1)
    stops = np.arange(len(COLOURS))
    return np.stack([np.interp(at, stops, c) for c in COLOURS.T], -1)


def overlay(photograph, values):
    """A map [h, w] over a photograph [h, w, 3]: stronger where it is higher."""
    share = (0.35 + 0.45 * np.clip(values, 0, 1))[..., None]
    gray = photograph.mean(-1, keepdims=True)
    return ((1 - share) * gray + share * heat(values)).astype(np.uint8)


def outline(photograph, mask):
    """The object [h, w] in colour, the rest pale. -> [h, w, 3] u8"""
    pale = 0.25 * photograph + 0.75 * 235
    return np.where(mask[..., None], photograph, pale).astype(np.uint8)


class Maps:
    """maps.h5 or cams.h5: the map of one scene and class, on demand."""

    def __init__(self, path):
        self.file = h5py.File(path, "r")
        self.ids = [i.decode().rstrip("\0") for i in self.file["/image/id"][:]]
        self.names = [n.decode().rstrip("\0") for n in self.file["/class/name"][:]]

    def classes(self, scene):
        """Pairs (number of the pair, class name) of a scene."""
        i = self.ids.index(scene)
        first, end = self.file["/image/label_offset"][i:i + 2]
        return [(p, self.names[self.file["/image/label"][p]]) for p in range(first, end)]

    def map(self, scene, pair, size):
        """The map of a pair, resized to size (h, w)."""
        h, w = self.file["/map/grid"][self.ids.index(scene)]
        first, end = self.file["/map/offset"][pair:pair + 2]
        values = self.file["/map/value"][first:end].astype(np.float32)
        if self.file["/map/value"].dtype == np.uint8:
            values /= 255
        image = Image.fromarray(values.reshape(h, w))
        return np.asarray(image.resize((size[1], size[0]), Image.BILINEAR))


def choose(maps, n_rows):
    """Scenes of one class each, no class twice. -> list of IDs"""
    chosen, seen = [], set()
    for scene in maps.ids:
        names = [name for _, name in maps.classes(scene)]
        if len(names) == 1 and names[0] not in seen and len(chosen) < n_rows:
            chosen.append(scene)
            seen.update(names)
    return chosen


def class_ids(root):
    """Name -> id of classes.txt."""
    with open(os.path.join(root, "classes.txt")) as f:
        return {name: int(i) for i, name in (line.split() for line in f if line.strip())}


def row(root, cams, lpcams, scene):
    """The first class of a scene. -> class name, four tiles [h, w, 3] u8"""
    photograph = np.asarray(Image.open(os.path.join(root, "images", scene + ".jpg")))
    mask = np.asarray(Image.open(os.path.join(root, "masks", scene + ".png")))
    pair, name = cams.classes(scene)[0]
    heats = [overlay(photograph, m.map(scene, pair, mask.shape)) for m in (cams, lpcams)]
    truth = outline(photograph, mask == class_ids(root)[name])
    return name, [photograph, *heats, truth]


def fit(tile):
    """A tile scaled and centred on white, TILE_W x TILE_H."""
    image = Image.fromarray(tile)
    scale = min(TILE_W / image.width, TILE_H / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC)
    frame = Image.new("RGB", (TILE_W, TILE_H), "white")
    frame.paste(image, ((TILE_W - image.width) // 2, (TILE_H - image.height) // 2))
    return frame


def font():
    try:
        return ImageFont.truetype("DejaVuSans.ttf", 13)
    except OSError:
        return ImageFont.load_default()


def sheet(rows):
    """rows: (class name, four tiles) -> the picture, with 256 colours."""
    titles = ("photograph", "CAM", "LPCAM", "ground truth")
    size = (MARGIN + 4 * (TILE_W + GAP), TOP + len(rows) * (TILE_H + GAP))
    picture = Image.new("RGB", size, "white")
    draw, text = ImageDraw.Draw(picture), font()
    for j, title in enumerate(titles):
        draw.text((MARGIN + j * (TILE_W + GAP) + 4, 4), title, "black", text)
    for i, (name, tiles) in enumerate(rows):
        y = TOP + i * (TILE_H + GAP)
        draw.text((6, y + TILE_H // 2 - 8), name, "black", text)
        for j, tile in enumerate(tiles):
            picture.paste(fit(tile), (MARGIN + j * (TILE_W + GAP), y))
    return picture.quantize(256, kmeans=3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenes", help="folder of the data set")
    parser.add_argument("run", help="folder with cams.h5 and maps.h5")
    parser.add_argument("out", help="PNG to write")
    parser.add_argument("--ids", nargs="+", help="scenes to show")
    parser.add_argument("--rows", type=int, default=4)
    args = parser.parse_args()
    cams, lpcams = (Maps(os.path.join(args.run, name)) for name in ("cams.h5", "maps.h5"))
    ids = args.ids or choose(cams, args.rows)
    rows = [row(args.scenes, cams, lpcams, scene) for scene in ids]
    sheet(rows).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
