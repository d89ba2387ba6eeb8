# SPDX-License-Identifier: MIT
"""CAM and LPCAM in NumPy: an independent check of the program.

Made for the network and scenes of this folder; score_reference.py runs it. The
start rows of k-means are drawn by NumPy, not by the program's hash, so figures
agree in the mean over seeds, not digit by digit.
"""
import numpy as np
from PIL import Image

from scenes_net import normalise

SCALES = (1.0, 0.5, 1.5, 2.0)
TAU = 0.1
CLASS_ABOVE, CONTEXT_ABOVE, CONTEXT_BELOW = 0.9, 0.05, 0.9
POWER = 4


def unit(x):
    """Rows of x [..., d] divided by their length; zero rows stay zero."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def resize_matrix(n_in, n_out):
    """[n_out, n_in]: bilinear with half-pixel centres, no antialiasing."""
    at = np.maximum((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0)
    low = np.minimum(at.astype(int), n_in - 1)
    high = np.minimum(low + 1, n_in - 1)
    m = np.zeros((n_out, n_in))
    m[np.arange(n_out), low] += 1 - (at - low)
    m[np.arange(n_out), high] += at - low
    return m


def resize(maps, h, w):
    """[n, fh, fw] -> [n, h, w]"""
    return resize_matrix(maps.shape[1], h) @ maps @ resize_matrix(maps.shape[2], w).T


def gather(raw, h, w, epsilon):
    """The maps of all scales, raw: list of [n, fh, fw]; photograph h x w.
    -> strided [n, (h-1)//4+1, (w-1)//4+1] and high_res [n, h, w], the largest
    value of each about 1."""
    strided = sum(resize(r, (h - 1) // 4 + 1, (w - 1) // 4 + 1) for r in raw)
    full = sum(resize(r, -(-h // 16) * 16, -(-w // 16) * 16) for r in raw)
    out = []
    for maps in (strided, full[:, :h, :w]):
        top = maps.max((1, 2), keepdims=True) + epsilon
        out.append(np.divide(maps, top, out=np.zeros_like(maps), where=top > 0))
    return out


def views(net, photograph):
    """For every scale: features of the image and, flipped back, of its mirror,
    [fh, fw, d] each."""
    h, w = photograph.shape[:2]
    for s in SCALES:
        small = Image.fromarray(photograph).resize((round(w * s), round(h * s)), Image.BICUBIC)
        x = normalise(np.asarray(small))
        pair = net.features(np.stack((x, x[:, ::-1])))
        yield pair[0], np.ascontiguousarray(pair[1][:, ::-1])


def cam_maps(views_, weight, present):
    """raw [n, fh, fw] of every scale: ReLU(image) + ReLU(mirror)."""
    w = weight[present]
    return [sum(np.maximum(f @ w.T, 0) for f in pair).transpose(2, 0, 1) for pair in views_]


def lpcam_maps(views_, vector, present):
    m = vector[present]
    return [np.maximum(unit(f + g) @ m.T, 0).transpose(2, 0, 1) for f, g in views_]


def split(high_res, fh, fw):
    """One class's CAM [h, w] -> object, context: bool [fh, fw]"""
    h, w = high_res.shape
    cells = high_res[np.arange(fh)[:, None] * h // fh, np.arange(fw) * w // fw]
    return cells > TAU, cells < TAU


def kmeans(x, k, rng, max_iter=100):
    """Cosine assignment, raw means. x [n, d] -> centres [k, d], sizes [k]"""
    x = x[np.any(x != 0, axis=1)].astype(np.float64)
    k = min(k, len(x))
    centre = x[rng.choice(len(x), k, replace=False)]
    x_unit, old = unit(x), np.full(len(x), -1)
    for _ in range(max_iter):
        cosine = x_unit @ unit(centre).T
        label = cosine.argmax(1)
        for j in set(range(k)) - set(label.tolist()):  # empty: take the farthest
            far = cosine[np.arange(len(x)), label].argmin()
            label[far], cosine[far] = j, 1
        moved = np.count_nonzero(label != old)
        old = label
        centre = np.stack([x[label == j].mean(0) for j in range(k)])
        if moved * 10000 <= len(x):
            break
    return centre, np.bincount(label, minlength=k)


def log_shares(centre, weight, c):
    """log z and log(1 - z) of method step 6: z = softmax(centre . w)[c]."""
    logit = centre @ weight.astype(np.float64).T
    total = np.logaddexp.reduce(logit, axis=1)
    others = np.logaddexp.reduce(np.delete(logit, c, axis=1), axis=1)
    return logit[:, c] - total, others - total


def share(size, log_factor):
    """size * exp(log_factor), divided by the sum (or all zero)."""
    with np.errstate(divide="ignore"):
        value = np.log(size) + log_factor
    value = np.exp(value - value.max()) if len(size) else value
    return value / value.sum() if len(size) else value


def vector_weighted(p, n, q, m, weight, c):
    """Prototypes by weight (step 6b): centres p, sizes n of the object side;
    q, m of the context. -> [d]"""
    a = share(n, POWER * log_shares(p, weight, c)[0])
    b = share(m, log_shares(q, weight, c)[1])
    up, uq = unit(p), unit(q)
    mean_p, mean_q, u = a @ up, b @ uq, m @ uq
    balance = np.clip(mean_p @ u / (mean_q @ u), 0, 1) if mean_q @ u > 0 else 1
    return mean_p - balance * mean_q


def vector_threshold(p, n, q, m, weight, c):
    """Prototypes by threshold (step 6), as published."""
    zp = np.exp(log_shares(p, weight, c)[0])
    zq = np.exp(log_shares(q, weight, c)[0])
    chosen = zp > CLASS_ABOVE if np.any(zp > CLASS_ABOVE) else zp == zp.max()
    context = unit(q)[(zq > CONTEXT_ABOVE) & (zq < CONTEXT_BELOW)]
    return unit(p)[chosen].mean(0) - (context.mean(0) if len(context) else 0)


CHOICES = {"weighted": vector_weighted, "threshold": vector_threshold}


def class_vectors(net, scenes, cams, k, choice, seed):
    """The matrix M [classes, d] of step 7. cams: high_res of every scene."""
    weight, rng = net.params[-2], np.random.default_rng(seed)
    sides = [([], []) for _ in weight]
    for (_, rgb, present, _), maps in zip(scenes, cams):
        f = net.features(normalise(rgb)[None])[0]
        for c, one in zip(present, maps):
            for rows, where in zip(sides[c], split(one, *f.shape[:2])):
                rows.append(f[where])
    vectors = []
    for c, (inside, outside) in enumerate(sides):
        p, n = kmeans(np.concatenate(inside), k, rng)
        q, m = kmeans(np.concatenate(outside), k, rng)
        vectors.append(CHOICES[choice](p, n, q, m, weight, c))
    return np.stack(vectors)


def run(net, scenes, k=8, choice="weighted", seed=1):
    """-> CAM and LPCAM, each a list over scenes of (strided, high_res)."""
    seen = [list(views(net, s[1])) for s in scenes]
    cams = [gather(cam_maps(v, net.params[-2], s[2]), *s[3].shape, 1e-5)
            for s, v in zip(scenes, seen)]
    vector = class_vectors(net, scenes, [c[1] for c in cams], k, choice, seed)
    lpcams = [gather(lpcam_maps(v, vector, s[2]), *s[3].shape, 0)
              for s, v in zip(scenes, seen)]
    return cams, lpcams
