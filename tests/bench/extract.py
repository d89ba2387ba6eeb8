# SPDX-License-Identifier: MIT
"""Photographs a second of `lpcam extract` against whole scripts that do the same,
one thread each, interleaved; called by extract.sh, which says what is needed.

Every round runs every contender once as a process of its own, in an order that
turns. What is compared is the time from the first photograph on: for lpcam the
phases behind input and model (so it carries the class maps and the files, which
the scripts do not make), for a script its loop. A run counts
as clean when the multiply-add probe before and after it was near its best and
other processes used little of the machine meanwhile."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
from PIL import Image
from resnet50 import CHANNELS, flops

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN_PYTHON = "/usr/bin/python3"
PROTOCOLS = {"s1": ((1.0,), 1), "ms": ((1.0, 0.5, 1.5, 2.0), 2)}  # scales, views of each
TORCH = ("torch-plain", "torch-frozen", "torch-channels-last", "torch-optimized")
PEERS = TORCH + ("onnxruntime",)
PROBE_SHARE, FOREIGN_SHARE = 0.85, 0.10
OTHER_PHASES = ("decode", "resize", "maps", "write")
LOOP_PHASES = OTHER_PHASES + ("network", "wait")


def environment():
    """One thread everywhere; BLAS chooses its kernels by the CPU; Open MPI as root."""
    env = {key: value for key, value in os.environ.items()
           if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                              "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1"))
    env.update(OMPI_MCA_hwloc_base_binding_policy="none", PYTHONDONTWRITEBYTECODE="1")
    return env


class Machine:
    """Runs commands and judges how undisturbed each was."""

    def __init__(self, probe_path):
        self.probe_path, self.peak, self.env = probe_path, 0.0, environment()

    def probe(self):
        gflops = float(subprocess.check_output([self.probe_path]))
        self.peak = max(self.peak, gflops)
        return gflops

    @staticmethod
    def busy_s():
        """CPU seconds of all processes since boot, and of our ended children."""
        ticks = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
        every = sum(ticks[i] for i in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
        times = os.times()
        return every - times.children_user - times.children_system - times.user - times.system

    def run(self, command):
        before, foreign, begin = self.probe(), self.busy_s(), time.perf_counter()
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        wall = time.perf_counter() - begin
        foreign = (self.busy_s() - foreign) / wall
        if done.returncode:
            sys.exit("failed (%d): %s\n%s%s" % (done.returncode, " ".join(command),
                                                done.stdout[-2000:], done.stderr[-2000:]))
        return dict(wall=wall, text=done.stdout + done.stderr, foreign=foreign,
                    probe=min(before, self.probe()))

    def clean(self, run):
        return run["probe"] >= PROBE_SHARE * self.peak and run["foreign"] <= FOREIGN_SHARE


class Bench:
    def __init__(self, options):
        self.o = options
        self.machine = Machine(os.path.join(options.env, "fma_probe"))
        self.runs = {}  # (protocol, contender) -> its runs
        self.data = os.path.join(options.shared, "data/coco412-train")
        with open(os.path.join(self.data, "labels.txt")) as labels:
            ids = [line.split()[0] for line in labels if line.strip() and line[0] != "#"]
        self.ids = sorted(ids)[:options.m]
        self.paths = [os.path.join(self.data, "images", i + ".jpg") for i in self.ids]
        self.list, self.paths_file = self.file("list.txt"), self.file("paths.txt")
        open(self.list, "w").write("\n".join(self.ids) + "\n")
        open(self.paths_file, "w").write("\n".join(self.paths) + "\n")

    def file(self, name):
        return os.path.join(self.o.env, name)

    def gflop(self, protocol):
        """Of all photographs at all scales."""
        scales, views = PROTOCOLS[protocol]
        sizes = [Image.open(path).size for path in self.paths]
        return 1e-9 * sum(views * flops(round(h * s), round(w * s)) for w, h in sizes for s in scales)

    def contenders(self):
        names = ["lpcam", *PEERS]
        if re.search("avx512_bf16|amx_bf16", open("/proc/cpuinfo").read()):
            names.append("lpcam-bf16")
        if os.cpu_count() > 1:
            names.append("lpcam-two-ranks")
        return [name for name in names if re.search(self.o.only, name)]

    # --- one run of one contender

    def run_lpcam(self, name, protocol):
        scales, views = PROTOCOLS[protocol]
        out, config = self.file("out"), self.file("extract.ini")
        shutil.rmtree(out, ignore_errors=True)
        with open(config, "w") as ini:
            ini.write("[run]\nout = %s\n[data]\nlayout = list\nroot = %s\nlist = %s\n"
                      "[model]\nfile = %s\nthreads = 1\nprecision = %s\n[cam]\nscales = %s\nflip = %s\n"
                      % (out, self.data, self.list, self.file("resnet50.onnx"),
                         "bf16" if name == "lpcam-bf16" else "f32",
                         " ".join("%.1f" % s for s in scales), "yes" if views == 2 else "no"))
        ranks = "2" if name == "lpcam-two-ranks" else "1"
        run = self.machine.run(["mpirun", "-n", ranks, self.o.lpcam, "extract", config])
        phases = re.findall(r"^(?:\[.*\] )?([a-z]+) +[\d.]+ +([\d.]+) +[\d.]+ +\d+$", run["text"], re.M)
        run["phase"] = {phase: float(mean) for phase, mean in phases}
        if "network" not in run["phase"]:
            sys.exit("lpcam printed no table of phases:\n" + run["text"][-2000:])
        run["work"] = sum(run["phase"].get(phase, 0.0) for phase in LOOP_PHASES)
        run["other"] = sum(run["phase"].get(phase, 0.0) for phase in OTHER_PHASES) / run["work"]
        return run

    def run_peer(self, name, protocol):
        python = self.file("venv/bin/python") if name == "onnxruntime" else DEBIAN_PYTHON
        run = self.machine.run([python, os.path.join(HERE, "extract_peer.py"), name, self.o.env,
                                self.paths_file, protocol, self.file("first-%s.npy" % name)])
        run["work"] = float(re.search(r"work_s ([\d.]+)", run["text"]).group(1))
        return run

    def first_feature(self, name):
        """Of the first photograph at scale 1: [cells][channels]."""
        if not name.startswith("lpcam"):
            return np.load(self.file("first-%s.npy" % name))[0].reshape(CHANNELS, -1).T
        import h5py
        with h5py.File(self.file("out/features.h5"), "r") as file:
            at = [i.decode() for i in file["image/id"][()]].index(self.ids[0])
            begin, end = file["feature/offset"][at:at + 2]
            return file["feature/vector"][begin:end].astype(np.float32)

    def check_same(self, name, first):
        """Stops unless this contender computes the feature that the first one does."""
        feature = self.first_feature(name)
        first.setdefault("feature", feature)
        error = np.abs(feature - first["feature"]).max() / np.abs(first["feature"]).max()
        if not error < (2e-2 if "bf16" in name else 2e-3):
            sys.exit("%s computes another feature: relative difference %.2g" % (name, error))

    def measure(self):
        names, first = self.contenders(), {}
        for turn in range(self.o.rounds):
            for protocol in self.o.protocols:
                for name in names[turn % len(names):] + names[:turn % len(names)]:
                    run_one = self.run_lpcam if name.startswith("lpcam") else self.run_peer
                    run = run_one(name, protocol)
                    self.runs.setdefault((protocol, name), []).append(run)
                    print("round %d %s %-20s %7.2f s from the first photograph on, %7.2f s in all"
                          % (turn + 1, protocol, name, run["work"], run["wall"]), flush=True)
                    if protocol == "s1" and turn == 0:
                        self.check_same(name, first)

    # --- what it amounts to

    def chosen(self, protocol, name):
        """The clean runs when there are two or more of them, else all."""
        runs = self.runs.get((protocol, name), [])
        clean = [run for run in runs if self.machine.clean(run)]
        return clean if len(clean) >= 2 else runs

    def seconds(self, protocol, name):
        return statistics.median(run["work"] for run in self.chosen(protocol, name))

    def table(self, protocol, names):
        print("\n%s: %d photographs, %.1f GFLOP each; best probe %.1f GFLOP/s" %
              (protocol, len(self.ids), self.gflop(protocol) / len(self.ids), self.machine.peak))
        print("%-20s %14s %9s %9s %11s %6s" % ("", "photographs/s", "(best)", "(in all)", "GFLOP/s", "clean"))
        for name in names:
            runs = self.chosen(protocol, name)
            work, wall = self.seconds(protocol, name), statistics.median(r["wall"] for r in runs)
            print("%-20s %14.3f %9.3f %9.3f %11.1f %4d/%d" % (
                name, len(self.ids) / work, len(self.ids) / min(r["work"] for r in runs),
                len(self.ids) / wall, self.gflop(protocol) / work,
                sum(map(self.machine.clean, self.runs[protocol, name])), len(self.runs[protocol, name])))

    def verdicts(self, protocol, names):
        """The lines for the targets whose contenders were run."""
        if "lpcam" not in names:
            return
        ours = self.seconds(protocol, "lpcam")
        peers = {name: self.seconds(protocol, name) for name in names if name in PEERS}
        best = min(run["work"] for run in self.chosen(protocol, "lpcam"))
        other = statistics.median(run["other"] for run in self.chosen(protocol, "lpcam"))
        values = [("fma_peak_share", self.gflop(protocol) / best / self.machine.peak, 0.80),
                  ("network_share", 1 - other, 0.95)]
        if "torch-plain" in peers:
            values.append(("against_torch_plain", peers["torch-plain"] / ours, 1.25))
        if set(PEERS) <= set(peers):
            values.append(("against_best_script", min(peers.values()) / ours, 1.00))
        for name, target in (("lpcam-bf16", 1.80), ("lpcam-two-ranks", 1.85)):
            if name in names:
                values.append((name[6:].replace("-", "_"), ours / self.seconds(protocol, name), target))
        for what, value, target in values:
            print("bench extract.%s.%s %.3f %.2f %s" %
                  (protocol, what, value, target, "ok" if value >= target else "short"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", required=True)
    parser.add_argument("--shared", required=True)
    parser.add_argument("--lpcam", required=True)
    parser.add_argument("--m", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=["s1"])
    parser.add_argument("--only", default="")
    bench = Bench(parser.parse_args())
    names = bench.contenders()
    bench.measure()
    for protocol in bench.o.protocols:
        bench.table(protocol, names)
    print()
    for protocol in bench.o.protocols:
        bench.verdicts(protocol, names)


if __name__ == "__main__":
    main()
