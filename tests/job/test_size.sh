#!/usr/bin/env bash
# The bookkeeping of thousands of images: a rank is killed in the middle of
# extract and of activate; what was safe by then is not done again, every image
# ends as done, and all tables agree with the index. The first starts read a list
# of labels, the second ones COCO's index: it is the same data set. For times and
# memory of as many images as COCO has: tests/bench/size.sh.
. "$(dirname "$0")/common.sh"
need_h5py
"$python" -c 'import PIL' 2>/dev/null || { echo "skipped: needs PIL (Debian package python3-pil)"; exit 77; }
limit=120
out=$work/out set=$work/set files=tests/job/size_files.py
"$python" -B tests/data/coco_set.py "$set" --images 2000 --annotations 6000 --masks
settings=(configs/reference.ini --set run.out="$out" --set data.root="$set" --set model.file="$set/net.onnx"
    --set model.classes="$set/names.txt" --set cam.scales=1 --set cam.flip=no --set kmeans.k=4)
coco=("${settings[@]}" --set data.layout=coco --set data.annotations=instances.json)

# in_two JOB RANKS OTHER_RANKS FILE...: killed when rank 1 is at its 600th image,
# then done by other ranks
in_two() {
    local job=$1 code=0 safe
    LPCAM_FAULT="walk_each@1:600!9" ranks "$2" "$job" "${settings[@]}" || code=$?
    grep -qi "on signal 9" "$work/log" || { echo "$job: exit code $code, not killed"; cat "$work/log"; exit 1; }
    safe=$("$python" $files spoil "${@:4}")
    [ "$safe" -ge 512 ] || { echo "$job: only $safe images were safe"; exit 1; }
    must "$3" "$job" "${coco[@]}"
    grep -oE "$job [0-9,]+ of [0-9,]+ images in" "$work/log" | tr -d , >"$work/done"
    echo "$job $((2000 - safe)) of $((2000 - safe)) images in" | cmp - "$work/done" ||
        { echo "$job: $safe images were safe"; cat "$work/log"; exit 1; }
    echo "$job: $safe images were safe, $((2000 - safe)) done by the second start"
}

in_two extract 2 3 "$out/features.h5.partial" "$out/cams.h5.partial"
"$python" $files spoilt "$out/features.h5"
"$python" $files spoilt "$out/cams.h5"
must 3 cluster "${settings[@]}"
in_two activate 3 2 "$out/maps.h5.partial"
"$python" $files spoilt "$out/maps.h5"
"$python" $files check "$out" "$set"
must 2 score "${settings[@]}"
must 2 score "${coco[@]}"

# One more start of each finds all there.
for job in extract cluster activate; do
    must 2 "$job" "${settings[@]}"
    grep -q "already there" "$work/log"
done
