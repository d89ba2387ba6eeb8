# SPDX-License-Identifier: MIT
"""Made-up pooled features and labels for fit.sh, as lpcam fit would meet them on
COCO 2014 train: features >= 0 with a mean direction and a power-law spectrum,
classes as frequent as COCO's 80, 128 to 45,061 of 82,081 images.
usage: fit_data.py FOLDER IMAGES FEATURES"""
import os
import sys

import numpy as np

# Images with each class of COCO 2014 train: the rarest, those between them on a
# line of logarithms, and the most frequent.
CLASSES, RAREST, MOST, OF = 80, 128, 45061, 82081


def counts(n):
    return np.maximum(np.geomspace(RAREST, MOST, CLASSES) * n / OF, 3).astype(int)


def make(n, d):
    rng = np.random.default_rng(d)
    spread = np.arange(1, d + 1, dtype=np.float32) ** -0.8  # eigenvalues fall as k^-1.6
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32)
    mean = 0.5 * np.abs(rng.standard_normal(d)).astype(np.float32)
    cause = rng.standard_normal((n, d), dtype=np.float32)
    x = (cause * spread) @ turn.T
    x = np.maximum(x * np.float32(0.4 / x.std()) + mean, 0)
    score = cause @ (rng.standard_normal((d, CLASSES)) / np.sqrt(np.arange(1, d + 1))[:, None]).astype(np.float32)
    score = 2 * score / score.std(axis=0) + rng.standard_normal((n, CLASSES), dtype=np.float32)
    y = np.empty((n, CLASSES), np.uint8)
    for c, k in enumerate(counts(n)):
        y[:, c] = score[:, c] >= np.partition(score[:, c], n - k)[n - k]
    return x, y


def main():
    folder, n, d = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    x, y = make(n, d)
    x.tofile(os.path.join(folder, "x.f32"))
    y.tofile(os.path.join(folder, "y.u8"))
    total = np.linalg.eigvalsh(x[:4 * d].T.astype(float) @ x[:4 * d])
    print("%d images, %d features, mean length %.1f, eigenvalues 1, 10, middle, last of %d images: "
          % (n, d, np.linalg.norm(x[:1000], axis=1).mean(), min(n, 4 * d))
          + " ".join("%.3g" % total[-k] for k in (1, 10, d // 2, d)))


if __name__ == "__main__":
    main()
