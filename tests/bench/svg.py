# SPDX-License-Identifier: MIT
"""Small panels of curves as an SVG text that reads on light and dark pages."""
import html
import math

PANEL_W, PANEL_H, COLUMNS = 300, 200, 3
LEFT, RIGHT, TOP, BOTTOM = 42, 22, 30, 30  # margins in a panel
INK, GRID = "#7d8590", "#7d859055"
COLORS = ("#2f81f7", "#d29922", "#a371f7")
STYLE = "<style>text{font:12px sans-serif;fill:%s}.t{font-weight:600}</style>" % INK


def text(x, y, words, anchor="start", kind=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (
        x, y, anchor, ' class="%s"' % kind if kind else "", html.escape(words))


def line(x1, y1, x2, y2, color, more=""):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"%s/>' % (x1, y1, x2, y2, color, more)


def short(x):
    return "%gk" % (x / 1000) if x >= 10000 else "%g" % x


def nice_step(most):
    """A round step that gives three to six of them up to `most`."""
    power = 10 ** math.floor(math.log10(most / 3))
    return next(m * power for m in (1, 2, 5, 10) if most / (m * power) <= 6)


def panel(left, top, title, linear, lines, beyond):
    """lines: name -> [(x, y)]. linear: x to scale, from 0; else one place a
    value. beyond: values of x above it are set apart."""
    values = [x for x, _ in next(iter(lines.values()))]
    most = 1.08 * max(y for points in lines.values() for _, y in points)
    w, h = PANEL_W - LEFT - RIGHT, PANEL_H - TOP - BOTTOM

    def at(x, y):
        share = x / values[-1] if linear else (values.index(x) + 0.5) / len(values)
        return left + LEFT + share * w, top + TOP + (1 - y / most) * h

    svg = [text(left + LEFT, top + TOP - 12, title, kind="t")]
    step = nice_step(most)
    for i in range(int(most / step) + 1):
        y = at(values[0], i * step)[1]
        svg.append(line(left + LEFT, y, left + LEFT + w, y, INK if i == 0 else GRID))
        svg.append(text(left + LEFT - 6, y + 4, "%g" % (i * step), "end"))
    for x in values if not linear else [x for x in values if x >= values[-1] / 8]:
        svg.append(text(at(x, 0)[0], top + PANEL_H - BOTTOM + 18, short(x), "middle"))
    if beyond and values[-1] > beyond:
        apart = (at(beyond, 0)[0] + at(values[values.index(beyond) + 1], 0)[0]) / 2
        svg.append(line(apart, top + TOP, apart, top + TOP + h, INK, ' stroke-dasharray="3 3"'))
        svg.append(text(apart + 5, top + TOP + 10, "cores shared"))
    for color, points in zip(COLORS, lines.values()):
        places = ["%.1f,%.1f" % at(x, y) for x, y in points]
        svg.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (color, " ".join(places)))
        svg += ['<circle r="3" fill="%s" cx="%s" cy="%s"/>' % (color, *p.split(",")) for p in places]
    return svg


def picture(subtitle, panels):
    """panels: dicts of panel's arguments, with the same names of lines."""
    rows = -(-len(panels) // COLUMNS)
    width, height, head = COLUMNS * PANEL_W, rows * PANEL_H + 34, 34
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">'
           % (width, height, width, height), STYLE, text(LEFT, 18, subtitle)]
    for i, name in enumerate(panels[0]["lines"]):
        x = width - RIGHT - 60 * (len(panels[0]["lines"]) - i)
        svg.append(line(x, 14, x + 16, 14, COLORS[i], ' stroke-width="3"'))
        svg.append(text(x + 21, 18, name))
    for i, p in enumerate(panels):
        svg += panel(i % COLUMNS * PANEL_W, head + i // COLUMNS * PANEL_H, **p)
    return "\n".join(svg + ["</svg>"]) + "\n"
