#!/usr/bin/env bash
# The scenes as a COCO data set give the maps and the score they give as
# photographs, labels and masks, stage by stage; so do labels from NumPy.
. "$(dirname "$0")/common.sh"
need_h5py
"$python" tests/job/write_coco.py tests/data/scenes "$work/coco"
coco=(--set data.layout=coco --set "data.root=$work/coco" --set data.annotations=annotations/instances_scenes.json)

must 2 run configs/scenes.ini --set run.out="$work/list"
for job in extract cluster activate score; do
    must 3 "$job" configs/scenes.ini "${coco[@]}" --set run.out="$work/drawn"
done
same "$work/list" "$work/drawn"
grep -q "ground truth: drawn from .*/annotations/instances_scenes.json, in the order" "$work/log"

# scores equal but for what they say of the ground truth
equal_scores() {
    "$python" - "$work/list/score.json" "$1" "$2" <<'END'
import json, sys
a, b = (json.load(open(path)) for path in sys.argv[1:3])
truth = a.pop("truth"), b.pop("truth")
assert truth[0]["masks"].endswith("scenes/masks"), truth
assert truth[1]["annotations"].endswith("annotations/instances_scenes.json") and truth[1]["overlap"] == sys.argv[3], truth
assert a == b
END
}
equal_scores "$work/drawn/score.json" annotation
must 2 score configs/scenes.ini "${coco[@]}" --set run.out="$work/drawn" --set data.overlap=small
grep -q "smaller objects on top, crowds ignored" "$work/log"
equal_scores "$work/drawn/score.json" small

# labels by image id, whatever their order: the same data set, so the outputs fit
must 2 score configs/scenes.ini "${coco[@]}" --set run.out="$work/drawn" \
    --set data.labels=labels.npy --set data.label_ids=ids.txt
must 2 extract configs/scenes.ini "${coco[@]}" --set run.out="$work/drawn" \
    --set data.labels=labels.npy --set data.label_ids=ids.txt

# a file that changed since, and one that is cut off
cp -r "$work/coco" "$work/cut"
json=annotations/instances_scenes.json
sed -i 's/"counts": \[/"counts": [9/' "$work/cut/$json"
refused 1 "cannot be drawn" 2 score configs/scenes.ini "${coco[@]}" --set run.out="$work/drawn" --set "data.root=$work/cut"
head -c 3000 "$work/coco/$json" >"$work/cut/$json"
refused 1 "it is cut off" 2 extract configs/scenes.ini "${coco[@]}" --set run.out="$work/cut_out" --set "data.root=$work/cut"
echo "a COCO data set gives what its photographs, labels and masks give"
