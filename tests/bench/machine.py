# SPDX-License-Identifier: MIT
"""What this machine can do, and which timings were undisturbed.

A repetition is clean when the multiply-add probe of the same number of threads,
just before and after it, reached QUIET of the best one seen, and other processes
used little meanwhile. The probe is what tells on virtual machines, whose cores
may turn for seconds into two threads of one core; nothing else shows it."""
import collections
import ctypes
import os
import re
import statistics
import subprocess
import time

QUIET, FOREIGN, FOREIGN_S = 0.85, 0.10, 0.03
PROBE_S, PATIENCE = 0.003, 20
STREAM_BYTES = 1 << 30
ENOUGH = 3  # clean repetitions; with fewer all are used, and the table says so

Rep = collections.namedtuple("Rep", "ms fma foreign")


def library(path):
    lib = ctypes.CDLL(path)
    for name, kind in (("fma_gflops", ctypes.c_double), ("bf16_gflops", ctypes.c_double),
                       ("stream_gbs", ctypes.c_long)):
        function = getattr(lib, "probe_" + name)
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_int, kind]
    return lib


def foreign_s():
    """CPU seconds of all other processes since boot."""
    ticks = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    every = sum(ticks[i] for i in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")
    return every - sum(os.times()[:4])


def timed(lib, threads, quiet_gflops, function):
    """One repetition, when the machine is quiet or PATIENCE is over. function
    returns its milliseconds, or None to be timed from outside."""
    before = lib.probe_fma_gflops(threads, PROBE_S)
    for _ in range(PATIENCE):
        if before >= QUIET * quiet_gflops:
            break
        time.sleep(0.05)
        before = lib.probe_fma_gflops(threads, PROBE_S)
    foreign, begin = foreign_s(), time.perf_counter()
    ms = function()
    wall = time.perf_counter() - begin
    foreign = (foreign_s() - foreign) / wall
    after = lib.probe_fma_gflops(threads, PROBE_S)
    return Rep(1e3 * wall if ms is None else ms, min(before, after), foreign)


def rep_line(rep):
    return "rep_ms %.3f fma %.1f foreign %.3f" % rep


def read_reps(text):
    """The repetitions in the output of a program."""
    lines = re.findall(r"^rep_ms (\S+) fma (\S+) foreign (\S+)$", text, re.M)
    return [Rep(*map(float, line)) for line in lines]


class Machine:
    """Best rates seen, by number of threads; judges repetitions by them."""

    def __init__(self, probe_path, threads):
        self.lib, self.threads = library(probe_path), threads
        self.fma, self.bf16 = dict.fromkeys(threads, 0.0), dict.fromkeys(threads, 0.0)
        self.stream = {t: [] for t in threads}

    def measure(self, seconds):
        """Peaks and reading, for about so long."""
        for t in self.threads:
            end = time.time() + seconds / len(self.threads)
            while time.time() < end or not self.stream[t]:
                before = self.lib.probe_fma_gflops(t, PROBE_S)
                gbs = self.lib.probe_stream_gbs(t, STREAM_BYTES)
                after = self.lib.probe_fma_gflops(t, PROBE_S)
                self.stream[t].append((gbs, min(before, after)))
                self.fma[t] = max(self.fma[t], before, after)
                self.bf16[t] = max(self.bf16[t], self.lib.probe_bf16_gflops(t, PROBE_S))

    def seen(self, reps, threads):
        self.fma[threads] = max([self.fma[threads]] + [rep.fma for rep in reps])

    def clean(self, reps, threads):
        return [rep for rep in reps if rep.ms > 0 and rep.fma >= QUIET * self.fma[threads] and
                (rep.foreign <= FOREIGN or rep.foreign * rep.ms <= 1e3 * FOREIGN_S)]

    def chosen(self, reps, threads):
        clean = self.clean(reps, threads)
        if len(clean) >= ENOUGH:
            return clean
        return [rep for rep in reps if rep.ms > 0] or reps  # a difference may fall below 0

    def median(self, reps, threads):
        return statistics.median(rep.ms for rep in self.chosen(reps, threads))

    def least(self, reps, threads):
        return min(rep.ms for rep in self.chosen(reps, threads))

    def gbs(self, threads):
        """Median of reading while the machine was quiet, and the best."""
        quiet = [gbs for gbs, fma in self.stream[threads] if fma >= QUIET * self.fma[threads]]
        every = [gbs for gbs, _ in self.stream[threads]]
        return statistics.median(quiet or every), max(every)

    def bound_ms(self, n, d, k, value_type, threads):
        """The roofline of one iteration: reading the rows or multiplying them
        with the centres, whichever takes longer."""
        n_bytes = n * d * (4 if value_type == "f32" else 2)
        pairs = value_type == "bf16" and self.bf16[threads] > 0
        gflops = self.bf16[threads] if pairs else self.fma[threads]
        return max(n_bytes / self.gbs(threads)[0], 2 * n * d * k / gflops) * 1e-6

    def describe(self):
        for t in self.threads:
            print("%d thread%s: reading %.1f GB/s (best %.1f), f32 multiply-add %.0f GFLOP/s, bf16 pairs %.0f"
                  % (t, "s" if t > 1 else "", *self.gbs(t), self.fma[t], self.bf16[t]))


def environment(threads, setting="unset", libraries=None):
    """For a child: so many threads everywhere; OpenBLAS's choice of kernels;
    Open MPI as root, its ranks not bound."""
    env = {key: value for key, value in os.environ.items()
           if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    if setting != "unset":
        env["OPENBLAS_CORETYPE"] = setting
    if libraries:
        env["LD_LIBRARY_PATH"] = libraries
    env.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)))
    env.update(dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                              "OMPI_MCA_rmaps_base_oversubscribe"), "1"))
    env.update(OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_btl_base_warn_component_unused="0",
               PYTHONDONTWRITEBYTECODE="1")
    return env


def run(command, env, timeout=600):
    """The standard output of a child that must succeed."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise RuntimeError("%s ended with %d: %s" % (" ".join(command)[:200], done.returncode,
                                                     (done.stdout + done.stderr)[-1500:]))
    return done.stdout
