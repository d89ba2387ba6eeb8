# SPDX-License-Identifier: MIT
"""The ResNet-50 of the extract benchmark, as mk_resnet50.py writes it: output
stride 16, batch norm folded into the convolutions, random weights.

usage: resnet50.py MODEL.onnx FEATURE.onnx WEIGHTS.npz
writes what the peers need: the network without its head, and its weights."""
import sys

STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 1))  # blocks, width, stride
CHANNELS = 4 * STAGES[-1][1]


def halved(n):
    """Cells after a window of 7 or 3 with stride 2 and half its size as border."""
    return (n + 1) // 2


def flops(h, w):
    """Floating-point operations of the convolutions for one photograph, h x w px."""
    h, w = halved(h), halved(w)
    macs = h * w * 64 * 3 * 49
    h, w, cin = halved(h), halved(w), 64
    for blocks, width, stride in STAGES:
        for block in range(blocks):
            macs += h * w * cin * width  # the first 1x1, before the stride
            if block == 0:
                if stride == 2:
                    h, w = halved(h), halved(w)
                macs += h * w * cin * 4 * width  # the shortcut
            macs += h * w * (9 * width * width + width * 4 * width)
            cin = 4 * width
    return 2 * macs


def torch_network(weights):
    """The same network in plain PyTorch, with the weights of WEIGHTS.npz."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, cin, width, stride, first):
            super().__init__()
            self.conv1 = nn.Conv2d(cin, width, 1)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1)
            self.conv3 = nn.Conv2d(width, 4 * width, 1)
            self.down = nn.Conv2d(cin, 4 * width, 1, stride) if first else nn.Identity()
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            y = self.relu(self.conv1(x))
            y = self.relu(self.conv2(y))
            return self.relu(self.conv3(y) + self.down(x))

    net = nn.Sequential()
    net.add_module("conv1", nn.Conv2d(3, 64, 7, 2, 3))
    net.add_module("relu", nn.ReLU(inplace=True))
    net.add_module("pool", nn.MaxPool2d(3, 2, 1))
    cin = 64
    for number, (blocks, width, stride) in enumerate(STAGES, 1):
        stage = nn.Sequential()
        for block in range(blocks):
            first = block == 0
            stage.append(Block(cin, width, stride if first else 1, first))
            cin = 4 * width
        net.add_module("layer%d" % number, stage)
    net.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    return net.eval()


def main(model_path, feature_path, weights_path):
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load(model_path)
    graph = model.graph
    pool = next(node for node in graph.node if node.op_type == "GlobalAveragePool")
    np.savez(weights_path, **{t.name: numpy_helper.to_array(t) for t in graph.initializer
                              if not t.name.startswith("fc.")})
    onnx.utils.extract_model(model_path, feature_path, [graph.input[0].name], [pool.input[0]])


if __name__ == "__main__":
    main(*sys.argv[1:])
