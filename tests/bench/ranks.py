# SPDX-License-Identifier: MIT
"""What one iteration of clustering costs against its sizes; called by ranks.sh.

One size at a time goes away from the point all curves share. An iteration is
one in which all rows join their sums."""
import argparse
import collections
import os
import re

import kmeans_data
from machine import ENOUGH, Machine, environment, read_reps, run
from svg import picture

POINT = dict(n=100000, d=2048, k=12, classes=1, threads=1, ranks=1, type="f16")
AGAIN = 2  # times for what was disturbed
ROWS = 200000  # of the file, which kmeans.sh uses too
TYPES = ("f32", "f16", "bf16")
MODEL = ((1, 1), (2, 2), (2, 1), (4, 4), (4, 2), (4, 1), (8, 8), (8, 4), (8, 2))  # ranks, of a node
MODEL_AT_LEAST = 0.67  # foretold over measured, or the other way round
Case = collections.namedtuple("Case", sorted(POINT))
Curve = collections.namedtuple("Curve", "title axis values linear")


def curves(cores):
    return [Curve("rows", "n", (12500, 25000, 50000, 100000), True),
            Curve("centres K of a problem", "k", (4, 8, 12, 16, 20, 32), True),
            Curve("channels D", "d", (256, 512, 1024, 2048), True),
            Curve("classes, the rows shared among them", "classes", (1, 5, 20, 80), False),
            Curve("threads of one rank", "threads", tuple(t for t in (1, 2) if t <= cores), False),
            Curve("ranks on %d cores" % cores, "ranks", (1, 2, 4, 8), False)]


class Bench:
    def __init__(self, options):
        self.o = options
        self.cores = os.cpu_count()
        self.machine = Machine(os.path.join(options.env, "probe.so"),
                               sorted({1, min(2, self.cores)}))
        self.reps = {}  # Case -> repetitions

    def case(self, value_type, axis, value):
        point = dict(POINT, type=value_type)
        point[axis] = value
        point["n"] //= 10 if self.o.quick else 1
        return Case(**point)

    @staticmethod
    def busy(case):
        """Threads whose probe judges this case."""
        return min(2, case.threads * case.ranks)

    def measure(self, case):
        # fewer channels: the same numbers in shorter rows
        rows = kmeans_data.prepare(self.o.env, ROWS, POINT["d"], [], 1)
        at_once = case.threads * case.ranks
        quiet = self.machine.fma[self.busy(case)] if at_once <= self.cores else 0
        command = [os.path.join(self.o.build, "tests/kmeans_bench"), "matrix", rows + ".f32", str(case.n),
                   str(case.d), str(case.classes), "-k", str(case.k), "-t", case.type,
                   "-r", str(self.o.reps), "-g", str(quiet)]
        text = run(["mpirun", "-n", str(case.ranks)] + command, environment(case.threads))
        self.reps[case] = self.reps.get(case, []) + read_reps(text)
        if at_once <= self.cores:
            self.machine.seen(self.reps[case], self.busy(case))

    def disturbed(self, case):
        return case.ranks * case.threads <= self.cores and \
            len(self.machine.clean(self.reps[case], self.busy(case))) < ENOUGH

    def ms(self, case):
        if case.ranks * case.threads > self.cores:  # their probes share cores
            return sorted(rep.ms for rep in self.reps[case])[len(self.reps[case]) // 2]
        return self.machine.median(self.reps[case], self.busy(case))

    def clean(self, case):
        if case.ranks * case.threads > self.cores:
            return "shared cores"
        return "%d/%d" % (len(self.machine.clean(self.reps[case], self.busy(case))), len(self.reps[case]))

    def table(self, curve):
        print("\n%s\n%10s" % (curve.title, curve.axis) +
              "".join("%12s %-14s" % (t + " ms", "clean") for t in TYPES))
        for value in curve.values:
            cases = [self.case(t, curve.axis, value) for t in TYPES]
            print("%10d" % (cases[0].n if curve.axis == "n" else value) +
                  "".join("%12.1f %-14s" % (self.ms(c), self.clean(c)) for c in cases), flush=True)

    # --- lpcam plan's model, in late iterations of 20 classes, K = 20, f16

    def iteration(self, n, ranks, local, rates, reps):
        """ms measured; ms foretold: of computing, memory, messages."""
        rows = kmeans_data.prepare(self.o.env, ROWS, POINT["d"], [], 1)
        text = run(["mpirun", "-n", str(ranks), os.path.join(self.o.build, "tests/kmeans_bench"), "matrix",
                    rows + ".f32", str(n), str(POINT["d"]), "20", "-k", "20", "-t", "f16", "-m", "late",
                    "-r", str(reps), "-n", str(local), "-p", "%g,%g,%g" % rates],
                   dict(environment(1), OMPI_MCA_mpi_yield_when_idle="1"))
        return (sorted(rep.ms for rep in read_reps(text))[reps // 2],
                [float(x) for x in re.search(r"^model_ms (.*)$", text, re.M).group(1).split()])

    def check_model(self):
        """The rates of memory and messages from two runs with few rows, then the
        model beside runs on nodes that share this machine."""
        n, few = POINT["n"] // (10 if self.o.quick else 1), 2048
        sums_gb = 1e-9 * 40 * 20 * POINT["d"] * 8
        took, told = self.iteration(few, 2, 2, (1e9, 1e9, self.cores), 25)
        memory = 6 * sums_gb / max(1e-3 * (took - sum(told)), 1e-6)
        took, told = self.iteration(few, 2, 1, (1e9, 1e9, self.cores / 2), 25)
        network = 0.75 * sums_gb / max(1e-3 * (took - sum(told)), 1e-6)
        print("\nthe model of lpcam plan: %d rows, 20 classes, K = 20, f16, a late iteration; memory %.1f GB/s, "
              "messages %.2f GB/s a rank\n%8s%8s%14s%14s%14s" % (
                  n, memory, network, "ranks", "nodes", "foretold ms", "measured ms", "ratio"))
        worst = 1.0
        for ranks, local in MODEL:
            nodes = ranks // local
            share = min(1, 2 / nodes)  # of two nodes' rates
            took, told = self.iteration(n, ranks, local, (memory, network * share, self.cores / nodes),
                                        self.o.reps)
            worst = min(worst, sum(told) / took, took / sum(told))
            print("%8d%8d%14.1f%14.1f%14.2f" % (ranks, nodes, sum(told), took, sum(told) / took), flush=True)
        print("\nbench ranks.model %.3f %.2f %s" % (worst, MODEL_AT_LEAST, "ok" if worst >= MODEL_AT_LEAST else "short"))

    def panel(self, curve):
        lines = {}
        for t in TYPES:
            cases = [self.case(t, curve.axis, value) for value in curve.values]
            lines[t] = [(getattr(c, curve.axis), self.ms(c)) for c in cases]
        return dict(title=curve.title, linear=curve.linear, lines=lines,
                    beyond=self.cores if curve.axis == "ranks" else None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--picture")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", action="store_true")
    bench = Bench(parser.parse_args())
    bench.machine.measure(2)
    if bench.o.model:
        return bench.check_model()
    all_curves = curves(bench.cores)
    cases = dict.fromkeys(bench.case(value_type, curve.axis, value) for curve in all_curves
                          for value in curve.values for value_type in TYPES)
    for case in cases:
        bench.measure(case)
    for _ in range(AGAIN):
        for case in filter(bench.disturbed, cases):
            bench.measure(case)
    print("one iteration, all rows joining; where a table does not say otherwise: " +
          ", ".join("%s %s" % (key, value) for key, value in POINT.items() if key != "type"))
    for curve in all_curves:
        bench.table(curve)
    path = bench.o.picture or os.path.join(bench.o.env, "ranks.svg")
    subtitle = "ms for one iteration; %d rows of %d, K = %d, one class, one thread, but for the size named" % (
        bench.case("f32", "k", POINT["k"]).n, POINT["d"], POINT["k"])
    open(path, "w").write(picture(subtitle, [bench.panel(curve) for curve in all_curves]))
    print("\npicture: " + path)
    bench.check_model()


if __name__ == "__main__":
    main()
