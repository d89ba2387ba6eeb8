#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Look at a gallery as a person would, in a headless Chromium.

    python3 gallery_page.py GALLERY [--shots FOLDER] [--hostile] [--plain]

Every view is opened from the disk: nothing may fail or be asked of a network,
every picture must load, keys must turn pages, and at three widths, light and
dark, the screen must fit, hold something and differ. --hostile: the IDs are
those of hostile_list.py, which must be shown as they are. --plain: no ground
truth. Ends with 77 where there is no browser."""
import argparse
import io
import json
import os
import re
import sys

import numpy as np
from PIL import Image

from browser import Browser, find

WIDTHS = {"phone": (360, 740), "tablet": (768, 1024), "desktop": (1280, 900)}


def check(good, words):
    if not good:
        sys.exit("gallery_page.py: " + str(words))


class Gallery:
    def __init__(self, folder, browser):
        self.folder, self.browser = os.path.realpath(folder), browser
        with open(os.path.join(folder, "data/run.js")) as f:
            self.run = json.loads(re.fullmatch(r'lpcam\("run",(.*)\);\n', f.read(), re.S)[1])

    def visit(self, hash=""):
        self.browser.open("about:blank")
        self.browser.open("file://" + self.folder + "/index.html" + hash)
        self.browser.wait("document.querySelector('main h1') !== null")
        self.browser.all_images()
        broken = self.browser.evaluate("[...document.images].filter(i => i.naturalWidth === 0).map(i => i.src)")
        check(broken == [], "pictures that do not show: %s" % broken)

    def text(self, selector):
        return self.browser.evaluate("document.querySelector(%s).textContent" % json.dumps(selector))

    def number(self, selector):
        return self.browser.evaluate("document.querySelectorAll(%s).length" % json.dumps(selector))


def check_views(g):
    """All classes one after the other."""
    g.visit()
    check(g.number(".classes li") == len(g.run["classes"]), "a class is missing from the list")
    for c, known in enumerate(g.run["classes"]):
        g.visit("#class=%d" % c)
        check(g.text("main h1") == known["name"], "class %d is called %s" % (c, g.text("main h1")))
        check(g.number(".photos article") == min(6, g.browser.evaluate("data['class %d'].images.length" % c)), "photographs of class %d" % c)
        check(g.number(".centre") > 0, "class %d shows no centres" % c)
        missing = g.browser.evaluate("[...document.images].filter(i => !i.hasAttribute('alt')).length")
        check(missing == 0, "%d pictures without a text" % missing)


def check_order(g, c):
    """Worst first is ascending, best first descending, and both show the same."""
    values = {}
    for sort in ("worst", "best"):
        g.visit("#class=%d&sort=%s" % (c, sort))
        values[sort] = g.browser.evaluate("ordered(data['class %d'].images, '%s').map(i => i.lpcam)" % (c, sort))
    check(values["worst"] == sorted(values["worst"]) and values["best"] == values["worst"][::-1], values)


def check_keys(g, c):
    """Arrows turn pages, N and P change the class, Enter enlarges, Escape closes."""
    b = g.browser
    b.show(1280, 900, False)
    g.visit("#class=%d" % c)
    first = g.text(".photos h3")
    b.press("ArrowRight")
    b.wait("document.querySelector('.pager .number').textContent.startsWith('Page 2 ')")
    check(g.text(".photos h3") != first, "the second page shows what the first one does")
    b.press("ArrowLeft")
    b.wait("document.querySelector('.photos h3').textContent === %s" % json.dumps(first))
    b.press("n", "n")
    b.wait("document.querySelector('main h1').textContent === %s" % json.dumps(g.run["classes"][c + 1]["name"]))
    b.press("p", "p")
    b.wait("document.querySelector('main h1').textContent === %s" % json.dumps(g.run["classes"][c]["name"]))

    g.visit("#class=%d" % c)  # what Tab comes by, in order, and seen
    stops = []
    for _ in range(9):
        b.press("Tab")
        stops.append(b.evaluate("[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle, document.activeElement.className || document.activeElement.id]"))
    check(stops[0][2] == "skip" and [s[0] for s in stops[1:3]] == ["A", "SELECT"], stops)
    check(all(s[1] != "none" for s in stops if s[0] != "BODY"), "a focus is not seen: %s" % stops)
    b.evaluate("document.querySelector('.photos .tiles button').focus()")
    b.press("Enter", "\r")
    b.wait("document.querySelector('dialog').open")
    b.press("ArrowRight")
    b.wait("document.querySelector('dialog .number').textContent.startsWith('2 of ')")
    b.press("Escape")
    b.wait("!document.querySelector('dialog').open")
    check(g.text(".photos h3") == first, "closing has left the page")
    inside = b.evaluate("document.activeElement.closest('.photos') !== null")
    check(inside, "closing has lost the place of the keyboard")


def picture(g, path):
    g.browser.screenshot(path or os.path.join(g.browser.home, "shot.png"))
    return np.asarray(Image.open(path or os.path.join(g.browser.home, "shot.png")).convert("RGB"), np.float64)


def check_screens(g, c, shots):
    for width, (w, h) in WIDTHS.items():
        for view, hash in (("all", ""), ("class", "#class=%d" % c)):
            pages = []
            for theme in ("light", "dark"):
                g.browser.show(w, h, theme == "dark", width == "phone")
                g.visit(hash)
                wide = g.browser.evaluate("document.documentElement.scrollWidth")
                check(wide <= w, "%s %s is %d pixels wide on a screen of %d" % (view, theme, wide, w))
                small = g.browser.evaluate("[...document.querySelectorAll('.frame, .strip img, .charts img')].filter(e => e.getBoundingClientRect().height < 20).length")
                check(small == 0, "%d pictures have no height at %s" % (small, width))
                pages.append(picture(g, shots and os.path.join(shots, "%s-%s-%s.png" % (view, width, theme))))
            light, dark = (np.median(p.reshape(-1, 3), 0).mean() for p in pages)
            check(light > 200 and dark < 60, "%s %s: backgrounds of %d and %d" % (view, width, light, dark))
            for page in pages:
                rows = np.array_split(page, 8)
                check(all(r.std() > 8 for r in rows), "%s %s: a part of the page is empty" % (view, width))
                colour = page.max(-1) - page.min(-1)
                check((colour > 60).mean() > 0.01, "%s %s: nothing has a colour" % (view, width))


def check_hostile(g):
    """IDs stand there letter by letter, and none has become markup."""
    from hostile_list import IDS
    shown = set()
    g.browser.show(360, 740, False, True)
    for c in range(len(g.run["classes"])):
        g.visit("#class=%d" % c)
        wide = g.browser.evaluate("document.documentElement.scrollWidth")
        check(wide <= 360, "an ID makes the page %d pixels wide on a phone" % wide)
        shown |= set(g.browser.evaluate("data['class %d'].images.map(i => i.id)" % c))
        check(g.number("main script, main iframe, main object") == 0, "an ID has become markup")
        titles = g.browser.evaluate("[...document.querySelectorAll('.photos h3')].map(e => e.textContent)")
        check(set(titles) <= shown, "an ID is not shown as it is: %s" % titles)
    check(set(IDS) <= shown, "IDs that are missing: %s" % (set(IDS) - shown))
    check(g.browser.evaluate("window.hacked") is None, "an ID has run as a script")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gallery")
    parser.add_argument("--shots")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--plain", action="store_true")
    args = parser.parse_args()
    if not find():
        print("skipped: needs a headless Chromium (Debian package chromium-headless-shell)")
        sys.exit(77)
    if args.shots:
        os.makedirs(args.shots, exist_ok=True)
    browser = Browser(limit_s=240)
    try:
        g = Gallery(args.gallery, browser)
        browser.show(1280, 900, False)
        check_views(g)
        if args.hostile:
            check_hostile(g)
        else:
            check_order(g, 0)
            check_keys(g, 0)
            check_screens(g, 0, args.shots)
        check((g.run["truth"] is None) == args.plain, "truth is %s" % g.run["truth"])
        check(browser.errors == [], "the browser says: %s" % browser.errors)
        strange = [r for r in browser.requests if not r.startswith(("file://" + g.folder + "/", "about:", "data:"))]
        check(strange == [], "asked of a network: %s" % strange)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
