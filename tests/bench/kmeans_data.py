# SPDX-License-Identifier: MIT
"""Rows for the timings of clustering, and what one iteration makes of them.

Features as a network's last ReLU leaves them: 40 prototypes P ~ N(0, 1); a row
is max(0, t P[i] + (1 - t) P[j] + 0.8 N(0, 1) - 0.03), prototypes i, j and t in
0..1 uniform, so that rows lie between prototypes and Lloyd's iterations go on
for a while; 51 % of the numbers are 0. Drawn in blocks of 1000 rows, block b by
numpy's PCG64 of (seed, b), prototypes of (seed,)."""
import os

import numpy as np

PROTOTYPES, BLOCK = 40, 1000
SUBSET = 10000  # rows for peers that cannot take them all; starts are drawn from these


def prefix(folder, n, d, seed):
    return os.path.join(folder, "rows-%dx%d-seed%d" % (n, d, seed))


def make_rows(path, n, d, seed):
    """float32 [n][d] as raw bytes."""
    prototypes = np.random.Generator(np.random.PCG64([seed])).standard_normal((PROTOTYPES, d), np.float32)
    with open(path + ".part", "wb") as file:
        for b in range(-(-n // BLOCK)):
            random = np.random.Generator(np.random.PCG64([seed, b]))
            x = random.standard_normal((BLOCK, d), np.float32)
            i, j = random.integers(0, PROTOTYPES, (2, BLOCK))
            t = random.random((BLOCK, 1), np.float32)
            x *= np.float32(0.8)
            x += t * prototypes[i]
            x += (1 - t) * prototypes[j]
            x -= np.float32(0.03)
            np.maximum(x, 0, out=x)
            x[:n - b * BLOCK].astype("<f4").tofile(file)
    os.replace(path + ".part", path)


def directions(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)


def iterate(rows, start):
    """In double: the directions of the means of raw members, and of their
    directions."""
    k, unit = len(start), directions(start.astype(np.float64))
    raw, directed = np.zeros(unit.shape), np.zeros(unit.shape)
    for begin in range(0, len(rows), 4000):
        x = rows[begin:begin + 4000].astype(np.float64)
        member = np.eye(k)[np.argmax(x @ unit.T, axis=1)]
        raw += member.T @ x
        directed += member.T @ directions(x)
    return directions(raw), directions(directed)


def prepare(folder, n, d, ks, seed):
    """Makes what is missing; the common beginning of the files' names."""
    name = prefix(folder, n, d, seed)
    if not os.path.exists(name + ".f32"):
        make_rows(name + ".f32", n, d, seed)
    rows = np.memmap(name + ".f32", "<f4", "r", shape=(n, d))
    for k in ks:
        answer = "%s-k%d.npz" % (name, k)
        if os.path.exists(answer):
            continue
        chosen = np.random.default_rng([seed, k]).choice(min(n, SUBSET), k, replace=False)
        start = np.array(rows[np.sort(chosen)])
        raw, directed = iterate(rows, start)
        start.astype("<f4").tofile("%s-k%d.start.f32" % (name, k))
        np.savez(answer, start=start, raw=raw, directed=directed,
                 subset=iterate(rows[:SUBSET], start)[0])
    return name
