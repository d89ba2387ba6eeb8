# SPDX-License-Identifier: MIT
"""One iteration of lpcam's clustering against public k-means code on the same
rows, one and two cores; called by kmeans.sh, which says what is needed.

First every peer is tried on a quarter of the rows with each of OpenBLAS's
kernels and in each of its variants; the best of these goes into the rounds, in
which every contender runs once as a process of its own, in an order that turns.
Then those with too few clean repetitions (machine.py) run again while there is
time. What one iteration found is compared with double precision every time."""
import argparse
import collections
import hashlib
import os
import re
import sys
import time

import numpy as np

import kmeans_data
from machine import ENOUGH, Machine, environment, read_reps, run

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN_PYTHON = "/usr/bin/python3"
# name -> (class in kmeans_peer.py, from Debian?)
PEERS = {"scikit-learn-debian": ("scikit-learn", True), "scikit-learn": ("scikit-learn", False),
         "faiss-debian": ("faiss", True), "faiss": ("faiss", False), "torch-debian": ("torch", True),
         "numpy": ("numpy", False), "oneDAL": ("oneDAL", False), "sklearnex": ("sklearnex", False),
         "kmeans_pytorch": ("kmeans_pytorch", True)}
SETTINGS = ("Haswell", "SkylakeX", "unset")
NO_OPENBLAS = ("oneDAL", "sklearnex")
TYPES = {"f32": 2e-3, "f16": 5e-3, "bf16": 5e-2}  # and how far their centres may be off
CONTENDS = 1.5  # times the best peer's time

# Targets: (K, cores) -> value
AGAINST_F32 = {(12, 1): 2.7, (20, 1): 2.3, (12, 2): 2.3, (20, 2): 2.2}
AGAINST_16BIT = {(12, 1): 4.5, (20, 1): 3.7}
ROOF = {"f32": {(12, 1): 0.65, (20, 1): 0.60, (12, 2): 0.85, (20, 2): 0.75},
        "bf16": {(12, 1): 0.55, (20, 1): 0.50}}
AGAINST_KMEANS_PYTORCH, ALL_PROBLEMS = 150, 4
EXACTNESS = {"f32": 0.06, "bf16": 0.15}  # at most

# who: "lpcam f32 full" or a peer; how: setting and variant of a peer
Item = collections.namedtuple("Item", "who how k threads")


class Bench:
    def __init__(self, options):
        self.o = options
        self.begin = time.time()
        self.threads = [t for t in (1, 2) if t <= os.cpu_count()]
        self.machine = Machine(self.file("probe.so"), self.threads)
        self.reps = collections.defaultdict(list)  # Item -> repetitions
        self.rows = kmeans_data.prepare(options.env, options.n, options.d, options.k, 1)
        self.peers = [name for name in PEERS if re.search(options.only, name)]

    def file(self, name):
        return os.path.join(self.o.env, name)

    def seconds(self):
        return time.time() - self.begin

    # --- one process

    def quiet(self, threads):
        return str(self.machine.fma[threads])

    def run_peer(self, name, setting, threads, reps, *rest):
        peer, debian = PEERS[name]
        env = environment(threads, setting, self.file("openblas/usr/lib/x86_64-linux-gnu/openblas-pthread")
                          if debian else None)
        if peer == "scikit-learn":
            env["OPENBLAS_NUM_THREADS"] = "1"  # it has threads of its own
        if name == "kmeans_pytorch":
            env["PYTHONPATH"] = self.file("kmeans_pytorch")
        python = DEBIAN_PYTHON if debian else self.file("kmeans-venv/bin/python")
        return run([python, os.path.join(HERE, "kmeans_peer.py"), peer, str(threads), self.quiet(threads),
                    self.file("probe.so"), str(reps), *map(str, rest)], env)

    def peer_timings(self, name, setting, threads, n, reps, ks):
        """(K, variant) -> repetitions; stops where a peer computes something else."""
        text = self.run_peer(name, setting, threads, reps, "matrix", self.rows, n, self.o.d, *ks)
        found = {}
        for part in text.split("variant ")[1:]:
            k, variant = part.split("\n", 1)[0].split()
            found[int(k), variant] = read_reps(part)
            error = re.search(r"^error (\S+)$", part, re.M)
            if error and not float(error.group(1)) < TYPES["f32"]:
                sys.exit("%s (%s) computes other centres: %s" % (name, variant, error.group(1)))
            self.machine.seen(found[int(k), variant], threads)
        return found

    def run_lpcam(self, item, reps):
        _, value_type, mode = item.who.split()
        out = self.file("centers.f32")
        start = "%s-k%d" % (self.rows, item.k)
        text = run([os.path.join(self.o.build, "tests/kmeans_bench"), "matrix", self.rows + ".f32",
                    str(self.o.n), str(self.o.d), "1", "-k", str(item.k), "-t", value_type, "-m", mode,
                    "-r", str(reps), "-g", self.quiet(item.threads), "-s", start + ".start.f32", "-o", out],
                   environment(item.threads))
        expected = np.load(start + ".npz")["raw"]
        found = kmeans_data.directions(np.fromfile(out, "<f4").reshape(expected.shape).astype(np.float64))
        error = np.abs(found - expected).max() / np.abs(expected).max()
        if mode != "floats" and not error < TYPES[value_type]:
            sys.exit("%s computes other centres: %.2g" % (item.who, error))
        return read_reps(text)

    def run_item(self, item, reps=3):
        if item.who.startswith("lpcam"):
            found = self.run_lpcam(item, reps)
        else:
            setting, variant = item.how
            found = self.peer_timings(item.who, setting, item.threads, self.o.n, reps,
                                      ["%d:%s" % (item.k, variant)])[item.k, variant]
        self.machine.seen(found, item.threads)
        self.reps[item] += found

    # --- the runs

    def choose(self):
        """(peer, K, threads) -> (ms, (setting, variant)): the best of each peer."""
        best, n = {}, self.o.n // 4
        for name in self.peers:
            for setting in ("unset",) if name in NO_OPENBLAS else SETTINGS:
                for threads in self.threads:
                    reps = 1 if name == "kmeans_pytorch" else 3
                    found = self.peer_timings(name, setting, threads, n, reps, self.o.k)
                    for (k, variant), timings in found.items():
                        ms = self.machine.median(timings, threads) * self.o.n / n
                        at = (name, k, threads)
                        best[at] = min(best.get(at, (ms, (setting, variant))), (ms, (setting, variant)))
            print("%4.0f s: tried %s" % (self.seconds(), name), flush=True)
        return best

    def contenders(self, best):
        items = [Item("lpcam %s full" % value_type, None, k, threads)
                 for value_type in TYPES for threads in self.threads for k in self.o.k]
        items += [Item("lpcam %s floats" % value_type, None, k, 1)
                  for value_type in EXACTNESS for k in self.o.k]
        for (name, k, threads), (ms, how) in best.items():
            least = min(best[at][0] for at in best if at[1:] == (k, threads))
            if self.o.all or ms <= CONTENDS * least or (name == "kmeans_pytorch" and threads == 1):
                items.append(Item(name, how, k, threads))
        return items

    def rounds(self, items):
        for turn in range(self.o.rounds):
            if turn > 0 and self.seconds() > 60 * self.o.minutes:
                break
            self.machine.measure(1.5)
            at = turn * len(items) // self.o.rounds
            for item in items[at:] + items[:at]:
                self.run_item(item)
            print("%4.0f s: round %d" % (self.seconds(), turn + 1), flush=True)
        for value_type in ("f32", "bf16"):
            for threads in self.threads:
                for k in self.o.k:
                    self.run_item(Item("lpcam %s late" % value_type, None, k, threads), 5)
        self.machine.measure(1.5)
        self.again()

    def again(self):
        """What was disturbed, while there is time."""
        while self.seconds() < 60 * self.o.minutes and self.o.rounds > 1:
            short = [item for item in self.reps
                     if len(self.machine.clean(self.reps[item], item.threads)) < ENOUGH]
            if not short:
                break
            for item in short:
                if self.seconds() < 60 * self.o.minutes:
                    self.run_item(item)

    # --- all problems of a features file at once

    def model(self):
        return os.path.join(self.o.shared, "models/coco20-mnv2")

    def features(self):
        """The features and the rows of their problems, one after the other."""
        model = open(self.model() + ".onnx", "rb").read()
        folder = self.file("features-%d-%s" % (self.o.images, hashlib.sha1(model).hexdigest()[:8]))
        path, rows = folder + "/features.h5", folder + "/problems-k%d" % self.o.k[0]
        if not os.path.exists(path):
            self.extract(folder)
        if not os.path.exists(rows + ".txt"):
            write_problems(path, rows, self.o.k[0])
        return path, rows

    def extract(self, folder):
        os.makedirs(folder, exist_ok=True)
        data = os.path.join(self.o.shared, "data/coco412-train")
        ids = sorted(line.split()[0] for line in open(data + "/labels_voc21.txt")
                     if line.strip() and line[0] != "#")[:self.o.images]
        open(folder + "/images.txt", "w").write("\n".join(ids) + "\n")
        model = self.model()
        settings = ["[run]", "out = " + folder, "[data]", "layout = list", "root = " + data,
                    "labels = labels_voc21.txt", "classes = classes_voc21.txt",
                    "list = %s/images.txt" % folder, "[model]", "file = %s.onnx" % model,
                    "classes = %s.classes.txt" % model, "[cam]", "scales = 1.0", "flip = no"]
        open(folder + "/features.ini", "w").write("\n".join(settings) + "\n")
        run([os.path.join(self.o.build, "lpcam"), "extract", folder + "/features.ini"], environment(1))

    def all_problems(self, best):
        """One core: (ours by type, best peer's name, its repetitions)."""
        k = self.o.k[0]
        path, rows = self.features()
        d = os.path.getsize(rows + ".f32") // 4 // sum(map(int, open(rows + ".txt")))
        least = min(ms for (_, *at), (ms, _) in best.items() if at == [k, 1])
        ours, peers = collections.defaultdict(list), collections.defaultdict(list)
        for _ in range(2 if self.o.rounds > 1 else 1):
            for value_type in TYPES:
                ours[value_type] += read_reps(run(
                    [os.path.join(self.o.build, "tests/kmeans_bench"), "features", path, "-k", str(k),
                     "-t", value_type, "-r", "3", "-g", self.quiet(1)], environment(1)))
            for (name, *at), (ms, (setting, variant)) in best.items():
                if at == [k, 1] and (ms <= CONTENDS * least or self.o.all) and name != "kmeans_pytorch":
                    peers[name] += read_reps(self.run_peer(name, setting, 1, 3, "problems", rows, d, k, variant))
        print("\nall %d problems of %d photographs at once, one core, %d channels, K = %d" %
              (sum(1 for _ in open(rows + ".txt")), self.o.images, d, k))
        for name, reps in [("lpcam " + t, r) for t, r in ours.items()] + list(peers.items()):
            self.line(name, reps, 1, "" if name.startswith("lpcam") else "problem by problem")
        times = {name: self.machine.median(reps, 1) for name, reps in peers.items()}
        return [("%s.k%d.c1.all_problems" % (t, k), min(times.values()) / self.machine.median(ours[t], 1),
                 ALL_PROBLEMS) for t in ("f32", "f16")]  # f16: as they are stored

    # --- what it amounts to

    def line(self, name, reps, threads, rest):
        print("%-22s %9.1f %9.1f  %2d/%-2d  %s" % (
            name, self.machine.median(reps, threads), self.machine.least(reps, threads),
            len(self.machine.clean(reps, threads)), len(reps), rest))

    def table(self, k, threads, best):
        machine = self.machine
        print("\nK = %d, %d core%s: one iteration over %d rows of %d" %
              (k, threads, "s" if threads > 1 else "", self.o.n, self.o.d))
        print("%-22s %9s %9s  %5s" % ("", "median ms", "(least)", "clean"))
        for item, reps in sorted(self.reps.items(), key=lambda at: machine.median(at[1], at[0].threads)):
            if (item.k, item.threads) != (k, threads):
                continue
            rest = "" if item.how is None else "%s, OpenBLAS %s" % (item.how[1], item.how[0])
            if item.how is None:
                bound = machine.bound_ms(self.o.n, self.o.d, k, item.who.split()[1], threads)
                rest = "%.2f of the roofline, %.1f ms" % (bound / machine.median(reps, threads), bound)
            self.line(item.who, reps, threads, rest)
        for (name, *at), (ms, how) in best.items():
            if at == [k, threads] and Item(name, how, k, threads) not in self.reps:
                print("%-22s %9.0f  on a quarter of the rows, times 4: left out" % (name, ms))

    def ours(self, value_type, k, threads, mode="full"):
        return self.machine.median(self.reps[Item("lpcam %s %s" % (value_type, mode), None, k, threads)], threads)

    def verdicts(self):
        values = []
        for k in self.o.k:
            for threads in self.threads:
                at, tag = (k, threads), "k%d.c%d." % (k, threads)
                peers = {item.who: self.machine.median(reps, threads) for item, reps in self.reps.items()
                         if item.how and (item.k, item.threads) == at}
                slow = peers.pop("kmeans_pytorch", None)
                f32 = self.ours("f32", k, threads)
                if peers and at in AGAINST_F32:
                    values.append(("f32." + tag + "against_best_peer", min(peers.values()) / f32, AGAINST_F32[at]))
                if peers and at in AGAINST_16BIT:
                    half = min(self.ours("f16", k, threads), self.ours("bf16", k, threads))
                    values.append(("16bit." + tag + "against_best_f32_peer", min(peers.values()) / half,
                                   AGAINST_16BIT[at]))
                if slow and threads == 1:
                    values.append(("f32." + tag + "against_kmeans_pytorch", slow / f32, AGAINST_KMEANS_PYTORCH))
                for value_type, target in ROOF.items():
                    if at in target:
                        bound = self.machine.bound_ms(self.o.n, self.o.d, k, value_type, threads)
                        values.append(("%s.%sroofline_share" % (value_type, tag),
                                       bound / self.ours(value_type, k, threads), target[at]))
            for value_type, most in EXACTNESS.items():
                cost = self.ours(value_type, k, 1) / self.ours(value_type, k, 1, "floats") - 1
                values.append(("%s.k%d.c1.exactness_cost_at_most" % (value_type, k), cost, most))
        return values

    def report(self, best):
        print()
        self.machine.describe()
        for k in self.o.k:
            for threads in self.threads:
                self.table(k, threads, best)
        values = self.verdicts()
        if best and os.path.exists(os.path.join(self.o.shared, "data/coco412-train")):
            values += self.all_problems(best)
        short = [item for item, reps in self.reps.items()
                 if len(self.machine.clean(reps, item.threads)) < ENOUGH]
        print("\n%.0f s in all; %d of %d medians are from fewer than %d clean repetitions, so from all of theirs"
              % (self.seconds(), len(short), len(self.reps), ENOUGH))
        for name, value, target in values:
            fine = value <= target if name.endswith("at_most") else value >= target
            print("bench kmeans.%s %.3f %.2f %s" % (name, value, target, "ok" if fine else "short"))


def write_problems(path, out, k):
    """Of every problem with k rows or more: its rows, zero vectors left out."""
    import h5py
    with h5py.File(path, "r") as file, open(out + ".f32", "wb") as rows:
        cells, pairs = file["feature/offset"][()], file["image/label_offset"][()]
        label, begin = file["image/label"][()], file["split/offset"][()]
        side, sizes = file["split/side"][()], []
        vector = file["feature/vector"][()].astype("<f4")
        usable = vector.any(axis=1)
        for problem in range(2 * len(file["class/name"])):
            members = [cells[i] + np.flatnonzero(side[begin[p]:begin[p + 1]] == 1 + problem % 2)
                       for i in range(len(cells) - 1) for p in range(pairs[i], pairs[i + 1])
                       if label[p] == problem // 2]
            members = np.concatenate(members) if members else np.zeros(0, int)
            members = members[usable[members]]
            if len(members) >= k:
                vector[members].tofile(rows)
                sizes.append(len(members))
    open(out + ".txt", "w").write("\n".join(map(str, sizes)) + "\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--env", "--build", "--shared"):
        parser.add_argument(name, required=True)
    parser.add_argument("--n", type=int, default=200000)
    parser.add_argument("--d", type=int, default=2048)
    parser.add_argument("--k", type=int, nargs="+", default=[12, 20])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=11, help="after these no more rounds")
    parser.add_argument("--images", type=int, default=100, help="photographs of all problems at once")
    parser.add_argument("--only", default="")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.n, options.rounds, options.images = 20000, 1, 12
    bench = Bench(options)
    bench.machine.measure(2)
    best = bench.choose()
    bench.rounds(bench.contenders(best))
    bench.report(best)


if __name__ == "__main__":
    main()
