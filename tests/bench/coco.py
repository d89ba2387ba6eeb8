# SPDX-License-Identifier: MIT
"""usage: coco.py COCO_BENCH INDEX.json INSTANCES.json ROUNDS

For coco.sh. Each measurement of pycocotools is made in a process of its own, as
coco_bench's are: coco.py index|draw FILE is such a process."""
import contextlib
import hashlib
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

MEMORY_BYTES = 300e6  # rank 0 may use so much for the index


def load(path):
    from pycocotools.coco import COCO
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(path)


def peer_index(path):
    begin = time.perf_counter()
    coco = load(path)
    seconds = time.perf_counter() - begin
    most = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read()).group(1)
    print("index %.3f %d" % (seconds, 1024 * int(most)))
    del coco


def peer_draw(path):
    """As coco_bench draw, one round."""
    coco = load(path)
    begin = time.perf_counter()
    for annotation in coco.dataset["annotations"]:
        coco.annToMask(annotation)
    print("draw %.6f" % (time.perf_counter() - begin))
    for annotation in coco.dataset["annotations"]:
        print(hashlib.sha256(coco.annToMask(annotation).tobytes(order="F")).hexdigest())


def lines(*command):
    """The words of each line that a child prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    if done.returncode:
        sys.exit("%s ended with %d: %s" % (" ".join(command), done.returncode, (done.stdout + done.stderr)[-1500:]))
    return [line.split() for line in done.stdout.splitlines()]


def said(rows, word):
    """The numbers behind a word, one row each."""
    return [[float(x) for x in row[1:]] for row in rows if row[0] == word]


def peer(*arguments):
    return lines(sys.executable, "-B", __file__, *arguments)


def tell(what, unit, ours, theirs):
    print("%s, %s: lpcam least %.3f median %.3f, pycocotools least %.3f median %.3f"
          % (what, unit, min(ours), statistics.median(ours), min(theirs), statistics.median(theirs)))


def bench(name, value, target):
    print("bench coco.%s %.2f %.2f %s" % (name, value, target, "ok" if value >= target else "short"))


def make_photographs(index, folder):
    """Empty files: the index looks whether they are there, not into them."""
    with open(index) as file:
        names = [image["file_name"] for image in json.load(file)["images"]]
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        open(os.path.join(folder, name), "w").close()
    return len(names)


def measure_index(program, index, rounds):
    with tempfile.TemporaryDirectory() as folder:
        n = make_photographs(index, folder)
        print("%s: %.0f MB, %d images" % (index, os.path.getsize(index) / 1e6, n), flush=True)
        ours, theirs = [], []
        for _ in range(rounds):
            ours += said(lines(program, "index", "/", os.path.abspath(index), folder), "index")
            theirs += said(peer("index", index), "index")
    tell("index", "s", [s for s, _ in ours], [s for s, _ in theirs])
    print("memory of rank 0, MB: lpcam %.0f, pycocotools %.0f"
          % (max(m for _, m in ours) / 1e6, max(m for _, m in theirs) / 1e6))
    return (statistics.median(s for s, _ in theirs) / statistics.median(s for s, _ in ours),
            MEMORY_BYTES / max(m for _, m in ours))


def measure_draw(program, instances, rounds):
    ours, theirs = [], []
    for _ in range(rounds):
        rows = lines(program, "draw", instances, "3")
        peer_rows = peer("draw", instances)
        ours.append(min(s for s, in said(rows, "draw")))
        theirs.append(min(s for s, in said(peer_rows, "draw")))
        masks, peer_masks = ([row[0] for row in r if row[0] != "draw"] for r in (rows, peer_rows))
        unlike = sum(a != b for a, b in zip(masks, peer_masks)) + abs(len(masks) - len(peer_masks))
        if unlike or not masks:
            sys.exit("coco: %d of %d masks differ from pycocotools'" % (unlike, len(peer_masks)))
    print("draw: all %d masks are equal" % len(masks))
    tell("draw", "s", ours, theirs)
    return statistics.median(theirs) / statistics.median(ours)


def main(program, index, instances, rounds):
    speed, memory = measure_index(program, index, int(rounds))
    draw = measure_draw(program, instances, int(rounds))
    bench("index", speed, 3)
    bench("index_memory", memory, 1)
    bench("draw", draw, 2)


if __name__ == "__main__":
    {"index": peer_index, "draw": peer_draw}.get(sys.argv[1], main)(*(sys.argv[2:] if len(sys.argv) == 3 else sys.argv[1:]))
