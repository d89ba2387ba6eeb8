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

# features written elsewhere, with h5py, are clustered and activated; others in
# their place are told apart
mkdir "$work/foreign"
"$python" tests/job/write_features.py "$work/out/features.h5" "$work/foreign/features.h5"
must 3 cluster configs/scenes.ini --set run.out="$work/foreign"
must 2 activate configs/scenes.ini --set run.out="$work/foreign"
must 2 score configs/scenes.ini --set run.out="$work/foreign"
grep -q "0.300" "$work/log"
"$python" - "$work/out/maps.h5" "$work/foreign/maps.h5" <<'END'
import h5py, sys
a, b = (h5py.File(path)["map/value"][()] for path in sys.argv[1:])
assert (a == b).all(), "maps from the same features written by h5py differ"
END
must 2 cluster configs/scenes.ini --set run.out="$work/foreign"
grep -q "already there" "$work/log"
"$python" -c 'import h5py, sys; h5py.File(sys.argv[1], "r+")["classifier/weight"][0] = 1' "$work/foreign/features.h5"
refused 1 "classifier.weight.sha256" 2 cluster configs/scenes.ini --set run.out="$work/foreign"

for file in maps cams features prototypes; do must 2 check "$work/out/$file.h5"; done
must 1 check configs/scenes.ini
must 2 check tests/data/scenes.onnx
refused 1 "cannot check README.md: lpcam check reads" 2 check README.md
"$python" - "$work/out" <<'END'
import h5py, sys
with h5py.File(sys.argv[1] + "/maps.h5", "r+") as f:
    f["map/value"][7] = float("nan")
with h5py.File(sys.argv[1] + "/features.h5", "r+") as f:
    f["feature/offset"][3] = 1
END
refused 1 "/map/value" 3 check "$work/out/maps.h5"
refused 1 "/feature/offset" 3 check "$work/out/features.h5"
