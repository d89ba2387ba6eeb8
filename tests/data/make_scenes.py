#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draw labelled scenes that have the problem LPCAM is made for.

Every object has a head that tells its class, and a body and legs that look much
like those of other classes: a classifier needs little more than the heads.
Trains stand on rails, which are no part of the mask; rails without a train exist
too. Plain things in the colours of the heads lie about, and some stand before a
head.

    python3 make_scenes.py OUT [--scenes 56] [--seed 1]

writes the layout `list`: OUT/images/ID.jpg, OUT/masks/ID.png (8-bit palette,
value = class id, 0 = background), OUT/labels.txt and OUT/classes.txt. The same
seed draws the same scenes.
"""
import argparse
import os
from dataclasses import dataclass
from typing import Callable

import numpy as np
from PIL import Image

CLASSES = ("train", "bus", "cow", "horse", "sheep")
PALETTE = ((0, 0, 0), (230, 170, 0), (220, 50, 50), (70, 110, 230),
           (200, 90, 200), (60, 190, 190))
SIDES = (120, 260)      # pixels of a scene's sides
LENGTHS = (76, 170)     # pixels of an object from tail to nose
ON_RAILS, EMPTY_RAILS = 0.8, 0.3  # share of trains, of scenes
HIDDEN = 0.1            # share of heads that something stands before
YELLOW, RED, ORANGE = (235, 200, 30), (205, 40, 35), (215, 120, 45)
WHITE, BLACK, CYAN = (235, 235, 230), (30, 28, 30), (120, 210, 225)
PURPLE = (130, 40, 150)
GROUNDS = {"grass": (84, 128, 62), "sand": (176, 160, 112), "street": (108, 110, 112)}
SKIES = {"sky": (140, 176, 214), "cloud": (192, 194, 196), "wall": (170, 138, 120)}
HEAD_COLOURS = (YELLOW, RED, ORANGE, WHITE, BLACK, CYAN, PURPLE)


@dataclass(frozen=True)
class Part:
    """A piece of an object: where it is, and how it looks.

    inside(u, v) -> bool [h, w] and paint(u, v, rng) -> rgb [h, w, 3] take the
    object's own coordinates: u from tail (-1) to nose (1), v downwards, equal
    units.
    """
    inside: Callable
    paint: Callable


# Shapes ---------------------------------------------------------------------

def box(u0, u1, v0, v1):
    return lambda u, v: (u > u0) & (u < u1) & (v > v0) & (v < v1)


def ellipse(u0, v0, ru, rv):
    return lambda u, v: ((u - u0) / ru) ** 2 + ((v - v0) / rv) ** 2 < 1


def union(*shapes):
    return lambda u, v: np.logical_or.reduce([s(u, v) for s in shapes])


# Textures -------------------------------------------------------------------

def smooth_noise(rng, height, width, cell):
    """Noise of about -1..1 that varies over `cell` pixels. -> [h, w] f32"""
    grid = rng.standard_normal((int(height / cell) + 2, int(width / cell) + 2))
    image = Image.fromarray(grid.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.BICUBIC))


def mix(pattern, a, b):
    """pattern [h, w] of 0..1 -> [h, w, 3]: colour a where 0, b where 1."""
    p = np.asarray(pattern, np.float32)[..., None]
    return np.asarray(a, np.float32) * (1 - p) + np.asarray(b, np.float32) * p


def near(rng, colour, spread):
    """A colour about `spread` away from the given one. -> [3]"""
    return np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 15, 240)


def wagon(colour):
    """Painted metal with a row of dim windows."""
    def paint(u, v, rng):
        c = near(rng, colour, 10)
        windows = (np.abs(v + 0.12) < 0.07) & (np.mod(u * 4, 1) < 0.6)
        rgb = mix(windows, c, 0.75 * c + 12)
        return rgb + 4 * smooth_noise(rng, *u.shape, 4)[..., None]
    return paint


def fur(colour):
    """One colour with short streaks: hair, and whatever is plain."""
    def paint(u, v, rng):
        c = near(rng, colour, 10)
        streaks = 12 * smooth_noise(rng, *u.shape, 3)
        return np.broadcast_to(c, u.shape + (3,)) + streaks[..., None]
    return paint


def stripes(a, b, frequency, slope):
    def paint(u, v, rng):
        wave = np.mod(frequency * (u + slope * v) + rng.uniform(), 1) < 0.5
        return mix(wave, near(rng, a, 8), near(rng, b, 8))
    return paint


def rings(a, b, u0, v0, frequency):
    def paint(u, v, rng):
        wave = np.mod(frequency * np.hypot(u - u0, v - v0), 1) < 0.5
        return mix(wave, near(rng, a, 8), near(rng, b, 8))
    return paint


def lattice(a, b, frequency):
    def paint(u, v, rng):
        bars = (np.mod(frequency * u, 1) < 0.35) | (np.mod(frequency * v, 1) < 0.35)
        return mix(bars, near(rng, a, 8), near(rng, b, 8))
    return paint


def spots(a, b):
    def paint(u, v, rng):
        cell = max(3.0, 0.13 / max(abs(u[0, 1] - u[0, 0]), 1e-6))
        blobs = smooth_noise(rng, *u.shape, cell) > 0
        return mix(blobs, near(rng, a, 8), near(rng, b, 8))
    return paint


# Objects --------------------------------------------------------------------

def vehicle(colour, head):
    """Wheels, wagon, front: the front alone is the class's own."""
    wheels = union(*(ellipse(x, 0.3, 0.11, 0.11) for x in (-0.8, -0.4, 0.1, 0.7)))
    return (Part(wheels, fur((98, 96, 100))),
            Part(box(-1, 0.62, -0.3, 0.27), wagon(colour)),
            Part(box(0.6, 0.98, -0.32, 0.27), head))


def animal(colour, head, girth):
    """Legs, body, face: the face alone is the class's own."""
    legs = union(*(box(x, x + 0.17, 0.1, 0.72) for x in (-0.8, -0.55, 0.05, 0.28)))
    return (Part(legs, fur((124, 104, 92))),
            Part(ellipse(-0.22, 0, 0.76, girth), fur(colour)),
            Part(ellipse(0.68, -0.24, 0.3, 0.26), head))


OBJECTS = {
    "train": vehicle((92, 118, 148), stripes(YELLOW, BLACK, 5, 0.8)),
    "bus": vehicle((142, 100, 136), lattice(CYAN, RED, 6)),
    "cow": animal((116, 88, 78), spots(WHITE, BLACK), 0.38),
    "horse": animal((156, 98, 52), stripes(ORANGE, BLACK, 6, -0.2), 0.34),
    "sheep": animal((170, 158, 160), rings(PURPLE, WHITE, 0.68, -0.24, 8), 0.44),
}


@dataclass
class Pose:
    """Where an object stands: centre and length in pixels, turn in radians."""
    x: float
    y: float
    length: float
    turn: float
    mirrored: bool

    def coordinates(self, height, width):
        """u, v [h, w] of every pixel in the object's frame."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        x, y = (x - self.x) * 2 / self.length, (y - self.y) * 2 / self.length
        c, s = np.cos(self.turn), np.sin(self.turn)
        u, v = c * x + s * y, c * y - s * x
        return (-u if self.mirrored else u), v


def outline(name, u, v):
    """Pixels an object covers. -> bool [h, w]"""
    return union(*(p.inside for p in OBJECTS[name]))(u, v)


# Scenes ---------------------------------------------------------------------

def background(rng, height, width):
    """Ground and, often, a sky or wall above it. -> [h, w, 3], their names"""
    ground, sky = rng.choice(list(GROUNDS)), rng.choice(list(SKIES))
    horizon = rng.uniform(-0.2, 0.6) * height
    rows = np.arange(height)[:, None] + 4 * smooth_noise(rng, height, width, 30)
    rgb = mix(rows > horizon, near(rng, SKIES[sky], 8), near(rng, GROUNDS[ground], 8))
    for cell, strength in ((40, 7), (9, 7), (3, 6)):
        rgb += strength * smooth_noise(rng, height, width, cell)[..., None]
    return rgb, [ground] + ([sky] if horizon > 0.05 * height else [])


def add_clutter(rng, rgb):
    """Plain boxes and blobs, many in the colours of heads. rgb [h, w, 3]"""
    height, width = rgb.shape[:2]
    for _ in range(rng.integers(2, 7)):
        pose = Pose(rng.uniform(0, width), rng.uniform(0, height),
                    rng.uniform(12, 44), rng.uniform(-0.6, 0.6), False)
        u, v = pose.coordinates(height, width)
        flat = rng.uniform(0.3, 1.2)
        shape = box(-1, 1, -flat, flat) if rng.random() < 0.5 else ellipse(0, 0, 1, flat)
        colour = HEAD_COLOURS[rng.integers(len(HEAD_COLOURS))]
        if rng.random() < 0.4:
            colour = rng.uniform(40, 220, 3)
        where = shape(u, v)
        rgb[where] = fur(colour)(u, v, rng)[where]


def add_rails(rng, rgb, pose):
    """The track under a train, right across the scene. rgb [h, w, 3]"""
    u, v = pose.coordinates(*rgb.shape[:2])
    bed = (v > 0.36) & (v < 0.78)
    sleepers = np.mod(u * 3.2, 1) < 0.45
    steel = (np.abs(v - 0.45) < 0.035) | (np.abs(v - 0.68) < 0.035)
    paint = mix(sleepers, near(rng, (118, 106, 96), 6), near(rng, (74, 58, 48), 6))
    paint[steel] = near(rng, (178, 182, 190), 6)
    paint += 6 * smooth_noise(rng, *u.shape, 3)[..., None]
    rgb[bed] = paint[bed]


def choose_pose(rng, name, taken):
    """A pose inside the scene that hides at most a little of what is there.

    taken [h, w]: pixels in use. -> Pose, or None where there is no room.
    """
    height, width = taken.shape
    longest = min(LENGTHS[1], 0.9 * width)
    for _ in range(12):
        length = rng.uniform(LENGTHS[0], longest)
        pose = Pose(rng.uniform(0.5 * length, width - 0.5 * length),
                    rng.uniform(0.3 * length, max(0.3 * length, height - 0.4 * length)),
                    length, rng.normal(0, 0.08), bool(rng.random() < 0.5))
        where = outline(name, *pose.coordinates(height, width))
        if where.any() and taken[where].mean() < 0.03:
            return pose
    return None


def place_objects(rng, height, width):
    """One to three objects that fit. -> list of (class name, Pose)"""
    taken, placed = np.zeros((height, width), bool), []
    while not placed:
        for _ in range(rng.integers(1, 4)):
            name = CLASSES[rng.integers(len(CLASSES))]
            pose = choose_pose(rng, name, taken)
            if pose is not None:
                placed.append((name, pose))
                taken |= outline(name, *pose.coordinates(height, width))
    return placed


def add_object(rng, rgb, mask, name, pose):
    """Paint an object and write its class id. rgb [h, w, 3], mask [h, w]"""
    u, v = pose.coordinates(*mask.shape)
    for part in OBJECTS[name]:
        where = part.inside(u, v)
        rgb[where] = part.paint(u, v, rng)[where]
        mask[where] = CLASSES.index(name) + 1


def hide_head(rng, rgb, mask, name, pose):
    """Put something plain before a head. rgb [h, w, 3], mask [h, w]"""
    u, v = pose.coordinates(*mask.shape)
    where = box(rng.uniform(0.3, 0.5), 1.1, -0.7, 0.4)(u, v)
    rgb[where] = fur(rng.uniform(40, 220, 3))(u, v, rng)[where]
    mask[where] = 0


def photograph(rng, rgb):
    """Light, colour cast and sensor noise. [h, w, 3] f32 -> u8"""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)
    light = rng.uniform(0.8, 1.12) * (1 + rng.uniform(0, 0.35) * ramp)
    cast = rng.normal(1, 0.03, 3)
    noise = rng.normal(0, rng.uniform(2, 6), rgb.shape)
    return np.clip(rgb * light[..., None] * cast + noise, 0, 255).astype(np.uint8)


def make_scene(rng, height, width):
    """Draw one scene. -> photograph [h, w, 3] u8, mask [h, w] u8, names of
    the ground and the sky"""
    rgb, around = background(rng, height, width)
    add_clutter(rng, rgb)
    placed = place_objects(rng, height, width)
    mask = np.zeros((height, width), np.uint8)
    for name, pose in placed:
        if name == "train" and rng.random() < ON_RAILS:
            add_rails(rng, rgb, pose)
    if rng.random() < EMPTY_RAILS:
        add_rails(rng, rgb, Pose(width / 2, rng.uniform(0, height),
                                 rng.uniform(*LENGTHS), rng.normal(0, 0.08), False))
    for name, pose in placed:
        add_object(rng, rgb, mask, name, pose)
        if rng.random() < HIDDEN:
            hide_head(rng, rgb, mask, name, pose)
    return photograph(rng, rgb), mask, around


def scene(seed, index, size=None):
    """Scene `index` of a seed; size (h, w) or drawn; as make_scene"""
    rng = np.random.default_rng((seed, index))
    height, width = size or rng.integers(SIDES[0], SIDES[1] + 1, 2)
    return make_scene(rng, int(height), int(width))


def labels(mask):
    """Class ids in a mask [h, w], ascending, without background."""
    return [int(c) for c in np.unique(mask) if c]


def save_mask(mask, path):
    image = Image.fromarray(mask, "P")
    image.putpalette([v for colour in PALETTE for v in colour])
    image.save(path, optimize=True)


def write_scenes(out, n_scenes, seed):
    """Write a data set of the layout `list` into the folder out."""
    for folder in ("images", "masks"):
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    with open(os.path.join(out, "classes.txt"), "w") as f:
        for i, name in enumerate(("background",) + CLASSES):
            f.write(f"{i} {name}\n")
    with open(os.path.join(out, "labels.txt"), "w") as f:
        for i in range(n_scenes):
            rgb, mask, _ = scene(seed, i)
            name = f"scene{i:03d}"
            Image.fromarray(rgb).save(os.path.join(out, "images", name + ".jpg"),
                                      quality=87)
            save_mask(mask, os.path.join(out, "masks", name + ".png"))
            f.write(" ".join([name] + [str(c) for c in labels(mask)]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--scenes", type=int, default=56)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write_scenes(args.out, args.scenes, args.seed)


if __name__ == "__main__":
    main()
