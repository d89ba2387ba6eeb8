#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write a made-up index of the size and the habits of COCO's.

    python3 tests/data/coco_index.py OUT.json [--images 82783]
        [--annotations 860001] [--scale 1.0] [--seed 0]

The keys, their order and the spacing are those of instances_train2014.json;
so are the shares of the sizes, the classes per image, the images of each
class, the images without any (702 of 82,783), ids that have gaps and stand in
no order. Objects are star-shaped polygons whose sizes and numbers of points
follow COCO's, one annotation in 83 is a crowd with uncompressed runs. Nothing
in it describes a real photograph.

--scale 0.1 makes sides and objects of a tenth, with as many points and as many
of everything else. The same arguments write the same bytes. coco_set.py draws
the photographs and all else that a run needs.
"""
import argparse
import os

import numpy as np

N_IMAGES, N_ANNOTATIONS = 82783, 860001
LABELLED = 82081 / 82783        # share of images with a class
CROWDS = 1 / 83                 # share of annotations
MAX_ID = 581921                 # of an image
# Labelled images with 1, 2, ... classes.
CLASSES_PER_IMAGE = (18016, 25337, 16363, 9554, 5638, 3230, 1860, 978,
                     540, 290, 140, 70, 35, 15, 8, 4, 2, 1)
POINTS_PER_SIDE = 1.9           # points of a polygon: 4 + this * side^(1/2)
SIDE_LOG_MEAN, SIDE_LOG_SD = 4.1, 1.2  # of ln(object's side, px)

# (width, height, share of the images); the rest is drawn by other_sizes().
SIZES = ((640, 480, .215), (640, 427, .124), (480, 640, .069), (640, 426, .046),
         (500, 375, .043), (427, 640, .036), (640, 428, .026), (640, 425, .026),
         (612, 612, .020), (375, 500, .016))

# (COCO's id, super-category: name and images in train2014). The counts known
# from the label lists are exact, those between lie on a smooth curve.
KNOWN = {"person": 45061, "chair": 8938, "car": 8600, "dining table": 8375,
         "cup": 6326, "bottle": 5801, "bowl": 4800, "handbag": 4791,
         "truck": 4317, "donut": 978, "hot dog": 766, "bear": 667,
         "scissors": 656, "toothbrush": 594, "parking meter": 480,
         "toaster": 151, "hair drier": 128}
CATEGORIES = (
    ("person", 1, "person"),
    ("vehicle", 2, "bicycle,car,motorcycle,airplane,bus,train,truck,boat"),
    ("outdoor", 10, "traffic light,fire hydrant,,stop sign,parking meter,bench"),
    ("animal", 16, "bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe"),
    ("accessory", 27, "backpack,umbrella,,,handbag,tie,suitcase"),
    ("sports", 34, "frisbee,skis,snowboard,sports ball,kite,baseball bat,"
     "baseball glove,skateboard,surfboard,tennis racket"),
    ("kitchen", 44, "bottle,,wine glass,cup,fork,knife,spoon,bowl"),
    ("food", 52, "banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,"
     "donut,cake"),
    ("furniture", 62, "chair,couch,potted plant,bed,,dining table,,,toilet"),
    ("electronic", 72, "tv,laptop,mouse,remote,keyboard,cell phone"),
    ("appliance", 78, "microwave,oven,toaster,sink,refrigerator"),
    ("indoor", 84, "book,clock,vase,scissors,teddy bear,hair drier,toothbrush"))


def categories():
    """[(super-category, id, name)] of the 80, by id."""
    return [(group, first + i, name) for group, first, names in CATEGORIES
            for i, name in enumerate(names.split(",")) if name]


# Images ---------------------------------------------------------------------

def other_sizes(rng, n):
    """[n][2] w, h of the less common sizes: some 2,100 for all of COCO."""
    u = rng.random((3, n))
    long = np.select((u[0] < .77, u[0] < .965), (640, 500), 200 + 439 * np.sqrt(u[1]))
    ratio = np.clip(rng.normal(.70, .09, n), .3, .99)
    ratio[u[2] < .042] = 1
    sides = np.stack((long, long * ratio), 1)
    tall = (u[2] >= .042) & (u[2] < .34)
    sides[tall] = sides[tall, ::-1]
    return np.rint(sides).astype(np.int64)


def sizes(rng, n, scale=1.0):
    """[n][2] w, h px in COCO's shares."""
    share = np.array([s[2] for s in SIZES])
    which = np.searchsorted(np.cumsum(share), rng.random(n), "right")
    out = other_sizes(rng, n)
    common = which < len(SIZES)
    out[common] = np.array(SIZES)[which[common], :2].astype(np.int64)
    return np.maximum(np.rint(out * scale), 8).astype(np.int64)


def image_ids(rng, n):
    """[n] distinct ids in no order, with gaps as in a split of COCO."""
    return rng.permutation(rng.choice(max(MAX_ID, 2 * n), n, replace=False) + 1)


def class_counts():
    """[80] images of each class, as in train2014."""
    names = [name for _, _, name in categories()]
    counts = np.array([KNOWN.get(name, 0) for name in names], np.float64)
    rest = np.flatnonzero(counts == 0)
    counts[rest] = np.geomspace(4200, 990, len(rest))[(np.arange(len(rest)) * 29)
                                                      % len(rest)]
    return counts


def image_classes(rng, n):
    """Which classes each image has. -> image [pairs], class [pairs] (0-based)"""
    counts = class_counts()
    per_image = np.array(CLASSES_PER_IMAGE) / sum(CLASSES_PER_IMAGE)
    wanted = 1 + np.searchsorted(np.cumsum(per_image)[:-1], rng.random(n), "right")
    wanted[rng.permutation(n)[:n - round(n * LABELLED)]] = 0
    # Gumbel noise on the logarithm of the weights draws without replacement.
    key = np.log(counts) + rng.gumbel(size=(n, len(counts)))
    # A person is in 55 % of the images, however many classes they have.
    key[:, 0] = np.where(rng.random(n) < counts[0] / (LABELLED * N_IMAGES), 1e9, -1e9)
    order = np.argsort(-key, axis=1)[:, :len(CLASSES_PER_IMAGE)]
    taken = np.arange(order.shape[1]) < wanted[:, None]
    return np.nonzero(taken)[0], order[taken]


def images(rng, args):
    """ids [n] and sizes [n][2] w, h, in the order of the file."""
    return image_ids(rng, args.images), sizes(rng, args.images, args.scale)


def pairs(rng, args):
    """image_classes(), fewer where there are not enough annotations."""
    image, category = image_classes(rng, args.images)
    n = min(len(image), args.annotations - round(args.annotations * CROWDS))
    keep = np.sort(rng.permutation(len(image))[:n])
    return image[keep], category[keep]


# Annotations ----------------------------------------------------------------

def share_out(rng, n_pairs, n, person):
    """How many of n objects each (image, class) pair has; 1 or more."""
    weight = rng.gamma(.5, size=n_pairs) * np.where(person, 1.8, 1)
    return 1 + rng.multinomial(n - n_pairs, weight / weight.sum())


def boxes(rng, size, scale):
    """[n][4] x0, y0, w, h in hundredths of a pixel, inside size [n][2] w, h."""
    n = len(size)
    side = np.exp(rng.normal(SIDE_LOG_MEAN, SIDE_LOG_SD, n)) * scale
    stretch = np.exp(rng.normal(0, .35, n))
    extent = np.stack((side * stretch, side / stretch), 1)
    extent = np.rint(100 * np.clip(extent, 1, .98 * size)).astype(np.int64)
    corner = rng.random((n, 2)) * (100 * size - extent)
    return np.hstack((corner.astype(np.int64), extent))


def polygons(rng, box, scale):
    """Star-shaped polygons in box [n][4], at any scale of as many points.

    -> points [sum][2] (hundredths px), offset [n + 1]
    """
    side = np.sqrt(box[:, 2] * box[:, 3]) / (100 * scale)
    n_points = np.maximum(3, (4 + POINTS_PER_SIDE * np.sqrt(side)
                              * np.exp(rng.normal(0, .4, len(box)))).astype(np.int64))
    offset = np.concatenate(([0], np.cumsum(n_points)))
    of = np.repeat(np.arange(len(box)), n_points)
    at = np.arange(offset[-1]) - offset[of]
    angle = 2 * np.pi * (at + .8 * rng.random(len(of))) / n_points[of]
    radius = .55 + .45 * rng.random(len(of))
    points = np.stack((np.cos(angle), np.sin(angle)), 1) * radius[:, None]
    return (box[of, :2] + (points + 1) / 2 * box[of, 2:]).astype(np.int64), offset


def outlines(points, offset):
    """Area [n] in px^2, x0, y0, x1, y1 [n][4] in hundredths of each polygon."""
    following = np.arange(1, len(points) + 1)
    following[offset[1:] - 1] = offset[:-1]
    cross = points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1]
    area = np.abs(np.add.reduceat(cross, offset[:-1])) / 20000
    low = np.minimum.reduceat(points, offset[:-1])
    high = np.maximum.reduceat(points, offset[:-1])
    return area, np.hstack((low, high))


def crowd_runs(rng, width, height):
    """One blob's runs, column by column, as COCO counts them.

    -> counts, area, (x, y, w, h)
    """
    n_columns = int(rng.integers(1, max(2, int(.9 * width))))
    x0 = int(rng.integers(0, width - n_columns + 1))
    length = 1 + rng.integers(0, max(1, height // 2), n_columns)
    start = 1 + (rng.random(n_columns) * (height - 1 - length)).astype(np.int64)
    end = start + length
    gap = np.concatenate(([x0 * height + start[0]], height - end[:-1] + start[1:]))
    counts = np.stack((gap, length), 1).ravel().tolist()
    area = int(length.sum())
    counts.append(width * height - sum(counts))
    top = int(start.min())
    return counts, area, (x0, top, n_columns, int(end.max()) - top)


# Text -----------------------------------------------------------------------

INFO = ('"info": {"description": "made-up index of COCO\'s size","url": "none",'
        '"version": "1.0","year": 2014,"contributor": "tests/data/coco_index.py",'
        '"date_created": "2014/01/01"}')
LICENSES = ",".join(
    '{"url": "http://creativecommons.org/licenses/%s/2.0/","id": %d,"name": "%s"}'
    % (code, i + 1, code) for i, code in
    enumerate(("by-nc-sa", "by-nc", "by-nc-nd", "by", "by-sa", "by-nd")))
IMAGE = ('{"license": %d,"file_name": "COCO_train2014_%012d.jpg","coco_url": '
         '"http://images.example.org/train2014/COCO_train2014_%012d.jpg",'
         '"height": %d,"width": %d,"date_captured": "2013-11-%02d %02d:%02d:%02d",'
         '"flickr_url": "http://farm%d.example.org/%04d/%010d_%08xb_z.jpg","id": %d}')
ANNOTATION = ('{"segmentation": %s,"area": %s,"iscrowd": %d,"image_id": %d,'
              '"bbox": [%s,%s,%s,%s],"category_id": %d,"id": %d}')


def image_texts(rng, ids, size):
    draws = rng.integers(0, (6, 30, 24, 60, 60, 9, 10000, 1 << 31, 1 << 28),
                         (len(ids), 9)).tolist()
    for i, (w, h), d in zip(ids.tolist(), size.tolist(), draws):
        yield IMAGE % (d[0] + 1, i, i, h, w, d[1] + 1, *d[2:6], *d[6:], i)


def category_texts():
    return ('{"supercategory": "%s","id": %d,"name": "%s"}' % c for c in categories())


class Annotations:
    """All annotations, drawn at once, and their texts in any order."""

    def __init__(self, rng, args, ids, size):
        image, category = pairs(rng, args)
        n_crowds = min(round(args.annotations * CROWDS), len(image))
        pair = np.repeat(np.arange(len(image)),
                         share_out(rng, len(image), args.annotations - n_crowds,
                                   category == 0))
        parts = 1 + (rng.random(len(pair)) < .12) + (rng.random(len(pair)) < .05)
        whole = boxes(rng, size[image[pair]], args.scale)
        self.points, self.offset = polygons(rng, split_boxes(whole, parts),
                                            args.scale)
        self.part = np.concatenate(([0], np.cumsum(parts)))
        self.of, self.crowd_of = pair, rng.choice(len(image), n_crowds, replace=False)
        self.ids, self.size = ids[image], size[image]
        self.category = np.array([c[1] for c in categories()])[category]
        self.decimal = [repr(i / 100) for i in range(100 * int(size.max()) + 1)]
        self.rng = rng

    def numbers(self, hundredths):
        return ",".join(map(self.decimal.__getitem__, hundredths))

    def texts(self):
        """Polygons in a random order, then the crowds, as COCO has them."""
        area, box = outlines(self.points, self.offset)
        area = np.add.reduceat(area, self.part[:-1]).tolist()
        low = np.minimum.reduceat(box[:, :2], self.part[:-1])
        extent = np.maximum.reduceat(box[:, 2:], self.part[:-1]) - low
        box = np.hstack((low, extent)).tolist()
        ids = (self.rng.permutation(len(self.of)) + 1).tolist()
        for a in self.rng.permutation(len(self.of)).tolist():
            yield self.text(a, area[a], box[a], ids[a])
        for pair in self.crowd_of.tolist():
            yield self.crowd(pair)

    def text(self, a, area, box, number):
        pieces = (self.points[self.offset[p]:self.offset[p + 1]].ravel().tolist()
                  for p in range(self.part[a], self.part[a + 1]))
        rings = ",".join("[" + self.numbers(piece) + "]" for piece in pieces)
        pair = self.of[a]
        return ANNOTATION % ("[" + rings + "]", repr(area), 0, self.ids[pair],
                             *map(self.decimal.__getitem__, box),
                             self.category[pair], number)

    def crowd(self, pair):
        width, height = self.size[pair].tolist()
        counts, area, box = crowd_runs(self.rng, width, height)
        runs = '{"counts": [%s],"size": [%d,%d]}' % (
            ",".join(map(str, counts)), height, width)
        category, image = int(self.category[pair]), int(self.ids[pair])
        return ANNOTATION % (runs, area, 1, image, *box, category,
                             int("90%02d%08d" % (category, image)))


def split_boxes(box, parts):
    """Each box cut into `parts` strips side by side. -> [sum(parts)][4]"""
    of = np.repeat(np.arange(len(box)), parts)
    at = np.arange(len(of)) - np.repeat(np.cumsum(parts) - parts, parts)
    strip = box[of]
    width = strip[:, 2] // parts[of]
    return np.stack((strip[:, 0] + at * width, strip[:, 1], width, strip[:, 3]), 1)


def write_list(out, texts):
    for i, text in enumerate(texts):
        out.write("," + text if i else text)


def write(path, args):
    rng = np.random.default_rng(args.seed)
    ids, size = images(rng, args)
    annotations = Annotations(rng, args, ids, size)
    with open(path, "w", buffering=1 << 20) as out:
        out.write("{" + INFO + ',"images": [')
        write_list(out, image_texts(rng, ids, size))
        out.write('],"licenses": [' + LICENSES + '],"annotations": [')
        write_list(out, annotations.texts())
        out.write('],"categories": [')
        write_list(out, category_texts())
        out.write("]}")


def arguments(parser):
    """What says which set is meant; for other scripts too."""
    parser.add_argument("--images", type=int, default=N_IMAGES)
    parser.add_argument("--annotations", type=int, default=N_ANNOTATIONS)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    arguments(parser)
    args = parser.parse_args()
    write(args.out + ".partial", args)
    os.replace(args.out + ".partial", args.out)


if __name__ == "__main__":
    main()
