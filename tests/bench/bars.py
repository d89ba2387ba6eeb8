#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draw what benchmarks found as bars: value over target, a bar a line.

    bash tests/bench/score.sh | python3 tests/bench/bars.py OUT.svg

Takes the lines "bench NAME VALUE TARGET ok|short" of any number of benchmarks
from stdin and lets all lines pass. The mark at 1 is the target; what is to stay
below its target (NAME_at_most) is drawn as target over value.
"""
import sys

from svg import COLORS, GRID, INK, STYLE, line, text

WIDTH, LEFT, RIGHT, ROW, TOP = 820, 300, 150, 26, 44
MOST = 4  # bars of more end just behind it


def results(lines):
    """(name, value, target, reached) of every line of a benchmark."""
    for one in lines:
        print(one, end="", flush=True)
        words = one.split()
        if len(words) == 5 and words[0] == "bench" and words[4] in ("ok", "short"):
            yield words[1], float(words[2]), float(words[3]), words[4] == "ok"


def bar(y, name, value, target, reached):
    over, under = (target, value) if name.endswith("_at_most") else (value, target)
    share = over / under if under > 0 else MOST
    scale = (WIDTH - LEFT - RIGHT) / MOST
    color = COLORS[0] if reached else COLORS[1]
    length = max(1, min(share, MOST + 0.1) * scale)
    return [text(LEFT - 10, y + 14, name, "end"),
            '<rect x="%d" y="%d" width="%.1f" height="16" rx="3" fill="%s"/>' % (LEFT, y + 1, length, color),
            text(WIDTH - RIGHT + 20, y + 14, "%.3g of %.3g%s" % (value, target, "" if reached else ", short"))]


def picture(found):
    height = TOP + ROW * len(found) + 14
    at = LEFT + (WIDTH - LEFT - RIGHT) / MOST
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">' % (WIDTH, height, WIDTH, height),
           STYLE, text(LEFT - 10, 22, "Benchmarks: value over target", "end", "t"), text(at, 22, "target", "middle")]
    for i in range(MOST + 1):
        x = LEFT + i * (WIDTH - LEFT - RIGHT) / MOST
        svg.append(line(x, 30, x, height - 10, INK if i == 1 else GRID))
    for i, one in enumerate(found):
        svg += bar(TOP + i * ROW, *one)
    return "\n".join(svg + ["</svg>"]) + "\n"


def main():
    found = list(results(sys.stdin))
    if len(sys.argv) != 2 or not found:
        sys.exit("usage: bash tests/bench/NAME.sh | python3 bars.py OUT.svg (no line of a benchmark came)")
    with open(sys.argv[1], "w") as f:
        f.write(picture(found))


if __name__ == "__main__":
    main()
