#!/usr/bin/env bash
# Training of a segmentation network starts on exported masks, unsure pixels
# among them, with torchvision's and, where it is installed, mmsegmentation's own
# readers.
. "$(dirname "$0")/common.sh"
need_python h5py PIL torch torchvision
must 2 run configs/scenes.ini --set run.out="$work/out" --set export.formats=masks --set export.threshold="0.2 0.4"
mkdir "$work/train"
"$python" tests/job/train_masks.py "$work/out/export/masks" "$work/train" 2>"$work/said" || { tail -n 20 "$work/said"; exit 1; }
