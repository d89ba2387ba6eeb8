#!/usr/bin/env bash
# The Python examples of the README: a Dataset whose workers open the file, and
# the picture that a viewer shows first.
. "$(dirname "$0")/common.sh"
need_h5py
must 2 run configs/scenes.ini --set run.out="$work/out"

"$python" tests/job/check_dataset.py "$work/out/maps.h5"

shown() { # FILE LINE: the example says LINE of what is shown first
    "$python" tests/job/picture_example.py "$work/out/$1" "${@:3}" >"$work/shown"
    grep -qFx -- "$2" "$work/shown" || { echo "$1: no \"$2\" in:"; cat "$work/shown"; exit 1; }
}
first=$(awk '!/^#/ && NF > 1 {print $1; exit}' tests/data/scenes/labels.txt)
for file in cams maps; do
    shown "$file.h5" "/preview/map (16, 62, 64) some of the maps as pictures, padded with 0" "$work/$file.png"
    grep -q "^$first: " "$work/shown"
done
shown features.h5 "/classifier/weight (5, 256) the linear layer of the classifier"
shown prototypes.h5 "/method/vector (5, 256) $(printf '%s' "the prototypes of a class in one vector, the mean over the starts: its product with a feature of length 1 is LPCAM")"

# the pictures are the maps, drawn by any number of ranks
"$python" - "$work/out/maps.h5" "$work/maps.png" <<'END'
import sys
import h5py, numpy as np
from PIL import Image
with h5py.File(sys.argv[1]) as f:
    shown = np.asarray(Image.open(sys.argv[2]))
    offset, label_offset, n = f["map/offset"][()], f["image/label_offset"][()], len(f["image/label"])
    m, h, w = f["preview/map"].shape
    assert shown.shape == (h, m * w)
    for j in range(m):
        pair = j * n // m
        image = np.searchsorted(label_offset, pair, side="right") - 1
        value = f["map/value"][offset[pair]:offset[pair + 1]].reshape(f["map/grid"][image]).astype(float)
        there = np.zeros((h, w))
        there[:value.shape[0], :value.shape[1]] = value
        assert np.abs(shown[:, j * w:(j + 1) * w] / 255 - there).max() < 0.003, j
    title = f["preview/title"].asstr()[3]
END
echo "examples are as they should be"
