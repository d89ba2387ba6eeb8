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
    shown "$file.h5" "/preview/sheet (260, 268, 3) some of the maps as a picture, named by caption" "$work/$file.png"
    grep -q "^$first: " "$work/shown"
done
shown features.h5 "/classifier/weight (5, 256) the linear layer of the classifier"
shown prototypes.h5 "/object/probability (5, 8) of the class, at the centre"

# what h5web insists on, which shows an error in the place of the picture else
"$python" - "$work"/out/*.h5 <<'END'
import sys
import h5py
for path in sys.argv[1:]:
    with h5py.File(path) as f:
        group = f[f.attrs["default"]]
        assert group.attrs["NX_class"] == b"NXdata" and "title" not in group, path
        signal = group[group.attrs["signal"]]
        rgb = signal.attrs.get("interpretation") == b"rgb-image"
        assert rgb == (signal.attrs.get("IMAGE_SUBCLASS") == b"IMAGE_TRUECOLOR") == (signal.ndim == 3), path
END

# the picture shows the maps, drawn by two ranks, upright and named: the lower a
# value, the darker
"$python" - "$work/out/maps.h5" "$work/maps.png" <<'END'
import sys
import h5py, numpy as np
from PIL import Image
with h5py.File(sys.argv[1]) as f:
    sheet = np.asarray(Image.open(sys.argv[2]))
    assert (sheet == f["preview/sheet"]).all()
    light = sheet @ (0.299, 0.587, 0.114)
    offset, label_offset, n = f["map/offset"][()], f["image/label_offset"][()], len(f["image/label"])
    ids, names, captions = (f[k].asstr()[()] for k in ("image/id", "class/name", "preview/caption"))
    left = np.ones(sheet.shape[:2], bool)
    for j in range(16):
        pair = j * n // 16
        image = np.searchsorted(label_offset, pair, side="right") - 1
        assert captions[j] == ids[image] + ": " + names[f["image/label"][pair]]
        value = f["map/value"][offset[pair]:offset[pair + 1]].reshape(f["map/grid"][image]).astype(float)
        h, w = value.shape
        y, x = j // 4 * (62 + 4), j % 4 * (64 + 4)
        tile = light[y:y + h, x:x + w]
        left[y:y + h, x:x + w] = False
        assert np.corrcoef(tile.flat, value.flat)[0, 1] > 0.98 and tile.max() > 200 > 30 > tile.min(), j
    assert (sheet[left] == 255).all()
END
echo "examples are as they should be"
