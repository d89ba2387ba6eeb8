# SPDX-License-Identifier: MIT
"""One iteration of Lloyd's algorithm by cosine in other people's code.

usage: kmeans_peer.py PEER THREADS QUIET_GFLOPS PROBE REPS matrix NAME N D K[:VARIANT]...
       kmeans_peer.py PEER THREADS QUIET_GFLOPS PROBE REPS problems NAME D K VARIANT
matrix: the first N rows of what kmeans_data.py made, for each K from the same
start centres. problems: NAME.f32 holds the rows of NAME.txt's problems (a number
of rows a line) one problem after the other; one iteration of each, added up; the
starts are each problem's first K rows.
Prints "variant K NAME", what one iteration's centres differ from those in double
("error E"), and timings as machine.py reads them.

A peer that clusters by Euclidean distance gets rows of length 1 and centres of
length 1, where it is the same assignment."""
import contextlib
import io
import os
import sys
import time

import numpy as np

from kmeans_data import SUBSET, directions
from machine import library, rep_line, timed

MORE = 4  # iterations that a second call does, at most


class Peer:
    """unit: wants rows of length 1; answer: which centres it should find; most:
    rows it can take; warm: calls before the first that is timed."""
    unit, answer, most, warm = False, "raw", None, 1

    def variants(self, x, length, start, threads):
        """name -> (iterate, centers): iterate() does one iteration from start
        and returns its ms or None; centers() gives what the last one found.
        x [n][d], length [n] of the raw rows, start [k][d] of length 1."""
        raise NotImplementedError


class SkLearn(Peer):
    """Its compiled iteration, called directly. Rows of length 1 weighted with
    their length give centres in the direction of the raw mean."""
    unit = True

    def variants(self, x, length, start, threads):
        from sklearn.cluster._k_means_lloyd import lloyd_iter_chunked_dense
        found, weight = np.zeros_like(start), np.zeros(len(start), np.float32)
        label, shift = np.full(len(x), -1, np.int32), np.zeros(len(start), np.float32)

        def iterate():
            lloyd_iter_chunked_dense(x, length, start, found, weight, label, shift, threads)
        return {"lloyd": (iterate, lambda: found)}


class Faiss(Peer):
    """Clustering, spherical, over a flat index of inner products: the second
    iteration by its own clock."""

    def variants(self, x, length, start, threads):
        import faiss
        faiss.omp_set_num_threads(threads)

        def train(iterations):
            c = faiss.Clustering(x.shape[1], len(start))
            c.niter, c.nredo, c.spherical, c.verbose = iterations, 1, True, False
            c.min_points_per_centroid, c.max_points_per_centroid = 1, len(x) + 1
            faiss.copy_array_to_vector(start.ravel(), c.centroids)
            c.train(x, faiss.IndexFlatIP(x.shape[1]))
            return c

        def iterate():
            trained = train(2)  # kept, for its statistics are its own memory
            first, second = (trained.iteration_stats.at(i).time for i in (0, 1))
            return 1e3 * (second - first)

        def centers():
            return faiss.vector_to_array(train(1).centroids).reshape(start.shape)
        return {"spherical": (iterate, centers)}


def in_blocks(n, rows):
    return [slice(i, min(i + rows, n)) for i in range(0, n, rows)]


class Torch(Peer):
    def variants(self, x, length, start, threads):
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        rows, unit = torch.from_numpy(x), torch.from_numpy(start)
        found, k = {}, len(start)

        def iterate(block, one_hot):
            total = torch.zeros_like(unit)
            labels = []
            for part in in_blocks(len(x), block):
                b = rows[part]
                label = torch.argmax(torch.mm(b, unit.t()), 1)
                labels.append(label)
                if one_hot:
                    total.addmm_(torch.zeros(k, len(b)).scatter_(0, label[None], 1.0), b)
                else:
                    total.index_add_(0, label, b)
            count = torch.bincount(torch.cat(labels), minlength=k)
            found["c"] = total / count.clamp(min=1)[:, None]

        return {name: (lambda a=a: iterate(*a), lambda: found["c"].numpy()) for name, a in (
            ("whole", (len(x), False)), ("whole-one-hot", (len(x), True)),
            ("blocks-of-256", (256, False)), ("blocks-of-512-one-hot", (512, True)))}


class NumPy(Peer):
    def variants(self, x, length, start, threads):
        found, k = {}, len(start)

        def iterate(block):
            total, count = np.zeros_like(start), np.zeros(k)
            for part in in_blocks(len(x), block):
                member = np.zeros((k, part.stop - part.start), np.float32)
                label = np.dot(x[part], start.T).argmax(1)
                member[label, np.arange(member.shape[1])] = 1
                total += np.dot(member, x[part])
                count += np.bincount(label, minlength=k)
            found["c"] = total / np.maximum(count, 1)[:, None]

        return {name: (lambda b=b: iterate(b), lambda: found["c"]) for name, b in (
            ("whole", len(x)), ("blocks-of-512", 512), ("blocks-of-4096", 4096))}


class OneDal(Peer):
    """Several iterations less one, so without what a call costs. Its centres
    are means of the rows of length 1."""
    unit, answer = True, "directed"

    def variants(self, x, length, start, threads):
        import daal4py
        daal4py.daalinit(threads)

        def call(iterations):
            return daal4py.kmeans(nClusters=len(start), maxIterations=iterations, fptype="float",
                                  method="lloydDense", accuracyThreshold=0.0,
                                  assignFlag=False).compute(x, start)
        return {"lloydDense": (lambda: difference(call, lambda found: int(found.nIterations[0, 0])),
                               lambda: call(1).centroids)}


class SkLearnEx(Peer):
    """The same library through scikit-learn's interface."""
    unit, answer = True, "directed"

    def variants(self, x, length, start, threads):
        import warnings
        import daal4py
        from sklearnex.cluster import KMeans
        warnings.simplefilter("ignore")
        daal4py.daalinit(threads)

        def call(iterations):
            return KMeans(n_clusters=len(start), init=start, n_init=1, max_iter=iterations, tol=0,
                          algorithm="lloyd").fit(x)
        return {"fit": (lambda: difference(call, lambda found: found.n_iter_),
                        lambda: call(1).cluster_centers_)}


def difference(call, iterations_of):
    """By the iterations that were done, for a small problem may settle early."""
    times, done = [], []
    for iterations in (1, 1 + MORE):
        begin = time.perf_counter()
        found = call(iterations)
        times.append(time.perf_counter() - begin)
        done.append(iterations_of(found))
    return 1e3 * (times[1] - times[0]) / max(1, done[1] - done[0])


class KMeansPytorch(Peer):
    """kmeans_pytorch 0.3 itself, stopped after one iteration. It needs n x K x D
    numbers several times over, hence a part of the rows; its time is scaled."""
    answer, most, warm = "subset", SUBSET, 0

    def variants(self, x, length, start, threads):
        import kmeans_pytorch
        import torch
        torch.set_num_threads(threads)
        found = {}

        def iterate():
            kmeans_pytorch.initialize = lambda *_: torch.from_numpy(start.copy())
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                found["c"] = kmeans_pytorch.kmeans(torch.from_numpy(x), len(start), "cosine",
                                                   float("inf"))[1]
        return {"kmeans": (iterate, lambda: found["c"].numpy())}


PEERS = {"scikit-learn": SkLearn, "faiss": Faiss, "torch": Torch, "numpy": NumPy, "oneDAL": OneDal,
         "sklearnex": SkLearnEx, "kmeans_pytorch": KMeansPytorch}


def made_ready(peer, x):
    """x as this peer wants it, in place, and the lengths of the raw rows."""
    length = np.sqrt(np.einsum("ij,ij->i", x, x))
    if peer.unit:
        x /= np.maximum(length, 1e-30)[:, None]
    return length


def unit_start(start):
    return np.ascontiguousarray(directions(start.astype(np.float64)), np.float32)


def run_matrix(peer, threads, time_one, reps, name, n, d, *ks):
    n, d = int(n), int(d)
    x = np.fromfile(name + ".f32", "<f4", (peer.most or n) * d).reshape(-1, d)
    whole = n == os.path.getsize(name + ".f32") // (4 * d)
    length = made_ready(peer, x)
    for wanted in ks:
        k, _, only = wanted.partition(":")
        answer = np.load("%s-k%s.npz" % (name, k))
        found = peer.variants(x, length, unit_start(answer["start"]), threads)
        for variant, (iterate, centers) in found.items():
            if variant != (only or variant):
                continue
            print("variant", k, variant)
            for _ in range(peer.warm):
                iterate()
            timings = [time_one(iterate) for _ in range(reps)]
            for rep in timings:
                print(rep_line(rep._replace(ms=rep.ms * n / len(x))))
            if whole or peer.most:
                expected = answer[peer.answer]
                error = np.abs(directions(centers().astype(np.float64)) - expected).max()
                print("error %.2g" % (error / np.abs(expected).max()), flush=True)


def run_problems(peer, threads, time_one, reps, name, d, k, variant):
    d, k, begin = int(d), int(k), 0
    sums = [(0.0, np.inf, 0.0)] * reps
    for rows in map(int, open(name + ".txt")):
        x = np.fromfile(name + ".f32", "<f4", rows * d, offset=4 * begin * d).reshape(-1, d)
        begin += rows
        start = unit_start(x[:k])
        iterate, _ = peer.variants(x, made_ready(peer, x), start, threads)[variant]
        for _ in range(peer.warm):
            iterate()
        for r in range(reps):
            rep = time_one(iterate)
            ms, fma, foreign_ms = sums[r]
            sums[r] = ms + rep.ms, min(fma, rep.fma), foreign_ms + rep.foreign * rep.ms
    for ms, fma, foreign_ms in sums:
        print("rep_ms %.3f fma %.1f foreign %.3f" % (ms, fma, foreign_ms / ms))


def main(name, threads, quiet_gflops, probe_path, reps, kind, *rest):
    threads, lib = int(threads), library(probe_path)
    run = run_matrix if kind == "matrix" else run_problems
    run(PEERS[name](), threads, lambda f: timed(lib, threads, float(quiet_gflops), f), int(reps), *rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
