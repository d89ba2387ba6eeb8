#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scenes again under IDs that a page, a script or a shell could stumble on.

    python3 hostile_list.py SCENES OUT
"""
import os
import shutil
import sys

# No slash, for these IDs are file names here; no white space, for a line of
# labels is cut there.
IDS = ["<script>window.hacked=1</script>".replace("/", "\u2215"), "</h3><img\u00a0src=x>".replace("/", "\u2215"),
       '"onerror="window.hacked=2"', "'-window.hacked-'", "${window.hacked=3}", "`x`", "\\u003cb\\u003e", "%00%2e%2e",
       "..\u2215..", "&lt;b&gt;", "-rf", "*", "a\u2028b", "\u202egnp", "\U0001f404", "\u0001\u0007", "x" * 240]


def main():
    scenes, out = sys.argv[1:]
    for name in ("images", "masks"):
        os.makedirs(os.path.join(out, name))
    shutil.copy(os.path.join(scenes, "classes.txt"), out)
    with open(os.path.join(scenes, "labels.txt")) as f:
        lines = [line.split() for line in f if line.strip()][:len(IDS)]
    with open(os.path.join(out, "labels.txt"), "w") as f:
        for new, (old, *labels) in zip(IDS, lines):
            f.write(" ".join([new, *labels]) + "\n")
            shutil.copy(os.path.join(scenes, "images", old + ".jpg"), os.path.join(out, "images", new + ".jpg"))
            shutil.copy(os.path.join(scenes, "masks", old + ".png"), os.path.join(out, "masks", new + ".png"))


if __name__ == "__main__":
    main()
