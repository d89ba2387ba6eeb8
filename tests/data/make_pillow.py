#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make tests/data/pillow: odd photographs and masks, and what Pillow reads.

Usage: make_pillow.py FOLDER      (needs Pillow and NumPy; made with 9.4)

NAME.jpg or NAME.png is the file to read, NAME.ppm the pixels it must give
(masks: NAME.pgm), resize-WxH-to-WxH.ppm what Image.resize(BICUBIC) makes of
resize-WxH.ppm. The bad-* files must be refused.
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(7)
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
         (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]  # x, y, step x, step y


def scene(w, h, channels=3):
    """Slopes, noise and hard black and white squares, which overshoot."""
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([128 + 100 * np.sin((x * (c + 1) + y) / 9) for c in
                  range(channels)], -1) + RNG.normal(0, 12, (h, w, channels))
    a[(x // 5 + y // 7) % 3 == 0] = 255
    a[(x // 5 + y // 7) % 7 == 0] = 0
    return a.clip(0, 255).astype(np.uint8)


def write(name, data):
    (OUT / name).write_bytes(data)


def write_pixels(name, a):
    kind, end = ("P6", "ppm") if a.ndim == 3 else ("P5", "pgm")
    head = f"{kind} {a.shape[1]} {a.shape[0]} 255\n".encode()
    write(f"{name}.{end}", head + np.ascontiguousarray(a).tobytes())


def write_read(name, ending, data):
    """A file, and its pixels as Pillow sees them."""
    write(f"{name}.{ending}", data)
    write_pixels(name, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def jpeg(mode, a, **options):
    buffer = io.BytesIO()
    Image.fromarray(a, mode).save(buffer, "JPEG", quality=85, **options)
    return buffer.getvalue()


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data +
            struct.pack(">I", zlib.crc32(kind + data)))


def packed(samples, depth):
    """Rows [h][n] of samples as PNG scan lines without a filter."""
    if depth == 16:
        rows = samples.astype(">u2").tobytes()
        n = samples.shape[1] * 2
        return b"".join(b"\0" + rows[i:i + n] for i in range(0, len(rows), n))
    bits = (samples[..., None] >> np.arange(depth)[::-1]) & 1
    rows = np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def png(a, depth, colour, interlaced=False, extra=b""):
    """A PNG of samples [h][w] or [h][w][channels], written by hand."""
    h, w = a.shape[:2]
    views = [a]
    if interlaced:
        views = [a[y::sy, x::sx] for x, y, sx, sy in ADAM7]
    lines = b"".join(packed(v.reshape(v.shape[0], -1), depth)
                     for v in views if v.size)
    head = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra +
            chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def palette(n):
    return chunk(b"PLTE", RNG.integers(0, 256, 3 * n, np.uint8).tobytes())


def make_jpegs():
    w, h = 37, 29
    rgb = jpeg("RGB", scene(w, h))  # 4:2:0, odd sides: fancy upsampling
    write_read("baseline", "jpg", rgb)
    write_read("progressive", "jpg",
               jpeg("RGB", scene(w, h), progressive=True))
    write_read("gray", "jpg", jpeg("L", scene(w, h, 1)[..., 0]))
    exif = Image.Exif()
    exif[0x0112] = 6
    write_read("rotated", "jpg", jpeg("RGB", scene(w, h), exif=exif))

    inks = jpeg("CMYK", scene(w, h, 4))
    write_read("cmyk", "jpg", inks)
    adobe = inks.index(b"\xff\xee")
    length = struct.unpack(">H", inks[adobe + 2:adobe + 4])[0]
    as_ycck = bytearray(inks)
    as_ycck[adobe + 2 + length - 1] = 2  # the transform: YCCK
    write_read("ycck", "jpg", bytes(as_ycck))
    write_read("cmyk-plain", "jpg", inks[:adobe] + inks[adobe + 2 + length:])

    scan = rgb.index(b"\xff\xda")
    write("extraneous.jpg", rgb[:scan] + b"junk" + rgb[scan:] + b"tail")
    write_read("scan-header", "jpg",  # an end of band of 0, seen in old files
               rgb[:scan + 12] + b"\0" + rgb[scan + 13:])
    write("bad-half.jpg", rgb[:len(rgb) // 2])
    write("bad-end.jpg", rgb[:-20])
    smooth = jpeg("RGB", scene(w, h), progressive=True)
    write("bad-scans.jpg", smooth[:smooth.rindex(b"\xff\xda")])
    middle = (scan + len(rgb)) // 2
    write("bad-marker.jpg", rgb[:middle] + b"\xff\xd9" + rgb[middle + 2:])
    frame = rgb.index(b"\xff\xc0")
    write("bad-frame.jpg", rgb[:frame + 4] + b"\x63" + rgb[frame + 5:])
    write("bad-size.jpg",
          rgb[:frame + 5] + b"\xff\xdc\xff\xdc" + rgb[frame + 9:])
    write("bad-header.jpg", rgb[:30])
    write("bad-empty.jpg", b"")
    write("bad-text.jpg", b"<html>404 Not Found</html>\n")


def make_pngs():
    w, h = 23, 19
    write_read("rgb8", "png", png(scene(w, h), 8, 2))
    write_read("rgba", "png", png(scene(w, h, 4), 8, 6))
    write_read("gray-alpha", "png", png(scene(w, h, 2), 8, 4))
    write_read("interlaced", "png", png(scene(w, h), 8, 2, True))
    write_read("gray1", "png", png(RNG.integers(0, 2, (h, w)), 1, 0))
    write_read("gray2", "png", png(RNG.integers(0, 4, (h, w)), 2, 0))
    write_read("gray4", "png", png(RNG.integers(0, 16, (h, w)), 4, 0, True))
    see_through = chunk(b"tRNS", bytes(range(0, 240, 15)))
    write_read("palette-trns", "png",
               png(RNG.integers(0, 16, (h, w)), 4, 3, False,
                   palette(16) + see_through))
    write_read("rgb-trns", "png",
               png(scene(w, h), 8, 2, False,
                   chunk(b"tRNS", struct.pack(">HHH", 255, 255, 255))))
    deep = RNG.integers(0, 65536, (h, w, 4))
    write_read("rgb16", "png", png(deep[..., :3], 16, 2))
    write_read("rgba16", "png", png(deep, 16, 6))
    write("gray16.png", png(deep[..., 0], 16, 0))  # Pillow clips; we shift
    write_pixels("gray16", np.repeat(deep[..., :1] >> 8, 3, 2).astype(np.uint8))

    whole = png(scene(w, h), 8, 2)
    write("bad-half.png", whole[:len(whole) // 2])
    write("bad-last.png", whole[:-12])
    for name, at in ("flipped", len(whole) // 2), ("checksum", len(whole) - 13):
        write(f"bad-{name}.png",
              whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
    write("bad-signature.png", whole[:8])
    huge = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    write("bad-size.png", whole[:8] + chunk(b"IHDR", huge) + whole[33:])


def make_masks():
    w, h = 21, 17
    for name, depth, colour in [("p8", 8, 3), ("p4", 4, 3), ("p2", 2, 3),
                                ("p1", 1, 3), ("g8", 8, 0), ("g4", 4, 0)]:
        a = RNG.integers(0, 1 << depth, (h, w))
        extra = palette(1 << depth) if colour == 3 else b""
        whole = png(a, depth, colour, name == "p2", extra)
        write(f"mask-{name}.png", whole)
        write_pixels(f"mask-{name}", a.astype(np.uint8))
    write("bad-mask.png", whole[:len(whole) // 2])


def make_resizes():
    for w, h, targets in [
            (61, 47, [(30, 24), (92, 70), (122, 94), (1, 1), (7, 94),
                      (122, 5), (61, 20), (20, 47), (61, 47), (62, 48)]),
            (1, 1, [(3, 2)]), (1, 37, [(4, 9)]), (37, 1, [(80, 3)]),
            (48, 16, [(96, 32), (24, 8)])]:
        a = scene(w, h)
        write_pixels(f"resize-{w}x{h}", a)
        for size in targets:
            to = np.asarray(Image.fromarray(a).resize(size, Image.BICUBIC))
            write_pixels(f"resize-{w}x{h}-to-{size[0]}x{size[1]}", to)


OUT.mkdir(parents=True, exist_ok=True)
make_jpegs()
make_pngs()
make_masks()
make_resizes()
