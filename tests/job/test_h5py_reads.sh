#!/usr/bin/env bash
# What the README promises of the outputs, read with h5py alone; the example of
# the README; and lpcam check on good and on spoilt files.
. "$(dirname "$0")/common.sh"
need_h5py
must 2 run configs/scenes.ini --set run.out="$work/out" --set maps.full=seed
"$python" tests/job/read_outputs.py "$work/out"

# the Python example of the README, on an image of the sample
awk '/^```python$/ {n++; next} /^```$/ {n_end = n; on = 0; next} {if (n == 2 && n_end < 2) print}' README.md |
    sed "s|maps.h5|$work/out/maps.h5|; s|img_0001|$(awk '!/^#/ && NF > 1 {print $1; exit}' tests/data/scenes/labels.txt)|" >"$work/example.py"
"$python" "$work/example.py" | grep -E "^(train|bus|cow|horse|sheep) 1.0$"

for file in maps cams features prototypes; do must 2 check "$work/out/$file.h5"; done
must 1 check configs/scenes.ini
must 2 check tests/data/scenes.onnx
refused 1 "no HDF5" 2 check README.md
"$python" - "$work/out" <<'END'
import h5py, sys
with h5py.File(sys.argv[1] + "/maps.h5", "r+") as f:
    f["map/value"][7] = float("nan")
with h5py.File(sys.argv[1] + "/features.h5", "r+") as f:
    f["feature/offset"][3] = 1
END
refused 1 "/map/value" 3 check "$work/out/maps.h5"
refused 1 "/feature/offset" 3 check "$work/out/features.h5"
