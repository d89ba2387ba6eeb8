# SPDX-License-Identifier: MIT
"""Training starts on the masks that lpcam export has written, with the readers
that it is meant for; called by test_training.sh.

    train_masks.py MASKS FOLDER      MASKS: export/masks; FOLDER: to write in

torchvision's VOCSegmentation, and mmsegmentation's data set from the file that
the export wrote, where it is installed: every label is the PNG's, and a small
network takes a few steps."""
import os
import sys

import numpy as np
from PIL import Image

SIDE, STEPS = 96, 3


def is_png(masks, stem, labels):
    return (np.asarray(labels) == np.asarray(Image.open("%s/SegmentationClass/%s.png" % (masks, stem)))).all()


def train_torchvision(masks, folder, ids, n_classes):
    import torch
    import torchvision
    os.makedirs(folder + "/VOCdevkit")
    os.symlink(os.path.abspath(masks), folder + "/VOCdevkit/VOC2012")
    voc = torchvision.datasets.VOCSegmentation(folder, year="2012", image_set="train", download=False)
    assert len(voc) == len(ids)
    for stem, (photograph, mask) in zip(ids, voc):
        assert mask.mode == "P" and mask.size == photograph.size and is_png(masks, stem, mask)

    small = [(p.resize((SIDE, SIDE)), m.resize((SIDE, SIDE), Image.NEAREST)) for p, m in (voc[i] for i in range(4))]
    x = torch.stack([torchvision.transforms.functional.to_tensor(p) for p, _ in small])
    y = torch.stack([torch.from_numpy(np.array(m, np.int64)) for _, m in small])
    torch.manual_seed(1)
    net = torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=n_classes)
    steps = torch.optim.SGD(net.parameters(), 0.05)
    losses = []
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(net(x)["out"], y, ignore_index=255)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and losses[-1] < losses[0], losses
    print("torchvision %s: %d samples, loss %.2f to %.2f" % (torchvision.__version__, len(voc), losses[0], losses[-1]))


def train_mmseg(masks, folder, ids):
    """Our file at the end of a configuration, as README.txt says; small enough here."""
    import mmseg
    import mmseg.models
    from mmengine.config import Config
    from mmengine.runner import Runner
    mmseg.utils.register_all_modules(init_default_scope=True)
    base = os.path.dirname(mmseg.__file__) + "/.mim/configs/fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py"
    with open(masks + "/mmsegmentation.py") as ours, open(folder + "/config.py", "w") as file:
        file.write('_base_ = "%s"\n' % base + ours.read())
    config = Config.fromfile(folder + "/config.py")

    plain = dict(config.train_dataloader.dataset, pipeline=[dict(type=t) for t in ("LoadImageFromFile", "LoadAnnotations", "PackSegInputs")])
    samples = mmseg.registry.DATASETS.build(plain)
    assert len(samples) == len(ids)
    for stem, sample in zip(ids, samples):
        labels = sample["data_samples"].gt_sem_seg.data[0]
        assert sample["inputs"].shape[1:] == labels.shape and is_png(masks, stem, labels)

    norm = dict(type="BN")
    config.model.update(pretrained=None, auxiliary_head=None)
    config.model.backbone.update(depth=18, norm_cfg=norm)
    config.model.decode_head.update(in_channels=512, channels=16, norm_cfg=norm, num_classes=len(config.classes))
    config.model.data_preprocessor.size = (SIDE, SIDE)
    for step in config.train_dataloader.dataset.pipeline:
        step.update({k: (SIDE, SIDE) for k in ("crop_size", "size") if k in step})
    config.train_dataloader.update(num_workers=0, persistent_workers=False)
    config.train_cfg = dict(type="IterBasedTrainLoop", max_iters=STEPS)
    config.update({"%s_%s" % (use, what): None for use in ("val", "test") for what in ("dataloader", "cfg", "evaluator")})
    config.work_dir = folder
    runner = Runner.from_cfg(config)
    runner.train()
    losses = runner.message_hub.get_scalar("train/loss").data[0]
    assert len(losses) == STEPS and np.isfinite(losses).all(), losses
    print("mmsegmentation %s: %d samples, loss %.2f to %.2f" % (mmseg.__version__, len(samples), losses[0], losses[-1]))


def main(masks, folder):
    with open(masks + "/ImageSets/Segmentation/train.txt") as file:
        ids = file.read().split()
    with open(masks + "/mmsegmentation.py") as file:
        n_classes = int(file.readline().split()[-1])
    train_torchvision(masks, folder, ids, n_classes)
    try:
        import mmseg.models
    except ImportError as error:
        print("without mmsegmentation: %s" % error)
        return
    train_mmseg(masks, folder, ids)


if __name__ == "__main__":
    main(*sys.argv[1:])
