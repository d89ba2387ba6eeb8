# SPDX-License-Identifier: MIT
"""What the bookkeeping of a data set of COCO's size costs; called by size.sh.

An image's overhead is a rank's time from its first to its last photograph,
less that of the forward passes, over its photographs. The moment of the first
photograph is told by a line of progress: its time less images / (images a
second). Start-up counts from mpirun's launch; beside it stand the CPU seconds of
rank 0, which other programs on the machine change little. Memory is the most
that the system saw a process have (VmHWM)."""
import argparse
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import h5py
from machine import environment

ALL_IMAGES, ALL_ANNOTATIONS = 82783, 860001
OVERHEAD_MS, RESUME_S = 2.0, 5.0  # targets
POLL_S = 0.05
STEP = re.compile(r"\] \w+ ([\d,]+) of ([\d,]+) images(?:,| in .*,) ([\d.]+) a second")
PHASE = re.compile(r"^(\w+) +([\d.]+) +([\d.]+) +([\d.]+)  \d+$")


class Job:
    """One stage on all ranks, as far as it came."""

    def __init__(self, command, kill_at=None):
        """kill_at: images of this start, when all ranks get SIGKILL."""
        self.kill_at, self.killed = kill_at, False
        self.startup = self.done = self.to_do = self.rate = None
        self.phase, self.memory, self.text = {}, {}, []  # memory: rank -> kB
        self.cpu = []  # (seconds since the launch, CPU seconds of rank 0)
        self.launched = time.monotonic()
        self.process = subprocess.Popen(command, env=environment(1), bufsize=0,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.follow()
        self.wall = time.monotonic() - self.launched
        if self.process.wait() != 0 and not self.killed:
            sys.exit("failed: %s\n%s" % (" ".join(command), "\n".join(self.text[-20:])))

    def follow(self):
        out, rest = self.process.stdout, b""
        while True:
            if select.select([out], [], [], POLL_S)[0]:
                more = os.read(out.fileno(), 65536)
                if not more:
                    return
                *lines, rest = (rest + more).split(b"\n")
                for line in lines:
                    self.take(line.decode())
            self.look()

    def ranks(self):
        """(rank, pid) of the program's processes."""
        mpirun = self.process.pid
        try:
            pids = open("/proc/%d/task/%d/children" % (mpirun, mpirun)).read().split()
        except OSError:
            return
        for pid in pids:
            try:
                words = open("/proc/%s/environ" % pid, "rb").read()
            except OSError:
                continue
            rank = re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)\0", words)
            if rank:
                yield int(rank[1]), int(pid)

    def look(self):
        for rank, pid in self.ranks():
            try:
                most = re.search(r"VmHWM:\s+(\d+)", open("/proc/%d/status" % pid).read())
                ticks = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[11:13]
            except OSError:
                continue
            if most:
                self.memory[rank] = max(self.memory.get(rank, 0), int(most[1]))
            if rank == 0 and self.startup is None:
                self.cpu.append((time.monotonic() - self.launched, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")))

    def startup_cpu(self):
        """CPU seconds of rank 0 until its first photograph."""
        return max((cpu for at, cpu in self.cpu if at <= self.startup), default=0)

    def take(self, line):
        self.text.append(line)
        phase = PHASE.match(line)
        if phase:
            self.phase[phase[1]] = float(phase[3])
        step = STEP.search(line)
        if not step:
            return
        self.done, self.to_do = (int(x.replace(",", "")) for x in step.groups()[:2])
        self.rate = float(step[3])
        if self.startup is None and self.rate > 0:
            self.startup = time.monotonic() - self.launched - self.done / self.rate
        if self.kill_at and self.done >= self.kill_at and not self.killed:
            self.killed = True
            for _, pid in list(self.ranks()):
                os.kill(pid, signal.SIGKILL)

    def network_ms(self, n_ranks):
        return 1e3 * self.phase.get("network", 0) * n_ranks / self.to_do

    def overhead_ms(self, n_ranks):
        return 1e3 * n_ranks / self.rate - self.network_ms(n_ranks)


class Bench:
    def __init__(self, options):
        self.o = options
        self.set = os.path.join(options.env, "size-%d" % options.images)
        self.out = os.path.join(options.env, "size-out")
        self.overheads, self.resumes = [], []

    def make_set(self):
        if os.path.exists(os.path.join(self.set, "instances.json")):
            return
        shutil.rmtree(self.set, ignore_errors=True)
        begin = time.monotonic()
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([sys.executable, os.path.join(here, "../data/coco_set.py"), self.set, "--masks",
                        "--images", str(self.o.images), "--annotations",
                        str(ALL_ANNOTATIONS * self.o.images // ALL_IMAGES)], check=True)
        print("data set made in %.0f s" % (time.monotonic() - begin))

    def command(self, job):
        keys = {"run.out": self.out, "run.progress_s": "1", "data.root": self.set,
                "data.layout": self.o.layout, "model.file": os.path.join(self.set, "net.onnx"),
                "model.classes": os.path.join(self.set, "names.txt")}
        if self.o.layout == "coco":
            keys["data.annotations"] = "instances.json"
        words = ["mpirun", "-n", str(self.o.ranks), self.o.lpcam, job, "configs/reference.ini"]
        return words + [w for key, value in keys.items() for w in ("--set", key + "=" + value)]

    def row(self, name, job, overhead=False):
        rest = [kb for rank, kb in job.memory.items() if rank > 0]
        cells = [name, "%.1f" % job.wall]
        cells += ["", "", ""] if job.startup is None else [
            "%.2f" % job.startup, "%.2f" % job.startup_cpu(), "%d" % job.to_do]
        cells += ["%.2f" % job.network_ms(self.o.ranks),
                  "%.2f" % job.overhead_ms(self.o.ranks)] if overhead else ["", ""]
        cells += ["%.0f" % (job.memory.get(0, 0) / 1024), "%.0f" % (max(rest) / 1024) if rest else ""]
        print("%-18s" % cells[0] + "".join("%12s" % cell for cell in cells[1:]), flush=True)

    def acknowledged(self, name):
        """Images done in a file that is not finished."""
        with h5py.File(os.path.join(self.out, name + ".partial"), "r") as f:
            return int((f["image/state"][()] == 1).sum())

    def walk(self, name, file):
        """A stage that is killed when a third is done, then goes on to its end."""
        first = Job(self.command(name), kill_at=self.o.images // 3)
        if not first.killed:
            sys.exit("size: %s ended before it could be killed: more images are needed" % name)
        self.row(name + ", killed", first)
        safe = self.acknowledged(file)
        job = Job(self.command(name))
        self.row(name + ", again", job, overhead=True)
        rest = {phase: 1e3 * s * self.o.ranks / job.to_do for phase, s in job.phase.items()
                if phase not in ("network", "input", "model")}
        print("  when killed, %d were told as done and %d were safe; beyond the network, ms an image: %s" % (
            first.done, safe, ", ".join("%s %.3f" % item for item in rest.items())))
        if job.to_do != self.o.images - safe:
            sys.exit("size: %d of %d images were safe, yet %d are done again" % (safe, self.o.images, job.to_do))
        self.overheads.append(job.overhead_ms(self.o.ranks))
        self.resumes.append(job.startup)
        return job

    def plain(self, name):
        job = Job(self.command(name))
        self.row(name, job)
        return job

    def run(self):
        self.make_set()
        shutil.rmtree(self.out, ignore_errors=True)
        print("%d images, layout %s, %d ranks on %d cores, load %.1f before" % (
            self.o.images, self.o.layout, self.o.ranks, os.cpu_count(), os.getloadavg()[0]))
        print("%-18s" % "" + "".join("%12s" % word for word in (
            "wall s", "start-up s", "its CPU s", "images", "network ms", "beyond ms", "rank 0 MiB", "others MiB")))
        self.walk("extract", "cams.h5")
        self.plain("cluster")
        self.walk("activate", "maps.h5")
        self.plain("score")
        for name in ("features.h5", "cams.h5", "prototypes.h5", "maps.h5"):
            print("%-18s%12.1f MB" % (name, os.path.getsize(os.path.join(self.out, name)) / 1e6))
        shutil.rmtree(self.out)
        self.target("overhead", OVERHEAD_MS / max(self.overheads))
        self.target("resume", RESUME_S / max(self.resumes))

    @staticmethod
    def target(name, value):
        print("bench size.%s %.2f 1.00 %s" % (name, value, "ok" if value >= 1 else "short"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", required=True)
    parser.add_argument("--lpcam", required=True)
    parser.add_argument("--images", type=int, default=ALL_IMAGES)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--layout", choices=("coco", "list"), default="coco")
    Bench(parser.parse_args()).run()


if __name__ == "__main__":
    main()
