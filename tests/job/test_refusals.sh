#!/usr/bin/env bash
# Bad input is one clear sentence and the right exit code, on one rank or more.
. "$(dirname "$0")/common.sh"
cp -r tests/data/scenes "$work/scenes"
set_data=(--set "data.root=$work/scenes" --set "run.out=$work/out")

refused 2 "kmeans.kk" 2 run configs/scenes.ini --set kmeans.kk=3
refused 2 "kmeans.k" 1 run configs/scenes.ini --set kmeans.k=none
refused 2 "kmeans.kernel must be auto or avx512 or avx2 or plain, not \"sse\"" 2 run configs/scenes.ini --dry-run --set kmeans.kernel=sse
refused 2 "run.out" 2 run configs/reference.ini
refused 1 "nowhere.ini" 2 run nowhere.ini
refused 1 "nothing.onnx" 2 run configs/scenes.ini "${set_data[@]}" --set model.file=nothing.onnx
refused 1 "no.txt" 3 run configs/scenes.ini "${set_data[@]}" --set data.labels=no.txt

# a label that names no class, an image twice, an image that is missing
id=$(awk '!/^#/ {print $1; exit}' "$work/scenes/labels.txt")
sed "s/^$id .*/$id 77/" tests/data/scenes/labels.txt >"$work/scenes/bad1.txt"
refused 1 "77" 2 run configs/scenes.ini "${set_data[@]}" --set data.labels=bad1.txt
{ cat tests/data/scenes/labels.txt; echo "$id 1"; } >"$work/scenes/bad2.txt"
refused 1 "$id" 2 run configs/scenes.ini "${set_data[@]}" --set data.labels=bad2.txt
{ cat tests/data/scenes/labels.txt; echo "ghost 1"; } >"$work/scenes/bad3.txt"
refused 1 "ghost" 2 run configs/scenes.ini "${set_data[@]}" --set data.labels=bad3.txt
: >"$work/scenes/empty.txt"
refused 1 "empty.txt" 2 run configs/scenes.ini "${set_data[@]}" --set data.labels=empty.txt

# ground truth that is asked for and not there, before any work
refused 1 "data.masks = nope: there is no folder $work/scenes/nope" 2 score configs/scenes.ini "${set_data[@]}" --set data.masks=nope --quiet
refused 1 "data.masks = nope" 2 run configs/scenes.ini "${set_data[@]}" --set data.masks=nope --dry-run
refused 1 "$work/scenes/none.json" 2 run configs/scenes.ini "${set_data[@]}" --set data.layout=coco --set data.annotations=none.json --dry-run

# one broken photograph is told and left out; too many end the run
head -c 900 "tests/data/scenes/images/$id.jpg" >"$work/scenes/images/$id.jpg"
must 2 run configs/scenes.ini "${set_data[@]}" --set data.max_bad=0.1
grep -q "$id" "$work/log"
# a score without masks is told even by --quiet
must 2 score configs/scenes.ini "${set_data[@]}" --set data.masks= --quiet
grep -qF "warning: score: no masks: nothing to score" "$work/log"
mv "$work/scenes/masks" "$work/scenes/hidden"
must 2 score configs/scenes.ini "${set_data[@]}" --quiet
grep -qF "warning: score: no masks in masks: nothing to score" "$work/log"
mv "$work/scenes/hidden" "$work/scenes/masks"

for again in 1 2; do # also when it is started again
    refused 1 "1 broken photograph is more than data.max_bad" 3 run configs/scenes.ini "${set_data[@]}" --set run.out="$work/out2" --set data.max_bad=0
done
refused 1 "not complete" 2 check "$work/out2/cams.h5.partial"
refused 1 "not complete" 2 check "$work/out2/features.h5.partial"

# what check does not read it does not tell to remove; a folder is its .h5 files
echo '{}' >"$work/score.json"
printf 'no HDF5' >"$work/torn.h5"
reads="lpcam check reads CONFIG.ini, MODEL.onnx and the .h5 files of a run"
for path in labels.txt score.json scenes/images; do
    [ "$path" != labels.txt ] || cp "$work/scenes/labels.txt" "$work/labels.txt"
    refused 1 "$reads" 2 check "$work/$path"
    [ "$(grep -c remove "$work/log")" = 0 ]
done
refused 1 "torn.h5 is no HDF5 file: remove it and make it again" 2 check "$work/torn.h5"
must 3 check "$work/out"
[ "$(grep -c "h5: good: " "$work/log")" = "$(ls "$work/out" | grep -c 'h5$')" ]
mkdir "$work/some"
cp "$work/out/maps.h5" "$work/some/z.h5"
cp "$work/torn.h5" "$work/some/a.h5"
refused 1 "some/a.h5 is no HDF5 file" 2 check "$work/some/"
grep -q "some/z.h5: good: " "$work/log"
mv "$work/some/z.h5" "$work/some/maps.hdf5"
must 1 check "$work/some/maps.hdf5"

# mended, it is taken up again
cp "tests/data/scenes/images/$id.jpg" "$work/scenes/images/$id.jpg"
must 2 run configs/scenes.ini "${set_data[@]}" --set run.out="$work/out2" --set data.max_bad=0
grep -q "56 images, 0 broken" "$work/log"
head -c 900 "tests/data/scenes/images/$id.jpg" >"$work/scenes/images/$id.jpg"

# other settings on the same output are refused, naming the value
refused 1 "split.threshold" 2 run configs/scenes.ini "${set_data[@]}" --set split.threshold=0.2 --set data.max_bad=0.1
refused 1 "kmeans.k" 2 run configs/scenes.ini "${set_data[@]}" --set kmeans.k=3 --set data.max_bad=0.1
refused 1 "model.mean" 2 run configs/scenes.ini "${set_data[@]}" --set model.mean="0.5 0.5 0.5" --set data.max_bad=0.1
grep -v "^$id " tests/data/scenes/labels.txt >"$work/scenes/fewer.txt"
refused 1 "data.fingerprint" 2 run configs/scenes.ini "${set_data[@]}" --set data.labels=fewer.txt
{ cat tests/data/scenes.onnx; printf '\022\001x'; } >"$work/other.onnx" # its producer has another name
refused 1 "model.sha256" 2 run configs/scenes.ini "${set_data[@]}" --set model.file="$work/other.onnx" --set data.max_bad=0.1
refused 1 "kmeans.k" 2 activate configs/scenes.ini "${set_data[@]}" --set kmeans.k=3 --set data.max_bad=0.1
rm "$work/out/prototypes.h5" "$work/out/maps.h5"
refused 1 "lpcam cluster" 2 activate configs/scenes.ini "${set_data[@]}" --set data.max_bad=0.1

# jobs that go on with files of others make no folder where there are none
for job in cluster activate score export; do
    refused 1 "there is no folder $work/mistyped: run.out" 2 "$job" configs/scenes.ini "${set_data[@]}" --set run.out="$work/mistyped" --set export.formats=masks
    [ ! -e "$work/mistyped" ]
done

# clusters of bf16 features are not those of a processor of another kind
bf16=(--set "run.out=$work/bf16" --set features.value=bf16)
must 2 extract configs/scenes.ini "${bf16[@]}"
must 2 cluster configs/scenes.ini "${bf16[@]}" --set kmeans.kernel=plain
must 2 cluster configs/scenes.ini "${bf16[@]}" --set kmeans.kernel=plain
if grep -q avx512_bf16 /proc/cpuinfo; then
    refused 1 "made with kmeans.bf16_pairs = no" 2 cluster configs/scenes.ini "${bf16[@]}"
fi

# without a launcher
says() { # TEXT ARGS...
    local text=$1
    shift
    "$LPCAM" "$@" >"$work/log"
    grep -q "$text" "$work/log"
}
says "Jobs:"
says "OpenVINO" --version
says "kmeans" run --help
code=0; "$LPCAM" rum x.ini 2>"$work/log" || code=$?
[ "$code" = 2 ]
grep -q "nearest: run" "$work/log"

# a dry run checks and writes nothing
must 2 run configs/scenes.ini --dry-run --set run.out="$work/dry"
grep -q "plan" "$work/log"
[ ! -e "$work/dry" ]

# a rank's threads take processors from other ranks of the node; the table ends
# where the nodes have 16384 ranks
must 1 plan configs/scenes.ini --set run.out="$work/dry" --set model.threads="$(getconf _NPROCESSORS_ONLN)"
grep -q "nodes of 1 ranks" "$work/log"
must 1 plan configs/scenes.ini --set run.out="$work/dry" --set plan.ranks=48
grep -q "nodes of 48 ranks" "$work/log"
grep -Eq "\] +342 +16416 " "$work/log"
echo "all refusals as they should be"
