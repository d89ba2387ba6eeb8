#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train the classifier of the scenes on image labels alone, with NumPy.

    OPENBLAS_NUM_THREADS=1 python3 train_scenes.py scenes.onnx

draws scenes of its own seeds (never that of the sample), trains, first on close
views and then on wide ones, prints how many labels of further unseen scenes it
gets right, and writes the ONNX file and, next to it, NAME.classes.txt with the
names of its rows.

While it learns, the network also names ground and sky. That stands in for what
a real backbone brings from its pretraining: features of its own for what is no
object. The file keeps the rows of the classes alone.
"""
import argparse
import os
import time

import numpy as np

from make_scenes import CLASSES, GROUNDS, SKIES, labels, scene
from scenes_net import LAYERS, Net, im2col, normalise, save_onnx

CLOSE = ((112, 112), (96, 128))  # h, w of scenes that one object fills
WIDE = ((128, 192), (160, 160), (192, 128), (208, 176), (160, 224))
BATCH = 16
AROUND = tuple(GROUNDS) + tuple(SKIES)
SPARSE = -1.1    # start offset of the features: few are above zero in a cell
EPSILON = 1e-5   # of batch normalisation
MOMENTUM = 0.05  # of its running mean and variance


def draw_batch(seed, index, sizes):
    """Photographs [BATCH, h, w, 3] u8 of one size, labels [BATCH, classes +
    around] of 0 or 1."""
    size = sizes[index % len(sizes)]
    x = np.empty((BATCH,) + size + (3,), np.uint8)
    y = np.zeros((BATCH, len(CLASSES + AROUND)), np.float32)
    for i in range(BATCH):
        x[i], mask, around = scene(seed, index * BATCH + i, size)
        y[i, [c - 1 for c in labels(mask)]] = 1
        y[i, [len(CLASSES) + AROUND.index(name) for name in around]] = 1
    return x, y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def col2im(columns, shape, kernel, stride):
    """The transpose of im2col: sums back to an input of the given shape."""
    if kernel == 1:
        return columns
    n, h, w, c = shape
    oh, ow = columns.shape[1:3]
    columns = columns.reshape(n, oh, ow, 9, c)
    padded = np.zeros((n, h + 2, w + 2, c), np.float32)
    for k in range(9):
        i, j = divmod(k, 3)
        padded[:, i:i + stride * (oh - 1) + 1:stride,
               j:j + stride * (ow - 1) + 1:stride] += columns[:, :, :, k]
    return padded[:, 1:-1, 1:-1]


class Block:
    """One layer while it learns: convolution, batch normalisation, ReLU."""

    def __init__(self, kernel, stride, c, d, offset, rng):
        self.kernel, self.stride = kernel, stride
        n = kernel * kernel * c
        w = rng.standard_normal((n, d)) * np.sqrt(2 / n)
        self.params = [w.astype(np.float32), np.ones(d, np.float32),
                       np.full(d, offset, np.float32)]  # weight, gain, offset
        self.mean, self.var = np.zeros(d, np.float32), np.ones(d, np.float32)

    def forward(self, x):
        """[n, h, w, c] -> [n, oh, ow, d]; keeps what backward needs."""
        w, gain, offset = self.params
        self.shape = x.shape
        self.columns = im2col(x, self.kernel, self.stride)
        y = self.columns @ w
        mean, var = y.mean((0, 1, 2)), y.var((0, 1, 2))
        self.mean += MOMENTUM * (mean - self.mean)
        self.var += MOMENTUM * (var - self.var)
        self.scale = 1 / np.sqrt(var + EPSILON)
        self.hat = (y - mean) * self.scale
        self.out = np.maximum(gain * self.hat + offset, 0)
        return self.out

    def backward(self, d_out, want_input):
        """Gradient of the output -> that of the input (None where it is not
        wanted), those of params."""
        w, gain, _ = self.params
        dy = d_out * (self.out > 0)
        d_gain, d_offset = (dy * self.hat).sum((0, 1, 2)), dy.sum((0, 1, 2))
        n = dy[..., 0].size
        dy = gain * self.scale * (dy - d_offset / n - self.hat * (d_gain / n))
        rows = dy.reshape(-1, dy.shape[-1])
        d_w = self.columns.reshape(len(rows), -1).T @ rows
        if not want_input:
            return None, [d_w, d_gain, d_offset]
        d_columns = (rows @ w.T).reshape(self.columns.shape)
        d_x = col2im(d_columns, self.shape, self.kernel, self.stride)
        return d_x, [d_w, d_gain, d_offset]

    def folded(self):
        """Weight and bias of the plain convolution it amounts to."""
        w, gain, offset = self.params
        factor = gain / np.sqrt(self.var + EPSILON)
        return [w * factor, offset - self.mean * factor]


class Learner:
    """The network while it learns: blocks, average, linear layer."""

    def __init__(self, n_labels, rng):
        self.blocks, c = [], 3
        for kernel, stride, d in LAYERS:
            offset = SPARSE if kernel == 1 else 0
            self.blocks.append(Block(kernel, stride, c, d, offset, rng))
            c = d
        self.linear = [np.zeros((n_labels, c), np.float32),
                       np.zeros(n_labels, np.float32)]
        self.params = [p for b in self.blocks for p in b.params] + self.linear

    def forward(self, x):
        """[n, h, w, 3] -> logits [n, labels]"""
        for block in self.blocks:
            x = block.forward(x)
        self.pooled = x.mean((1, 2))
        return self.pooled @ self.linear[0].T + self.linear[1]

    def backward(self, d_logits):
        """Gradients of params."""
        shape = self.blocks[-1].out.shape
        grads = [d_logits.T @ self.pooled, d_logits.sum(0)]
        dx = (d_logits @ self.linear[0]) / (shape[1] * shape[2])
        dx = np.broadcast_to(dx[:, None, None], shape)
        for block in reversed(self.blocks):
            dx, own = block.backward(dx, want_input=block is not self.blocks[0])
            grads = own + grads
        return grads

    def net(self, n_classes):
        """The finished network, with the first n_classes rows only."""
        params = [p for b in self.blocks for p in b.folded()]
        return Net(params + [p[:n_classes] for p in self.linear])


class Adam:
    """Adam with decoupled weight decay; params are changed in place."""

    def __init__(self, params):
        self.params = params
        self.mean = [np.zeros_like(p) for p in params]
        self.square = [np.zeros_like(p) for p in params]
        self.step = 0

    def update(self, grads, rate, decay):
        """decay: share of the parameters' size taken off, times rate."""
        self.step += 1
        for p, g, m, s in zip(self.params, grads, self.mean, self.square):
            m += 0.1 * (g - m)
            s += 0.001 * (g * g - s)
            m_hat = m / (1 - 0.9 ** self.step)
            s_hat = s / (1 - 0.999 ** self.step)
            p -= rate * (m_hat / (np.sqrt(s_hat) + 1e-8) + decay * p)


def train(learner, batches, epochs, rate, decay, rng):
    """Minimise the binary cross-entropy of all labels; cosine schedule."""
    adam = Adam(learner.params)
    total = epochs * len(batches)
    for epoch in range(epochs):
        loss = 0.0
        for b in rng.permutation(len(batches)):
            x, y = batches[b]
            if rng.random() < 0.5:
                x = x[:, :, ::-1]
            logits = learner.forward(normalise(x))
            loss += np.mean(np.logaddexp(0, logits) - y * logits)
            d_logits = ((sigmoid(logits) - y) / y.size).astype(np.float32)
            now = rate * 0.5 * (1 + np.cos(np.pi * adam.step / total))
            adam.update(learner.backward(d_logits), now, decay)
        print(f"epoch {epoch + 1:3d}  loss {loss / len(batches):.4f}", flush=True)


def accuracy(net, batches):
    """Share of labels (present or not) that are right."""
    right = [(net.logits(net.features(normalise(x))) > 0) == (y[:, :len(CLASSES)] > 0)
             for x, y in batches]
    return np.mean(np.concatenate(right))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", help="ONNX file to write")
    parser.add_argument("--scenes", type=int, default=1280)
    parser.add_argument("--epochs", type=int, default=6,
                        help="over the wide views; twice as many over the close ones")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--decay", type=float, default=1e-2)
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()
    start = time.time()
    close, wide = ([draw_batch(args.seed + i, b, sizes) for b in range(args.scenes // BATCH)]
                   for i, sizes in enumerate((CLOSE, WIDE)))
    rng = np.random.default_rng(args.seed)
    learner = Learner(len(CLASSES + AROUND), rng)
    train(learner, close, 2 * args.epochs, args.rate, args.decay, rng)
    train(learner, wide, args.epochs, args.rate / 2, args.decay, rng)
    net = learner.net(len(CLASSES))
    unseen = [draw_batch(args.seed + 2, b, WIDE) for b in range(10)]
    print(f"labels right: {accuracy(net, wide):.4f} seen, "
          f"{accuracy(net, unseen):.4f} unseen; {time.time() - start:.0f} s")
    save_onnx(net, args.out)
    with open(os.path.splitext(args.out)[0] + ".classes.txt", "w") as f:
        f.write("".join(name + "\n" for name in CLASSES))


if __name__ == "__main__":
    main()
