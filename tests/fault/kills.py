#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills of every kind at random moments of extract, cluster and activate.

Each stage is started, ended by force, looked at, and started again until it is
done; then it begins anew, until it had its share of the kills. After every one
nothing that was acknowledged may be missing: an image marked done holds the
same bytes as in an undisturbed run, and stays marked; clustering goes on after
the iteration of its checkpoint. What is whole in the end has the same bits.

usage: kills.py WORK [--kills N] [--seed N] [--copies N]    LPCAM: the program
"""
import argparse
import collections
import fcntl
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

import h5py
import numpy as np

RANKS, LIMIT_S, MOST_HUNG = 3, 30, 3
# How a run is ended, and how often among those of a stage.
KINDS = {"kill a rank": 4, "kill all": 3, "kill mpirun": 3, "SIGTERM to mpirun": 2, "SIGTERM to a rank": 2,
         "SIGUSR1 to mpirun": 1, "disk full": 2, "file too large": 1}
NO_ROOM = ("disk full", "file too large")
SAYS_NO_ROOM = r"error: cannot .*(No space left on device|File too large|write failed)"
OUTPUTS = {"extract": ("features", "cams"), "cluster": ("prototypes",), "activate": ("maps",)}
PROGRAM = os.path.realpath(os.environ["LPCAM"])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fail(text, log=None):
    print("FAILED:", text)
    if log:
        print(open(log).read()[:6000])
    sys.exit(1)


def link_pictures(folder, copies):
    """The sample, several times under other IDs."""
    sample = os.path.join(SOURCE, "tests/data/scenes")
    os.makedirs(folder + "/images")
    shutil.copy(sample + "/classes.txt", folder)
    with open(folder + "/labels.txt", "w") as labels:
        for i in range(copies):
            labels.writelines("c%d%s" % (i, line) for line in open(sample + "/labels.txt"))
            for name in os.listdir(sample + "/images"):
                os.symlink(os.path.join(sample, "images", name), "%s/images/c%d%s" % (folder, i, name))


class Disk:
    """A small file system of its own where that is allowed."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder)
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "lpcam-test", folder],
                                      stderr=subprocess.DEVNULL).returncode == 0

    def leave(self, n_bytes):
        """So much more may be written; None: as much as is wanted."""
        info = os.statvfs(self.folder)
        used = (info.f_blocks - info.f_bfree) * info.f_frsize
        size = 1 << 30 if n_bytes is None else used + n_bytes
        subprocess.run(["mount", "-o", "remount,size=%d" % size, self.folder], check=True)

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder])


def alive(pid):
    """Is it still a rank of ours? Numbers of processes come again."""
    try:
        return os.readlink("/proc/%d/exe" % pid) == PROGRAM
    except OSError:
        return False


def children(pid):
    try:
        return [p for p in map(int, open("/proc/%d/task/%d/children" % (pid, pid)).read().split()) if alive(p)]
    except OSError:
        return []


def stack(pid):
    """The functions it is in, where eu-stack is there and may look."""
    try:
        done = subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True, timeout=LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout + done.stderr


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def is_locked(path):
    """Does a process hold a lock on it? Asked without taking it."""
    if not os.path.exists(path):
        return False
    with open(path, "rb+") as file:
        asked = struct.pack("@hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.unpack("@hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK


class Run:
    """One start of a stage."""
    launchers_hung = 0

    def __init__(self, test, stage):
        self.log, self.begin = test.work + "/log", time.time()
        self.mpirun = subprocess.Popen(
            ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(RANKS), PROGRAM, stage,
             SOURCE + "/configs/scenes.ini"] + test.settings, stdout=open(self.log, "w"), stderr=subprocess.STDOUT,
            env=test.env, cwd=SOURCE)
        self.ranks = []

    def wait(self, seconds):
        """-> is it over within so many seconds?"""
        try:
            self.mpirun.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.ranks = children(self.mpirun.pid) or self.ranks
            return False

    def end(self):
        """Wait until no rank lives; -> exit code, seconds that took."""
        since = time.time()
        while self.mpirun.poll() is None or any(alive(pid) for pid in self.ranks):
            if time.time() - since > LIMIT_S:
                self.give_up()
            time.sleep(0.005)
        return self.mpirun.returncode, time.time() - since

    def give_up(self):
        """A rank that lives on is a failure. A few times Open MPI's own mpirun, which may wait for ever for a rank that
        was killed while it connected, is let pass, and a rank that waits so for mpirun: our part is over, or has not
        begun."""
        left = [pid for pid in set(self.ranks + children(self.mpirun.pid)) if alive(pid)]
        stacks = [stack(pid) for pid in left]
        ours = [text for text in stacks if "MPI_Init" not in text]
        send(left + [self.mpirun.pid] * (self.mpirun.poll() is None), signal.SIGKILL)
        Run.launchers_hung += 1
        if ours or Run.launchers_hung > MOST_HUNG:
            fail("they live on: ranks in\n%s\nMPI itself %d times" % ("\n".join(ours), Run.launchers_hung), self.log)
        self.mpirun.wait()

    def text(self):
        return open(self.log).read()


class Test:
    def __init__(self, options):
        self.work, self.kills = options.work, options.kills
        self.random = random.Random(options.seed)
        self.disk = Disk(self.work + "/disk")
        self.out = self.work + "/disk/out"
        self.whole = self.work + "/whole"
        for name in ("shm", "session"):
            os.mkdir("%s/%s" % (self.work, name))
        link_pictures(self.work + "/data", options.copies)
        # what killed ranks leave behind shall lie in our folder
        self.env = dict(os.environ, OMPI_MCA_btl_vader_backing_directory=self.work + "/shm",
                        OMPI_MCA_orte_tmpdir_base=self.work + "/session")
        self.settings = []
        for setting in ("data.root=%s/data" % self.work, "run.out=" + self.out, "cam.scales=1.0 1.5", "kmeans.k=64",
                        "kmeans.max_iter=60", "kmeans.starts=3", "run.checkpoint_s=0", "run.progress_s=0.1"):
            self.settings += ["--set", setting]
        self.seconds = {}  # of each stage, and of its start-up
        self.lost = []     # (stage, kind, seconds of work done again, seconds until all ranks were gone)
        self.counts = collections.Counter()

    def file(self, folder, name, suffix=""):
        return "%s/%s.h5%s" % (folder, name, suffix)

    def undisturbed(self):
        os.mkdir(self.out)
        for stage in OUTPUTS:
            run = Run(self, stage)
            code, seconds = run.end()
            if code:
                fail("%s ends with %d" % (stage, code), run.log)
            first = re.search(r"\[ *([0-9.]+) s\] plan, disk", run.text())
            self.seconds[stage] = seconds, float(first.group(1)) + 0.3 if first else 0.5
        shutil.copytree(self.out, self.whole)
        with h5py.File(self.file(self.whole, "cams")) as f:
            self.n_images = len(f["image/id"])
            self.pairs = f["image/label_offset"][()]

    def rows(self, f, image):
        """All that a per-image file says of an image."""
        pairs = slice(self.pairs[image], self.pairs[image + 1] + 1)
        if "map" in f:
            offset = f["map/offset"][pairs]
            return [f["map/value"][offset[0]:offset[-1]]]
        cells, sides = f["feature/offset"][image:image + 2], f["split/offset"][pairs]
        return [f["feature/vector"][cells[0]:cells[1]], f["split/side"][sides[0]:sides[-1]]]

    def acknowledged(self, stage):
        """The images that are safe, their bytes compared; of clustering, the iterations of each start."""
        if stage == "cluster":
            steps = []
            for r in range(3):
                path = "%s/cluster_%d.checkpoint" % (self.out, r)
                head = open(path, "rb").read(136) if os.path.exists(path) else b""
                steps.append(struct.unpack_from("<q", head, 128)[0] if len(head) == 136 else 0)
            return {(r, i) for r in range(3) for i in range(steps[r])}
        safe = set(range(self.n_images))
        for name in OUTPUTS[stage]:
            paths = [p for p in (self.file(self.out, name), self.file(self.out, name, ".partial")) if os.path.exists(p)]
            if not paths:
                return set()
            with h5py.File(paths[0]) as f, h5py.File(self.file(self.whole, name)) as whole:
                done = set(np.flatnonzero(f["image/state"][()] == 1).tolist())
                for image in done:
                    for a, b in zip(self.rows(f, image), self.rows(whole, image)):
                        if a.tobytes() != b.tobytes():
                            fail("image %d of %s is marked and has other bytes" % (image, paths[0]))
            safe &= done
        return safe

    def strike(self, run, stage, kind):
        """End it in that way, now."""
        pids = children(run.mpirun.pid) or run.ranks
        run.ranks = pids or run.ranks
        mpirun = [run.mpirun.pid]
        one = [self.random.choice(pids)] if pids else mpirun
        {"kill a rank": lambda: send(one, signal.SIGKILL), "kill all": lambda: send(pids + mpirun, signal.SIGKILL),
         "kill mpirun": lambda: send(mpirun, signal.SIGKILL),
         "SIGTERM to mpirun": lambda: send(mpirun, signal.SIGTERM),
         "SIGTERM to a rank": lambda: send(one, signal.SIGTERM),
         "SIGUSR1 to mpirun": lambda: send(mpirun, signal.SIGUSR1),
         "file too large": lambda: self.limit_files(run, stage)}[kind]()

    def is_made(self, name):
        return any(os.path.exists(self.file(self.out, name, end)) for end in ("", ".partial"))

    def make_room(self):
        if self.disk.mounted:
            self.disk.leave(None)

    def fill_disk(self, stage):
        """All but a random part of what the stage writes."""
        sizes = [os.path.getsize(self.file(self.whole, name)) for name in OUTPUTS[stage]]
        self.disk.leave(int(self.random.random() ** 2 * sum(sizes)) // 4096 * 4096)

    def limit_files(self, run, stage):
        """From now on nothing past a random byte of a file can be written. MPI's own files are made before, and the
        structure of ours: HDF5 1.10 crashes at the exit when it could not close a file."""
        most = int(self.random.random() * max(os.path.getsize(self.file(self.whole, name)) for name in OUTPUTS[stage]))
        while not all(self.is_made(name) for name in OUTPUTS[stage]) and not run.wait(0.005):
            pass
        for pid in children(run.mpirun.pid):
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
            except ProcessLookupError:
                pass

    def last(self, stage):
        """A start that is let be, beside which a second job is refused."""
        run = Run(self, stage)
        while not is_locked(self.out + "/lpcam.lock") and not run.wait(0.005):
            pass
        run.wait(0)
        send(run.ranks, signal.SIGSTOP)
        other = Run(self, stage)
        code, _ = other.end()
        send(run.ranks, signal.SIGCONT)
        if code != 1 or "another job" not in other.text():
            fail("a second job ends with %d" % code, other.log)
        if run.end()[0]:
            fail("%s does not end" % stage, run.log)
        self.check_whole(stage)

    def once(self, stage, kind, safe):
        """Start the stage and end it by force; -> what is safe then, is it whole, was it ended?"""
        begin = time.time()
        total, start_up = self.seconds[stage]
        if kind == "disk full" and not self.disk.mounted:
            kind = "file too large"
        if kind == "file too large" and stage == "cluster":
            kind = "kill all"  # MPI shares memory through files, and aborts
        if kind == "disk full":
            self.fill_disk(stage)
        left = 1 - len(safe) / self.n_images if stage != "cluster" else 1
        run = Run(self, stage)
        if kind != "disk full" and not run.wait(self.random.random() * (start_up + left * (total - start_up))):
            self.strike(run, stage, kind)
        code, gone = run.end()
        self.make_room()
        if kind in NO_ROOM and (code not in (0, 1) or (code == 1 and not re.search(SAYS_NO_ROOM, run.text()))):
            fail("%s, %s: exit code %d, and no line that says so" % (stage, kind, code), run.log)
        if stage == "cluster":
            after = re.findall(r"goes on after iteration (\d+)", run.text())
            known = [sum(r == start for r, _ in safe) for start in range(3)]
            if after and [int(n) for n in after] != [n for n in known if n][:len(after)]:
                fail("clustering goes on after %s, not %s" % (after, known), run.log)
        if code:
            self.counts[kind] += 1
        if all(os.path.exists(self.file(self.out, name)) for name in OUTPUTS[stage]):
            return set(), True, code != 0
        if code == 0:
            fail("%s says it is done" % stage, run.log)
        now_safe = self.acknowledged(stage)
        if not safe <= now_safe:
            fail("%s, %s: %d acknowledged before, of which %d are lost" % (stage, kind, len(safe), len(safe - now_safe)))
        gained = len(now_safe) - len(safe)
        work = time.time() - begin - gone - start_up
        each = (total - start_up) / self.n_images
        if stage != "cluster" and kind not in NO_ROOM:
            self.lost.append((stage, kind, min(max(0, work - gained * each), max(work, 0)), gone))
        return now_safe, False, True

    def check_whole(self, stage):
        for name in OUTPUTS[stage]:
            done = subprocess.run(["/usr/bin/python3", SOURCE + "/tests/job/same_bits.py", self.file(self.out, name),
                                   self.file(self.whole, name)], capture_output=True, text=True)
            if done.returncode:
                fail("%s: %s" % (stage, done.stdout + done.stderr))

    def anew(self, stage):
        for name in OUTPUTS[stage]:
            os.remove(self.file(self.out, name))

    def torture(self, stage, kills):
        kinds = self.random.sample([kind for kind, n in KINDS.items() for _ in range(n)] * (1 + kills // sum(KINDS.values())), kills)
        safe, ends, n_safe = set(), 0, 0
        self.anew(stage)
        while kinds:
            safe, over, killed = self.once(stage, kinds[-1], safe)
            if over:
                self.check_whole(stage)
                self.anew(stage)
                ends += 1
            if killed:
                kinds.pop()
            n_safe += len(safe)
        self.last(stage)
        print("%s: %d kills, the same bits at %d ends, %d acknowledged %s looked at after kills" %
              (stage, kills, ends + 1, n_safe, "iterations" if stage == "cluster" else "images"), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work")
    parser.add_argument("--kills", type=int, default=54)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--copies", type=int, default=3)
    options = parser.parse_args()
    print("seed", options.seed, flush=True)
    test = Test(options)
    try:
        test.undisturbed()
        print("undisturbed, seconds:", {stage: round(s, 1) for stage, (s, _) in test.seconds.items()}, flush=True)
        for i, stage in enumerate(OUTPUTS):
            test.torture(stage, (options.kills + i) // 3)
    finally:
        test.disk.close()
    print("kills:", dict(test.counts))
    lost, gone = ([row[i] for row in test.lost] for i in (2, 3))
    print("work done again after a kill: %.2f s on average, %.2f s at most; all ranks were gone after %.2f s, %.2f s" %
          (np.mean(lost), max(lost), np.mean(gone), max(gone)))
    print("%d kills, 0 acknowledged lost; mpirun was left alone and waiting %d times" %
          (sum(test.counts.values()), Run.launchers_hung))


if __name__ == "__main__":
    main()
